"""`boneabm report`: one HTML file about one run or several, to be read, printed and passed on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from boneabm.errors import InputError
from boneabm.report import doubts, sections
from boneabm.report.figures import COMMON, Figure, key_figures
from boneabm.report.page import note, number, page, table
from boneabm.report.record import Record, read_records
from boneabm.sweep.folder import put_text

Shot = tuple[Path, int, int | None]
"""A picture of bone: run folder, day, and for a comparison the earlier day."""
Draw = Callable[[Sequence[Shot], tuple[int, int]], list[bytes]]
"""Draws pictures of bone of this size in pixels as JPEG files, all with one camera and one color range."""
MOST_RUNS = 12
SIZE_PX, SMALL_PX, MANY = (760, 570), (520, 390), 20
"""Sizes of pictures: usual, and where there are more than MANY, so that pages stay below 8 MB."""


def write_run_report(runs: Sequence[Path], out: Path, draw: Draw | None) -> Path:
    """Write the report of runs, finished or not; the path of the HTML file.

    draw : draws the bone; None leaves the pictures out
    Raises InputError for a folder that is no run, too many runs, a name that is no HTML file, or where matplotlib is
    not installed.
    """
    path = html_path(out)
    if not 1 <= len(runs) <= MOST_RUNS:
        told = f"a report takes 1 to {MOST_RUNS} runs, given {len(runs)}. For more: boneabm compare, boneabm sweep."
        raise InputError(told)
    records = read_records(runs)
    pictures = draw_records(records, draw)
    put_page(path, run_page(records, pictures))
    return path


def html_path(out: Path) -> Path:
    """The path, if it is one of an HTML file; InputError else."""
    if out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{out}: a report is an HTML file. Give a name that ends with .html.")
    return out


def put_page(path: Path, text: str) -> None:
    """Write the page whole, or leave the file as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    put_text(path, text)


def run_page(records: Sequence[Record], pictures: Sequence[Sequence[tuple[str, bytes]]]) -> str:
    """HTML of the report; pictures are captions and JPEG files of each record."""
    if len(records) == 1:
        return page(records[0].title, [f"<h1>{escape(records[0].title)}</h1>", *_parts(records[0], pictures[0])])
    title = f"{len(records)} runs"
    parts = [f"<h1>{title}</h1>", _contents(records), _common(records)]
    for number_, (record, drawn) in enumerate(zip(records, pictures, strict=True)):
        head = f'<section class="run" id="run-{number_}"><h1>{escape(record.label)}: {escape(record.title)}</h1>'
        parts += [head, *_parts(record, drawn), "</section>"]
    return page(title, parts)


def _parts(record: Record, drawn: Sequence[tuple[str, bytes]]) -> list[str]:
    return [
        sections.question(record),
        sections.status(record),
        sections.bone_and_person(record),
        sections.timeline(record),
        sections.figures(record),
        sections.pictures(record, drawn),
        sections.stimulus(record),
        sections.courses(record),
        sections.events(record),
        sections.histomorphometry(record),
        doubts.parameters(record),
        doubts.confidence(record),
        doubts.origin(record),
        doubts.cost(record),
    ]


def _contents(records: Sequence[Record]) -> str:
    items = [f'<li><a href="#run-{at}">{escape(r.label)}: {escape(r.title)}</a></li>' for at, r in enumerate(records)]
    return f"<ul>{''.join(items)}</ul>"


def _common(records: Sequence[Record]) -> str:
    """What the runs came to, side by side."""
    found = [{figure.quantity.column: figure for figure in key_figures(record)} for record in records]
    rows = [
        ["status", *("finished" if r.finished else "<strong>not finished</strong>" for r in records)],
        ["days written", *(str(r.last_day) for r in records)],
        ["seed", *(str(r.scenario.simulation.seed) if r.scenario else "–" for r in records)],
    ]
    for name in COMMON:
        known = [one[name] for one in found if name in one]
        if known:
            unit = f", {known[0].quantity.unit}" if known[0].quantity.unit else ""
            rows.append([escape(known[0].quantity.name) + unit, *(_span(one.get(name)) for one in found)])
    told = note(
        "First to last value and change. Runs of unequal length or of different bones are not an experiment; "
        "<code>boneabm compare</code> pairs runs of one seed and says what may be compared."
    )
    return "<h2>Side by side</h2>" + table(["", *(escape(r.label) for r in records)], rows) + told


def _span(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    change = sections.percent(figure.change)
    told = f' <span class="interval">({change})</span>' if change != "–" else ""
    return f"{number(figure.first)} → {number(figure.last)}{told}"


def picture_days(days: Sequence[int]) -> list[int]:
    """First, middle and last of the stored days, each once."""
    if not days:
        return []
    middle = min(days, key=lambda day: abs(day - 0.5 * (days[0] + days[-1])))
    return sorted({days[0], middle, days[-1]})


def draw_records(records: Sequence[Record], draw: Draw | None) -> list[list[tuple[str, bytes]]]:
    """Captions and pictures of each record: start, middle, end, and the change from start to end."""
    wanted = [_shots(record) if draw else [] for record in records]
    flat = [shot for shots in wanted for _, shot in shots]
    drawn = iter(draw(flat, picture_size(len(flat))) if draw and flat else [])
    return [[(caption, next(drawn)) for caption, _ in shots] for shots in wanted]


def picture_size(count: int) -> tuple[int, int]:
    """Width and height in pixels of each of so many pictures of one page."""
    return SIZE_PX if count <= MANY else SMALL_PX


def _shots(record: Record) -> list[tuple[str, Shot]]:
    days = picture_days(record.stored_days)
    names = dict(zip(days, ("start", "middle", "end") if len(days) == 3 else ("start", "end"), strict=False))
    shots: list[tuple[str, Shot]] = [(f"{names[day]}, day {day}", (record.path, day, None)) for day in days]
    if len(days) > 1:
        shots.append((f"change from day {days[0]} to day {days[-1]}", (record.path, days[-1], days[0])))
    return shots
