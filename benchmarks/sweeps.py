"""Sweeps under fire: killed five times, one worker against two, the price of a run, memory of collecting.

    python benchmarks/sweeps.py [kills] [throughput] [memory] [pairs] [--folder DIR] [--json]

kills      : 40 runs on two workers; client, scheduler and workers get SIGKILL at a random moment, five times. The
             second start must run only what is missing, go on from checkpoints, and reach the digest of a sweep that
             was left alone.
throughput : the same runs on one worker and on two, in turns; from the first run's start to the last one's end, without
             Dask's own start (1-2 s once). Beside it what the machine gives: two independent processes against one, on
             the same days. Overhead is the time of the workers less the time of the runs (making the bone counts).
memory     : peak memory of `sweep collect` after 20 and after 200 runs.
pairs      : variance of the paired difference of two arms against independent seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from machine import machine
from report import Report, progress

from boneabm.io.runfolder import RunFolder
from boneabm.sweep.folder import RESULT, SweepFolder

KILLS = 5
BASE = """title = "small block"
[bone]
kind = "generated"
size = "{edge} um"
voxel = "20 um"
bv_tv = {bv_tv}
tb_th = "130 um"
[simulation]
days = {days}
burn_in = "{burn_in} d"
[output]
checkpoint_every = "{checkpoint} d"
volumes_every = "{days} d"
agents_every = "{days} d"
"""
ARMS = """
[arms.control]
[[arms.pth.state]]
kind = "pth"
level = "200 pg/mL"
start = "3 d"
"""


def write_sweep(
    folder: Path, replicates: int, text: str, edge: int = 600, days: int = 20, burn_in: int = 20, bv_tv: float = 0.3
) -> Path:
    """A sweep file with its base in a folder of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    base = BASE.format(edge=edge, days=days, burn_in=burn_in, checkpoint=max(2, days // 5), bv_tv=bv_tv)
    (folder / "base.toml").write_text(base)
    file = folder / "sweep.toml"
    file.write_text(f'title = "benchmark"\nbase = "base.toml"\nreplicates = {replicates}\n{text}')
    return file


def command(*words: object) -> list[str]:
    """The command line of boneabm in this Python."""
    return [sys.executable, "-m", "boneabm", "sweep", *map(str, words)]


def call(*words: object) -> dict[str, Any]:
    """Run a sweep command to its end; its JSON line."""
    done = subprocess.run([*command(*words), "--json"], capture_output=True, encoding="utf-8")
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def finished(sweep: SweepFolder) -> dict[str, float]:
    """Time at which each finished run was put in place."""
    return {path.parent.name: path.stat().st_mtime for path in sweep.runs.glob(f"*/{RESULT}")}


def kill_after(file: Path, out: Path, runs: int, delay_s: float) -> None:
    """Start a sweep on two workers and kill every process of it some time after so many runs have finished."""
    process = subprocess.Popen(
        command(file, "--out", out, "--workers", 2, "--quiet"),
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while len(finished(SweepFolder(out))) < runs:
        if process.poll() is not None:
            raise SystemExit(f"the sweep ended by itself with {process.returncode} before it could be killed")
        time.sleep(0.02)
    time.sleep(delay_s)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def measure_kills(report: Report, folder: Path) -> None:
    """Five sweeps killed at random moments against one that was left alone."""
    report.heading("kills", "40 runs on 2 workers, killed with SIGKILL after about 10 results, started again")
    levels = '[factors]\n"bone.seed" = [3, 4, 5, 6]\n'
    file = write_sweep(folder, 5, levels + ARMS)
    progress("sweep left alone")
    alone = call(file, "--out", folder / "alone", "--workers", 2)["digest"]
    chance = random.Random(0)
    equal = continued = again = 0
    for trial in range(KILLS):
        progress(f"kill {trial + 1} of {KILLS}")
        out = folder / f"killed{trial}"
        kill_after(file, out, chance.randint(7, 13), chance.random())
        sweep = SweepFolder(out)
        before = finished(sweep)
        part = [path.name for path in sweep.runs.iterdir() if path.name not in before and not path.name.startswith(".")]
        digest = call(file, "--out", out, "--workers", 2)["digest"]
        after = finished(sweep)
        again += sum(after[name] != moment for name, moment in before.items())
        resumed = [name for name in part if RunFolder(sweep.run_path(name)).read_log("resumed")]
        report.note(f"  killed with {len(before)} finished, {len(part)} begun, {len(resumed)} of these went on")
        equal += digest == alone
        continued += len(resumed)
    report.add("equal_digests", f"digests equal to the sweep left alone, of {KILLS}", equal)
    report.add("continued", "begun runs that went on from their checkpoints", continued)
    report.add("run_twice", "finished runs that were run again", again)


def timed(file: Path, out: Path, workers: int) -> tuple[float, float, int]:
    """Seconds from the first job's begin to the last one's end, seconds inside runs, number of runs."""
    call(file, "--out", out, "--workers", workers)
    logs = [RunFolder(path).log_file for path in SweepFolder(out).runs.iterdir()]
    results = [json.loads((log.parent / RESULT).read_text()) for log in logs]
    inside_s = sum(result["wall_s"] for result in results)
    ends = sorted((log.parent / RESULT).stat().st_mtime for log in logs)
    starts = sorted((log.parent / "scenario.toml").stat().st_mtime for log in logs)
    return ends[-1] - starts[0], inside_s, len(results)


def measure_throughput(report: Report, folder: Path, rounds: int = 3) -> None:
    """One worker against two on the same runs, in turns."""
    report.heading("throughput", "12 runs of 200 days, 0.8 mm of bone, without burn-in: one worker against two")
    file = write_sweep(folder, 12, "", edge=800, days=200, burn_in=0)
    spans: dict[int, list[float]] = {1: [], 2: []}
    overheads = []
    for turn in range(rounds):
        for workers in (1, 2):
            progress(f"turn {turn + 1} of {rounds}, {workers} workers")
            out = folder / f"turn{turn}-{workers}"
            span_s, inside_s, runs = timed(file, out, workers)
            spans[workers].append(span_s)
            overheads.append((workers * span_s - inside_s) / runs)
            shutil.rmtree(out)
    report.add("one_s", "one worker, shortest, s", min(spans[1]))
    report.add("two_s", "two workers, shortest, s", min(spans[2]))
    report.add("ratio", "throughput of two workers over one, shortest times", min(spans[1]) / min(spans[2]))
    best = max(one / two for one, two in zip(spans[1], spans[2], strict=True))
    report.add("ratio_best_turn", "the same, best of the turns", best)
    report.add("machine_ratio", "two independent processes over one, same days, no sweep", machine_ratio(folder))
    report.add("overhead_s", "worker time per run beyond the run itself, median, s", statistics.median(overheads))


def machine_ratio(folder: Path, rounds: int = 3) -> float:
    """What the machine gives: the days of two plain processes at once against those of one alone."""
    code = (
        "import sys, time; from boneabm.scenario import Scenario; from boneabm.build import build\n"
        "simulation = build(Scenario.load(sys.argv[1]))[0]; simulation.step(); print(flush=True); input()\n"
        "start = time.perf_counter()\n"
        "while simulation.day < 300: simulation.step()\n"
        "print(time.perf_counter() - start)\n"
    )
    best: dict[int, float] = {1: float("inf"), 2: float("inf")}
    for _ in range(rounds):
        for count in best:
            words = [sys.executable, "-c", code, str(folder / "base.toml")]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            processes = [subprocess.Popen(words, **pipes) for _ in range(count)]  # type: ignore[call-overload]
            for process in processes:
                process.stdout.readline()
            for process in processes:
                process.stdin.write("\n")
                process.stdin.flush()
            best[count] = min(best[count], max(float(process.communicate()[0]) for process in processes))
    return 2 * best[1] / best[2]


def measure_memory(report: Report, folder: Path) -> None:
    """Peak memory of collecting after 20 and after 200 runs."""
    report.heading("memory", "peak memory of `sweep collect --series`, runs of 30 days")
    peaks = {}
    for runs in (20, 200):
        progress(f"{runs} runs")
        file = write_sweep(folder, runs // 2, ARMS, days=30, burn_in=0)
        call(file, "--out", folder / "sweep", "--workers", 2)
        code = (
            "import resource, sys; from pathlib import Path\n"
            "from boneabm.sweep.collect import collect; from boneabm.sweep.folder import SweepFolder\n"
            "collect(SweepFolder(Path(sys.argv[1])), series=True)\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
        )
        told = subprocess.run(
            [sys.executable, "-c", code, str(folder / "sweep")], capture_output=True, encoding="utf-8", check=True
        )
        peaks[runs] = float(told.stdout.split()[-1])
        report.add(f"peak_{runs}_mb", f"{runs} runs, MB", peaks[runs])
    report.add("per_run_kb", "per further run, kB", (peaks[200] - peaks[20]) * 1024 / 180)


def measure_pairs(report: Report, folder: Path) -> None:
    """How much common random numbers and a common burn-in save: variance of paired against unpaired differences."""
    report.heading("pairs", "PTH 200 pg/mL from day 3 against control, 16 seeds, 0.8 mm of bone, 120 days")
    file = write_sweep(folder, 16, ARMS, edge=800, days=120, burn_in=60, bv_tv=0.2)
    call(file, "--out", folder / "sweep", "--workers", 2)
    from boneabm.sweep.collect import collect

    summary = collect(SweepFolder(folder / "sweep")).summary
    rows = [dict(zip(summary, row, strict=True)) for row in zip(*summary.values(), strict=True)]
    for row in rows:
        if row["arm"] == "pth" and row["outcome"] in ("bv_tv_change_percent", "osteoclasts_mean", "resorbed_um3"):
            name = row["outcome"]
            report.add(name, f"{name}: variance of pairs / of independent seeds", row["variance_ratio"])
            report.add(f"{name}_correlation", "  correlation of the arms over seeds", row["correlation"])


PARTS = {"kills": measure_kills, "throughput": measure_throughput, "memory": measure_memory, "pairs": measure_pairs}


def main(words: Sequence[str] | None = None) -> None:
    """Measure the parts that are asked for, all by default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="parts, all by default")
    parser.add_argument("--folder", type=Path, help="where sweeps are kept; a temporary folder by default")
    parser.add_argument("--json", action="store_true", help="only the JSON line")
    given = parser.parse_args(words)
    report = Report(given.json)
    report.note(machine())
    with tempfile.TemporaryDirectory() as temporary:
        for name in given.parts or PARTS:
            PARTS[name](report, (given.folder or Path(temporary)) / name)
    report.close()


if __name__ == "__main__":
    main()
