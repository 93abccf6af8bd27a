"""What every HDF5 file of a run shares: opening with clear errors, safe order of writing, metadata, steps."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np

from boneabm.errors import InputError
from boneabm.io.journal import JournaledFile, journal_of, load_journal
from boneabm.io.schema import SCHEMA_VERSION, Column

COMPRESSION: dict[str, Any] = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
META_LIMIT_BYTES = 4 * 1024 * 1024
PATIENCE_S = 2.0
RETRY_S = 0.01

T = TypeVar("T")


@contextmanager
def opened(path: Path, mode: str = "r") -> Iterator[h5py.File]:
    """Open an HDF5 file without locking it (a viewer may have it open), with an InputError where that fails.

    mode: "r" to read, "w" to create, "r+" to change; a change becomes real at the end of the block, or not at all.
    """
    if mode != "w" and not path.is_file():
        raise InputError(f"{path}: no such file. Give the folder of a run, or run the scenario first.")
    if mode == "r+":
        with _changing(path) as file:
            yield file
        return
    source = JournaledFile(path, writable=False) if mode == "r" and load_journal(path) else None
    try:
        file = h5py.File(source, mode) if source else h5py.File(path, mode, locking=False)
    except OSError as error:
        raise InputError(f"{path}: not a readable HDF5 file ({error}). Restore a copy, or run again.") from error
    with file:
        yield file


@contextmanager
def _changing(path: Path) -> Iterator[h5py.File]:
    change = JournaledFile(path, writable=True)
    try:
        with h5py.File(change, "r+") as file:
            yield file
    except BaseException:
        change.discard()
        raise
    change.commit()


def read(path: Path, kind: str, take: Callable[[h5py.File], T]) -> T:
    """What `take` reads from a file of this schema, also while a run writes it.

    A writer changes the file in place, in safe steps: what was read across such a change is dropped and read again.
    InputError names a file that is damaged: one that cannot be read though nobody changes it.
    """
    until = time.monotonic() + PATIENCE_S
    while True:
        before, last = _stamp(path), time.monotonic() > until
        try:
            with opened(path) as file:
                check_schema(file, path)
                taken = take(file)
            if last or _stamp(path) == before:
                return taken
        except (InputError, KeyError, OSError, RuntimeError) as error:
            if last or not _in_use(path):
                raise _damage(path, kind, error) from error
        time.sleep(RETRY_S)


def _stamp(path: Path) -> list[tuple[int, int, int]]:
    """What tells one state of a file from the next; nothing of a file that is not there."""
    stamps = []
    for place in (path, journal_of(path)):
        with suppress(FileNotFoundError):
            stat = place.stat()
            stamps.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
    return stamps


def _in_use(path: Path) -> bool:
    """Whether somebody wrote the file a moment ago."""
    return any(abs(time.time_ns() - changed_ns) < PATIENCE_S * 1e9 for _, _, changed_ns in _stamp(path))


def _damage(path: Path, kind: str, error: Exception) -> InputError:
    if isinstance(error, InputError):
        return error
    return InputError(f"{path}: damaged or not a {kind} file ({error}). Restore a copy, or run again.")


def check_schema(file: h5py.File, path: Path) -> None:
    """Refuse a file without the `/boneabm` group or of a newer schema."""
    if "boneabm" not in file:
        raise InputError(f"{path}: not written by boneabm (no /boneabm group). Give a file of a run folder.")
    version = int(file["boneabm"].attrs.get("schema_version", 0))
    if not 1 <= version <= SCHEMA_VERSION:
        raise InputError(f"{path}: schema version {version}, this boneabm reads 1 to {SCHEMA_VERSION}. Update boneabm.")


def write_meta(file: h5py.File, meta: Mapping[str, str | int | float]) -> None:
    """Write the schema version and the metadata of a run once, each value as its own small dataset."""
    size = sum(len(str(key)) + len(str(value)) for key, value in meta.items())
    if size > META_LIMIT_BYTES:
        raise InputError(f"metadata of {size} bytes, allowed {META_LIMIT_BYTES}: name large inputs by their hash.")
    group = file.create_group("boneabm")
    group.attrs["schema_version"] = np.int64(SCHEMA_VERSION)
    values = group.create_group("meta")
    for key, value in meta.items():
        values[key] = value


def read_meta(file: h5py.File) -> dict[str, str | int | float]:
    """The metadata written by `write_meta`, as plain Python values."""
    return {key: _plain(item[()]) for key, item in file["boneabm/meta"].items()}


def _plain(value: Any) -> str | int | float:
    return value.decode() if isinstance(value, bytes) else value.item()


def sync_file(path: Path) -> None:
    """Return only when the content of this file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def rename_into_place(temporary: Path, path: Path) -> None:
    """Make a finished temporary file (or folder) the real one in one step that survives a crash."""
    sync_file(temporary)
    os.replace(temporary, path)
    sync_file(path.parent)


