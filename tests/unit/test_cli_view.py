"""Options of render, movie and view: sizes, ranges, and what is missing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from boneabm.cli_view import parse_limits, parse_size
from boneabm.errors import InputError

Command = Callable[..., Any]


def test_sizes_and_ranges_are_read() -> None:
    assert parse_size(" 640x480 ") == (640, 480)
    assert parse_limits("-1, 2.5") == (-1.0, 2.5)
    assert parse_limits(None) is None


@pytest.mark.parametrize("text", ["640", "640x", "x", "-3x4", "640x480x2"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--size 1600x1200"):
        parse_size(text)


@pytest.mark.parametrize("text", ["1", "1,1", "2,1", "a,b", "nan,1", "1,2,3"])
def test_other_ranges_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--range"):
        parse_limits(text)


@pytest.mark.parametrize("words", [("view",), ("movie", "--out", "film.gif"), ("render",)])
def test_a_folder_that_is_no_run_is_named(command: Command, tmp_path: Path, words: tuple[str, ...]) -> None:
    answer = command(words[0], tmp_path, *words[1:])
    assert answer.code == 2
    assert "not a run folder" in answer.err


def test_without_trame_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command installs into the environment that runs, activated or not."""
    from boneviz.viewer import require_extra

    monkeypatch.setitem(sys.modules, "trame.app", None)
    monkeypatch.setattr(sys, "executable", "/my bones/.venv/bin/python")
    with pytest.raises(InputError, match=r"'/my bones/.venv/bin/python' -m pip install 'boneabm\[view\]'"):
        require_extra()


def test_without_ffmpeg_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from boneviz.movie import _ffmpeg

    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(InputError, match=r"pip install 'boneabm\[view\]'"):
        _ffmpeg()
