"""The command `params`: every number of the model with unit, range, source and confidence."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from boneabm.cli_tell import Json, echo_json, told

Check = Annotated[bool, typer.Option("--check", help="Only rows of low confidence and assumed numbers.")]
WIDTH = 118


@told
def params(check: Check = False, as_json: Json = False) -> None:
    """List every parameter, system, drug and hormone effect with source and confidence."""
    rows = listing(check)
    if as_json:
        echo_json(rows)
        return
    for title, lines in (("Parameters", _parameters), ("Systems", _systems), ("Drugs", _drugs), ("Effects", _effects)):
        chosen = rows[title.lower()]
        typer.echo(f"{title}: {len(chosen)}" + (" of low confidence or assumed" if check else ""))
        typer.echo("\n".join(_wrapped(lines(chosen))) + "\n")
    if check:
        typer.echo("Results that rest on these rows are to be read as directions, not as sizes.")


def listing(check: bool = False) -> dict[str, list[dict[str, Any]]]:
    """Rows of all tables; with `check` only those of low confidence or whose source is "assumed"."""
    from boneabm.endocrine.drugs import drug_table
    from boneabm.endocrine.effects import effect_table
    from boneabm.endocrine.systems import systems
    from boneabm.parameters import ParameterSet

    tables = {
        "parameters": ParameterSet.load().rows(),
        "systems": [asdict(row) for row in systems()],
        "drugs": [asdict(row) for row in drug_table().values()],
        "effects": [asdict(row) for row in effect_table()],
    }
    return {name: [row for row in rows if not check or _weak(row)] for name, rows in tables.items()}


def _weak(row: dict[str, Any]) -> bool:
    return row["confidence"] == "low" or row["source"].startswith("assumed")


def _parameters(rows: list[dict[str, Any]]) -> Iterable[str]:
    for row in rows:
        span = f"{row['value']:g} {row['unit']} ({row['low']:g} to {row['high']:g})"
        yield f"{row['section']}.{row['name']} = {span}; {row['confidence']}; {row['source']}"


def _systems(rows: list[dict[str, Any]]) -> Iterable[str]:
    for row in rows:
        moves = " ".join(f"{name}{sign}" for name, sign in row["moves"].items())
        told = f"{row['system']}, {row['change']}: {moves}; enters by {row['enters_by']}"
        yield f"{told}; {row['confidence']}; {row['source']}"


def _drugs(rows: list[dict[str, Any]]) -> Iterable[str]:
    for row in rows:
        ways = [*row["routes"], *(f"{name} (held rate)" for name in row["infusions"])]
        yield f"{row['name']} by {', '.join(ways)}: {row['form']}; {row['confidence']}; {row['source']}; {row['note']}"


def _effects(rows: list[dict[str, Any]]) -> Iterable[str]:
    for row in rows:
        felt = "" if row["felt_by"] == "cells" else f" ({row['felt_by']} only)"
        size = f"{row['exponent']:g} ({row['low']:g} to {row['high']:g}) {row['form']}"
        yield f"{row['driver']} -> {row['target']}{felt}: {size}; {row['confidence']}; {row['source']}"


def _wrapped(lines: Iterable[str]) -> list[str]:
    return [
        part
        for line in lines
        for part in textwrap.wrap(line, WIDTH, initial_indent="  ", subsequent_indent="      ", break_long_words=False)
    ]
