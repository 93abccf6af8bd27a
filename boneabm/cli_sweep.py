"""The `sweep` commands: run, resume, status, collect, report. `boneabm sweep FILE` is `boneabm sweep run FILE`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from boneabm.cli_report import SweepReporter
from boneabm.cli_tell import Json, Quiet, echo_json, stop, told
from boneabm.errors import InputError

if TYPE_CHECKING:
    from boneabm.sweep.folder import PlannedRun, SweepFolder
    from boneabm.sweep.session import Execute, Tally

FAILED = 1
MOST_NAMED = 20


class FileOrCommand(TyperGroup):
    """A group whose first word may be a sweep file: then it is the command `run`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `run` before a word that is not a command."""
        asks_for_help = args and args[0] in ctx.help_option_names
        if args and args[0] not in self.commands and not asks_for_help:
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=FileOrCommand, no_args_is_help=True, help="Many runs: factors, arms, replicates. FILE runs it.")

Folder = Annotated[Path, typer.Argument(metavar="SWEEP", help="Folder of a sweep, as named with --out.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Worker processes, one run each; one per processor.")]
Scheduler = Annotated[str | None, typer.Option(help="Address of a running Dask scheduler, tcp://HOST:PORT.")]
InProcess = Annotated[bool, typer.Option("--in-process", help="One run after another, without Dask, to debug.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Try failed runs again.")]
Slurm = Annotated[bool, typer.Option("--slurm", help="Workers as SLURM jobs; with --dry-run: print their script.")]
Partition = Annotated[str, typer.Option(help="SLURM partition.", rich_help_panel="SLURM")]
Account = Annotated[str, typer.Option(help="SLURM account.", rich_help_panel="SLURM")]
Walltime = Annotated[str, typer.Option(help="Time limit of a SLURM job.", rich_help_panel="SLURM")]
Memory = Annotated[str, typer.Option(help="Memory of a worker.", rich_help_panel="SLURM")]
Interface = Annotated[str, typer.Option(help='Network interface, "ib0".', rich_help_panel="SLURM")]
Directive = Annotated[
    list[str] | None, typer.Option(help='Further #SBATCH line, "--qos=long"; repeatable.', rich_help_panel="SLURM")
]
Prologue = Annotated[
    list[str] | None, typer.Option(help='Shell line before a worker, "module load x".', rich_help_panel="SLURM")
]
Level = Annotated[float, typer.Option(help="Confidence level of intervals.")]


@dataclass(frozen=True)
class Where:
    """Where the runs of a sweep are computed, as asked on the command line."""

    workers: int | None
    scheduler: str | None
    in_process: bool
    slurm: dict[str, Any] | None

    def execute(self, say: Callable[[str], None]) -> Execute:
        """The executor."""
        from boneabm.sweep.session import run_in_process
        from boneabm.sweep.work import work

        if self.in_process:
            return run_in_process(work)
        from boneabm.sweep.cluster import ClusterOptions, require_dask, run_jobs

        require_dask()
        if self.scheduler is not None and not re.fullmatch(r"(tcp|tls|ws|wss|ucx)://[^\s:]+:\d+", self.scheduler):
            raise InputError(f'--scheduler "{self.scheduler}" is no address. Write it as tcp://HOST:PORT.')
        options = ClusterOptions(self.workers, self.scheduler, self.slurm_options())
        return lambda jobs, note, stop: run_jobs(jobs, work, options, on_outcome=note, stop=stop, say=say)

    def slurm_options(self) -> Any:
        """Options of the SLURM jobs, None without --slurm."""
        if self.slurm is None:
            return None
        from boneabm.sweep.slurm import SlurmOptions

        number: dict[str, Any] = {} if self.workers is None else {"workers": self.workers}
        return SlurmOptions(**self.slurm, **number)


@app.command("resume", help="Run what is missing of a sweep as it was planned: SWEEP is its folder. As `sweep run`.")
@app.command("run")
@told
def run(
    source: Annotated[
        str, typer.Argument(metavar="FILE|SWEEP", help='Sweep file, the packaged "example_sweep", or a sweep folder.')
    ],
    out: Annotated[Path | None, typer.Option(help="Folder of the sweep; sweeps/TITLE by default.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be run and what it costs.")] = False,
    workers: Workers = None,
    scheduler: Scheduler = None,
    in_process: InProcess = False,
    retry_failed: RetryFailed = False,
    slurm: Slurm = False,
    partition: Partition = "",
    account: Account = "",
    walltime: Walltime = "8 h",
    memory: Memory = "4 GB",
    interface: Interface = "",
    directive: Directive = None,
    prologue: Prologue = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Plan a sweep file and run what is missing of it. The same command again goes on where it stopped."""
    asked: dict[str, Any] = {"partition": partition, "account": account, "walltime": walltime, "memory": memory}
    asked |= {"interface": interface, "directives": tuple(directive or ()), "prologue": tuple(prologue or ())}
    where = Where(workers, scheduler, in_process, asked if slurm else None)
    prepared = _prepare(source, out)
    if dry_run:
        _tell_plan(prepared, where, as_json)
        return
    _run(prepared, where.execute(say_unless(quiet, "sweep")), retry_failed, quiet, as_json)


