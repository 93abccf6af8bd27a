"""What a running simulation or sweep says on the terminal: a live bar, or plain lines where there is none."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as RichProgress

from boneabm.report.page import duration

if TYPE_CHECKING:
    from boneabm.stepping import Progress

_COSTLIEST = 3


class SweepReporter:
    """Shows on standard error how many runs of a sweep have ended; a context manager, quiet if asked."""

    def __init__(self, quiet: bool, console: Console | None = None) -> None:
        self.quiet = quiet
        self.console = console or Console(stderr=True, highlight=False)
        self._began_s = 0.0
        self._planned = self._before = self._ended = self._failed = self._printed = 0
        self._bar: RichProgress | None = None
        self._task = TaskID(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, planned: int, finished: int, failed: int) -> None:
        """Start counting: runs planned, and those that had finished or failed before."""
        self._planned, self._before, self._failed = planned, finished + failed, failed
        self._began_s = time.monotonic()
        if self.quiet:
            return
        if self.console.is_terminal:
            columns = (TextColumn("sweep"), BarColumn(24), TextColumn("{task.fields[told]}"))
            self._bar = RichProgress(*columns, console=self.console, refresh_per_second=4)
            self._task = self._bar.add_task("", total=planned, completed=self._before, told=self._sentence())
            self._bar.start()
        else:
            self.console.print(f"sweep: {self._sentence()}", soft_wrap=True, markup=False)

    def note(self, name: str, status: str, text: str) -> None:
        """One job has ended."""
        if self.quiet:
            return
        if status in ("failed", "lost"):
            self._failed += not name.startswith("burn-in-")
            reason = (text.splitlines() or [""])[0]
            self.console.print(f"{status}: {name}: {reason}", soft_wrap=True, markup=False)
        if name.startswith("burn-in-") or status == "stopped":
            return
        self._ended += 1
        if self._bar is not None:
            self._bar.update(self._task, completed=self._before + self._ended, told=self._sentence())
        elif self._is_a_twentieth():
            self.console.print(f"sweep: {self._sentence()}", soft_wrap=True, markup=False)

    def _is_a_twentieth(self) -> bool:
        """Whether another twentieth of the runs has ended since the last line."""
        reached = 20 * (self._before + self._ended) // max(self._planned, 1)
        told, self._printed = reached > self._printed, reached
        return told

    def _sentence(self) -> str:
        done, spent_s = self._before + self._ended, time.monotonic() - self._began_s
        left = self._planned - done
        time_left = f", {duration(spent_s * left / self._ended)} left" if self._ended and left else ""
        failed = f", {self._failed} failed" if self._failed else ""
        return f"{done} of {self._planned} runs{failed}, {duration(spent_s)}{time_left}"


class Reporter:
    """Receives the progress of a run and shows it on standard error; a context manager, quiet if asked."""

    def __init__(self, quiet: bool, console: Console | None = None) -> None:
        self.quiet = quiet
        self.console = console or Console(stderr=True, highlight=False)
        self._stage = ""
        self._began = (0.0, 0.0)
        self._printed = -1
        self._bar: RichProgress | None = None
        self._task = TaskID(0)

    def __enter__(self) -> Self:
        if not self.quiet and self.console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(24), TextColumn("{task.fields[told]}"))
            self._bar = RichProgress(*columns, console=self.console, refresh_per_second=4)
            self._task = self._bar.add_task("", total=1.0, told="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        """Show one report."""
        if self.quiet:
            return
        done = fraction(progress.day, progress.first_day, progress.last_day)
        if progress.stage != self._stage:
            self._stage, self._began, self._printed = progress.stage, (time.monotonic(), done), -1
        told = sentence(progress, done, self._seconds_left(done))
        if self._bar is not None:
            self._bar.update(self._task, description=progress.stage, completed=done, told=told)
        elif int(10 * done) > self._printed:
            self._printed = int(10 * done)
            self.console.print(f"{progress.stage}: {told}", soft_wrap=True, markup=False)

    def _seconds_left(self, done: float) -> float | None:
        started, at = self._began
        return (time.monotonic() - started) * (1 - done) / (done - at) if done > at else None


def fraction(day: int, first_day: int, last_day: int) -> float:
    """Share of the days done, 0..1."""
    return min(1.0, max(0.0, (day - first_day) / (last_day - first_day))) if last_day > first_day else 1.0


def sentence(progress: Progress, done: float, seconds_left: float | None) -> str:
    """One line: day, percent, time left, and the costliest phases of the day."""
    left = f", {duration(seconds_left)} left" if seconds_left is not None and done < 1 else ""
    costs = split(progress.phase_s)
    text = f"day {progress.day} of {progress.last_day}, {100 * done:.0f} %, {duration(progress.elapsed_s)}{left}"
    return f"{text} ({costs})" if costs else text


def split(phase_s: Mapping[str, float]) -> str:
    """Shares of the costliest phases, such as "mechanics 61 %, fields 20 %"."""
    total = sum(phase_s.values())
    if total <= 0:
        return ""
    costliest = sorted(phase_s.items(), key=lambda item: -item[1])[:_COSTLIEST]
    return ", ".join(f"{name} {100 * seconds / total:.0f} %" for name, seconds in costliest)
