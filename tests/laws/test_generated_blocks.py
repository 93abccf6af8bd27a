"""Laws of generated blocks: targets met, one piece, one bone per seed, and controls that do what they say."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from boneabm.kernels import blocks
from boneabm.lattice.generate import BlockSpec, generate
from boneabm.morphometry import euler_characteristic, mean_thickness


def thickness(mask):
    return mean_thickness(mask, 1.0)


def unmeasured(mask):
    """Thickness is not needed where the size of the cells is fixed."""
    return 1.0


def mean_run(mask, axis):
    """Mean intercept length of bone along an axis, voxels: bone voxels over runs."""
    edges = np.diff(mask.astype(np.int8), axis=axis, prepend=0)
    return mask.sum() / (edges == 1).sum()


@pytest.mark.parametrize(
    "spec",
    [
        BlockSpec((48, 48, 48), 40.0, 0.30, 140.0, seed=1),
        BlockSpec((64, 64, 64), 30.0, 0.20, 130.0, seed=2),
        BlockSpec((60, 56, 64), 40.0, 0.15, 130.0, seed=3),
        BlockSpec((72, 72, 72), 40.0, 0.08, 120.0, seed=4),
        BlockSpec((48, 48, 48), 20.0, 0.45, 110.0, seed=5),
        BlockSpec((80, 80, 80), 30.0, 0.24, 250.0, seed=6, plates=0.35),
        BlockSpec((80, 80, 80), 20.0, 0.15, 160.0, seed=7, plates=0.2),
        BlockSpec((56, 56, 56), 25.0, 0.60, 100.0, seed=8, stretch=1.0, holes=0.0),
    ],
    ids=lambda spec: f"bv{spec.bv_tv}-th{spec.tb_th_um:.0f}",
)
def test_block_meets_bv_tv_and_tb_th_in_one_6_connected_piece(spec):
    """BV/TV within 1 %, Tb.Th within 3 %, exactly one 6-connected part, all six faces touched."""
    mask, record = generate(spec, thickness)
    assert mask.mean() == pytest.approx(spec.bv_tv, rel=0.01)
    assert thickness(mask) * spec.spacing_um == pytest.approx(spec.tb_th_um, rel=0.03)
    assert ndimage.label(mask)[1] == 1
    assert record["touches_faces"]


def test_seed_means_one_bone_at_any_voxel_size():
    """Same seed and cell size at 20 and 40 um: Dice above 0.85 on the coarser grid; another seed: far below."""
    fine = BlockSpec((64, 64, 64), 20.0, 0.2, 170.0, seed=5, cell_um=700.0)
    coarse = dataclasses.replace(fine, shape=(32, 32, 32), spacing_um=40.0)
    a = generate(fine, unmeasured)[0].reshape(32, 2, 32, 2, 32, 2).mean(axis=(1, 3, 5)) >= 0.5
    b, other = generate(coarse, unmeasured)[0], generate(dataclasses.replace(coarse, seed=6), unmeasured)[0]
    assert 2 * (a & b).sum() / (a.sum() + b.sum()) > 0.85
    assert 2 * (other & b).sum() / (other.sum() + b.sum()) < 0.5


def test_seed_means_one_bone_in_any_box():
    """A smaller box shows the corner of the larger one (the quantile moves a little with what the box holds)."""
    large = BlockSpec((64, 64, 64), 30.0, 0.2, 170.0, seed=2, cell_um=700.0)
    a = generate(large, unmeasured)[0][:44, :44, :44]
    small = dataclasses.replace(large, shape=(44, 44, 44), bv_tv=float(a.mean()))
    b = generate(small, unmeasured)[0]
    assert 2 * (a & b).sum() / (a.sum() + b.sum()) > 0.95


def test_plates_close_the_network():
    """At equal BV/TV and Tb.Th more plates mean fewer loops: the Euler number rises (mean of four seeds).

    At a fixed cell size it does not: there plates take bone from the rods and get thin and pierced instead.
    """
    base = BlockSpec((48, 48, 48), 40.0, 0.2, 150.0)
    means = []
    for plates in (0.0, 0.4, 0.8):
        specs = [dataclasses.replace(base, plates=plates, seed=seed) for seed in range(4)]
        means.append(np.mean([euler_characteristic(generate(spec, thickness)[0]) for spec in specs]))
    assert means[0] < means[1] < means[2]


def test_plates_spread_the_same_bone_thinner():
    """At equal BV/TV and cell size Tb.Th falls with `plates` (mean of four seeds)."""
    base = BlockSpec((48, 48, 48), 40.0, 0.2, 160.0, cell_um=600.0)
    means = []
    for plates in (0.0, 0.4, 0.8):
        specs = [dataclasses.replace(base, plates=plates, seed=seed) for seed in range(4)]
        means.append(np.mean([thickness(generate(spec, unmeasured)[0]) for spec in specs]))
    assert means[0] > means[1] > means[2]


def test_stretch_lengthens_bone_along_z():
    """Mean intercept length along z over lateral rises with `stretch` (mean of four seeds), from near 1.

    It stays a little above 1 at stretch 1, because horizontal faces are opened more than vertical ones.
    """
    base = BlockSpec((48, 48, 48), 40.0, 0.2, 160.0, cell_um=600.0, plates=0.2)
    means = []
    for stretch in (1.0, 1.3, 1.7):
        masks = [generate(dataclasses.replace(base, stretch=stretch, seed=seed), unmeasured)[0] for seed in range(4)]
        means.append(np.mean([2 * mean_run(m, 0) / (mean_run(m, 1) + mean_run(m, 2)) for m in masks]))
    assert means[0] < means[1] < means[2]
    assert 0.85 < means[0] < 1.25


def test_threads_and_repetition_change_no_bit():
    spec = BlockSpec((48, 48, 50), 40.0, 0.2, 150.0, seed=4)
    before = blocks.get_threads()
    try:
        masks = []
        for threads in (1, 2, 3):
            blocks.set_threads(threads)
            masks.append(generate(spec, thickness))
    finally:
        blocks.set_threads(before)
    for mask, record in masks[1:]:
        np.testing.assert_array_equal(mask, masks[0][0])
        assert record == masks[0][1]
