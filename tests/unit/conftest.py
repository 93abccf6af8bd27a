"""The command line called inside the test process."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from boneabm.cli import app


class Answer(NamedTuple):
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


Command = Callable[..., Answer]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Call `boneabm` with these words; errors that are not meant for users pass through."""
    monkeypatch.setenv("COLUMNS", "120")

    def call(*words: object) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            app([str(word) for word in words])
        code = end.value.code
        return Answer(code if isinstance(code, int) else 0, *capsys.readouterr())

    return call
