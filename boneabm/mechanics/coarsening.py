"""From one level of the multigrid hierarchy to the next coarser one, without gluing separate trabeculae together."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
from numpy.typing import NDArray

from boneabm.kernels import voxel_fe_sheets

from .mesh import VoxelMesh

SOFTENING = 0.7
"""Factor on the moduli of every coarser level.

The mean modulus is right for bone that fills its cells, but several times too stiff for necks and struts thinner than a
cell: their corrections come out too small. With softer cells solid bone is corrected too much, which the cycle damps,
and slender bone less too little. Measured: 10-30 % fewer iterations on slender bone than without; at 0.6 the cycle is
no longer positive definite on many bones. Where it is not at 0.7 either, the softening is taken back
(`hierarchy.MODES`).
"""


MERGE_BLOCKS = 8  # fixed, so that the number of threads changes nothing; more than the threads of a laptop


class Coarsening:
    """The coarse mesh of a fine one, and how their cells and nodes belong together.

    coarse : mesh of cells of twice the edge, modulus = SOFTENING times the mean of the 8 fine cells of the
             copy (void = 0)
    target : (fine cells,) flat voxel of the coarse mesh
    sheet  : (fine size,) uint8, sheet of the coarse mesh on which the parents of a fine node lie
    """

    def __init__(self, fine: VoxelMesh) -> None:
        self.fine = fine
        length, master = fine.segment_length, fine.master()
        bone = (fine.segment_nodes, length, fine.segment_voxel, fine.frame)
        cells = int(fine.plane_cell[-1])
        parent = np.empty(cells if len(fine.alias) or fine.sheets > 1 else 0, np.int32)
        if parent.size:
            voxel_fe_sheets.group_cells(*bone, master, parent)
        copy, place = np.empty(cells, np.int32), np.empty((cells, 3), np.int32)
        place = place[: voxel_fe_sheets.number_copies(*bone[1:], parent, copy, place)]
        corner_root = self._merge_corners(master, copy, place)
        frame = tuple(nodes // 2 + 1 for nodes in fine.frame)
        sheet = np.empty(len(place), np.uint8)
        sheets = voxel_fe_sheets.place_copies(place, frame, corner_root, sheet)
        self._shape = (sheets * frame[0] - 1, frame[1] - 1, frame[2] - 1)
        self.target = np.empty(cells, np.int64 if math.prod(self._shape) > np.iinfo(np.int32).max else np.int32)
        voxel_fe_sheets.target_voxels(copy, place, sheet, frame, self.target)
        self.sheet = np.zeros(fine.size, np.uint8)
        voxel_fe_sheets.node_sheets(fine.segment_nodes, length, copy, sheet, self.sheet)
        self.coarse = VoxelMesh(self.moduli(), 2 * fine.edge, sheets)
        tied = np.empty(self.coarse.size, np.int32)
        voxel_fe_sheets.tie_nodes(place, sheet, corner_root, frame, self.coarse.dense_index(), tied)
        self.coarse.tie(tied)

    def _merge_corners(
        self, master: NDArray[np.int32], copy: NDArray[np.int32], place: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        """Sets of corners of copies that are one coarse node (8 copies,), as their roots."""
        fine, depth = self.fine, self.fine.shape[0]
        step = 2 * max(1, -(-depth // (2 * MERGE_BLOCKS))) if fine.sheets == 1 else depth
        edges = np.append(np.arange(0, depth, step), depth)
        first_copy, done = np.full(fine.size, -1, np.int32), np.zeros(fine.size, np.uint8)
        corner_root = np.arange(8 * len(place), dtype=np.int32)
        bone = (fine.segment_nodes, fine.segment_length, fine.segment_voxel, fine.frame)
        args = (fine.plane_segment, fine.plane_cell, *bone, master, copy, place, first_copy, done, corner_root)
        fine.run(voxel_fe_sheets.merge_corners, len(edges) - 1, edges, False, *args)
        voxel_fe_sheets.merge_corners(0, len(edges) - 1, edges, True, *args)
        voxel_fe_sheets.flatten(corner_root)
        return corner_root

    def moduli(self) -> NDArray[np.float32]:
        """Moduli of the coarse cells (Z, Y, X), MPa, from those of the fine mesh as they are now."""
        moduli = np.zeros(self._shape, np.float32)
        scale = np.float32(SOFTENING / (8 * self.fine.edge))
        voxel_fe_sheets.coarse_moduli(
            self.fine.columns, self.fine.segment_length, scale, self.target, moduli.reshape(-1)
        )
        return moduli

    def parents_of(self, fixed: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Coarse degrees of freedom that are parents of these fine ones (flat places component * size + node)."""
        fine, coarse = self.fine, self.coarse
        component, node = fixed // fine.size, fixed % fine.size
        low = fine.coordinates(node)
        high = (low + 1) // 2
        low //= 2
        held = np.zeros((3, coarse.size), np.bool_)
        for corner in product((False, True), repeat=3):
            z, y, x = np.where(corner, high, low).T
            held[component, coarse.dense_index()[self.sheet[node].astype(np.int64) * coarse.frame[0] + z, y, x]] = True
        for one in held:
            np.logical_or.at(one, coarse.tied_to, one[coarse.alias])
            one[coarse.alias] = one[coarse.tied_to]
        return np.flatnonzero(held).astype(np.uint32)
