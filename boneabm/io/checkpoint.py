"""Checkpoints: everything that changes, in one HDF5 file that is either the old one or the new one, never half."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from boneabm.errors import InputError
from boneabm.io import hdf

Meta = dict[str, str | int | float]


def state_sha256(arrays: Mapping[str, np.ndarray]) -> str:
    """Digest over names, types, shapes and bytes of arrays, in sorted order: equal states give equal digests."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name]).reshape(np.shape(arrays[name]))
        digest.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        digest.update(array.reshape(-1).view(np.uint8).data if array.size else b"")
    return digest.hexdigest()


def write_checkpoint(path: Path | str, arrays: Mapping[str, np.ndarray], meta: Mapping[str, str | int | float]) -> str:
    """Write a checkpoint under a temporary name and rename it into place when it is on the disk.

    arrays: names (slashes make groups) and numeric arrays of any shape; meta: text and numbers.
    Returns the digest of the arrays, which is kept as `state_sha256` too.
    Raises InputError for an array that is not plain numbers.
    """
    path = Path(path)
    for name, array in arrays.items():
        if np.asarray(array).dtype.kind not in "biufc":
            raise InputError(f"{path}: {name} has type {np.asarray(array).dtype}; a checkpoint holds numbers only.")
    temporary = path.with_name(path.name + ".new")
    state_digest = state_sha256(arrays)
    told = {**meta, "state_sha256": state_digest}
    with hdf.opened(temporary, "w") as file:
        hdf.write_meta(file, told)
        file["boneabm"].attrs["sha256"] = _digest(state_digest, told)
        state = file.create_group("state")
        for name, array in arrays.items():
            state.create_dataset(name, data=np.asarray(array))
        file.flush()
    hdf.rename_into_place(temporary, path)
    return state_digest


def read_checkpoint_meta(path: Path | str) -> Meta:
    """Metadata of a checkpoint, its state unread; InputError as in `read_checkpoint`."""
    return hdf.read(Path(path), "checkpoint", hdf.read_meta)


def read_checkpoint(path: Path | str) -> tuple[dict[str, np.ndarray], Meta]:
    """Arrays and metadata of a checkpoint; InputError for a missing, damaged, foreign or newer file."""
    path = Path(path)
    arrays, meta, recorded = hdf.read(path, "checkpoint", _content)
    if _digest(state_sha256(arrays), meta) != recorded:
        raise InputError(f"{path}: its content does not match its digest. Restore a copy, or run again from day 0.")
    return arrays, meta


def _content(file: h5py.File) -> tuple[dict[str, np.ndarray], Meta, str]:
    arrays: dict[str, np.ndarray] = {}

    def collect(name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = np.asarray(item[()])

    file["state"].visititems(collect)
    return arrays, hdf.read_meta(file), file["boneabm"].attrs["sha256"]


def _digest(state_digest: str, meta: Meta) -> str:
    text = json.dumps({key: meta[key] for key in sorted(meta)})
    return hashlib.sha256(f"{state_digest}{text}".encode()).hexdigest()
