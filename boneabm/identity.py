"""What makes two runs the same run, and two burned-in states the same state: content, never names or places."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import tokenize
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from .build_loads import make_program
from .endocrine.effects import effect_table
from .io.checkpoint import read_checkpoint_meta
from .io.images import image_files, sha256_of_files
from .io.runfolder import RunFolder
from .parameters import ParameterSet
from .scenario import ImageBone, Scenario

DIGITS = 16
MODEL_SOURCES = (
    "data/parameters.toml", "data/endocrine.toml", "data/effects.csv", "data/drugs.toml",
    "data/loading.csv", "kernels/*.py",
    "lattice/*.py", "mechanics/*.py", "fields/*.py",
    "cells/*.py", "endocrine/*.py", "loading/*.py", "remodeling/*.py", "morphometry/thickness.py", "engine/*.py",
    "io/images.py", "io/medical.py", "io/microct.py", "io/scanco.py", "io/tiff.py",
    "state.py", "build.py", "build_loads.py", "parameters.py", "units.py",
)  # fmt: skip
TEXTS = ("title", "question", "expected", "source")
LAYOUT = {tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT}


@cache
def model_version() -> str:
    """Hash of the sources and numbers that decide what a day does; files, pictures and commands do not count.

    Nor do comments and docstrings of the sources: a corrected sentence makes no new model.
    """
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for file in sorted({file for pattern in MODEL_SOURCES for file in package.glob(pattern) if file.is_file()}):
        content = code_of(file.read_text(encoding="utf-8")).encode() if file.suffix == ".py" else file.read_bytes()
        digest.update(f"{file.relative_to(package).as_posix()}|".encode() + content)
    return digest.hexdigest()[:DIGITS]


def code_of(source: str) -> str:
    """A Python source without what decides nothing: comments, docstrings, blank lines and space at the end of lines.

    Cut out of the text by its tokens, so that what is left is the same for every version of Python. Strings that are
    a statement of their own count as docstrings, f-strings do not. Not for sources whose other strings span lines.
    """
    lines, spans, begins = source.split("\n"), [], True
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    for token, following in itertools.pairwise(tokens):
        text = token.type == tokenize.STRING and "f" not in token.string.split(token.string[-1])[0].lower()
        alone = text and begins and following.type in LAYOUT
        if alone or token.type == tokenize.COMMENT:
            spans.append((token.start, token.end))
        begins = token.type in LAYOUT and (begins or token.type == tokenize.NEWLINE)
    for (first, left), (last, right) in reversed(spans):
        lines[first - 1 : last] = [lines[first - 1][:left] + lines[last - 1][right:]]
    return "\n".join(line.rstrip() for line in lines if line.strip())


def model_digest(scenario: Scenario) -> str:
    """Hash of every parameter and effect that this scenario is run with."""
    rows = ParameterSet.load().override(scenario.parameters).rows()
    numbers = [(row["section"], row["name"], row["value"]) for row in rows]
    effects = [(effect.driver, effect.target, effect.exponent, effect.form) for effect in effect_table()]
    return hashlib.sha256(repr((numbers, effects)).encode()).hexdigest()


def run_identity(scenario: Scenario) -> str:
    """Name of a run by its content: resolved scenario (seed included), image, parent state and version of the model.

    Titles and questions do not count, nor where an image or a parent run lies.
    """
    tables = scenario.model_dump(by_alias=True, exclude_none=True, mode="json")
    content = {key: value for key, value in tables.items() if key not in TEXTS}
    content |= {"model": model_digest(scenario), "version": model_version()}
    if scenario.branch_from is None:
        content["bone"] = _bone(scenario)
    else:
        content["bone"], content["branch_from"] = None, _parent(scenario)
    return _hash(content)


def burn_in_key(scenario: Scenario) -> str:
    """Name of a burned-in state by all that it depends on; what begins on day 0 or later does not count."""
    habit = make_program(scenario, ParameterSet.load().override(scenario.parameters)).habitual()
    content = {
        "bone": _bone(scenario),
        "subject": scenario.subject.model_dump(),
        "labs": scenario.labs.model_dump(),
        "habits": [row.inputs() for row in (*scenario.diet, *scenario.state) if row.begin_d < 0],
        "taken before": [row.model_dump() for row in scenario.dose if row.ss],
        "habit": habit,
        "seed": scenario.simulation.seed,
        "days": scenario.simulation.burn_in_d,
        "model": model_digest(scenario),
        "version": model_version(),
    }
    return _hash(content)


def _bone(scenario: Scenario) -> dict[str, Any]:
    tables = scenario.bone.model_dump(mode="json")
    if isinstance(scenario.bone, ImageBone):
        files = image_files(scenario.bone.image)
        tables["image"] = _image(tuple((file, file.stat().st_mtime_ns, file.stat().st_size) for file in files))
    return tables


@cache
def _image(files: tuple[tuple[Path, int, int], ...]) -> str:
    """Hash of the bytes of an image; read once for files that have not changed."""
    return sha256_of_files([file for file, _, _ in files])


def _parent(scenario: Scenario) -> dict[str, Any]:
    assert scenario.branch_from is not None
    run, day = scenario.branch_from
    folder = RunFolder.open(run)
    meta = read_checkpoint_meta(folder.checkpoint if day is None else folder.checkpoint_of(day))
    return {"state": meta["state_sha256"], "day": meta["day"]}


def _hash(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
