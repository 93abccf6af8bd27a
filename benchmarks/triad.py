"""Memory bandwidth as STREAM measures it: a = b + 3 c on arrays much larger than the cache of a core."""

from __future__ import annotations

from functools import partial

import numpy as np
from report import best_seconds

from boneabm.kernels import blocks, kernel

ELEMENTS = 40_000_000  # 320 MB for each of the three arrays
CHUNKS = 128
COUNTED_B = 24  # per element, as STREAM counts: two reads and one write
MOVED_B = 32  # with write allocate: a line is read before it is written


@kernel
def triad(first, last, a, b, c):  # type: ignore[no-untyped-def]
    """a = b + 3 c in chunks first..last-1 of CHUNKS."""
    for i in range(np.uint64(first * a.size // CHUNKS), np.uint64(last * a.size // CHUNKS)):
        a[i] = b[i] + 3.0 * c[i]


def with_threads(threads: int, kernel: object, *args: object) -> None:
    """Launch a kernel over CHUNKS on so many threads."""
    blocks.set_threads(threads)
    blocks.launch(kernel, CHUNKS, *args)  # type: ignore[arg-type]


def elements_per_second(threads: list[int], elements: int = ELEMENTS, repeats: int = 6) -> dict[int, float]:
    """Best rate of several triads for each number of threads; leaves the number of threads in use as it was."""
    arrays = np.zeros(elements), np.ones(elements), np.ones(elements)
    before = blocks.get_threads()
    triad(0, CHUNKS, *arrays)
    best = best_seconds({count: partial(with_threads, count, triad, *arrays) for count in threads}, repeats)
    blocks.set_threads(before)
    return {count: elements / seconds for count, seconds in best.items()}
