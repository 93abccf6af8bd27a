"""What `boneabm measure` does and says: words of the command line in; rows of measures and maps out."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, NamedTuple

import typer

from boneabm.cli_tell import echo_json
from boneabm.errors import InputError
from boneabm.io.bone_source import (
    BoneSource,
    is_run,
    read_gray_source,
    read_source,
    read_step,
    refuse_image_options,
    run_steps,
)
from boneabm.io.measure_maps import check_measure_maps, write_measure_maps
from boneabm.io.provenance import provenance
from boneabm.kernels.blocks import set_threads
from boneabm.morphometry import Density, density_of_gray, density_of_run, measure_fully

Flat = dict[str, str | int | float]
Style = Literal["lines", "json", "csv"]
CALIBRATION = '"SLOPE,OFFSET", g/cm3 per gray value and g/cm3. Example: --calibration "0.00055,-0.12"'


class MeasureOptions(NamedTuple):
    """What the user asks for besides the image options; None or 1 where nothing was said."""

    step: int | None
    all_steps: bool
    upsample: int
    calibration: str | None
    map_file: Path | None
    replace: bool


class Teller:
    """Prints one row of measures after the other."""

    def __init__(self, style: Style, warn: Callable[[list[str]], None]) -> None:
        self.style, self.warn = style, warn
        self.header: list[str] = []

    def tell(self, row: Flat, warnings: list[str]) -> None:
        """Print a row: name and value per line, a JSON object per row, or a CSV line below one header."""
        self.warn(warnings)
        if self.style == "json":
            echo_json(row)
        elif self.style == "csv":
            if not self.header:
                self.header = list(row)
                typer.echo(_csv_line(self.header))
            typer.echo(_csv_line([_cell(row[name]) for name in self.header]))
        else:
            for key, value in row.items():
                typer.echo(f"{key:<20} {value:.6g}" if isinstance(value, float) else f"{key:<20} {value}")


def style(as_json: bool, as_csv: bool) -> Style:
    """How rows are printed; InputError if both are asked for."""
    if as_json and as_csv:
        raise InputError("--json and --csv: give one of them; both print to standard output.")
    return "json" if as_json else "csv" if as_csv else "lines"


def measure_source(
    source: Path, image: Mapping[str, Any], options: MeasureOptions, threads: int, teller: Teller
) -> None:
    """Measure an image or the asked steps of a run, write the maps asked for, and tell row by row."""
    _check(source, image, options)
    set_threads(threads)
    for bone, density in _bones(source, image, options):
        start = time.perf_counter()
        standard, shape, maps = measure_fully(bone.mask, bone.spacing_um, options.upsample)
        values: Flat = asdict(standard) | asdict(shape) | (density._asdict() if density else {})
        row = {key: value for key, value in bone.settings.items() if key not in values} | values
        if options.upsample > 1:
            row["upsample"] = options.upsample
        if options.map_file:
            write_measure_maps(options.map_file, bone.spacing_um, maps, {**provenance(), **row})
            row["map"] = str(options.map_file)
        teller.tell(row | {"measure_s": time.perf_counter() - start}, bone.warnings)


def parse_calibration(text: str) -> tuple[float, float]:
    """Slope and offset of a density calibration; InputError for anything else."""
    try:
        slope, offset = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f'--calibration: "{text}" is not two numbers. Give {CALIBRATION}.') from None
    if not (math.isfinite(slope) and math.isfinite(offset) and slope > 0):
        raise InputError(f'--calibration: "{text}" needs a slope above 0 and a finite offset. Give {CALIBRATION}.')
    return slope, offset


def _check(source: Path, image: Mapping[str, Any], options: MeasureOptions) -> None:
    """Refuse what does not go together, before any work."""
    if is_run(source):
        refuse_image_options(source, {**image, "calibration": options.calibration})
        if options.all_steps and options.step is not None:
            raise InputError("--step and --all-steps: give one of them.")
        if options.all_steps and options.map_file:
            raise InputError("--map holds one step; give --step N instead of --all-steps.")
    elif options.all_steps or options.step is not None:
        said = "--all-steps" if options.all_steps else "--step"
        raise InputError(f"{said} is for runs; {source} is no run folder (it holds no run.vtkhdf).")
    if options.map_file:
        check_measure_maps(options.map_file, options.replace)


def _bones(
    source: Path, image: Mapping[str, Any], options: MeasureOptions
) -> Iterator[tuple[BoneSource, Density | None]]:
    """Each bone to measure with its densities, where they are known."""
    if not is_run(source):
        calibration = parse_calibration(options.calibration) if options.calibration else None
        bone = read_source(source, image)
        yield bone, _gray_density(source, image, bone, calibration) if calibration else None
        return
    last = -1 if options.step is None else options.step
    for number in range(run_steps(source)) if options.all_steps else [last]:
        step = read_step(source, number)
        mineral = step.mineral_g_per_cm3
        yield step.bone, None if mineral is None else density_of_run(mineral, step.matrix)


def _gray_density(
    source: Path, image: Mapping[str, Any], bone: BoneSource, calibration: tuple[float, float]
) -> Density:
    slope, offset = calibration
    bone.settings["calibration"] = f"{slope:g},{offset:g}"
    return density_of_gray(slope * read_gray_source(source, image).astype("f4") + offset, bone.mask)


def _cell(value: str | int | float) -> str:
    """A cell of the table; empty where a number is not finite."""
    return "" if isinstance(value, float) and not math.isfinite(value) else str(value)


def _csv_line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()
