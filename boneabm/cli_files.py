"""Commands that hand on: `export` writes a volume of a run for other programs, `schema` tells editors what a scenario
may say.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from boneabm.cli_tell import Json, echo_json, told
from boneabm.errors import InputError

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run; it may be unfinished.")]
Replace = Annotated[bool, typer.Option("--replace", help="Replace a file that is already there.")]


@told
def export(
    run: Run,
    out: Annotated[Path, typer.Option(help="FILE.mha, .nrrd, .nii.gz, .nii or .tif.")],
    field: Annotated[str, typer.Option(help="Stored field: matrix, mineral, sed_mpa...")] = "matrix",
    day: Annotated[int | None, typer.Option(help="Day of a stored step; the last by default.")] = None,
    replace: Replace = False,
    as_json: Json = False,
) -> None:
    """Write one field of a stored day as an image with its voxel edge and unit, for other programs."""
    from boneabm.io.bone_source import is_run
    from boneabm.io.export import check_export, write_image
    from boneabm.io.schema import VOLUME_FIELDS
    from boneabm.io.volumes import VolumeReader

    check_export(out, replace)
    if not is_run(run):
        raise InputError(f"{run} is no run folder (no run.vtkhdf). Example: boneabm export runs/adult --out bone.mha")
    reader = VolumeReader(run / "run.vtkhdf")
    volume = reader.read(field, day)
    column, at = VOLUME_FIELDS[field], reader.days[-1] if day is None else day
    write_image(out, volume, reader.spacing_um, column, at)
    unit = column.unit or "1"
    if as_json:
        facts = {"out": str(out), "run": str(run), "day": at, "field": field, "unit": unit}
        echo_json(facts | {"spacing_um": reader.spacing_um, "shape": list(volume.shape)})
    else:
        size = " x ".join(map(str, volume.shape))
        typer.echo(f"{out}: {field} [{unit}], day {at}, {size} voxels (z, y, x) of {reader.spacing_um:g} um")


@told
def schema(
    out: Annotated[Path | None, typer.Option(help="File to write instead of printing, such as scenario.json.")] = None,
    replace: Replace = False,
) -> None:
    """Print the JSON schema of scenario files, with which editors complete and check them while you type."""
    from boneabm.scenario import Scenario

    text = json.dumps(Scenario.json_schema(), indent=2, ensure_ascii=False)
    if out is None:
        typer.echo(text)
        return
    if out.exists() and not replace:
        raise InputError(f"--out {out}: exists already. Choose another name, or replace it with --replace.")
    out.write_text(text + "\n", encoding="utf-8")
    typer.echo(str(out))
