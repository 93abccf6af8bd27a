"""The one place that knows threads: run a kernel over fixed blocks in a thread pool of our own.

A block kernel has the signature `kernel(first, last, *args)` and treats the blocks first..last-1. Each block must
not depend on any other block of the same launch (sums go to one slot per block and are added in order afterwards),
so the number of threads changes no bit.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise
from typing import Any


class _Pool:
    def __init__(self) -> None:
        self.threads = 1
        self.executor: ThreadPoolExecutor | None = None


_POOL = _Pool()


def _forget_threads() -> None:
    """Threads do not survive a fork: a child (mesa.batch_run makes some) starts with one."""
    _POOL.threads, _POOL.executor = 1, None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


def available_threads() -> int:
    """Number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_threads(threads: int) -> None:
    """Use this many threads from now on, >= 1; results do not depend on it."""
    if threads < 1:
        raise ValueError(f"threads must be at least 1, got {threads}")
    if _POOL.executor is not None:
        _POOL.executor.shutdown()
    _POOL.threads = threads
    _POOL.executor = ThreadPoolExecutor(threads - 1, "boneabm") if threads > 1 else None


def get_threads() -> int:
    """Number of threads in use."""
    return _POOL.threads


def launch(kernel: Callable[..., Any], blocks: int, *args: Any) -> None:
    """Call `kernel(first, last, *args)` on contiguous ranges that together cover 0..blocks-1.

    Returns or raises only after every range has ended, so nothing is still writing.
    """
    threads = min(_POOL.threads, blocks)
    if threads <= 1 or _POOL.executor is None:
        kernel(0, blocks, *args)
        return
    edges = [blocks * t // threads for t in range(threads + 1)]
    waiting = [_POOL.executor.submit(kernel, a, b, *args) for a, b in pairwise(edges[1:])]
    try:
        kernel(edges[0], edges[1], *args)
    finally:
        wait(waiting)
    for task in waiting:
        task.result()
