"""Voxel mesh of the bone: nodes, segments and slabs as the kernels want them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from boneabm.kernels import blocks, voxel_fe_mesh, voxel_fe_sheets
from boneabm.kernels.lanes import LANES

MAX_SLABS = 32
SERIAL_NODES = 150_000  # smaller meshes are handled by one thread: starting others costs more than it saves


def _offsets(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)])


def slab_edges(plane_voxels: NDArray[np.int64], plane_start: NDArray[np.int64]) -> NDArray[np.int64]:
    """Voxel planes where slabs begin and end: about equal voxel counts, apart enough for two threads.

    A slab may add zeros to the next LANES - 1 nodes after its last one, so every slab has at least two planes and
    LANES nodes that only it touches.

    plane_voxels : (Z,) bone voxels; plane_start : (Z + 2,) first node of every node plane and the number of nodes
    """
    depth = len(plane_voxels)
    slabs = max(1, min(MAX_SLABS, depth // 2))
    filled = np.cumsum(plane_voxels)
    edges = [0]
    for plane in [*(np.searchsorted(filled, filled[-1] * np.arange(1, slabs) / slabs) + 1), depth]:
        inside = plane_start[plane] - plane_start[min(edges[-1] + 1, depth)]
        if plane >= edges[-1] + 2 and inside >= LANES:
            edges.append(int(plane))
    edges[-1] = depth if len(edges) > 1 else 0
    return np.array(edges if len(edges) > 1 else [0, depth])


def mark_bone(modulus: NDArray[np.float32]) -> NDArray[np.uint8]:
    """1 where modulus > 0, else 0, (Z, Y, X)."""
    bone = np.empty(modulus.shape, np.uint8)
    blocks.launch(voxel_fe_mesh.mark_bone, modulus.shape[0], modulus, bone)
    return bone


class VoxelMesh:
    """Nodes and segments of all voxels with modulus > 0 of a volume.

    modulus : (Z, Y, X) float32, MPa; edge : voxel edge in units of the finest voxel
    sheets  : number of lattices stacked along z, an empty layer between them; coarse meshes may need several, so that
              bone that only passes by bone is not glued to it (`kernels.voxel_fe_sheets`)
    bone    : (Z, Y, X) uint8, 1 where modulus > 0
    nodes   : number of nodes; size: length of vectors over nodes, which end with at least LANES zeros
    frame   : nodes of one sheet along z, y, x
    alias, tied_to : nodes that stand for another one of a sheet before, and those
    """

    def __init__(self, modulus: NDArray[np.float32], edge: float = 1.0, sheets: int = 1) -> None:
        self.shape = modulus.shape
        self.edge = edge
        self.sheets = sheets
        self.frame = ((self.shape[0] + 1) // sheets, self.shape[1] + 1, self.shape[2] + 1)
        self.alias = self.tied_to = np.zeros(0, np.int32)
        self.bone = mark_bone(modulus)
        self._index: NDArray[np.int32] | None = self._number_nodes()
        self._find_segments(self._index)
        self.fill(modulus)

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

    def run_slabs(self, kernel: object, *args: object) -> None:
        """Run a kernel that adds to nodes: on all even slabs, then on all odd ones."""
        self.run(kernel, (self.slabs + 1) // 2, 0, *args)
        self.run(kernel, self.slabs // 2, 1, *args)

    def fill(self, modulus: NDArray[np.float32]) -> None:
        """Take new moduli (Z, Y, X), MPa, of the same bone voxels."""
        blocks.launch(
            voxel_fe_mesh.fill_columns, self.shape[0], modulus, np.float32(self.edge), self.plane_segment,
            self.segment_length, self.segment_voxel, self.columns,
        )  # fmt: skip

    def _number_nodes(self) -> NDArray[np.int32]:
        row_count = np.zeros(self.planes * self.height, np.int64)
        blocks.launch(voxel_fe_mesh.count_nodes, self.planes, self.bone, row_count)
        self.row_start = _offsets(row_count)
        self.nodes = int(self.row_start[-1])
        self.size = (self.nodes // LANES + 2) * LANES
        self.node_x = np.empty(self.nodes, np.int32)
        index = np.empty((self.planes, self.height, self.shape[2] + 1), np.int32)
        blocks.launch(voxel_fe_mesh.number_nodes, self.planes, self.bone, self.row_start, self.node_x, index)
        return index

    def _find_segments(self, index: NDArray[np.int32]) -> None:
        depth = self.shape[0]
        plane_count = np.zeros((depth, 2), np.int64)
        blocks.launch(voxel_fe_mesh.count_segments, depth, self.bone, plane_count)
        self.plane_segment, self.plane_cell = _offsets(plane_count[:, 0]), _offsets(plane_count[:, 1])
        segments = int(self.plane_segment[-1])
        self.segment_nodes = np.empty((segments, 4), np.uint32)
        self.segment_length = np.empty(segments, np.uint8)
        self.segment_voxel = np.empty(segments, np.int64)
        self.columns = np.empty(segments * LANES, np.float32)
        blocks.launch(
            voxel_fe_mesh.fill_segments, depth, self.bone, index, self.plane_segment,
            self.segment_nodes, self.segment_length, self.segment_voxel,
        )  # fmt: skip
        plane_start = self.row_start[self.height * np.arange(self.planes + 1)]
        self._cut_slabs(slab_edges(plane_count[:, 1], plane_start), plane_start)

    def _cut_slabs(self, edges: NDArray[np.int64], plane_start: NDArray[np.int64]) -> None:
        self.slabs = len(edges) - 1
        self.slab_segment = self.plane_segment[edges]
        odd = np.arange(self.slabs) % 2
        last = np.arange(self.slabs) == self.slabs - 1
        first_plane = edges[:-1] + odd
        end_plane = edges[1:] + 1 - (odd * ~last)
        self.slab_node = plane_start[np.stack([first_plane, end_plane], axis=1)]
        self.slab_node[-1, 1] = self.size

    def tie(self, master: NDArray[np.int32]) -> None:
        """Make every node with master[node] != node stand for its master."""
        self.alias = np.flatnonzero(master != np.arange(len(master))).astype(np.int32)
        self.tied_to = master[self.alias]

    def master(self) -> NDArray[np.int32]:
        """The node that every node stands for (size,), itself where it is not tied."""
        master = np.arange(self.size, dtype=np.int32)
        master[self.alias] = self.tied_to
        return master

    def sync_ties(self, vector: NDArray[np.floating]) -> None:
        """Give tied nodes the value of their master; (3, size)."""
        if len(self.alias):
            voxel_fe_sheets.sync_ties(self.alias, self.tied_to, vector)

    def fold_ties(self, vector: NDArray[np.floating]) -> None:
        """Add the value of tied nodes to their master and clear it; (components, size)."""
        if len(self.alias):
            voxel_fe_sheets.fold_ties(self.alias, self.tied_to, vector)

    def dense_index(self) -> NDArray[np.int32]:
        """Node numbers (Z+1, Y+1, X+1), -1 where there is none."""
        if self._index is None:
            self._index = np.empty((self.planes, self.height, self.shape[2] + 1), np.int32)
            blocks.launch(voxel_fe_mesh.fill_index, self.planes, self.row_start, self.node_x, self._index)
        return self._index

    def forget_index(self) -> None:
        """Free the dense index, the largest array of a mesh; `dense_index` makes it again."""
        self._index = None

    def coordinates(self, nodes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Positions (n, 3) of nodes in z, y, x of their sheet, counted in voxels of this mesh."""
        row = np.searchsorted(self.row_start, nodes, side="right") - 1
        return np.stack([row // self.height % self.frame[0], row % self.height, self.node_x[nodes]], axis=1)

    def locate(self, places: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Component (n,) and position (n, 3) of degrees of freedom given as flat places component * size + node."""
        component, node = np.divmod(places, self.size)
        return component.astype(np.int64), self.coordinates(node)

    def corner_modulus(self) -> NDArray[np.float32]:
        """Sum of the moduli times edge of the voxels at every node (size,)."""
        total = np.empty(self.size, np.float32)
        self.run_slabs(
            voxel_fe_mesh.add_corner_modulus, self.segment_nodes, self.columns, self.slab_segment, self.slab_node, total
        )
        self.fold_ties(total[None])
        return total

    def element_nodes(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Corners (voxels, 8) and modulus times edge (voxels,) of every voxel.

        Corners come in the order 4 z + 2 y + x, as masters where they are tied.
        """
        segment, place = np.nonzero(np.arange(LANES) < self.segment_length[:, None])
        left = self.segment_nodes[segment].astype(np.int64) + place[:, None]
        modulus = self.columns.reshape(-1, LANES)[segment, place]
        corners = self.master()[np.stack([left, left + 1], axis=2).reshape(-1, 8)]
        return corners.astype(np.int64), modulus.astype(np.float64)
