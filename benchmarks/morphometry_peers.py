"""One peer measures one mask, in a process of its own; needs numpy and that peer, and nothing of boneabm.

    python benchmarks/morphometry_peers.py PEER MASK.npy OUT.npy

Prints one JSON object: seconds and CPU seconds of the measurement proper (imports and compilation on a corner of the
mask are not counted) and the version; a thickness peer writes diameters in voxels to OUT.npy, a table peer prints its
values.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

WARM = 24  # voxels, edge of the corner that compiles
PEERS = {
    "ormir-xct, every ball": ("ormir-xct", "thickness"),
    "ormir-xct, balls on the skeleton (default)": ("ormir-xct", "thickness"),
    "porespy, whole radii (default)": ("porespy", "thickness"),
    "localthickness": ("localthickness", "thickness"),
    "itk-bonemorphometry": ("itk-bonemorphometry", "table"),
}


def ormir(mask: np.ndarray, every: bool) -> np.ndarray:
    """Hildebrand's painting of balls around every voxel, or its default settings."""
    from ormir_xct.core.util.hildebrand_thickness import compute_local_thickness_from_mask

    return compute_local_thickness_from_mask(mask, 1.0, oversample=not every, skeletonize=not every)


def porespy(mask: np.ndarray) -> np.ndarray:
    """Spheres of whole radii (its only choice since version 3); radius to diameter."""
    from porespy.filters import local_thickness

    return 2 * np.asarray(local_thickness(mask))


def localthickness(mask: np.ndarray) -> np.ndarray:
    """Repeated dilation of the distance map, full resolution; radius to diameter."""
    import localthickness

    return 2 * localthickness.local_thickness(mask)


def itk_table(mask: np.ndarray) -> dict[str, float]:
    """Model-based measures from intercepts along the axes; lengths in voxels."""
    import itk

    image = itk.image_from_array(mask.astype(np.float32))
    features = itk.BoneMorphometryFeaturesFilter.New(image, Threshold=1)
    features.Update()
    names = {"bv_tv": "BVTV", "tb_n": "TbN", "tb_th": "TbTh", "tb_sp": "TbSp", "bs_bv": "BSBV"}
    return {name: float(getattr(features, f"Get{method}")()) for name, method in names.items()}


MEASURE: dict[str, Callable[[np.ndarray], Any]] = {
    "ormir-xct, every ball": lambda mask: ormir(mask, True),
    "ormir-xct, balls on the skeleton (default)": lambda mask: ormir(mask, False),
    "porespy, whole radii (default)": porespy,
    "localthickness": localthickness,
    "itk-bonemorphometry": itk_table,
}


def main() -> None:
    """Measure and report."""
    name, source, target = sys.argv[1:]
    mask = np.load(source)
    measure = MEASURE[name]
    measure(np.ascontiguousarray(mask[:WARM, :WARM, :WARM]))
    start, start_cpu = time.perf_counter(), time.process_time()
    found = measure(mask)
    facts: dict[str, Any] = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - start_cpu}
    facts["version"] = version(PEERS[name][0])
    if PEERS[name][1] == "thickness":
        np.save(target, np.asarray(found, np.float32))
    else:
        facts |= found
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
