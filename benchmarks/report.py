"""Figures of a benchmark: printed line by line as they come, and all together as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

Name = TypeVar("Name", bound=Hashable)


class Report:
    """Collects figures under headings and prints each as it comes, unless only the JSON is wanted."""

    def __init__(self, only_json: bool = False) -> None:
        self.only_json = only_json
        self.figures: dict[str, Any] = {}
        self._part = self.figures

    def heading(self, name: str, text: str) -> None:
        """Start a part, or go on with it."""
        self._part = self.figures.setdefault(name, {})
        self.note(f"\n{text}")

    def add(self, key: str, text: str, value: float) -> None:
        """One figure of the present part, with four digits (`e_app...` with eight)."""
        self._part[key] = value
        shown = f"{value:,}" if isinstance(value, int) else f"{value:.{8 if key.startswith('e_app') else 4}g}"
        self.note(f"  {text:<62}{shown:>14}")

    def note(self, text: str) -> None:
        """A line without a figure."""
        if not self.only_json:
            print(text, flush=True)

    def close(self) -> None:
        """The last line: everything as JSON."""
        print(json.dumps(self.figures))


def progress(text: str) -> None:
    """Say on the error stream what is under way."""
    print(f"... {text}", file=sys.stderr, flush=True)


def best_seconds(actions: Mapping[Name, Callable[[], object]], repeats: int) -> dict[Name, float]:
    """Shortest time of each action, taken in turns so that a disturbance hits all of them."""
    best = dict.fromkeys(actions, float("inf"))
    for _ in range(repeats):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            best[name] = min(best[name], time.perf_counter() - start)
    return best
