"""Looking at a run: seconds until a picture, a film, a page and a report are there, and what of it is starting Python.

    python benchmarks/viewing.py [--edge 200] [--film-edge 100] [--frames 24]

Runs are written without a simulation (tests/reference/view_run.py): a gyroid of a third of bone, more surface than bone
has. Each command is a process of its own, as a user starts it; the first line is a command that only prints help.
The page is timed in headless Chromium, from the command to controls that answer and to the first picture.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import machine

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "reference"))
from view_run import make_run

PATIENCE_MS = 60_000


def command(*words: object) -> tuple[float, float]:
    """Wall and processor seconds of one boneabm command."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "boneabm", *map(str, words)], check=True, capture_output=True)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def page(run: Path) -> tuple[float, float]:
    """Seconds from the command to controls that answer, and to the first picture of the bone."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        seen, begin = browser.new_page(viewport={"width": 1000, "height": 620}), time.perf_counter()
        seen.set_default_timeout(PATIENCE_MS)
        words = [sys.executable, "-m", "boneabm", "view", str(run)]
        served = subprocess.Popen(words, stdout=subprocess.PIPE, encoding="utf-8")
        assert served.stdout is not None
        seen.goto(served.stdout.readline().split()[1])
        seen.wait_for_selector("#progress")
        usable = time.perf_counter() - begin
        seen.wait_for_function("[...document.querySelectorAll('#picture img')].some(image => image.naturalWidth > 100)")
        drawn = time.perf_counter() - begin
        served.send_signal(signal.SIGINT)
        served.wait(20)
        browser.close()
    return usable, drawn


def main() -> None:
    """Print every figure."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("--edge", 200), ("--film-edge", 100), ("--frames", 24)):
        options.add_argument(name, type=int, default=value)
    given = options.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as place:
        still, film = Path(place) / "still", Path(place) / "film"
        make_run(still, (0, 50), given.edge)
        make_run(film, tuple(range(0, 10 * given.frames, 10)), given.film_edge)
        told = {
            "help": command("--help"),
            f"render, {given.edge}^3": command("render", still, "--out", still / "a.png"),
            f"movie, {given.frames} x {given.film_edge}^3": command("movie", film, "--out", film / "a.mp4"),
            f"report, {given.film_edge}^3": command("report", film, "--out", film / "a.html"),
        }
        for what, (wall, processor) in told.items():
            print(f"{what:<24} {wall:6.1f} s, {processor:6.1f} s of processor")
        print(f"{'report size':<24} {(film / 'a.html').stat().st_size / 1e6:6.2f} MB")
        usable, drawn = page(film)
        print(f"{'page of the film':<24} {usable:6.1f} s until controls answer, {drawn:.1f} s until the first picture")


if __name__ == "__main__":
    main()
