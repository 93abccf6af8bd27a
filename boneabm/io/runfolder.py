"""One run = one folder: the names of its files, a start that leaves nothing half made, and the log of what is safe."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from boneabm.errors import InputError
from boneabm.io import hdf
from boneabm.io.checkpoint import read_checkpoint_meta
from boneabm.io.schema import SCHEMA_VERSION

WAIT_S = 0.2


class BusyError(InputError):
    """Another process is writing the run."""


class RunFolder:
    """Paths of a run, and its log.

    A new run is built under a hidden name beside its final place and appears there with `commit()`:

        with RunFolder.create("ovx") as run:
            run.scenario.write_text(text)
            ...                               # first snapshot, first checkpoint
            run.commit()

    Leaving the block by an error before `commit()` removes what was begun.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._final: Path | None = None
        self._replace = False
        self._log_checked = False

    volumes = property(lambda self: self.path / "run.vtkhdf", doc="Volumes over time.")
    agents = property(lambda self: self.path / "agents.vtkhdf", doc="Cells over time.")
    xdmf = property(lambda self: self.path / "run.xmf", doc="Sidecar for older ParaView.")
    series = property(lambda self: self.path / "series.csv", doc="One row per day.")
    events = property(lambda self: self.path / "events.csv", doc="One row per event.")
    biopsy = property(lambda self: self.path / "biopsy.csv", doc="One row per virtual biopsy.")
    mechanoregulation = property(lambda self: self.path / "mechanoregulation.csv", doc="Fate of surface by signal.")
    checkpoint = property(lambda self: self.path / "checkpoint.h5", doc="State of the last checkpoint.")
    scenario = property(lambda self: self.path / "scenario.toml", doc="The resolved scenario.")
    log_file = property(lambda self: self.path / "log.jsonl", doc="One JSON object per line.")

    @classmethod
    def create(cls, path: Path | str, replace: bool = False) -> RunFolder:
        """Begin a new run; InputError where the place is taken and `replace` is off, or holds something else."""
        final = Path(path).absolute()
        _check_free(final, replace)
        final.parent.mkdir(parents=True, exist_ok=True)
        building = final.with_name(f".{final.name}.starting-{os.getpid()}")
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir()
        run = cls(building)
        run._final, run._replace = final, replace
        now = datetime.now(UTC).isoformat(timespec="seconds")
        run.log("created", schema_version=SCHEMA_VERSION, utc=now)
        return run

    @classmethod
    def open(cls, path: Path | str) -> RunFolder:
        """An existing run; InputError where the folder is missing or is not a run."""
        path = Path(path)
        if not path.is_dir():
            raise InputError(f"{path}: no such folder. Give the folder of a run, as named with --out.")
        if not _is_run(path):
            raise InputError(f"{path}: not a run folder (log.jsonl of boneabm is missing). {_runs_inside(path)}")
        return cls(path)

    def commit(self) -> None:
        """Move the new run to its final place in one step; the run that it replaces is removed afterwards."""
        if self._final is None:
            raise InputError(f"{self.path}: already in place.")
        for file in self.path.iterdir():
            hdf.sync_file(file)
        retired = self._final.with_name(f".{self._final.name}.replaced-{os.getpid()}")
        if self._replace and self._final.exists():
            os.replace(self._final, retired)
        hdf.rename_into_place(self.path, self._final)
        shutil.rmtree(retired, ignore_errors=True)
        self.path, self._final = self._final, None

    @contextmanager
    def writing(self, give_up: Callable[[], bool] = lambda: True) -> Iterator[None]:
        """Be the only process that writes this run inside the block.

        give_up : asked while another process writes; as long as it says no, this one waits
        Raises BusyError when it has given up.
        """
        with self.log_file.open("ab") as held:
            while not _locked(held):
                if give_up():
                    raise BusyError(f"{self.path}: another process is writing this run. Wait for it, or stop it.")
                time.sleep(WAIT_S)
            yield

    def clear_outputs(self) -> None:
        """Remove the files that a start without a first checkpoint left behind."""
        tables = (self.series, self.events, self.biopsy, self.mechanoregulation)
        for file in (self.volumes, self.agents, self.xdmf, *tables, *map(self.record, self.record_days())):
            file.unlink(missing_ok=True)

    def record(self, day: int) -> Path:
        """What the next biopsies need to know of a day."""
        return self.path / f"record-{day:06d}.h5"

    def record_days(self) -> list[int]:
        """Days of which there is a record, in order."""
        return sorted(int(file.stem.removeprefix("record-")) for file in self.path.glob("record-*.h5"))

    def keep_checkpoint(self, day: int) -> None:
        """Keep the present checkpoint, of this day, beside the ones to come."""
        temporary = self.path / ".kept.new"
        temporary.unlink(missing_ok=True)
        try:
            os.link(self.checkpoint, temporary)
        except OSError:
            shutil.copyfile(self.checkpoint, temporary)
        hdf.rename_into_place(temporary, self.kept_checkpoint(day))

    def kept_checkpoint(self, day: int) -> Path:
        """Checkpoint of a day that the scenario asked to keep."""
        return self.path / f"checkpoint-{day:06d}.h5"

    def checkpoint_day(self) -> int:
        """Day of the last checkpoint, as the file itself says (its line in the log may not have been written)."""
        return int(read_checkpoint_meta(self.checkpoint)["day"])

    def checkpoint_of(self, day: int) -> Path:
        """Checkpoint of a day, the last one or a kept one; InputError that lists the days there are."""
        kept = sorted(int(file.stem.removeprefix("checkpoint-")) for file in self.path.glob("checkpoint-*.h5"))
        if day in kept:
            return self.kept_checkpoint(day)
        last = [self.checkpoint_day()] if self.checkpoint.exists() else []
        if day in last:
            return self.checkpoint
        told = f"{self.path}: no checkpoint of day {day}. Days that are there: {hdf.listed([*kept, *last])}."
        raise InputError(f"{told} To have it, run again with output.keep_checkpoints = [{day}].")

    def discard(self) -> None:
        """Remove a run that was begun and not committed; nothing happens to a committed one."""
        if self._final is not None:
            shutil.rmtree(self.path, ignore_errors=True)

    def log(self, event: str, **fields: Any) -> None:
        """Append one JSON line and return when it is on the disk; log a snapshot only after it is safe itself."""
        if not self._log_checked:
            _drop_unfinished_line(self.log_file)
            self._log_checked = True
        line = json.dumps({"event": event, **fields}, default=_plain) + "\n"
        with self.log_file.open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def announce(self, event: str, day: int, file: Path) -> None:
        """Log that the snapshot or checkpoint of this day is safe in a file of this folder."""
        self.log(event, day=int(day), file=file.name)

    def read_log(self, event: str | None = None) -> list[dict[str, Any]]:
        """Lines of the log, all or of one event, in order; an unfinished last line is left out."""
        lines = _finished_lines(self.log_file)
        return [line for line in lines if event is None or line.get("event") == event]

    def announced(self, event: str = "snapshot") -> list[int]:
        """Days whose snapshots (or checkpoints) are safe; a line `resumed` with its day takes back later ones."""
        days: list[int] = []
        for line in self.read_log():
            if line["event"] == "resumed":
                days = [day for day in days if day <= line["day"]]
            elif line["event"] == event:
                days.append(line["day"])
        return days

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.discard()


