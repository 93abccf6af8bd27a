"""Commands that write pages: `report` and `compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from boneabm.cli_tell import Json, echo_json, told

if TYPE_CHECKING:
    from boneabm.report.run_page import Draw

Pictures = Annotated[bool, typer.Option("--pictures/--no-pictures", help="Pictures of the bone; they need OpenGL.")]
Page = Annotated[Path, typer.Option(help="HTML file to write; it needs no other file and no network.")]


@told
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs; they may be unfinished.")],
    out: Page,
    pictures: Pictures = True,
    as_json: Json = False,
) -> None:
    """Write one HTML page about runs: question, timeline, key figures, pictures, plots, events, doubts, cost."""
    from boneabm.report.run_page import write_run_report

    tell(write_run_report(runs, out, _draw(pictures)), "report", as_json)


def tell(path: Path, kind: str, as_json: bool) -> None:
    """Say where the page is."""
    if as_json:
        echo_json({kind: str(path), "bytes": path.stat().st_size})
    else:
        typer.echo(str(path))


def _draw(pictures: bool) -> Draw | None:
    if not pictures:
        return None
    from boneviz.shots import shots

    return shots


@told
def compare(
    arms: Annotated[
        list[Path],
        typer.Argument(metavar="ARM...", help="Runs, folders of runs, or sweeps; the first arm is the reference."),
    ],
    out: Page,
    level: Annotated[float, typer.Option(help="Confidence level of intervals.")] = 0.95,
    pictures: Pictures = True,
    as_json: Json = False,
) -> None:
    """Write one HTML page with arms against each other: paired differences, courses, pictures of what changed."""
    from boneabm.report.compare_page import write_comparison

    tell(write_comparison(arms, out, _draw(pictures), level), "comparison", as_json)
