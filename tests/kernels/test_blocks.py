"""The thread pool: every block exactly once, errors reach the caller, the number of threads is one setting."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from boneabm.kernels import blocks, surface


@pytest.fixture(autouse=True)
def restore_threads():
    before = blocks.get_threads()
    yield
    blocks.set_threads(before)


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
def test_every_block_is_treated_exactly_once(threads):
    """For 1 to 13 blocks the ranges are disjoint, contiguous and cover 0..n-1."""
    blocks.set_threads(threads)
    for count in range(1, 14):
        seen = np.zeros(count, int)

        def visit(first, last, out):
            assert first < last
            out[first:last] += 1

        blocks.launch(visit, count, seen)
        assert (seen == 1).all()


def test_no_blocks_means_no_work():
    """Zero blocks give at most one empty range, whatever the number of threads."""
    for threads in (1, 3):
        blocks.set_threads(threads)
        ranges = []
        blocks.launch(lambda first, last, ranges=ranges: ranges.append((first, last)), 0)
        assert ranges in ([], [(0, 0)])


def test_ranges_run_in_threads_of_our_own():
    """Three threads treat three ranges; the caller is one of them."""
    blocks.set_threads(3)
    meeting = threading.Barrier(3, timeout=20)
    names = []

    def note(first, last):
        meeting.wait()
        names.append(threading.current_thread())

    blocks.launch(note, 3)
    assert threading.current_thread() in names
    assert len(set(names)) == 3


@pytest.mark.parametrize("failing", [0, 1, 3])
def test_an_error_in_any_range_reaches_the_caller(failing):
    """The exception of a worker or of the caller's own range is raised; the pool works afterwards."""
    blocks.set_threads(4)

    def fail(first, last):
        if first <= failing < last:
            raise ZeroDivisionError(f"block {failing}")

    with pytest.raises(ZeroDivisionError, match=f"block {failing}"):
        blocks.launch(fail, 4)
    seen = np.zeros(4, int)
    blocks.launch(lambda first, last: np.add.at(seen, np.arange(first, last), 1), 4)
    assert (seen == 1).all()


@pytest.mark.parametrize("failing", [0, 1])
def test_nothing_runs_on_after_an_error(failing):
    """When the call raises, every other range has ended: no thread still writes into the arrays."""
    blocks.set_threads(3)
    ended = []

    def work(first, last):
        if first == failing:
            raise ZeroDivisionError
        time.sleep(0.05)
        ended.append(first)

    with pytest.raises(ZeroDivisionError):
        blocks.launch(work, 3)
    assert len(ended) == 2


def test_threads_are_set_and_checked():
    """The number of threads is remembered; less than one is refused."""
    blocks.set_threads(2)
    assert blocks.get_threads() == 2
    with pytest.raises(ValueError, match="at least 1"):
        blocks.set_threads(0)
    assert blocks.get_threads() == 2
    assert blocks.available_threads() >= 1


def test_a_compiled_kernel_gives_the_same_bits_for_any_number_of_threads():
    """Surface area per plane, 1 to 4 threads."""
    smooth = np.random.default_rng(2).random((13, 8, 9), np.float32)
    planes = np.empty((4, 13))
    for threads in range(1, 5):
        blocks.set_threads(threads)
        blocks.launch(surface.gradient_area, 13, smooth, 20.0, planes[threads - 1])
    assert (planes == planes[0]).all()
