"""Change an HDF5 file so that it holds the old content or the new one, whenever the process is killed.

HDF5 alone rewrites its indexes and half-filled chunks in place and in no safe order: of 30 writers of small snapshots
killed by SIGKILL, 7 left a file that could not be read (with the journal 0 of 30).
Here new data goes behind the end of the file, and what must change before that end is kept in memory, then written
to a journal, then applied, all at the end:

    data behind the end -> fsync -> journal -> fsync -> pages in place -> fsync -> journal removed

A journal that is found on opening belongs to a killed writer (or to one at work): readers lay it over the file,
the next writer applies it.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
from pathlib import Path
from typing import Any

from boneabm.errors import InputError

PAGE = 4096
HEAD = struct.Struct("<8sQQ")
INDEX = struct.Struct("<Q")
MAGIC = b"boneabmJ"


class JournaledFile(io.RawIOBase):
    """File object for h5py whose changes become real together with `commit()`, or not at all.

    Writes below the end of the file as it was opened are held as pages in memory; writes behind it go to the disk.
    """

    def __init__(self, path: Path, writable: bool) -> None:
        super().__init__()
        self.path = path
        self._pages: dict[int, bytearray] = {}
        if writable:
            recover(path)
        self._file = path.open("r+b" if writable else "rb", buffering=0)
        self._size = self._clean = _end_of_hdf5(path)
        if not writable:
            self._size, self._pages = load_journal(path) or (self._size, {})
        self._border = -(-self._clean // PAGE) * PAGE
        self._at = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a place counted from the start, from here or from the end."""
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        """The present place."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from the present place; what was never written reads as zero."""
        view = memoryview(buffer).cast("B")
        first, last = self._at, self._at + len(view)
        got = _read_at(self._file.fileno(), first, len(view))
        view[: len(got)] = got
        view[len(got) :] = bytes(len(view) - len(got))
        for index in self._pages_between(first, last):
            a, b = max(first, index * PAGE), min(last, (index + 1) * PAGE)
            view[a - first : b - first] = self._pages[index][a - index * PAGE : b - index * PAGE]
        self._at = last
        return len(view)

    def write(self, buffer: Any) -> int:
        """Write at the present place: to held pages below the border, to the disk behind it."""
        view = memoryview(buffer).cast("B")
        first, last = self._at, self._at + len(view)
        middle = min(max(first, self._border), last)
        for index in _page_range(first, middle):
            a, b = max(first, index * PAGE), min(middle, (index + 1) * PAGE)
            self._page(index)[a - index * PAGE : b - index * PAGE] = view[a - first : b - first]
        _write_at(self._file.fileno(), middle, view[middle - first :])
        self._at, self._size = last, max(self._size, last)
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Set the size that the file will have after `commit()`."""
        self._size = self._at if size is None else size
        return self._size

    def commit(self) -> None:
        """Make all changes real; on return they are on the disk."""
        os.fsync(self._file.fileno())
        _write_journal(self.path, self._size, self._pages)
        _apply(self._file.fileno(), self._size, self._pages)
        journal_of(self.path).unlink()
        self._file.close()

    def discard(self) -> None:
        """Leave the file as it was opened."""
        if not self._file.closed:
            self._file.truncate(self._clean)
            self._file.close()

    def close(self) -> None:
        """Close a file that was only read (a changed one is closed by `commit` or `discard`)."""
        if not self._file.writable():
            self._file.close()
        super().close()

    def _pages_between(self, first: int, last: int) -> list[int]:
        return [index for index in _page_range(first, last) if index in self._pages]

    def _page(self, index: int) -> bytearray:
        if index not in self._pages:
            got = _read_at(self._file.fileno(), index * PAGE, PAGE)
            self._pages[index] = bytearray(got.ljust(PAGE, b"\0"))
        return self._pages[index]


def _page_range(first: int, last: int) -> range:
    """Pages that hold the bytes first..last-1."""
    return range(first // PAGE, -(-last // PAGE) if last > first else first // PAGE)


def recover(path: Path) -> None:
    """Finish the change that a killed writer had made safe but not yet applied."""
    found = load_journal(path)
    if found:
        with path.open("r+b", buffering=0) as file:
            _apply(file.fileno(), *found)
    journal_of(path).unlink(missing_ok=True)


def load_journal(path: Path) -> tuple[int, dict[int, bytearray]] | None:
    """Size and pages of the journal beside a file; None where there is none or it is not whole."""
    try:
        text = journal_of(path).read_bytes()
    except FileNotFoundError:
        return None
    body, digest = text[:-32], text[-32:]
    if len(body) < HEAD.size or hashlib.sha256(body).digest() != digest:
        return None
    _, size, count = HEAD.unpack_from(body)
    step = INDEX.size + PAGE
    pages = {}
    for at in range(HEAD.size, HEAD.size + count * step, step):
        pages[INDEX.unpack_from(body, at)[0]] = bytearray(body[at + INDEX.size : at + step])
    return size, pages


def journal_of(path: Path) -> Path:
    """Where the journal of a file lies while there is one."""
    return path.with_name(path.name + ".journal")


def _write_journal(path: Path, size: int, pages: dict[int, bytearray]) -> None:
    body = HEAD.pack(MAGIC, size, len(pages)) + b"".join(
        INDEX.pack(index) + bytes(pages[index]) for index in sorted(pages)
    )
    temporary = path.with_name(path.name + ".journal.new")
    with temporary.open("wb") as file:
        file.write(body + hashlib.sha256(body).digest())
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, journal_of(path))


def _apply(file: int, size: int, pages: dict[int, bytearray]) -> None:
    """Write the pages in order, into a file that is as long as its new superblock says, so that it can be opened.

    Between two pages plain HDF5 may meet a row block of one state and its index of the other: readers of this package
    lay the journal over both, plain VTK must wait for the next writer (large fields go behind the end and are whole).
    """
    if os.fstat(file).st_size < size:
        os.ftruncate(file, size)
    for index in sorted(pages):
        _write_at(file, index * PAGE, memoryview(pages[index]))
    os.ftruncate(file, size)
    os.fsync(file)


def _read_at(file: int, at: int, length: int) -> bytes:
    parts = []
    while length > 0:
        part = os.pread(file, length, at)
        if not part:
            break
        parts.append(part)
        at, length = at + len(part), length - len(part)
    return b"".join(parts)


def _write_at(file: int, at: int, view: memoryview) -> None:
    while len(view):
        written = os.pwrite(file, view, at)
        at, view = at + written, view[written:]


def _end_of_hdf5(path: Path) -> int:
    """End of the file as its superblock (version 0) says; anything behind was left by a killed writer."""
    with path.open("rb") as file:
        head = file.read(48)
    if len(head) < 48 or head[:8] != b"\x89HDF\r\n\x1a\n" or head[8] != 0:
        problem = f"{path}: not a readable HDF5 file (no superblock of version 0)."
        raise InputError(f"{problem} Restore a copy, or run again.")
    return int(INDEX.unpack_from(head, 40)[0])
