"""Connected pieces of bone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from boneabm.kernels import pieces
from boneabm.kernels.blocks import launch

CONNECTIVITIES = (6, 26)


def largest_component(mask: NDArray[np.bool_], connectivity: int = 6) -> NDArray[np.bool_]:
    """Largest connected piece of a mask; of equals the one met first in (z, y, x) order.

    mask         : (Z, Y, X) bool
    connectivity : 6 (voxels joined by faces) or 26 (by faces, edges or corners)

    Returns (Z, Y, X) bool, all False for an empty mask. Raises ValueError for another connectivity.
    """
    kept = np.array(mask, np.bool_, order="C")
    keep_largest(kept.view(np.uint8), connectivity)
    return kept


def keep_largest(mask: NDArray[np.uint8], connectivity: int = 6) -> None:
    """Clear all but the largest connected piece in place, as `largest_component`; mask (Z, Y, X) uint8, 0 = void."""
    if connectivity not in CONNECTIVITIES:
        raise ValueError(f"connectivity must be 6 or 26, got {connectivity}")
    row_start, begin, end, parent = _joined_runs(mask, connectivity == 6)
    if parent.any():
        keep, count = pieces.largest_root(begin, end, parent)
        if count > 1:
            launch(pieces.clear_others, mask.shape[0], keep, row_start, begin, end, parent, mask)


def loose_pieces(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Voxels of pieces that are neither the largest nor touch a face of the block (26-connected).

    mask : (Z, Y, X) bool; returns flat voxels in (z, y, x) order and the number of the piece of each
    """
    bone = np.ascontiguousarray(mask).view(np.uint8)
    row_start, begin, end, parent = _joined_runs(bone, False)
    if not parent.any():
        return np.empty(0, np.int64), np.empty(0, np.int32)
    held = np.empty(parent.size, np.uint8)
    pieces.hold(bone.shape, row_start, begin, end, parent, held)
    loose = held[parent] == 0
    room = int((end[loose].astype(np.int64) - begin[loose]).sum())
    voxel, piece = np.empty(room, np.int64), np.empty(room, np.int32)
    pieces.list_loose(bone.shape[2], row_start, begin, end, parent, held, voxel, piece)
    return voxel, piece


def _joined_runs(mask: NDArray[np.uint8], by_faces: bool) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Runs of voxels along x, joined: where rows start among them, where each begins and ends, a run of its piece."""
    depth, height, _ = mask.shape
    row_count = np.zeros(depth * height, np.int64)
    launch(pieces.count_runs, depth, mask, row_count)
    row_start = np.concatenate([[0], np.cumsum(row_count)])
    begin, end, parent = np.empty((3, row_start[-1]), np.int32)
    launch(pieces.fill_runs, depth, mask, row_start, begin, end)
    pieces.join_runs(mask.shape, by_faces, row_start, begin, end, parent)
    return row_start, begin, end, parent
