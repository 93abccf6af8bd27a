"""Measures of the real micro-CT sample against the values of independent tools."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from boneabm.io.microct import Segmentation, read_bone
from boneabm.kernels import blocks
from boneabm.morphometry import euler_characteristic, local_thickness, mean_thickness, measure_fully

SPACING_UM = 19.5


@pytest.fixture(scope="module")
def bone(real_sample):
    return read_bone(real_sample, SPACING_UM, Segmentation(sigma_voxels=1.0, threshold=63.0))[0]


@pytest.fixture
def two_threads():
    before = blocks.get_threads()
    blocks.set_threads(min(2, blocks.available_threads()))
    yield
    blocks.set_threads(before)


def test_corner_of_the_sample_equals_distance_maps_and_scikit_image(bone):
    """Local thickness by scipy's distance maps of every radius; Euler number by scikit-image."""
    corner = bone[40:90, 60:110, 100:150]
    r2 = np.rint(ndimage.distance_transform_edt(corner) ** 2)
    expected = np.zeros(corner.shape)
    for radius2 in np.unique(r2[corner]):
        expected[np.rint(ndimage.distance_transform_edt(r2 < radius2) ** 2) < radius2] = 2 * np.sqrt(radius2)
    np.testing.assert_allclose(local_thickness(corner, 1.0), expected, rtol=1e-6)
    skimage = pytest.importorskip("skimage.measure")
    assert euler_characteristic(corner) == skimage.euler_number(corner, connectivity=3)


def test_trabecular_thickness_of_the_sample(bone, two_threads):
    """Tb.Th 256.7 um: mean over bone of the exact largest inscribed ball."""
    assert mean_thickness(bone, SPACING_UM) == pytest.approx(256.7, rel=2e-3)


@pytest.mark.slow
def test_all_measures_of_the_sample(bone, two_threads):
    """BV/TV, Tb.Th, Tb.Sp, Conn.D and BS within 1 % of independent tools, SMI and DA within 3 %."""
    result, shape, _ = measure_fully(bone, SPACING_UM)
    published = {
        "bv_tv": 0.23370,
        "tb_th_um": 256.7,
        "tb_sp_um": 786.2,
        "conn_d_per_mm3": 3.96,
        "bs_mm2": 179.5,
        "bv_mm3": 179.5 / 12.95,
    }
    for name, value in published.items():
        assert getattr(result, name) == pytest.approx(value, rel=0.01), name
    assert shape.smi == pytest.approx(0.96, rel=0.03)
    assert shape.da == pytest.approx(0.222, rel=0.03)
    assert shape.plate_fraction + shape.rod_fraction == pytest.approx(1)
    assert shape.tb_n_direct_per_mm == pytest.approx(result.tb_n_per_mm, rel=0.1)
