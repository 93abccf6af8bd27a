"""Volumes of a run over time: temporal VTKHDF ImageData with cell data, readable by plain VTK and ParaView.

A snapshot costs only the fields that changed: an unchanged field repeats the offset of its last stored volume.
A file is safe at any moment (see `journal`). Because VTK cannot read a temporal image of
exactly one step, the first snapshot is recorded twice until the second one takes the place of the copy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from boneabm.errors import InputError, nearest
from boneabm.io import hdf
from boneabm.io.schema import VOLUME_FIELDS, Column, columns_named

REPLAY_DELAY_D = 1e-3
CHUNK = (1, 64, 64, 64)


class VolumeWriter:
    """Append snapshots of volumes to a temporal VTKHDF file; an existing file is continued.

    path       : file to create or continue
    shape      : (z, y, x) voxels
    spacing_um : edge of a cubic voxel, um
    fields     : names of `schema.VOLUME_FIELDS`
    meta       : provenance, written once when the file is created

    Raises InputError for unknown names and for an existing file of other shape, spacing or fields.
    """

    def __init__(
        self,
        path: Path | str,
        shape: tuple[int, int, int],
        spacing_um: float,
        fields: Sequence[str],
        meta: Mapping[str, str | int | float] | None = None,
    ) -> None:
        from boneabm.io.packing import put_volume  # here, as readers do without numba

        self._put_volume = put_volume
        self.path = Path(path)
        self.shape = (int(shape[0]), int(shape[1]), int(shape[2]))
        self.spacing_um = float(spacing_um)
        self.columns = columns_named(VOLUME_FIELDS, fields, str(self.path))
        self._digests: dict[str, bytes] = {}
        if self.path.exists():
            self._check_same()
        else:
            self._create(meta or {})

    @property
    def days(self) -> list[int]:
        """Days of the snapshots in the file."""
        return VolumeReader(self.path).days

    def append(self, day: int, arrays: Mapping[str, np.ndarray | None]) -> None:
        """Add the snapshot of a day; it is on the disk on return.

        arrays: one (z, y, x) array per field; None (or an equal array) repeats the last stored volume.
        Raises InputError for a missing field, a wrong shape or type, or a day that is not after the last one.
        """
        self._check_names(arrays)
        known, self._digests = self._digests, {}
        with hdf.opened(self.path, "r+") as file:
            root = file["VTKHDF"]
            days = _days(root)
            hdf.check_next_day(self.path, days, int(day))
            digests = {
                name: self._put_field(root, len(days), column, arrays[name], known.get(name))
                for name, column in self.columns.items()
            }
            hdf.put_rows(root["Steps/Values"], len(days), [float(day)])
            _commit(root, len(days) + 1)
        self._digests = digests

    def truncate_after(self, day: int) -> None:
        """Forget every snapshot later than this day, as a resumed run will write them again."""
        with hdf.opened(self.path, "r+") as file:
            root = file["VTKHDF"]
            keep = sum(known <= day for known in _days(root))
            _commit(root, keep)
            stored = max(keep, 2) if keep else 0
            root["Steps/Values"].resize(stored, axis=0)
            for name in self.columns:
                offsets = root["Steps/CellDataOffsets"][name]
                offsets.resize(stored, axis=0)
                root["CellData"][name].resize(_volumes_used(offsets, keep), axis=0)
        self._digests.clear()

    def _check_names(self, arrays: Mapping[str, np.ndarray | None]) -> None:
        if set(arrays) != set(self.columns):
            raise InputError(f"{self.path}: given {sorted(arrays)}, the file was opened with {sorted(self.columns)}.")

    def _put_field(
        self, root: h5py.Group, step: int, column: Column, array: np.ndarray | None, known: bytes | None
    ) -> bytes:
        """Store the volume unless it equals the last stored one, whose digest is `known`; returns its digest."""
        volumes, offsets = root["CellData"][column.name], root["Steps/CellDataOffsets"][column.name]
        used = _volumes_used(offsets, step)
        if used and known is None:
            known = _digest(volumes[used - 1])
        digest = known if array is None else _digest(self._checked(array, column))
        if digest is None:
            raise InputError(f"{self.path}: the first snapshot needs an array for {column.name}, not None.")
        if array is not None and digest != known:
            volumes.resize(used + 1, axis=0)
            self._put_volume(volumes, used, array)
            used += 1
        hdf.put_rows(offsets, step, [used - 1])
        return digest

    def _checked(self, array: np.ndarray, column: Column) -> np.ndarray:
        given = hdf.as_column(array, column, str(self.path))
        if given.shape != self.shape:
            raise InputError(f"{self.path}: {column.name} has shape {given.shape}, the file {self.shape} (z, y, x).")
        return given

    def _create(self, meta: Mapping[str, str | int | float]) -> None:
        temporary = self.path.with_name(self.path.name + ".new")
        with hdf.opened(temporary, "w") as file:
            hdf.write_meta(file, meta)
            root = file.create_group("VTKHDF")
            hdf.mark_type(root, "ImageData")
            depth, height, width = self.shape
            root.attrs["WholeExtent"] = np.array([0, width, 0, height, 0, depth], "i8")
            root.attrs["Origin"] = np.zeros(3)
            root.attrs["Spacing"] = np.full(3, self.spacing_um)
            root.attrs["Direction"] = np.eye(3).ravel()
            self._create_steps(root)
        hdf.rename_into_place(temporary, self.path)

    def _create_steps(self, root: h5py.Group) -> None:
        steps, cells = root.create_group("Steps"), root.create_group("CellData")
        steps.attrs["NSteps"] = np.int64(0)
        steps.attrs["replayed"] = np.int64(0)
        hdf.growing(steps, "Values", "f8")
        offsets = steps.create_group("CellDataOffsets")
        chunk = (1, *(min(most, length) for most, length in zip(CHUNK[1:], self.shape, strict=True)))
        for name, column in self.columns.items():
            full = (None, *self.shape)
            volume = cells.create_dataset(
                name, (0, *self.shape), column.dtype, maxshape=full, chunks=chunk, **hdf.COMPRESSION
            )
            hdf.describe(volume, column)
            hdf.growing(offsets, name, "i8")

    def _check_same(self) -> None:
        found = VolumeReader(self.path)
        same = (found.shape, found.spacing_um, set(found.fields)) == (self.shape, self.spacing_um, set(self.columns))
        if not same:
            raise InputError(
                f"{self.path} holds {found.shape} voxels of {found.spacing_um} um with {found.fields}; asked to append "
                f"{self.shape} of {self.spacing_um} um with {list(self.columns)}. Choose another output folder."
            )


class VolumeReader:
    """Read snapshots from the volume file of a run, also while the run goes on.

    days, fields, shape (z, y, x), spacing_um and meta describe the file at the moment of opening.
    Raises InputError for a missing, damaged or foreign file.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        hdf.read(self.path, "volume", self._describe)

    def _describe(self, file: h5py.File) -> None:
        root = file["VTKHDF"]
        self.days = _days(root)
        self.fields = list(root["CellData"])
        self.spacing_um = float(root.attrs["Spacing"][0])
        extent = root.attrs["WholeExtent"]
        self.shape = (int(extent[5]), int(extent[3]), int(extent[1]))
        self.meta = hdf.read_meta(file)
        self.offsets = {name: root["Steps/CellDataOffsets"][name][: len(self.days)] for name in self.fields}

    def read(self, field: str, day: int | None = None, index: int | None = None) -> np.ndarray:
        """One volume (z, y, x) of a day, or of a position in `days` (default: the last); InputError if absent."""
        if field not in self.fields:
            raise InputError(f'{self.path}: no field "{field}". {nearest(field, self.fields)}')
        if not self.days:
            raise InputError(f"{self.path}: no snapshot yet.")
        at = hdf.index_of_day(self.path, self.days, day) if day is not None else -1 if index is None else index
        place = int(self.offsets[field][at])
        volume: np.ndarray = hdf.read(self.path, "volume", lambda file: file["VTKHDF/CellData"][field][place])
        return volume


def _days(root: h5py.Group) -> list[int]:
    steps = root["Steps"]
    count = int(steps.attrs["NSteps"]) - int(steps.attrs["replayed"])
    return [round(value) for value in steps["Values"][:count]]


def _volumes_used(offsets: h5py.Dataset, steps: int) -> int:
    """How many stored volumes the first steps refer to; whatever lies beyond was left by a killed writer."""
    return int(offsets[:steps].max()) + 1 if steps else 0


def _commit(root: h5py.Group, steps: int) -> None:
    """Make the first `steps` snapshots the valid ones; a single one is recorded twice."""
    group = root["Steps"]
    if steps == 1:
        day = group["Values"][0]
        hdf.put_rows(group["Values"], 1, [day + REPLAY_DELAY_D])
        for offsets in group["CellDataOffsets"].values():
            hdf.put_rows(offsets, 1, offsets[:1])
    group.attrs.modify("replayed", np.int64(steps == 1))
    group.attrs.modify("NSteps", np.int64(max(steps, 2) if steps else 0))


def _digest(array: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=16).digest()