@contextmanager
def in_place(path: Path) -> Iterator[Path]:
    """Temporary path that takes the name `path` at the end of the block, and vanishes on an error."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        yield temporary
        rename_into_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def put_rows(dataset: h5py.Dataset, first: int, rows: Any) -> None:
    """Write rows at `first`; whatever lay beyond (left by a killed writer) is cut off."""
    rows = np.asarray(rows)
    dataset.resize(first + len(rows), axis=0)
    if len(rows):
        dataset[first:] = rows


def growing(group: h5py.Group, name: str, dtype: str, width: int | None = None, rows: int = 1024) -> h5py.Dataset:
    """An empty dataset that grows along its first axis, compressed with the filters that plain VTK reads."""
    tail = () if width is None else (width,)
    return group.create_dataset(
        name, (0, *tail), maxshape=(None, *tail), dtype=dtype, chunks=(rows, *tail), **COMPRESSION
    )


def mark_type(group: h5py.Group, kind: str) -> None:
    """Version 2.0 and type of a VTKHDF group (a fixed-length ASCII string, the only kind VTK accepts)."""
    group.attrs["Version"] = np.array((2, 0), "i8")
    group.attrs.create("Type", kind.encode(), dtype=h5py.string_dtype("ascii", len(kind)))


def write_image(file: h5py.File, where: str, spacing_um: float, fields: Iterable[tuple[Column, np.ndarray]]) -> None:
    """Write (Z, Y, X) fields as cell data of one VTKHDF image with its corner in the origin; where: for errors."""
    root = file.create_group("VTKHDF")
    mark_type(root, "ImageData")
    root.attrs["Origin"] = np.zeros(3)
    root.attrs["Spacing"] = np.full(3, spacing_um)
    root.attrs["Direction"] = np.eye(3).ravel()
    cells = root.create_group("CellData")
    for column, values in fields:
        depth, height, width = values.shape
        root.attrs["WholeExtent"] = np.array([0, width, 0, height, 0, depth], "i8")
        stored = as_column(values, column, where)
        describe(cells.create_dataset(column.name, data=stored, **COMPRESSION), column)


def describe(dataset: h5py.Dataset, column: Column) -> None:
    """Write unit and meaning beside the numbers."""
    dataset.attrs["unit"] = column.unit
    dataset.attrs["meaning"] = column.meaning


def as_column(array: Any, column: Column, where: str) -> np.ndarray:
    """The array in the type of the schema; InputError where that would lose its kind (a float for an integer)."""
    given = np.asarray(array)
    if not np.can_cast(given.dtype, column.dtype, "same_kind"):
        raise InputError(f"{where}: {column.name} is {given.dtype}, the schema says {column.dtype}.")
    return np.ascontiguousarray(given, dtype=column.dtype)


def check_next_day(path: Path, days: list[int], day: int) -> None:
    """Snapshots go forward in time only."""
    if days and day <= days[-1]:
        raise InputError(
            f"{path}: day {day} cannot follow day {days[-1]}, which is in the file already. "
            f"Call truncate_after({day - 1}) first."
        )


def index_of_day(path: Path, days: list[int], day: int) -> int:
    """Position of a day; InputError listing the days of the file."""
    if day not in days:
        raise InputError(f"{path}: no snapshot of day {day}. Days in the file: {listed(days)}.")
    return days.index(day)


def listed(days: list[int], most: int = 40) -> str:
    """Days as text, the middle left out where there are many."""
    words = [str(day) for day in days]
    if len(words) > most:
        words = [*words[: most // 2], "...", *words[-most // 2 :]]
    return ", ".join(words) or "none yet"
