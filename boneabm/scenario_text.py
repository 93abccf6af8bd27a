"""Reading and writing scenario files: finding them, syntax errors with their line, problem lists, resolved text."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from boneabm.endocrine.drugs import drug_table
from boneabm.errors import InputError, nearest

_SCREEN = 8
_KINDS = ("generated", "image")
_EXAMPLES = {"amt": '"60 mg"', "rate": '"50 ug/d"'}
_TABLES = ("state", "diet", "dose", "infusion", "activity", "condition")

Models = Mapping[tuple[str, ...], type[BaseModel]]


def packaged_scenarios(sweeps: bool = False) -> dict[str, Path]:
    """Scenarios (or sweep files) that come with the package, by bare name; from a checkout: its scenarios folder."""
    inside = Path(str(resources.files("boneabm"))) / "data" / "scenarios"
    folder = inside if inside.is_dir() else Path(str(resources.files("boneabm"))).parent / "scenarios"
    return {path.stem: path for path in sorted(folder.glob("*.toml")) if path.stem.endswith("_sweep") == sweeps}


def find_scenario(source: str | Path) -> Path:
    """File of a scenario given by path or by the bare name of a packaged one; InputError if there is none."""
    path, known = Path(source), packaged_scenarios()
    if path.is_file():
        return path
    if str(source) in known:
        return known[str(source)]
    if path.is_dir():
        raise InputError(
            f"{source} is a folder. Give a scenario file (.toml); a run folder is continued by: boneabm resume {source}"
        )
    hint = nearest(path.stem, known)
    raise InputError(f"{source}: no such scenario file, nor a packaged scenario. {hint}")


def read_text(path: Path) -> str:
    """Text of a file; InputError where it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file in UTF-8 ({error.reason} at byte {error.start}).") from None


def read_toml(text: str, where: str) -> dict[str, Any]:
    """Tables of a TOML text; a syntax error is an InputError with file, line and the line itself."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        number = _line_of(str(error), text)
        lines = text.splitlines() or [""]
        shown = lines[min(number, len(lines)) - 1].strip()[:100]
        raise InputError(f"{where}, line {number}: not valid TOML: {error}\n  {shown}") from None


def merge_tables(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Tables of a scenario with changes laid over them: tables are merged key by key, all else is replaced.

    Numbers of [parameters] are merged by their dotted names, however they are written.
    """
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        if key == "parameters" and isinstance(value, Mapping):
            merged[key] = dict(flatten(old if isinstance(old, Mapping) else {})) | dict(flatten(value))
        elif isinstance(value, Mapping) and isinstance(old, Mapping):
            merged[key] = merge_tables(old, value)
        else:
            merged[key] = value
    return merged


