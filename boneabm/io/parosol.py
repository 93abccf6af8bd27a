"""A solved problem as input of ParOSol, an independent voxel solver, so that users can check one against the other.

ParOSol (Flaig, Arbenz, Parallel Comput 37:846, 2011) reads and writes one HDF5 file. Its input is /Image_Data:

    Image                          float32 (Z, Y, X)  Young's modulus in GPa, 0 = void
    Voxelsize                      float64, scalar    voxel edge in mm
    Poisons_ratio                  float64, scalar    Poisson's ratio, spelled like this
    Fixed_Displacement_Coordinates uint16 (n, 4)      node z, y, x counted in voxels, then the direction: 0 x, 1 y, 2 z
    Fixed_Displacement_Values      float32 (n,)       displacement of that node in that direction, mm

Node (z, y, x) is the corner of voxel (z, y, x) nearest the origin, so nodes run from 0 to Z, Y, X. ParOSol reads
coordinates as signed 16-bit integers. Degrees of freedom that are not listed are free and carry no force.
ParOSol adds its results in the groups /Mesh and /Solution of the same file: forces in N, stress and SED in MPa.
A fork that reads Image as MPa gives the same displacements, and forces, stress and SED a thousandth.

Files of this module were solved by ParOSol itself: see "Solve an image" in README.md.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from boneabm.errors import InputError

from .single_file import check_target, new_hdf5

ENDING = ".h5"
MARK = "Image_Data/Image"
LONGEST_VOXELS = np.iinfo(np.int16).max


def check_parosol(path: Path, replace: bool, poisson: float) -> None:
    """Refuse a place where no ParOSol input can be written, or where something else is, and poisson < 0; InputError."""
    check_target(path, ENDING, "--parosol", replace, MARK)
    if poisson < 0:
        raise InputError(f"--parosol {path}: ParOSol needs a Poisson's ratio from 0 to 0.5, given {poisson:g}.")


def write_parosol(
    path: Path,
    modulus_mpa: NDArray[np.floating],
    spacing_um: float,
    poisson: float,
    node: ArrayLike,
    component: ArrayLike,
    displacement_um: ArrayLike,
) -> None:
    """Write one load case for ParOSol; an old file is replaced.

    modulus_mpa     : (Z, Y, X) Young's modulus, 0 = void
    poisson         : 0 <= poisson < 0.5
    node            : (n, 3) prescribed nodes z, y, x, counted in voxels
    component       : (n,) direction of each, 0 z, 1 y, 2 x
    displacement_um : (n,)

    Raises InputError for volumes that ParOSol cannot count.
    """
    if max(modulus_mpa.shape) > LONGEST_VOXELS:
        raise InputError(f"--parosol {path}: ParOSol takes at most {LONGEST_VOXELS} voxels along an axis.")
    with new_hdf5(path) as file:
        group = file.create_group("Image_Data")
        group.create_dataset("Image", data=(np.asarray(modulus_mpa) / 1000).astype("<f4"))
        group.create_dataset("Voxelsize", data=np.float64(spacing_um / 1000))
        group.create_dataset("Poisons_ratio", data=np.float64(poisson))
        places = np.column_stack([np.asarray(node), 2 - np.asarray(component)])
        group.create_dataset("Fixed_Displacement_Coordinates", data=places.astype("<u2"))
        values = np.asarray(displacement_um, np.float64) / 1000
        group.create_dataset("Fixed_Displacement_Values", data=values.astype("<f4"))
