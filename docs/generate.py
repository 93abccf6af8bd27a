"""Pages of the docs site that are made from the project itself; a hook of MkDocs, see mkdocs.yml.

README, ARCHITECTURE and CHANGELOG become pages; commands, scenario keys, parameters, columns of files and the Python
reference are read from the code and the data, so they cannot say anything else than these do.
"""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from site_figures import FIGURES

from boneabm import cli
from boneabm.cli_params import listing
from boneabm.io import schema
from boneabm.scenario import SECTIONS, Scenario
from boneabm.scenario_text import key_path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "boneabm"
ROOT_PAGES = {"README.md": "index.md", "ARCHITECTURE.md": "architecture.md", "CHANGELOG.md": "changelog.md"}
API = "reference/api"
TABLES_MARK, CHECKS_MARK = "<!-- tables of columns -->", "<!-- table of checks -->"
CHECKS = PACKAGE / "data" / "validation" / "body_checks.csv"
COLUMN_TABLES = (
    ("run.vtkhdf, run.xmf: fields of volumes", schema.VOLUME_FIELDS),
    ("agents.vtkhdf: columns of cells", schema.AGENT_COLUMNS),
    ("series.csv: one row per day", schema.SERIES_FIRST | schema.SERIES_FURTHER),
    ("events.csv: one row per event", schema.EVENT_COLUMNS),
    ("biopsy.csv: one row per biopsy", schema.BIOPSY_COLUMNS),
    ("mechanoregulation.csv: one row per biopsy and tenth of the surface", schema.MECHANOREGULATION_COLUMNS),
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Hang the pages of the Python reference below their index."""
    pages = [{unit: f"{API}/{unit}.md"} for unit in units()]
    config.nav = _with_pages(config.nav, pages)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add all generated pages and figures."""
    for place, text in generated():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put the tables of columns into the page about files, the checks of the body into that about the body."""
    for mark, made in ((TABLES_MARK, column_tables), (CHECKS_MARK, check_table)):
        markdown = markdown.replace(mark, made()) if mark in markdown else markdown
    return markdown


def generated() -> Iterator[tuple[str, str | bytes]]:
    """Place and content of every generated page."""
    for name, place in ROOT_PAGES.items():
        yield place, linked((ROOT / name).read_text(encoding="utf-8"))
    yield "reference/commands.md", commands()
    yield "reference/scenario.md", scenario_reference()
    yield "reference/parameters.md", parameter_tables()
    yield f"{API}/index.md", api_index()
    for place, draw in FIGURES.items():
        yield place, draw()
    for unit, files in units().items():
        yield f"{API}/{unit}.md", api_page(unit, files)


def linked(text: str) -> str:
    """Text of a file of the root with links that hold in the site; links to other files become plain words."""
    for name, place in ROOT_PAGES.items():
        text = text.replace(f"]({name})", f"]({place})")
    text = re.sub(r"\]\(docs/", "](", text)
    return re.sub(r"\[([^\]]+)\]\((?!https?:|#)(?![\w./-]+\.(?:md|png|svg)[)#])[^)]*\)", r"\1", text)


def commands() -> str:
    """Every command with its arguments and options, as `--help` has them."""
    lines = ["# Commands", "", "`boneabm --help` and `boneabm COMMAND --help` tell the same.", ""]
    for name, command in _commands(typer.main.get_command(cli.app), "boneabm"):
        told = [_option(one) for one in command.params if not getattr(one, "hidden", False)]
        lines += [f"## {name}", "", plain(command.help or ""), "", *table(("option", "default", "meaning"), told), ""]
    return "\n".join(lines)


def scenario_reference() -> str:
    """Every section and key of a scenario file: what may stand there, its default, its meaning."""
    whole = Scenario.json_schema()
    lines = [
        "# Scenario files", "",
        "A scenario is a TOML file. Quantities are texts with a unit, such as `\"20 um\"`. `boneabm schema --out "
        "scenario.json` writes the same as a JSON schema, with which editors complete and check a scenario while "
        "it is typed.", "",
    ]  # fmt: skip
    for path, model in SECTIONS.items():
        section = whole if not path else whole["$defs"][model.__name__]
        lines += [f"## {_section_title(path)}", "", *block(section["description"]), ""]
        needed = section.get("required", ()) or ("title", "bone") * (not path)
        rows = [_key(key, one, key in needed) for key, one in section["properties"].items()]
        lines += [*table(("key", "what is written", "default"), rows), ""]
    return "\n".join(lines)


def parameter_tables() -> str:
    """Every number of the model with range, unit, source and confidence."""
    rows, weak = listing(), listing(check=True)
    lines = ["# Parameters", ""]
    told = ", ".join(f"{len(weak[name])} of {len(rows[name])} {name}" for name in rows)
    lines += [f"Of low confidence or assumed: {told}. `boneabm params --check` lists them.", ""]
    sections: dict[str, list[dict[str, Any]]] = {}
    for row in rows["parameters"]:
        sections.setdefault(row["section"], []).append(row)
    head = ("name", "value", "range", "unit", "confidence", "source and note")
    for name, section in sections.items():
        lines += [f"## [{name}]", "", *table(head, map(_parameter, section)), ""]
    lines += ["## Effects of hormones and other drivers", ""]
    head = ("driver", "target", "exponent", "range", "form", "confidence", "source and note")
    lines += [*table(head, map(_effect, rows["effects"])), "", "## Drugs", ""]
    head = ("drug", "routes", "form", "confidence", "source and note")
    return "\n".join([*lines, *table(head, map(_drug, rows["drugs"])), ""])


def column_tables() -> str:
    """The columns of every file of a run."""
    lines = [f"Version of the schema: {schema.SCHEMA_VERSION}.", ""]
    for title, columns in COLUMN_TABLES:
        rows = [(f"`{one.name}`", one.dtype, plain(one.unit), plain(one.meaning)) for one in columns.values()]
        lines += [f"### {title}", "", *table(("name", "type", "unit", "meaning"), rows), ""]
    return "\n".join(lines)


def check_table() -> str:
    """Every check of the body: published figure with tolerance, what the model gives, source."""
    with CHECKS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return "\n".join(table(("check", "expected", "model", "source"), map(_check, rows)))


def _check(row: Mapping[str, str]) -> tuple[str, ...]:
    what = f"`{row['check']}` {plain(row['dose_regimen'])}: {plain(row['quantity'])}"
    expected = f"{row['expected']} ± {row['tolerance']} {plain(row['unit'])}"
    return what, expected, row["model_now"] or "-", plain(row["source"])


def units() -> dict[str, list[Path]]:
    """Files of every unit of the package with public names, by folder or module; commands are documented apart."""
    found: dict[str, list[Path]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        unit = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if not unit.startswith(("cli", "__")) and any(_definitions(_tree(file))):
            found.setdefault(unit, []).append(file)
    return found


def api_index() -> str:
    """The names of the front door, and all units."""
    tree = _tree(PACKAGE / "__init__.py")
    homes = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOMES"
    )
    lines = ["# Python", "", "The front door, `import boneabm`:", ""]
    rows = [(f"`boneabm.{name}`", f"[{home}]({home}.md)") for name, home in homes.items()]
    lines += [*table(("name", "home"), rows), "", "All units:", ""]
    rows = [(f"[{unit}]({unit}.md)", plain(_first_line(files))) for unit, files in units().items()]
    return "\n".join([*lines, *table(("unit", "what it is"), rows), ""])


def api_page(unit: str, files: list[Path]) -> str:
    """Public functions and classes of a unit with their signatures and docstrings."""
    lines = [f"# {unit}", ""]
    for file in files:
        tree = _tree(file)
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        lines += [f"## {module}", "", plain(ast.get_docstring(tree) or ""), ""]
        for node in _definitions(tree):
            lines += [f"### {node.name}", "", "```python", *_signature(node), "```", ""]
            lines += [*block(ast.get_docstring(node) or ""), ""]
    return "\n".join(lines)


def table(head: tuple[str, ...], rows: Iterable[Iterable[str]]) -> list[str]:
    """Lines of a Markdown table; none where it has no rows."""
    told = ["| " + " | ".join(row) + " |" for row in rows]
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *told] if told else []


def plain(text: object) -> str:
    """Text that Markdown leaves alone, also within a table."""
    escaped = re.sub(r"([\\`*_\[\]<>])", r"\\\1", " ".join(str(text).split()))
    return escaped.replace("|", "&#124;")


def block(text: str) -> list[str]:
    """Text whose lines and spaces stay, as docstrings are written; a single line is plain."""
    if "\n" not in text:
        return [plain(text)]
    return ["```text", text, "```"] if text else []


def _with_pages(nav: Any, pages: list[dict[str, str]]) -> Any:
    """The tree of pages with these below the index of the Python reference."""
    if isinstance(nav, list):
        return [_with_pages(one, pages) for one in nav]
    if isinstance(nav, dict):
        index = f"{API}/index.md"
        return {key: [index, *pages] if one == index else _with_pages(one, pages) for key, one in nav.items()}
    return nav


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Names and commands of a group, and those of its groups."""
    inside = getattr(command, "commands", None)
    for word, one in (inside or {}).items():
        yield from _commands(one, f"{name} {word}")
    if inside is None or (command.invoke_without_command and name != "boneabm"):
        yield name, command


def _option(one: Any) -> tuple[str, str, str]:
    words = [one.metavar or one.name] if one.param_type_name == "argument" else [*one.opts, *one.secondary_opts]
    default = "" if one.default in (None, (), False) or callable(one.default) else str(one.default)
    return ", ".join(f"`{word}`" for word in words), plain(default), plain(getattr(one, "help", None) or "")


def _section_title(path: tuple[str, ...]) -> str:
    if not path:
        return "At the top"
    if path[0] == "bone":
        return f'[bone] with kind = "{path[1]}"'
    listed = Scenario.json_schema()["properties"][path[0]].get("type") == "array"
    return f"[[{key_path(path)}]], any number of them" if listed else f"[{key_path(path)}]"


def _key(key: str, one: Mapping[str, Any], needed: bool) -> tuple[str, str, str]:
    default = "needed" if needed else _default(one.get("default"))
    return f"`{key}`", _what(one), default


def _default(value: Any) -> str:
    """A default as it would be written; nothing for sections, whose keys have their own, and where there is none."""
    if value in (None, "", []) or isinstance(value, Mapping):
        return ""
    if isinstance(value, list):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _what(one: Mapping[str, Any]) -> str:
    """What may stand at a key, in words."""
    if "$ref" in one or "oneOf" in one or (one.get("items") or {}).get("$ref"):
        return "a section, see below"
    if "additionalProperties" in one or "properties" in one:
        return "numbers by dotted name, see [Parameters](parameters.md)"
    if "anyOf" in one:
        return " or ".join(dict.fromkeys(_what(part) for part in one["anyOf"]))
    if "enum" in one or "const" in one:
        return ", ".join(f"`{word}`" for word in one.get("enum", [one.get("const")]))
    if "items" in one:
        return f"a list of: {_what(one['items'])}"
    span = f", {one['minimum']:g} to {one['maximum']:g}" if "minimum" in one and "maximum" in one else ""
    kind = {"integer": "whole number", "number": "number", "boolean": "true or false", "string": "text"}[one["type"]]
    example = f", as `{one['examples'][0]}`" if one.get("examples") else ""
    return plain(one.get("description", kind + span)) + example


def _parameter(row: Mapping[str, Any]) -> tuple[str, ...]:
    span = f"{row['low']:g} to {row['high']:g}"
    words = (row["unit"], row["confidence"], _told(row))
    return f"`{row['name']}`", f"{row['value']:g}", span, *map(plain, words)


def _told(row: Mapping[str, Any]) -> str:
    """Source and note of a row in one cell."""
    return ". ".join(part.rstrip(".") for part in (row["source"], row["note"]) if part)


def _effect(row: Mapping[str, Any]) -> tuple[str, ...]:
    names = (f"`{row['driver']}`", f"`{row['target']}`", f"{row['exponent']:g}", f"{row['low']:g} to {row['high']:g}")
    return *names, *map(plain, (row["form"], row["confidence"], _told(row)))


def _drug(row: Mapping[str, Any]) -> tuple[str, ...]:
    ways = ", ".join([*row["routes"], *(f"{name} (held rate)" for name in row["infusions"])])
    return f"`{row['name']}`", plain(ways), *map(plain, (row["form"], row["confidence"], _told(row)))


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _definitions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node


def _first_line(files: list[Path]) -> str:
    head = next((file for file in files if file.name == "__init__.py"), files[0])
    return (ast.get_docstring(_tree(head)) or "").partition("\n\n")[0]


def _signature(node: ast.FunctionDef | ast.ClassDef) -> list[str]:
    """A function's line, or a class's line with its fields and public methods."""
    if isinstance(node, ast.FunctionDef):
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        return [f"def {node.name}({ast.unparse(node.args)}){returns}"]
    bases = ", ".join(map(ast.unparse, node.bases))
    lines = [f"class {node.name}({bases})" if bases else f"class {node.name}"]
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and not ast.unparse(one.target).startswith("_"):
            lines.append(f"    {ast.unparse(one)}")
        elif isinstance(one, ast.FunctionDef) and (one.name == "__init__" or not one.name.startswith("_")):
            lines += [f"    {line}" for line in _signature(one)]
    return lines
