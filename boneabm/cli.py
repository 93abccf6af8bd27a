"""The command line: run, resume, explain, measure, solve, render, movie, view, report, compare, export, sweep,
validate, params, schema.

Every error that a user can act on is one screen of text on standard error and exit code 2; Ctrl-C is 130. Commands
import what they need when they are called, so that `boneabm --help` answers at once.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from boneabm import cli_files, cli_page, cli_params, cli_sweep, cli_validate, cli_view
from boneabm.cli_tell import Json, Quiet, echo_json, stop, told
from boneabm.errors import BoneabmError, InputError

if TYPE_CHECKING:
    from boneabm.run import RunResult
    from boneabm.scenario import Scenario

app = typer.Typer(
    help="Agent-based simulator of trabecular bone: run a scenario, look at it, measure it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(cli_sweep.app, name="sweep")
app.command("validate")(cli_validate.validate)
app.command("params")(cli_params.params)
app.command("render")(cli_view.render)
app.command("movie")(cli_view.movie)
app.command("view")(cli_view.view)
app.command("report")(cli_page.report)
app.command("compare")(cli_page.compare)
app.command("export")(cli_files.export)
app.command("schema")(cli_files.schema)

Threads = Annotated[int | None, typer.Option(min=1, help="Threads; all processors by default. No effect on results.")]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
Source = Annotated[
    Path, typer.Argument(metavar="IMAGE|RUN", help="Image, folder of slices, or a run folder (its last step).")
]
VoxelSize = Annotated[str | None, typer.Option(help='Voxel edge of an image, as "19.5 um"; needed for TIFF.')]
Sigma = Annotated[float | None, typer.Option(help="Gaussian before the threshold, voxels; 1 by default.")]
Threshold = Annotated[str | None, typer.Option(help='Gray value, or "otsu" (default).')]
Largest = Annotated[
    bool | None, typer.Option("--largest/--all-parts", help="Keep only the largest part (default) or all.")
]
Crop = Annotated[str | None, typer.Option(help='Part of an image, "z0:z1,y0:y1,x0:x1" in voxels.')]


def main() -> None:
    """Entry point of the `boneabm` command; SIGTERM counts as Ctrl-C, so that nothing half made is left behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app()


@app.command()
@told
def run(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help='File, or the name of a packaged one: "menopause".')
    ],
    out: Annotated[Path | None, typer.Option(help="Folder of the run; a new one below runs/ by default.")] = None,
    days: Annotated[int | None, typer.Option(help="Days to simulate instead of those of the scenario.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed instead of that of the scenario.")] = None,
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a run that is already there.")] = False,
    picture: Annotated[bool, typer.Option("--picture", help="Draw the bone on a day with open sites.")] = False,
) -> None:
    """Simulate a scenario and write a run folder."""
    prepared = _loaded(scenario).with_options(days=days, seed=seed)
    from boneabm import run as runs

    result = _simulate(
        lambda report: runs.run_scenario(prepared, out=out, replace=replace, threads=_threads(threads), report=report),
        quiet,
    )
    tell = _finish_with_picture if picture else _finish
    tell(result, as_json)


def _loaded(source: str) -> Scenario:
    """The scenario of a file; whatever is wrong with its loads is told with the file."""
    from boneabm.build_loads import make_program
    from boneabm.parameters import ParameterSet
    from boneabm.scenario import Scenario
    from boneabm.scenario_text import find_scenario

    scenario = Scenario.load(source)
    try:
        make_program(scenario, ParameterSet.load().override(scenario.parameters))
    except InputError as error:
        raise InputError(f"{find_scenario(source)}, {error}") from None
    return scenario


@app.command()
@told
def resume(run: Run, threads: Threads = None, quiet: Quiet = False, as_json: Json = False) -> None:
    """Continue a run from its last checkpoint."""
    from boneabm import run as runs

    result = _simulate(lambda report: runs.resume_run(run, threads=_threads(threads), report=report), quiet)
    _finish(result, as_json)


@app.command()
@told
def explain(
    scenario: Annotated[str | None, typer.Argument(metavar="SCENARIO", help="File, or name of a packaged one.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of scenario files instead.")] = False,
) -> None:
    """Say in words what a scenario will do, and what it assumes."""
    from boneabm.scenario import Scenario

    if schema:
        typer.echo(json.dumps(Scenario.json_schema(), indent=2))
        return
    if scenario is None:
        raise InputError(
            "explain needs a scenario: a file, or the name of a packaged one. Example: boneabm explain adult"
        )
    loaded = _loaded(scenario)
    from boneabm.engine.day import DAY
    from boneabm.explain import explain as explain_scenario
    from boneabm.parameters import ParameterSet

    typer.echo(explain_scenario(loaded, ParameterSet.load(), [(rule.name, rule.sentence) for rule in DAY]))


