"""Micro finite elements: strain field and apparent stiffness of a voxel bone.

Linear elasticity, one 8-node hexahedron per bone voxel, one Young's modulus per voxel, one Poisson's ratio. A few unit
load cases are solved; every load is a combination of them (linear elasticity).
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from boneabm.errors import InputError, SolverError
from boneabm.kernels import blocks, multigrid, voxel_fe_energy, voxel_fe_mesh
from boneabm.lattice.components import keep_largest

from .boundary import fixed_degrees, make_boundary, prescribed_values, touched_axes
from .conjugate_gradients import ConjugateGradients
from .hexahedron import stiffness_numbers
from .hierarchy import Hierarchy, total
from .mesh import VoxelMesh, mark_bone

UNLOADED_STIFFNESS_MPA = 1.0  # stands for the stiffness of a case that carries no load, so that nothing divides by 0
FILL_SWEEPS = 3  # voxels of new bone across which a warm start spreads the old displacement


class MicroFE:
    """Solver for the unit load cases of one boundary condition on a bone that changes little by little.

    spacing_um     : voxel edge; displacements scale with it, stiffness and strain do not
    poisson        : Poisson's ratio, -1..0.5
    boundary       : "rollers" (compression along z, y, x between sliding platens on all six faces), "bottom-clamped",
                     "clamped", "frictionless" (compression along z) or "affine" (six strains, linear displacement on
                     all faces)
    tolerance      : residual relative to the load of the prescribed displacements; at 1e-5 the 95th percentile of the
                     relative error of the local energy density is 0.1 % on human bone, 7 % on slender osteoporotic
                     bone, at 1e-6 a tenth of that
    max_iterations : per load case

    After `solve`: `stiffness_mpa` (K, K), the apparent stiffness of the whole volume; `spans`, whether the part touches
    both faces along z, y, x; `iterations` and `residuals` per case; `setup_s` and `solve_s`. Compression is positive.
    A case along an axis that the part does not span carries no load: its field is zero and its diagonal entry of the
    stiffness is UNLOADED_STIFFNESS_MPA.
    """

    def __init__(
        self,
        spacing_um: float,
        poisson: float = 0.3,
        boundary: str = "rollers",
        tolerance: float = 1e-5,
        max_iterations: int = 200,
    ) -> None:
        if not (spacing_um > 0 and -1 < poisson < 0.5 and tolerance > 0):
            raise InputError(
                f"MicroFE: spacing_um {spacing_um}, poisson {poisson}, tolerance {tolerance}; "
                "allowed are spacing_um > 0, -1 < poisson < 0.5, tolerance > 0."
            )
        self.spacing_um = spacing_um
        self.poisson = poisson
        self.boundary = make_boundary(boundary)
        self.tolerance = tolerance
        self.max_iterations = max_iterations
        self.setup_s = self.solve_s = 0.0
        self.iterations: list[int] = []
        self.residuals: list[list[float]] = []
        self.spans = (False, False, False)
        self.stiffness_mpa: NDArray[np.float64] = np.full((self.cases, self.cases), np.nan)
        self._mesh: VoxelMesh | None = None
        self._solver: ConjugateGradients | None = None
        self._fields: NDArray[np.float32] | None = None
        self._warm_cases: list[bool] = []
        self._solved = False

    @property
    def cases(self) -> int:
        """Number K of unit load cases."""
        return len(self.boundary.strains)

    @property
    def nodes(self) -> int:
        """Number of nodes of the part that is solved; three degrees of freedom each."""
        return self._current_mesh().nodes

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The part that is solved, (Z, Y, X): the largest 6-connected part of the bone."""
        return self._current_mesh().bone.view(np.bool_)

    @property
    def displacement_um(self) -> NDArray[np.float32]:
        """Displacement (K, 3, nodes) of the unit cases (macro strain 1) at the nodes of the part, in z, y, x order."""
        return np.multiply(self._solution()[..., : self.nodes], np.float32(self.spacing_um))

    def update(self, modulus_mpa: ArrayLike) -> None:
        """Take a new bone: Young's modulus (Z, Y, X) in MPa, 0 = void; keeps the displacement for a warm start.

        Raises InputError when the array is not a volume of finite numbers >= 0 or holds no bone.
        """
        start = time.perf_counter()
        modulus, old = self._checked(modulus_mpa), self._mesh
        part = mark_bone(modulus)
        keep_largest(part)
        self._modulus, self._solved = np.where(part.view(np.bool_), modulus, np.float32(0)), False
        if old is not None and np.array_equal(old.bone, part):
            old.fill(self._modulus)
            if self._solver is not None:
                self._solver.hierarchy.refill()
        else:
            self._set_mesh()
            self._carry_over(old)
        self._set_up()
        self.setup_s = time.perf_counter() - start

    def solve(self, warm: bool = True) -> None:
        """Solve every unit case to the tolerance, from the last displacement where `warm` and there is one.

        Raises InputError before the first `update`, SolverError (with the residual history) without convergence.
        """
        start = time.perf_counter()
        mesh, self._solved = self._current_mesh(), False
        self._set_up()
        self.iterations, self.residuals = [], []
        old = self._fields if warm else None
        fields = np.zeros((self.cases, 3, mesh.size), np.float32)
        loaded = self.boundary.loaded(self.spans)
        stiffness = UNLOADED_STIFFNESS_MPA * np.eye(self.cases)
        for case in range(self.cases):
            start_field = old[case] if old is not None and self._warm_cases[case] else None
            history = self._solve_case(case, start_field, fields[case]) if loaded[case] else [0.0]
            self.residuals.append(history)
            self.iterations.append(len(history) - 1)
            if loaded[case]:
                self._measure_stiffness(case, fields, stiffness)
        self._fields, self._warm_cases, self.stiffness_mpa = fields, loaded, stiffness
        self._solved = True
        self.solve_s = time.perf_counter() - start

    def macro_strain(self, stress_mpa: ArrayLike) -> NDArray[np.float64]:
        """Amplitudes (K,) of the unit cases that put the bone under an apparent stress (K,), MPa, compression positive.

        stiffness . amplitudes = stress. Loads are forces: the strain grows when bone is lost.
        """
        self._solution()
        return np.asarray(np.linalg.solve(self.stiffness_mpa, np.asarray(stress_mpa, np.float64)))

    def energy_density(
        self, amplitudes: ArrayLike, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Strain energy density (Z, Y, X) of the combined load, MPa, exact mean over each voxel, 0 outside the part.

        Its mean over the whole volume is half of amplitudes . stiffness . amplitudes.
        """
        energy = self._unit_energy(amplitudes, out)
        blocks.launch(voxel_fe_energy.energy_density, energy.shape[0], self._modulus, energy)
        return energy

    def effective_strain(
        self, amplitudes: ArrayLike, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Effective strain sqrt(2 U / E) (Z, Y, X) of the combined load, 0 outside the part."""
        energy = self._unit_energy(amplitudes, out)
        blocks.launch(voxel_fe_energy.effective_strain, energy.shape[0], energy)
        return energy

    def state_arrays(self) -> dict[str, NDArray]:
        """Everything that `restore` needs to go on with the same bits; only after `solve`."""
        return {
            "mask": self.mask.astype(np.uint8),
            "modulus_mpa": self._modulus.copy(),
            "displacement": self._solution()[..., : self.nodes].copy(),
            "stiffness_mpa": self.stiffness_mpa.copy(),
            "iterations": np.array(self.iterations, np.int64),
        }

    def restore(self, arrays: Mapping[str, NDArray]) -> None:
        """Take over the state of a solver with the same boundary, as `state_arrays` gave it.

        Raises InputError when an array is missing or the displacement does not fit the mask and the boundary.
        """
        missing = {"mask", "modulus_mpa", "displacement", "stiffness_mpa", "iterations"} - set(arrays)
        if missing:
            names = ", ".join(sorted(missing))
            raise InputError(f"MicroFE.restore: missing {names}; use the arrays of state_arrays().")
        modulus, mask = self._checked(arrays["modulus_mpa"]), np.asarray(arrays["mask"]) > 0
        if mask.shape != modulus.shape:
            raise InputError(f"MicroFE.restore: mask is {mask.shape}, but modulus_mpa is {modulus.shape}.")
        self._modulus, self._fields, self._solved = np.where(mask, modulus, np.float32(0)), None, False
        mesh = self._set_mesh()
        fields = np.asarray(arrays["displacement"], np.float32)
        if fields.shape != (self.cases, 3, mesh.nodes):
            raise InputError(
                f"MicroFE.restore: displacement is {fields.shape}, but this mask and boundary "
                f'"{self.boundary.name}" need {(self.cases, 3, mesh.nodes)}.'
            )
        self._fields = np.zeros((self.cases, 3, mesh.size), np.float32)
        self._fields[..., : mesh.nodes] = fields
        self.stiffness_mpa = np.array(arrays["stiffness_mpa"], np.float64)
        self.iterations, self.residuals = [int(count) for count in arrays["iterations"]], []
        self._warm_cases, self._solved = self.boundary.loaded(self.spans), True

    def _checked(self, modulus_mpa: ArrayLike) -> NDArray[np.float32]:
        modulus = np.ascontiguousarray(modulus_mpa, np.float32)
        if modulus.ndim != 3 or not modulus.size or not (modulus.min() >= 0 and modulus.max() < np.inf):
            raise InputError(
                f"MicroFE: modulus_mpa must be a (Z, Y, X) volume of finite numbers >= 0, got shape {modulus.shape}."
            )
        if not modulus.max() > 0:
            raise InputError("MicroFE: there is no bone (all moduli are 0). Check the threshold of the segmentation.")
        return modulus

    def _current_mesh(self) -> VoxelMesh:
        if self._mesh is None:
            raise InputError("MicroFE: there is no bone yet; call update(modulus_mpa) first.")
        return self._mesh

    def _set_mesh(self) -> VoxelMesh:
        """New mesh of the present modulus; the solver of the old one is gone."""
        self._mesh = VoxelMesh(self._modulus)
        self.spans = touched_axes(self._mesh.bone.view(np.bool_))
        self._solver = None
        return self._mesh

    def _set_up(self) -> None:
        if self._solver is None:
            mesh = self._current_mesh()
            self._fixed = fixed_degrees(self.boundary, mesh)
            self._solver = ConjugateGradients(Hierarchy(mesh, self.poisson, self._fixed))
            mesh.forget_index()

    def _solution(self) -> NDArray[np.float32]:
        if self._fields is None or not self._solved:
            raise SolverError("MicroFE: the present bone is not solved yet; call solve() after update().")
        return self._fields

    def _carry_over(self, old: VoxelMesh | None) -> None:
        new, fields = self._mesh, self._fields
        assert new is not None
        self._fields = None
        if old is None or fields is None or old.shape != new.shape:
            return
        self._fields = np.zeros((self.cases, 3, new.size), np.float32)
        known = np.empty(new.nodes, np.uint8)
        blocks.launch(
            voxel_fe_mesh.carry_over, new.planes, new.height, old.row_start, old.node_x, fields,
            new.row_start, new.node_x, self._fields, known,
        )  # fmt: skip
        index = new.dense_index()
        for sweep in range(1, FILL_SWEEPS + 1):
            blocks.launch(
                voxel_fe_mesh.fill_from_neighbors, new.planes, sweep, new.row_start, new.node_x, index,
                self._fields, known,
            )  # fmt: skip
        far = np.flatnonzero(known == 255)
        self._fields[:, :, far] = np.einsum("kij,nj->kin", self.boundary.strains, new.coordinates(far))

    def _solve_case(
        self, case: int, start_field: NDArray[np.float32] | None, out: NDArray[np.float32]
    ) -> list[float]:
        assert self._solver is not None
        mesh, strain = self._solver.mesh, self.boundary.strains[case]
        x = np.zeros((3, mesh.size))
        values = prescribed_values(mesh, self._fixed, strain)
        reference = self._solver.load_norm(values)
        if start_field is None:
            blocks.launch(
                voxel_fe_mesh.add_affine, mesh.planes, mesh.height, mesh.row_start, mesh.node_x, strain, 1.0, x
            )
        else:
            x[:] = start_field
        x.reshape(-1)[self._fixed] = values
        history = self._solver.solve(x, reference, self.tolerance, self.max_iterations)
        out[:] = x
        return history

    def _measure_stiffness(self, case: int, fields: NDArray[np.float32], stiffness: NDArray[np.float64]) -> None:
        """Apparent stiffness C_jk = u_j . K u_k / volume of this case k, just solved, and those before it."""
        assert self._solver is not None
        for other in range(case + 1):
            work = total(self._solver.mesh, fields[other], self._solver.product)
            stiffness[case, other] = stiffness[other, case] = work / self._modulus.size

    def _unit_energy(self, amplitudes: ArrayLike, out: NDArray[np.float32] | None) -> NDArray[np.float32]:
        fields, mesh = self._solution(), self._mesh
        assert mesh is not None
        if out is not None and (out.shape != mesh.shape or out.dtype != np.float32 or not out.flags.c_contiguous):
            raise InputError(f"MicroFE: out must be a contiguous float32 array of shape {mesh.shape}.")
        weights = np.ascontiguousarray(amplitudes, np.float64)
        if weights.shape != (self.cases,):
            raise InputError(f"MicroFE: amplitudes must have shape ({self.cases},), got {weights.shape}.")
        combined = np.empty((3, mesh.size))
        blocks.launch(
            voxel_fe_energy.combine, multigrid.CHUNKS, fields.reshape(self.cases, -1), weights, combined.reshape(-1)
        )
        energy = np.empty(mesh.shape, np.float32) if out is None else out
        energy[:] = 0
        blocks.launch(
            voxel_fe_energy.unit_energy, mesh.slabs, combined, mesh.segment_nodes, mesh.segment_length,
            mesh.segment_voxel, mesh.slab_segment, stiffness_numbers(self.poisson), energy.reshape(-1),
        )  # fmt: skip
        return energy
