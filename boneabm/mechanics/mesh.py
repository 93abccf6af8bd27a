"""Voxel mesh of the bone: nodes, runs and slabs as the kernels want them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from boneabm.kernels import blocks, voxel_fe_mesh

MAX_SLABS = 32
SERIAL_NODES = 30_000  # smaller meshes are handled by one thread: starting others costs more than it saves


def _offsets(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)])


def slab_edges(plane_voxels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Voxel planes where slabs begin and end: about equal voxel counts, every slab at least two planes."""
    depth = len(plane_voxels)
    slabs = max(1, min(MAX_SLABS, depth // 2))
    filled = np.cumsum(plane_voxels)
    edges = [0]
    for plane in np.searchsorted(filled, filled[-1] * np.arange(1, slabs) / slabs) + 1:
        if max(plane, edges[-1] + 2) <= depth - 2:
            edges.append(max(int(plane), edges[-1] + 2))
    return np.array([*edges, depth])


class VoxelMesh:
    """Nodes and runs of all voxels with modulus > 0 of a volume.

    modulus : (Z, Y, X) float32, MPa; edge : voxel edge in units of the finest voxel
    """

    def __init__(self, modulus: NDArray[np.float32], edge: float = 1.0) -> None:
        self.shape = modulus.shape
        self.edge = edge
        index = self._number_nodes(modulus)
        self._find_runs(modulus, index)

    @property
    def planes(self) -> int:
        """Number of node planes along z."""
        return self.shape[0] + 1

    @property
    def height(self) -> int:
        """Number of node rows in a plane."""
        return self.shape[1] + 1

    def run(self, kernel: object, count: int, *args: object) -> None:
        """Run a block kernel, on all threads where the mesh is large enough."""
        if self.nodes < SERIAL_NODES:
            kernel(0, count, *args)  # type: ignore[operator]
        else:
            blocks.launch(kernel, count, *args)  # type: ignore[arg-type]

    def _number_nodes(self, modulus: NDArray[np.float32]) -> NDArray[np.int32]:
        row_count = np.zeros(self.planes * self.height, np.int64)
        blocks.launch(voxel_fe_mesh.count_nodes, self.planes, modulus, row_count)
        self.row_start = _offsets(row_count)
        self.nodes = int(self.row_start[-1])
        self.node_x = np.empty(self.nodes, np.int32)
        index = np.empty((self.planes, self.height, self.shape[2] + 1), np.int32)
        blocks.launch(voxel_fe_mesh.number_nodes, self.planes, modulus, self.row_start, self.node_x, index)
        return index

    def _find_runs(self, modulus: NDArray[np.float32], index: NDArray[np.int32]) -> None:
        depth = self.shape[0]
        plane_count = np.zeros((depth, 2), np.int64)
        blocks.launch(voxel_fe_mesh.count_runs, depth, modulus, plane_count)
        self.plane_run = _offsets(plane_count[:, 0])
        self.plane_column = _offsets(plane_count.sum(axis=1))
        runs = int(self.plane_run[-1])
        self.run_nodes = np.empty((runs, 4), np.uint32)
        self.run_length = np.empty(runs, np.int32)
        self.run_voxel = np.empty(runs, np.int64)
        blocks.launch(
            voxel_fe_mesh.fill_runs, depth, modulus, index, self.plane_run,
            self.run_nodes, self.run_length, self.run_voxel,
        )  # fmt: skip
        self.columns = np.empty(int(self.plane_column[-1]), np.float32)
        blocks.launch(
            voxel_fe_mesh.fill_columns, depth, modulus, np.float32(self.edge), self.plane_run, self.plane_column,
            self.run_length, self.run_voxel, self.columns,
        )  # fmt: skip
        self._cut_slabs(slab_edges(plane_count[:, 1]))

    def _cut_slabs(self, edges: NDArray[np.int64]) -> None:
        self.slabs = len(edges) - 1
        self.slab_run = self.plane_run[edges]
        self.slab_column = self.plane_column[edges]
        odd = np.arange(self.slabs) % 2
        last = np.arange(self.slabs) == self.slabs - 1
        first_plane = edges[:-1] + odd
        end_plane = edges[1:] + 1 - (odd * ~last)
        planes = np.stack([first_plane, end_plane], axis=1)
        self.slab_node = self.row_start[planes * self.height]

    def dense_index(self) -> NDArray[np.int32]:
        """Node numbers (Z+1, Y+1, X+1), -1 where there is none."""
        index = np.empty((self.planes, self.height, self.shape[2] + 1), np.int32)
        blocks.launch(voxel_fe_mesh.fill_index, self.planes, self.row_start, self.node_x, index)
        return index

    def coordinates(self, nodes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Positions (n, 3) of nodes in z, y, x, counted in voxels of this mesh."""
        row = np.searchsorted(self.row_start, nodes, side="right") - 1
        return np.stack([row // self.height, row % self.height, self.node_x[nodes]], axis=1)

    def corner_modulus(self) -> NDArray[np.float32]:
        """Sum of the moduli times edge of the voxels at every node (nodes,)."""
        total = np.zeros(self.nodes, np.float32)
        for parity in (0, 1):
            slabs = np.arange(parity, self.slabs, 2)
            self.run(
                voxel_fe_mesh.add_corner_modulus, len(slabs), slabs, self.run_nodes, self.run_length, self.columns,
                self.slab_run, self.slab_column, total,
            )  # fmt: skip
        return total

    def element_nodes(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Corners (voxels, 8) in the order 4 z + 2 y + x and modulus times edge (voxels,) of every voxel."""
        length = self.run_length.astype(np.int64)
        place = np.arange(length.sum()) - np.repeat(_offsets(length)[:-1], length)
        left = np.repeat(self.run_nodes.astype(np.int64), length, axis=0) + place[:, None]
        column = np.repeat(_offsets(length + 1)[:-1], length) + place
        return np.stack([left, left + 1], axis=2).reshape(-1, 8), self.columns[column].astype(np.float64)
