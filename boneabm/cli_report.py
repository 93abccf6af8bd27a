"""What a running simulation says on the terminal: a live bar, or a plain line every tenth where there is none."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as RichProgress

if TYPE_CHECKING:
    from boneabm.run import Progress

_COSTLIEST = 3


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


def duration(seconds: float) -> str:
    """Seconds as 48 s, 3 min 20 s or 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
