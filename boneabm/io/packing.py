"""Volumes into HDF5 chunks that all threads compress: half of the time of a snapshot goes there."""

from __future__ import annotations

import zlib
from itertools import product

import h5py
import numpy as np

from boneabm.io.hdf import COMPRESSION
from boneabm.kernels import blocks

Corner = tuple[int, ...]


def put_volume(dataset: h5py.Dataset, index: int, volume: np.ndarray) -> None:
    """Write `dataset[index] = volume` for a dataset (N, Z, Y, X) with chunks (1, z, y, x) and the filters of `hdf`.

    The file is the same as h5py would write, whatever the number of threads.
    """
    edges = dataset.chunks[1:]
    corners = list(product(*(range(0, size, edge) for size, edge in zip(volume.shape, edges, strict=True))))
    packed = [b""] * len(corners)
    blocks.launch(_pack, len(corners), np.asarray(volume, dataset.dtype), edges, corners, packed)
    for corner, chunk in zip(corners, packed, strict=True):
        dataset.id.write_direct_chunk((index, *corner), chunk)


def _pack(first: int, last: int, volume: np.ndarray, edges: Corner, corners: list[Corner], packed: list[bytes]) -> None:
    """Shuffle and compress the chunks first..last-1; what lies outside the volume is 0."""
    for i in range(first, last):
        chunk = np.zeros(edges, volume.dtype)
        part = volume[tuple(slice(a, a + edge) for a, edge in zip(corners[i], edges, strict=True))]
        chunk[tuple(slice(0, size) for size in part.shape)] = part
        shuffled = chunk.reshape(-1).view(np.uint8).reshape(-1, chunk.itemsize).T.tobytes()
        packed[i] = zlib.compress(shuffled, COMPRESSION["compression_opts"])