@app.command()
@told
def status(sweep: Folder, as_json: Json = False) -> None:
    """Say how far a sweep is, and what failed."""
    from boneabm.sweep.folder import SweepFolder
    from boneabm.sweep.session import tally

    folder = SweepFolder(sweep)
    plan = folder.plan()
    _tell(folder, plan, tally(folder, plan), as_json)


@app.command()
@told
def collect(
    sweep: Folder,
    out: Annotated[Path | None, typer.Option(help="Folder of the tables; tables/ in the sweep by default.")] = None,
    table_format: Annotated[Any, typer.Option("--format", help="csv or parquet.", parser=str)] = "csv",
    series: Annotated[bool, typer.Option("--series", help="Also the daily series of all runs as one table.")] = False,
    level: Level = 0.95,
    geometry: Annotated[
        str | None, typer.Option(help='Factor whose levels are different bones; "bone.seed" or "bone.image" by itself.')
    ] = None,
    as_json: Json = False,
) -> None:
    """Write tidy tables: runs with outcomes and paired differences, summary by arm, variance, what is missing."""
    from boneabm.sweep.collect import collect as collect_tables
    from boneabm.sweep.folder import SweepFolder

    made = collect_tables(SweepFolder(sweep), out, table_format, level, series, geometry)
    files = {name: str(path) for name, path in made.files.items()}
    if as_json:
        echo_json(files)
        return
    for name, path in files.items():
        typer.echo(f"{name:<10} {path}")


@app.command()
@told
def report(
    sweep: Folder,
    out: Annotated[Path | None, typer.Option(help="HTML file; report.html in the sweep by default.")] = None,
    level: Level = 0.95,
    as_json: Json = False,
) -> None:
    """Write one HTML file with design, outcomes by arm, differences, pictures and what is missing."""
    from boneabm.sweep.folder import SweepFolder
    from boneabm.sweep.report import write_report

    path = str(write_report(SweepFolder(sweep), out, level))
    if as_json:
        echo_json({"report": path})
    else:
        typer.echo(path)


@dataclass(frozen=True)
class Prepared:
    """A sweep before it runs: its folder, its runs, and how to write the plan (nothing to do for a planned one)."""

    sweep: SweepFolder
    plan: list[PlannedRun]
    write: Callable[[], None]


def _prepare(source: str, out: Path | None) -> Prepared:
    """Read a sweep file and plan it, or take a planned sweep from its folder."""
    from boneabm.sweep.design import find_sweep, read_design
    from boneabm.sweep.folder import SweepFolder
    from boneabm.sweep.plan import default_folder, make_plan, write_plan

    if Path(source).is_dir():
        if out is not None:
            raise InputError(f"--out is for sweep files; {source} is the folder of a sweep already.")
        return Prepared(SweepFolder(source), SweepFolder(source).plan(), lambda: None)
    design = read_design(source)
    base, plan = make_plan(design)
    sweep = SweepFolder(out or default_folder(design))
    return Prepared(sweep, plan, lambda: write_plan(design, find_sweep(source), base, plan, sweep))


