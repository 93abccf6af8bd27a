"""The house rules: layers, doors, budgets, words. ARCHITECTURE.md says why."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "boneabm"
SOURCES = sorted(PACKAGE.rglob("*.py")) + sorted((ROOT / "viz").rglob("*.py"))

LAYERS = {
    "errors": 0, "units": 0, "kernels": 0,
    "parameters": 1,
    "lattice": 2,
    "mechanics": 3, "fields": 3, "cells": 3, "endocrine": 3, "loading": 3,
    "remodeling": 4, "morphometry": 4,
    "state": 5, "scenario": 5, "scenario_body": 5, "scenario_branch": 5, "scenario_fields": 5, "scenario_loading": 5,
    "scenario_load_fields": 5, "scenario_schema": 5, "scenario_text": 5,
    "engine": 6, "io": 6, "cost": 6,
    "build": 7, "build_loads": 7, "analysis": 7, "identity": 7,
    "recording": 8, "stepping": 8, "origin": 8, "run": 8, "solve": 8,
    "report": 9, "sweep": 9, "validation": 9,
    "explain": 10, "explain_body": 10, "explain_loads": 10,
    "cli": 10, "cli_files": 10, "cli_measure": 10, "cli_page": 10, "cli_params": 10, "cli_report": 10,
    "cli_solve": 10, "cli_sweep": 10, "cli_tell": 10, "cli_validate": 10, "cli_view": 10, "__main__": 10,
}  # fmt: skip
DOORS = {
    "numba": ("boneabm/kernels/",),
    "h5py": ("boneabm/io/",),
    "mesa": ("boneabm/cells/", "boneabm/engine/simulation.py"),
    "vtk": ("viz/boneviz/",),
    "vtkmodules": ("viz/boneviz/",),
    "dask": ("boneabm/sweep/cluster.py",),
    "distributed": ("boneabm/sweep/cluster.py",),
    "dask_jobqueue": ("boneabm/sweep/slurm.py",),
    "pandas": (),
    "pyarrow": ("boneabm/sweep/tables.py",),
    "matplotlib": ("boneabm/sweep/plots.py",),
    "trame": ("viz/boneviz/viewer.py", "viz/boneviz/page.py"),
    "aiohttp": ("viz/boneviz/guard.py",),
    "imageio_ffmpeg": ("viz/boneviz/movie.py",),
    "PIL": ("viz/boneviz/movie.py",),
    "rainflow": ("boneabm/loading/recorded.py",),
    "tifffile": ("boneabm/io/tiff.py",),
    "SimpleITK": ("boneabm/io/medical.py",),
    "itk": ("boneabm/io/scanco.py",),
    "pydantic": ("boneabm/scenario", "boneabm/sweep/design.py"),
    "typer": ("boneabm/cli",),
}
VIEWER_MAY_USE = {"io", "morphometry", "analysis", "errors", "units"}
MEDIAN_LINES, USUAL_LINES, MOST_LINES = 8, 40, 80
FILE_LINES, MOST_FILE_LINES = 400, 600


def unit_of(path: Path) -> str:
    """Top-level unit of a file: folder or module below boneabm/."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> list[tuple[str, bool]]:
    """Absolute dotted names that a file imports and whether the import runs only for type checkers."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in typing_only) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = absolute(path, node)
            found += [(f"{base}.{alias.name}", id(node) in typing_only) for alias in node.names]
    return found


def absolute(path: Path, node: ast.ImportFrom) -> str:
    """Dotted module of a from-import, relative ones resolved."""
    if node.level == 0:
        return node.module or ""
    top = ROOT if PACKAGE in path.parents else ROOT / "viz"
    parts = list(path.relative_to(top).parts[: -node.level])
    return ".".join([*parts, *([node.module] if node.module else [])])


def functions() -> list[tuple[str, ast.FunctionDef]]:
    """Every function of the package with its place."""
    return [
        (f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]


def body_lines(node: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return 0 if not body else (body[-1].end_lineno or 0) - body[0].lineno + 1


@pytest.mark.parametrize("path", [p for p in SOURCES if PACKAGE in p.parents], ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down_only(path: Path) -> None:
    """A unit imports from its own layer or lower ones."""
    if path.name == "__init__.py" and path.parent == PACKAGE:
        return
    own = LAYERS[unit_of(path)]
    for name, typing_only in imports(path):
        parts = name.split(".")
        if parts[0] == "boneabm" and len(parts) > 1 and parts[1] in LAYERS and not typing_only:
            assert LAYERS[parts[1]] <= own, f"{path.relative_to(ROOT)} (layer {own}) imports {name}"
        if parts[0] == "boneviz":
            cli = ("cli", "cli_page", "cli_view")
            assert unit_of(path) in cli, f"{path.relative_to(ROOT)} imports {name}; only the cli may"


def test_engine_does_not_know_files() -> None:
    """The engine observes through writers: it never imports io."""
    names = [name for path in (PACKAGE / "engine").glob("*.py") for name, _ in imports(path)]
    assert not [name for name in names if name.startswith("boneabm.io")]


def test_doors() -> None:
    """Heavy libraries come in through one door each."""
    for path in SOURCES:
        place = path.relative_to(ROOT).as_posix()
        for name, _ in imports(path):
            allowed = DOORS.get(name.split(".")[0])
            assert allowed is None or place.startswith(allowed), f"{place} imports {name}"


def test_the_viewer_stays_outside() -> None:
    """boneviz reads files and measures; it never reaches into the simulation."""
    for path in (ROOT / "viz").rglob("*.py"):
        for name, _ in imports(path):
            parts = name.split(".")
            assert parts[0] != "boneabm" or parts[1] in VIEWER_MAY_USE, f"{path.name} imports {name}"


def test_no_import_cycle() -> None:
    """Modules import each other in one direction."""
    names = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in SOURCES}
    modules = set(names.values())
    edges = {
        name: {
            target
            for imported, typing_only in imports(path)
            if not typing_only
            for target in (imported, imported.rpartition(".")[0])
            if target in modules and target != name and not name.startswith(f"{target}.")
        }
        for path, name in names.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for target in edges[name]:
                visit(target, (*trail, name))
            done.add(name)

    for name in names.values():
        if name != "boneabm":
            visit(name, ())


def test_functions_are_short() -> None:
    """Median 8 lines, nine in ten within 40, none above 80, docstrings not counted."""
    sizes = sorted((body_lines(node), where) for where, node in functions())
    lines = [size for size, _ in sizes]
    assert lines[len(lines) // 2] <= MEDIAN_LINES
    assert lines[int(0.9 * len(lines))] <= USUAL_LINES
    assert lines[-1] <= MOST_LINES, sizes[-1]


def test_files_are_short() -> None:
    """Files hold at most 600 lines, and nineteen in twenty at most 400."""
    sizes = sorted((len(path.read_text(encoding="utf-8").splitlines()), path.name) for path in SOURCES)
    assert sizes[-1][0] <= MOST_FILE_LINES, sizes[-1]
    assert sizes[int(0.95 * len(sizes))][0] <= FILE_LINES, sizes[int(0.95 * len(sizes))]


def test_public_functions_are_documented() -> None:
    """Every public function and class of the package says what it does."""
    missing = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        and not node.name.startswith("_")
        and ast.get_docstring(node) is None
        and not (path.name == "day.py" and isinstance(node, ast.FunctionDef))
        and not any("setter" in ast.unparse(decorator) for decorator in node.decorator_list)
        and not nested(node, path)
    ]
    assert not missing, "\n".join(missing)


def nested(node: ast.AST, path: Path) -> bool:
    """Whether a definition lies inside a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(
        node.lineno > outer.lineno and node.end_lineno <= outer.end_lineno  # type: ignore[attr-defined,operator]
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef)
    )


def test_at_most_twenty_public_names() -> None:
    """The package's front door is small, and every name on it exists."""
    import boneabm

    assert len(boneabm.__all__) <= 20
    for name in boneabm.__all__:
        assert getattr(boneabm, name) is not None


def test_the_day_is_documented_where_it_is_read() -> None:
    """The list of the day, the docstring of Simulation and ARCHITECTURE.md agree in names and order."""
    from boneabm.engine import DAY, Simulation

    names = [rule.name for rule in DAY]
    listed = (Simulation.__doc__ or "").replace("\n", " ")
    assert ", ".join(names) in " ".join(listed.split())
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    places = [text.index(f"\n{name} ") for name in names]
    assert places == sorted(places)


def test_architecture_file_names_every_folder() -> None:
    """ARCHITECTURE.md has a sentence for every folder and module of the package."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for path in PACKAGE.iterdir():
        if (path.is_dir() and path.name != "__pycache__") or (path.suffix == ".py" and path.name != "__init__.py"):
            assert path.name in text, f"ARCHITECTURE.md does not mention {path.name}"