@app.command()
@told
def measure(
    source: Source,
    voxel_size: VoxelSize = None,
    sigma: Sigma = None,
    threshold: Threshold = None,
    largest: Largest = None,
    crop: Crop = None,
    step: Annotated[
        int | None, typer.Option(help="Stored step of a run: 0 is the first, -1 the last (default).")
    ] = None,
    all_steps: Annotated[bool, typer.Option("--all-steps", help="Every stored step of a run, a row each.")] = False,
    upsample: Annotated[
        int, typer.Option(min=1, max=4, help="Refine voxels by this factor for Tb.Th, Tb.Sp and Tb.N.")
    ] = 1,
    calibration: Annotated[
        str | None, typer.Option(help='Density of an image, "SLOPE,OFFSET": g/cm3 = SLOPE x gray + OFFSET.')
    ] = None,
    map_file: Annotated[
        Path | None, typer.Option("--map", help="Maps of thickness, separation and plates to write, FILE.vtkhdf.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace maps of an earlier measurement.")] = False,
    threads: Threads = None,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="A table with one row per step instead.")] = False,
) -> None:
    """Measure an image or stored steps of a run: amount, thickness, connectivity, shape, direction, density."""
    from boneabm import cli_measure

    given = {"voxel-size": voxel_size, "sigma": sigma, "threshold": threshold, "largest": largest, "crop": crop}
    options = cli_measure.MeasureOptions(step, all_steps, upsample, calibration, map_file, replace)
    style = cli_measure.style(as_json, as_csv)
    cli_measure.measure_source(source, given, options, _threads(threads), cli_measure.Teller(style, _warn))


@app.command()
@told
def solve(
    source: Source,
    voxel_size: VoxelSize = None,
    sigma: Sigma = None,
    threshold: Threshold = None,
    largest: Largest = None,
    crop: Crop = None,
    modulus: Annotated[str, typer.Option(help="Young's modulus of the bone.")] = "18 GPa",
    poisson: Annotated[float, typer.Option(help="Poisson's ratio.")] = 0.3,
    boundary: Annotated[
        str, typer.Option(help="clamped: both ends glued; bottom-clamped: one; frictionless: none; affine: 6x6.")
    ] = "bottom-clamped",
    axis: Annotated[str, typer.Option(help="Compressed axis: z, y or x.")] = "z",
    tolerance: Annotated[float, typer.Option(help="Relative residual.")] = 1e-6,
    strain: Annotated[str, typer.Option(help='Load of the strain field: "1%", or a stress "1 MPa".')] = "1%",
    out: Annotated[Path | None, typer.Option(help="Strain field to write, FILE.vtkhdf.")] = None,
    parosol: Annotated[Path | None, typer.Option(help="The same problem for ParOSol to write, FILE.h5.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace files of an earlier solve.")] = False,
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Solve apparent stiffness, strain energy and estimated strength of an image or of the last step of a run."""
    from boneabm import cli_solve

    given = {"voxel-size": voxel_size, "sigma": sigma, "threshold": threshold, "largest": largest, "crop": crop}
    modulus_mpa, load = cli_solve.parse_modulus(modulus), cli_solve.parse_load(strain)
    options = cli_solve.SolveOptions(modulus_mpa, poisson, boundary, axis, tolerance, **load)
    files = cli_solve.Files(out, parosol, replace)
    report = _silent if quiet else _say
    facts, warnings = cli_solve.solve_source(source, given, options, files, _threads(threads), report)
    _warn(warnings)
    if as_json:
        echo_json(facts)
    else:
        typer.echo("\n".join(cli_solve.table(facts)))


def _threads(threads: int | None) -> int:
    from boneabm.kernels.blocks import available_threads

    return threads or available_threads()


def _simulate(start: Callable[[Any], RunResult], quiet: bool) -> RunResult:
    from boneabm.cli_report import Reporter
    from boneabm.stepping import Interrupted

    try:
        with Reporter(quiet) as report:
            return start(report)
    except Interrupted as error:
        stop(str(error), 130)


def _finish_with_picture(result: RunResult, as_json: bool) -> None:
    """Draw the bone, then say what came out; without a picture the run is still told before the error."""
    from boneviz.render import render as draw

    try:
        picture = Path(draw(result.path, field="mineral", day=result.picture_day))
    except BoneabmError:
        _finish(result, as_json)
        raise
    _finish(result, as_json, picture)


def _finish(result: RunResult, as_json: bool, picture: Path | None = None) -> None:
    """Say what came out: one JSON object, or a few lines that end with the run folder and the picture."""
    _warn(result.warnings)
    flat = result.flat()
    if as_json:
        echo_json(flat | ({"picture": str(picture)} if picture else {}))
        return
    if result.finished_before:
        typer.echo(f"This run is finished already ({flat['days']} days); nothing to do.")
    else:
        typer.echo(f"{flat['days']} days in {flat['wall_s']:.1f} s.")
    typer.echo(f"BV/TV {flat['bv_tv_first']:.4f} -> {flat['bv_tv_last']:.4f}")
    for line in result.doubts:
        typer.echo(line)
    typer.echo(f"run: {result.path}")
    if picture:
        typer.echo(f"picture: {picture}")


def _warn(warnings: list[str]) -> None:
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)


def _say(text: str) -> None:
    typer.echo(f"solve: {text}", err=True)


def _silent(text: str) -> None:
    """Say nothing."""