def flatten(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Dotted names and values of nested tables, whether written as "a.b" = 1 or as a.b = 1."""
    flat: list[tuple[str, Any]] = []
    for key, value in table.items():
        flat += flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [(prefix + key, value)]
    return flat


def _line_of(message: str, text: str) -> int:
    _, found, rest = message.partition("at line ")
    return int(rest.split(",")[0]) if found else max(1, len(text.splitlines()))


def problem_lines(error: ValidationError, models: Models) -> list[str]:
    """One sentence per problem: key path as written, what is wrong, what is allowed, the closest match."""
    return [_problem(dict(one), models) for one in error.errors(include_url=False)]


def input_error(where: str, problems: Iterable[str]) -> InputError:
    """All problems of one file in one message that fits a screen."""
    lines = list(problems)
    shown = [f"{where}, {line}" for line in lines[:_SCREEN]]
    if len(lines) > _SCREEN:
        shown.append(f"... and {len(lines) - _SCREEN} more problems.")
    return InputError("\n".join(shown))


def _problem(one: dict[str, Any], models: Models) -> str:
    loc, kind, given = one["loc"], one["type"], one["input"]
    extra = one.get("ctx", {}).get("key", "") if kind == "refused" else ""
    return f"{key_path((*loc, extra) if extra else loc)}: {_sentence(one, loc, kind, given, models)}"


def _sentence(one: dict[str, Any], loc: tuple[Any, ...], kind: str, given: Any, models: Models) -> str:
    context = one.get("ctx", {})
    if kind == "refused":
        return str(context["text"])
    if kind == "missing":
        return _missing(loc)
    if kind == "extra_forbidden":
        return _unknown(loc, models)
    if kind == "union_tag_not_found":
        return 'missing key "kind". Allowed: "generated" (a made block) or "image" (your own micro-CT).'
    if kind == "union_tag_invalid":
        return f'kind "{context["tag"]}" is not known. {nearest(context["tag"], _KINDS)}'
    if kind == "literal_error":
        return f"{_short(given)} is not allowed. Allowed: {context['expected']}."
    return _wrong_type(loc, kind, given)


def _wrong_type(loc: tuple[Any, ...], kind: str, given: Any) -> str:
    name = str(loc[0])
    if len(loc) == 1 and name in _TABLES:
        return f"must be a list of tables. Write [[{name}]], with double brackets, once per row."
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"{_short(given)} is not a table. Write a section [{name}] with single brackets and its keys below."
    wanted = {
        "string_type": "a text in quotes",
        "bool_type": "true or false",
        "tuple_type": 'a list such as ["a", "b"]',
    }
    return f"{_short(given)} is not {wanted.get(kind, f'usable here ({kind})')}."


def _missing(loc: tuple[Any, ...]) -> str:
    if loc[-1] == "voxel_size":
        return 'missing. Write it, for example voxel_size = "19.5 um"; a file that states another one is refused.'
    if loc[-1] == "drug":
        return f"missing. {nearest('', drug_table())}"
    if loc[-1] in _EXAMPLES:
        return f"missing. Example: {loc[-1]} = {_EXAMPLES[loc[-1]]}."
    if loc == ("bone",):
        return 'missing section. Every scenario names its bone: [bone] with kind = "generated" or kind = "image".'
    return "missing, and it has no default."


def _unknown(loc: tuple[Any, ...], models: Models) -> str:
    section = tuple(part for part in loc[:-1] if isinstance(part, str))
    model = models.get(section)
    own = keys_of(model) if model else ()
    homes = [key_path(other) for other, candidate in models.items() if other and loc[-1] in keys_of(candidate)]
    belongs = f" It belongs in {' or '.join(f'[{h}]' for h in dict.fromkeys(homes))}." if homes else ""
    return f"not a known key. {nearest(str(loc[-1]), own)}{belongs}"


def keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    """Keys of a section as they are written in a file."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def key_path(loc: Iterable[Any]) -> str:
    """Key path as in a file: ("bone", "generated", "voxel") is bone.voxel, ("state", 0, "level") is state[0].level."""
    parts = list(loc)
    if len(parts) > 1 and parts[0] == "bone" and parts[1] in _KINDS:
        del parts[1]
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".")


def _short(given: Any) -> str:
    text = json.dumps(given, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def to_toml(tables: Mapping[str, Any]) -> str:
    """TOML text of plain keys, sections (dictionaries) and lists of sections, in this order."""
    plain = {key: value for key, value in tables.items() if not _is_section(value)}
    blocks = [_lines(plain)] if plain else []
    for name, value in tables.items():
        if isinstance(value, Mapping):
            blocks.append(f"[{name}]\n{_lines(value)}")
        elif _is_section(value):
            blocks += [f"[[{name}]]\n{_lines(row)}" for row in value]
    return "\n".join(blocks)


def _is_section(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, (list, tuple)) and len(value) > 0 and isinstance(value[0], Mapping)
    )


def _lines(table: Mapping[str, Any]) -> str:
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in table.items())


def _key(key: str) -> str:
    return key if key.replace("_", "").isalnum() and key.isascii() else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value)