def _locked(file: BinaryIO) -> bool:
    """Take the lock of an open file unless another process has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_run(path: Path) -> bool:
    log = path / "log.jsonl"
    try:
        return log.is_file() and _finished_lines(log)[:1] != [] and _finished_lines(log)[0].get("event") == "created"
    except InputError:
        return False


def _runs_inside(path: Path) -> str:
    runs = sorted(item.name for item in path.iterdir() if item.is_dir() and _is_run(item))
    return f"Runs inside it: {', '.join(runs[:10])}." if runs else "Give the folder named with --out."


def _check_free(final: Path, replace: bool) -> None:
    if not final.exists() or (final.is_dir() and not any(final.iterdir())):
        return
    if not (final.is_dir() and _is_run(final)):
        raise InputError(f"{final}: exists and is not a run folder, so it is never replaced. Choose another --out.")
    if not replace:
        raise InputError(f"{final}: a run is there already. Choose another --out, resume it, or replace it on purpose.")


def _finished_lines(path: Path) -> list[dict[str, Any]]:
    text = path.read_bytes()
    finished = text[: text.rfind(b"\n") + 1].decode("utf-8", errors="replace").splitlines()
    try:
        lines = [json.loads(line) for line in finished]
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: a line is not JSON ({error}). Restore a copy, or run again.") from error
    return [line for line in lines if isinstance(line, dict)]


def _drop_unfinished_line(path: Path) -> None:
    if path.exists():
        text = path.read_bytes()
        if not text.endswith(b"\n"):
            os.truncate(path, text.rfind(b"\n") + 1)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
