"""Run folders with a series and a scenario, made without a simulation and without volumes, to be reported."""

from __future__ import annotations

import re
from pathlib import Path

from boneabm.io.runfolder import RunFolder
from boneabm.io.series import SeriesWriter
from boneabm.scenario import Scenario

COLUMNS = ("day", "BV/TV", "resorbed_um3", "formed_um3", "osteoclasts", "stiffness_zz_mpa")
HOSTILE = '<script>alert("x")</script> & $\\frac{1}{0}$ <img src=http://example.org/x.png> \u202e --> ]]>'


def scenario_text(days: int = 100, **given: str) -> str:
    """A scenario that need not be run."""
    told = {"title": "small", "question": "why?", **given}
    head = "\n".join(f"{key} = {_quoted(text)}" for key, text in told.items())
    return (
        f'{head}\n[bone]\nkind = "generated"\nsize = "0.96 mm"\n[subject]\nage = "51 y"\nfinal_period = "51 y"\n'
        f'[simulation]\ndays = {days}\nseed = 3\n[[dose]]\ndrug = "denosumab"\ntime = "20 d"\namt = "60 mg"\n'
        '[[condition]]\nkind = "disuse"\nload_factor = 0.5\nstart = "30 d"\nuntil = "60 d"\n'
        '[[activity]]\nname = "<b>stairs</b> $x$"\nstress = ["0.6 MPa", "0.2 MPa", "0.2 MPa"]\ncycles = 5000\n'
        '[parameters]\n"osteoclast.fast_rate_um_per_d" = 4.0\n'
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def bare_run(
    place: Path,
    rows: dict[int, tuple[float, ...]],
    scenario: str = "",
    finished: bool = True,
    more: tuple[str, ...] = (),
) -> Path:
    """A run folder with a series of COLUMNS (and more) and a scenario, without volumes and cells."""
    with RunFolder.create(place) as folder:
        writer = SeriesWriter(folder.series, columns := (*COLUMNS, *more))
        for day, values in rows.items():
            writer.append(dict(zip(columns, (day, *values), strict=True)))
        if scenario:
            folder.scenario.write_text(Scenario.from_toml(scenario).resolved_toml(), encoding="utf-8")
        if finished:
            folder.log("finished", day=max(rows), wall_s=61.0, phase_s={"fields": 1.0, "shape": 3.0}, peak_mb=321.0)
        folder.commit()
    return place


def line(bv_tv: float, change: float = 0.0, days: int = 11) -> dict[int, tuple[float, ...]]:
    """Rows of a bone whose BV/TV goes straight by `change` in all."""
    share = change / (days - 1)
    return {day: (bv_tv + share * day, 1e5, 9e4, 4 + day % 2, 500.0) for day in range(days)}


def text_of(page: str) -> str:
    """What a page says, without pictures and markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.split("</style>")[1]))
