"""Result files that stand alone: checked before the work begins, there as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from boneabm.errors import InputError

from . import hdf


def check_target(path: Path, ending: str, option: str, replace: bool, mark: str) -> None:
    """Refuse a place where a file cannot or must not be written.

    ending : suffix that the name must have
    option : what the user calls the file, for the error text
    mark   : group or dataset that a file of this kind holds; no other file is ever replaced

    Raises InputError for a missing folder, another suffix, and a file that is there already.
    """
    if path.suffix != ending:
        raise InputError(f'{option} {path}: the name must end in "{ending}". Example: {path.stem or "bone"}{ending}')
    if not path.parent.is_dir():
        raise InputError(f"{option} {path}: there is no folder {path.parent}. Make it first, or choose another place.")
    if not path.exists():
        return
    if not _holds(path, mark):
        raise InputError(f"{option} {path}: exists and is no such file, so it is never replaced. Choose another name.")
    if not replace:
        raise InputError(f"{option} {path}: exists already. Choose another name, or replace it with --replace.")


def _holds(path: Path, mark: str) -> bool:
    try:
        with h5py.File(path, "r", locking=False) as file:
            return mark in file
    except OSError:
        return False


@contextmanager
def new_hdf5(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file that appears under its name at the end of the block; an error leaves nothing behind."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with hdf.opened(temporary, "w") as file:
            yield file
        hdf.rename_into_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
