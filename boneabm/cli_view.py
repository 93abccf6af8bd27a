"""Commands that look at a run: `render`, `movie` and `view`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from boneabm.cli_tell import told
from boneabm.errors import InputError

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run; it may be unfinished.")]
Field = Annotated[str, typer.Option(help="Field that colors the surface: mineral, born_day, signal, bmu, thickness...")]
Cuts = Annotated[
    list[str] | None,
    typer.Option("--cut", help='Side of a plane that is shown: "y>0.5" (part of the edge), "z<800 um". Repeatable.'),
]
Since = Annotated[
    int | None, typer.Option(help="Show what was formed and resorbed since this stored day, instead of a field.")
]
Cloud = Annotated[
    str | None,
    typer.Option(help="Concentration that fills the block as a cloud, rankl_free_pm; the bone is then transparent."),
]
Size = Annotated[str | None, typer.Option(help="Width and height in pixels, 1600x1200.")]
Agents = Annotated[bool, typer.Option("--cells/--no-cells", help="Osteoclasts and osteoblasts.")]
Limits = Annotated[str | None, typer.Option("--range", help='Ends of the colors in the unit shown, "0.8,1.2".')]


@told
def render(
    run: Run,
    field: Field = "mineral",
    day: Annotated[int | None, typer.Option(help="Day of a stored step; the last by default.")] = None,
    out: Annotated[Path | None, typer.Option(help="PNG file; inside the run folder by default.")] = None,
    cut: Cuts = None,
    since: Since = None,
    cloud: Cloud = None,
    cells: Agents = True,
    osteocytes: Annotated[bool, typer.Option("--osteocytes", help="Osteocytes too.")] = False,
    limits: Limits = None,
    size: Size = None,
) -> None:
    """Draw the bone surface of a run, colored by a field, or what changed since a day, without a display."""
    from boneviz.render import render as draw

    pixels = parse_size(size or "1600x1200")
    given = {"size": pixels, "agents": cells, "osteocytes": osteocytes, "limits": parse_limits(limits)}
    shown = {"cuts": tuple(cut or ()), "since": since, "cloud": cloud}
    typer.echo(str(draw(run, field, day, out, **shown, **given)))  # type: ignore[arg-type]


@told
def movie(
    run: Run,
    out: Annotated[Path, typer.Option(help="FILE.mp4 or FILE.gif.")],
    field: Field = "mineral",
    frames: Annotated[int, typer.Option(min=0, help="At most so many stored days, spread evenly; 0 for all.")] = 0,
    fps: Annotated[float, typer.Option(help="Pictures per second.")] = 8.0,
    cut: Cuts = None,
    since: Since = None,
    cloud: Cloud = None,
    cells: Agents = True,
    limits: Limits = None,
    size: Size = None,
) -> None:
    """Make a film of the stored days of a run: camera and colors stay the same."""
    from boneviz.movie import movie as film

    given = {"size": parse_size(size or "960x720"), "fps": fps, "most_frames": frames, "agents": cells}
    ranges = parse_limits(limits)
    shown = {"cuts": tuple(cut or ()), "since": since, "cloud": cloud, "limits": ranges}
    path, days = film(run, out, field, **shown, **given)  # type: ignore[arg-type]
    typer.echo(f"{path}: {len(days)} pictures, day {days[0]} to {days[-1]}")


@told
def view(
    run: Run,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of this machine; 8642 if free.")] = None,
) -> None:
    """Show a run on a page of this machine: time, fields, cuts, cells, plots; also while the run goes on."""
    from boneviz.opengl import drop_trial, start_trial

    trial = start_trial()
    try:
        from boneviz.viewer import view as serve

        serve(run, port, trial, lambda address: typer.echo(f"Open {address}  (Ctrl-C ends it)"))
    finally:
        drop_trial()


def parse_size(text: str) -> tuple[int, int]:
    """Width and height of "1600x1200"; InputError for any other text."""
    found = re.fullmatch(r"\s*(\d{1,5})\s*[xX\u00d7]\s*(\d{1,5})\s*", text)
    if not found:
        raise InputError(f'--size "{text}" is not WIDTHxHEIGHT in pixels. Example: --size 1600x1200')
    return int(found[1]), int(found[2])


def parse_limits(text: str | None) -> tuple[float, float] | None:
    """Low and high end of "0.8,1.2"; InputError for any other text or an empty range."""
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f'--range "{text}" is not LOW,HIGH. Example: --range 0.8,1.2') from None
    if not low < high:
        raise InputError(f'--range "{text}": the low end must be below the high end, both finite.')
    return low, high
