"""The `validate` command: run the validation suite where runs are missing, and compare it with published targets."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from boneabm.cli_sweep import FAILED, InProcess, RetryFailed, Where, Workers, run_reported, say_unless
from boneabm.cli_tell import Json, Quiet, echo_json, stop, told
from boneabm.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from boneabm.sweep.session import Execute
    from boneabm.validation.experiments import Experiment
    from boneabm.validation.suite import Planned
    from boneabm.validation.table import Row, Validation
    from boneabm.validation.vary import Response, Varied

PAPER_COLUMNS = 170


@told
def validate(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[EXPERIMENT]...", help="Experiments; the full suite by default.")
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Only the fast part: small bones, half a year.")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="Say what the suite holds; runs nothing.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder of runs and tables; in the user's cache by default.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Number of bones instead of that of the suite.")] = None,
    vary: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=V1,V2,...",
            help="One parameter at several values, to see how targets follow and where they are met; without "
            "experiments in the one that it was fitted in.",
        ),
    ] = None,
    workers: Workers = None,
    in_process: InProcess = False,
    retry_failed: RetryFailed = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Compare simulated bone with published targets: runs what is missing, then prints and writes a table.

    Exit code 0 where nothing failed, 1 where a target or a run failed (with --vary only for runs), 2 for bad input, 130
    when stopped. The same command again goes on where it stopped.
    """
    from boneabm.validation.experiments import chosen
    from boneabm.validation.suite import Sizing, default_folder, run_suite
    from boneabm.validation.table import validate as compare

    if fast and (names or vary is not None):
        raise InputError("--fast goes with neither experiments by name nor --vary.")
    if list_all:
        _tell_list(as_json)
        return
    folder = out or default_folder()
    runner = _Runner(Where(workers, None, in_process, None).execute(say_unless(quiet, "validate")), retry_failed, quiet)
    if vary is not None:
        _vary(vary, names or [], folder, seeds, runner, as_json)
        return
    experiments = chosen(names or [], fast)
    sweeps = run_suite(experiments, folder, runner, Sizing(bones=seeds))
    found = compare(experiments, sweeps)
    _tell(found, folder, as_json)
    runner.stop_if_asked()
    if found.count("fail") or runner.failed:
        raise typer.Exit(FAILED)


class _Runner:
    """Runs what is missing of one sweep after another; remembers failures and whether somebody asked to stop."""

    def __init__(self, execute: Execute, retry_failed: bool, quiet: bool) -> None:
        self.execute, self.retry_failed, self.quiet = execute, retry_failed, quiet
        self.failed, self.stopped = 0, False

    def __call__(self, planned: Planned) -> bool:
        """Run a sweep; False once it was stopped."""
        from boneabm.sweep.session import tally
        from boneabm.validation.suite import drop_burn_ins

        sweep, plan = planned.sweep, planned.plan
        quiet = self.quiet or not (tally(sweep, plan).open or self.retry_failed)
        say_unless(quiet, "validate")(f"{planned.name}, {len(plan)} runs in {sweep.path}")
        reached = run_reported(sweep, self.execute, planned.write, self.retry_failed, quiet)
        self.stopped = reached.stopped
        self.failed += len(reached.failed) + reached.open
        for run_id, text in reached.failed.items():
            typer.echo(f"failed: {sweep.run_path(run_id)}: {(text.splitlines() or [''])[0]}", err=True)
        if not reached.open:
            drop_burn_ins(planned)
        return not self.stopped

    def stop_if_asked(self) -> None:
        """End the command where somebody asked to stop."""
        if self.stopped:
            stop("Stopped; begun runs are safe. The same command goes on with them.", 130)


def _vary(text: str, names: list[str], folder: Path, seeds: int | None, runner: _Runner, as_json: bool) -> None:
    """Run experiments at every value of a parameter; write and print what their targets come to."""
    from boneabm.validation.suite import run_suite
    from boneabm.validation.table import validate as compare
    from boneabm.validation.vary import experiments_of, read_varied, responses, write_responses

    varied, found = read_varied(text), {}
    experiments = experiments_of(varied, names)
    for value in varied.values:
        say_unless(runner.quiet, "validate")(f"{varied.name} = {value:g}")
        sweeps = run_suite(experiments, varied.folder(folder, value), runner, varied.sizing(value, seeds))
        runner.stop_if_asked()
        found[value] = compare(experiments, sweeps)
    listed = responses(varied, found)
    table = write_responses(varied, listed, folder)
    if as_json:
        echo_json({"table": str(table), "rows": [_response_record(varied.values, one) for one in listed]})
    else:
        _print_responses(varied, listed)
        typer.echo(f"Mean over bones, and their number. * is what the parameter was fitted to.\n{table}")
    if runner.failed:
        raise typer.Exit(FAILED)