def _tell_leftovers(prepared: Prepared) -> None:
    from boneabm.sweep.plan import leftovers

    left = leftovers(prepared.plan, prepared.sweep)
    if left:
        told = "are not part of this plan (an earlier sweep file or version of boneabm); they stay, and do not count"
        typer.echo(f"sweep: {len(left)} runs in {prepared.sweep.runs} {told}", err=True)


def run_reported(
    sweep: SweepFolder, execute: Execute, prepare: Callable[[], None], retry_failed: bool, quiet: bool
) -> Tally:
    """Run what is missing of a sweep with progress on the terminal, until it is done or a signal asks to stop."""
    from boneabm.stepping import StopRequest
    from boneabm.sweep.session import run_missing

    with StopRequest() as request, SweepReporter(quiet) as report:
        return run_missing(
            sweep,
            execute,
            stop=lambda: request.asked,
            on_start=lambda tally: report.begin(tally.planned, tally.finished, len(tally.failed)),
            on_outcome=lambda outcome: report.note(outcome.name, outcome.status, outcome.text),
            retry_failed=retry_failed,
            prepare=prepare,
        )


def _run(prepared: Prepared, execute: Execute, retry_failed: bool, quiet: bool, as_json: bool) -> None:
    """Run what is missing, say how it ended; exit code 130 when stopped, 1 when runs failed."""
    sweep = prepared.sweep
    reached = run_reported(sweep, execute, prepared.write, retry_failed, quiet)
    _tell(sweep, sweep.plan(), reached, as_json)
    if not quiet:
        _tell_leftovers(prepared)
    if reached.stopped:
        stop(f"Stopped; begun runs are safe. Continue with: boneabm sweep resume {sweep.path}", 130)
    if reached.failed or reached.open:
        raise typer.Exit(FAILED)


def _tell(sweep: SweepFolder, plan: list[PlannedRun], reached: Tally, as_json: bool) -> None:
    """Numbers of runs, then each failed or lost one by name; the digest of all results once nothing is open."""
    facts: dict[str, Any] = {"sweep": str(sweep.path), "planned": reached.planned, "finished": reached.finished}
    facts |= {"partial": reached.partial, "missing": reached.missing, "failed": len(reached.failed)}
    if reached.finished and not reached.open:
        facts["digest"] = sweep.digest()
    if as_json:
        echo_json(facts | {"failed_runs": " ".join(reached.failed), "lost_runs": " ".join(reached.lost)})
        return
    _name_runs(plan, reached.failed, "failed")
    _name_runs(plan, reached.lost, "lost")
    if reached.failed:
        typer.echo(
            f"Records with tracebacks: {sweep.failed}. To try again: boneabm sweep resume {sweep.path} --retry-failed"
        )
    for name, value in facts.items():
        typer.echo(f"{name:<10} {value}")


def _name_runs(plan: list[PlannedRun], texts: dict[str, str], word: str) -> None:
    shown = [run for run in plan if run.run_id in texts]
    for run in shown[:MOST_NAMED]:
        reason = texts[run.run_id].strip().splitlines() or [""]
        typer.echo(f"{word}: {run.run_id} ({run.label()}): {reason[0]}", err=True)
    if len(shown) > MOST_NAMED:
        typer.echo(f"... and {len(shown) - MOST_NAMED} more", err=True)


def _tell_plan(prepared: Prepared, where: Where, as_json: bool) -> None:
    """What would be run, and what it costs; the submission script where SLURM is asked for."""
    from boneabm.sweep.estimate import estimate

    told = estimate(prepared.sweep, prepared.plan, where.workers)
    if as_json:
        echo_json(told.facts())
        return
    typer.echo("\n".join(told.lines()))
    options = where.slurm_options()
    if options is not None:
        from boneabm.sweep.slurm import slurm_script

        typer.echo(slurm_script(options))


def say_unless(quiet: bool, command: str) -> Callable[[str], None]:
    """Something that says a line on standard error, unless asked to be quiet."""
    return lambda text: None if quiet else typer.echo(f"{command}: {text}", err=True)