def _response_record(values: tuple[float, ...], one: Response) -> dict[str, Any]:
    """Facts of a response; what is not a number becomes null."""
    first = one.rows[0]
    means = {f"{value:g}": mean if math.isfinite(mean) else None for value, mean in zip(values, one.means, strict=True)}
    met = one.met_at()
    facts: dict[str, Any] = {"experiment": first.experiment, "quantity": first.quantity.name, "fitted_to": one.fitted}
    return facts | {"means": means, "met_at": met if math.isfinite(met) else None}


def _print_responses(varied: Varied, listed: list[Response]) -> None:
    from rich.table import Table

    from boneabm.validation.table import cells

    table = Table("experiment", "quantity", "target", *(f"{value:g}" for value in varied.values), "met at")
    table.title = varied.name
    for one in listed:
        name, band, *_ = cells(one.rows[0])
        means = (f"{row.interval.estimate:.3g}, {row.interval.n}" if row.interval.n else "-" for row in one.rows)
        met = one.met_at()
        table.add_row(
            one.rows[0].experiment, name + " *" * one.fitted, band, *means, f"{met:.3g}" if math.isfinite(met) else "-"
        )
    _console().print(table)


def _console() -> Console:
    """Where tables are printed: as wide as the terminal, or as paper where there is none."""
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PAPER_COLUMNS)


def _tell(found: Validation, folder: Path, as_json: bool) -> None:
    """Write the table; print it, or one JSON object."""
    from boneabm.validation.table import weak_lines, write_validation

    table, page = write_validation(found, folder)
    if as_json:
        echo_json({"table": str(table), **_facts_of(found)})
        return
    _print_rows(found.rows)
    typer.echo("pass*: the mean lies in the band, but its interval leaves it; more bones are needed to be sure.")
    for line in weak_lines(found.rows):
        typer.echo(line)
    typer.echo(f"{found.constants.count()}; the page names them, and targets that are not simulated yet.")
    typer.echo(f"Model version {found.version}. {found.summary()}.\n{table}\n{page}")


def _facts_of(found: Validation) -> dict[str, Any]:
    """Verdicts counted, every row, constants, and what is not simulated."""
    from boneabm.validation.table import VERDICTS

    facts: dict[str, Any] = {"model_version": found.version}
    facts |= {verdict.replace(" ", "_"): found.count(verdict) for verdict in VERDICTS}
    facts |= {"rows": [_record(row) for row in found.rows], "parameters": found.constants.total}
    facts |= {"fitted": [*found.constants.fitted, *found.constants.fitted_effects]}
    return facts | {"not_simulated": {t.id: t.not_simulated for t in found.not_simulated}}


def _record(row: Row) -> dict[str, Any]:
    """Facts of a row; what is not a number becomes null."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.facts().items()}


def _print_rows(rows: list[Row]) -> None:
    from rich.table import Table

    from boneabm.validation.table import cells

    table = Table()
    for header in ("experiment", "quantity", "target", "simulated (95 %), n", "verdict", "source"):
        table.add_column(header, overflow="fold")
    for row in rows:
        name, band, value, verdict, basis, _ = cells(row)
        source = f"{row.target.id}, {row.target.source} ({basis})" if row.target else "-"
        table.add_row(row.experiment, name, band, value, _colored(verdict), source)
    _console().print(table)


def _colored(verdict: str) -> str:
    color = {"pass": "green", "warn": "yellow", "fail": "red"}.get(verdict.rstrip("*"))
    return f"[{color}]{verdict}[/{color}]" if color else verdict


def _tell_list(as_json: bool) -> None:
    """Experiments with their part, runs and targets; what is not simulated."""
    from boneabm.validation.experiments import EXPERIMENTS
    from boneabm.validation.targets import read_targets

    targets = read_targets()
    listed = [_facts(experiment, sum(t.experiment == experiment.name for t in targets)) for experiment in EXPERIMENTS]
    left_out = {t.id: t.not_simulated for t in targets if t.not_simulated}
    if as_json:
        echo_json({"experiments": listed, "not_simulated": left_out})
        return
    for facts in listed:
        typer.echo("{name:<18} {part:<8} {runs:>3} runs, {targets:>2} targets: {question}".format(**facts))
    for name, reason in left_out.items():
        typer.echo(f"{name:<18} not simulated yet: {reason}")


def _facts(experiment: Experiment, targets: int) -> dict[str, Any]:
    from boneabm.sweep.design import design_from_text
    from boneabm.validation.suite import sweep_text
    from boneabm.validation.targets import DATA

    runs = sum(len(design_from_text(sweep_text(name), name, DATA).points) for name in experiment.sweeps)
    name = experiment.name.replace(" ", "-")
    return {"name": name, "part": experiment.part, "runs": runs, "targets": targets, "question": experiment.question}
