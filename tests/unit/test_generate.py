"""Generated blocks: input errors, record, cache, the search for the cell size."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from boneabm.errors import InputError
from boneabm.lattice import generate as module
from boneabm.lattice.components import largest_component
from boneabm.lattice.generate import BlockSpec, cut, generate, grow, next_cell_um
from boneabm.morphometry import mean_thickness

SPEC = BlockSpec((32, 34, 36), 40.0, 0.25, 150.0, seed=3, cell_um=600.0)
KEYS = {
    "kind", "generator_version", "bv_tv", "tb_th_um", "cell_um", "tries", "plates", "stretch", "holes", "seed",
    "touches_faces", "warnings",
}  # fmt: skip


def thickness(mask):
    return mean_thickness(mask, 1.0)


def forbidden(mask):
    raise AssertionError("the block was made again")


@pytest.mark.parametrize(
    ("change", "name", "allowed"),
    [
        ({"bv_tv": 0.02}, "bv_tv", "0.03 to 0.6"),
        ({"bv_tv": 0.7}, "bv_tv", "0.03 to 0.6"),
        ({"tb_th_um": 90.0}, "tb_th_um", "at least 100"),
        ({"shape": (12, 40, 40)}, "shape", "at least 15"),
        ({"shape": (40, 40)}, "shape", "z, y, x"),
        ({"plates": 1.5}, "plates", "0 to 1"),
        ({"stretch": 0.0}, "stretch", "0.5 to 2"),
        ({"holes": 1.0}, "holes", "0 to 0.9"),
        ({"spacing_um": -1.0}, "spacing_um", "at least"),
        ({"seed": -1}, "seed", "0 to"),
        ({"bv_tv": float("nan")}, "bv_tv", "0.03 to 0.6"),
    ],
)
def test_impossible_input_names_key_and_allowed_values(change, name, allowed):
    with pytest.raises(InputError, match=rf"{name}.*{allowed}"):
        generate(dataclasses.replace(SPEC, **change), forbidden)


def test_record_has_its_keys_and_tells_the_truth():
    mask, record = generate(SPEC, thickness)
    assert set(record) == KEYS
    assert mask.shape == SPEC.shape
    assert mask.dtype == np.bool_
    assert record["bv_tv"] == pytest.approx(mask.mean())
    assert record["tb_th_um"] == pytest.approx(thickness(mask) * 40.0)
    assert record["cell_um"] == 600.0
    assert record["tries"] == 1
    faces = [mask[0], mask[-1], mask[:, 0], mask[:, -1], mask[:, :, 0], mask[:, :, -1]]
    assert record["touches_faces"] == all(face.any() for face in faces)


def test_small_box_and_missed_target_are_warned_about():
    """2.1 cells along the shortest edge, and a thickness that never changes, so that Tb.Th cannot be met."""
    spec = dataclasses.replace(SPEC, cell_um=None)
    _, record = generate(spec, lambda mask: 5.0)
    assert record["tries"] == 7
    assert any("cells" in text for text in record["warnings"])
    assert any("Tb.Th is 200.0 um, asked was 150.0 um" in text for text in record["warnings"])


def test_default_plates_grow_with_bv_tv():
    shares = [BlockSpec((64, 64, 64), 20.0, bv_tv, 120.0).plate_share for bv_tv in (0.03, 0.08, 0.18, 0.6)]
    np.testing.assert_allclose(shares, [0.05, 0.1, 0.25, 0.5])


def test_cache_returns_the_same_block_without_making_it_again(tmp_path):
    mask, record = generate(SPEC, thickness, tmp_path)
    again, record_again = generate(SPEC, forbidden, tmp_path)
    np.testing.assert_array_equal(mask, again)
    assert record == record_again
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]


def test_another_spec_or_version_is_another_file(tmp_path, monkeypatch):
    generate(SPEC, thickness, tmp_path)
    generate(dataclasses.replace(SPEC, seed=4), thickness, tmp_path)
    monkeypatch.setattr(module, "GENERATOR_VERSION", module.GENERATOR_VERSION + 1)
    generate(SPEC, thickness, tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other"])
def test_damaged_cache_file_is_ignored_and_remade(tmp_path, damage):
    mask, record = generate(SPEC, thickness, tmp_path)
    path = next(tmp_path.iterdir())
    good = bytearray(path.read_bytes())
    middle = len(good) // 3
    broken = {
        "cut": good[:middle],
        "flip": good[:middle] + bytes(b ^ 255 for b in good[middle : middle + 40]) + good[middle + 40 :],
        "empty": b"",
        "other": b"not a zip file",
    }[damage]
    path.write_bytes(broken)
    again, record_again = generate(SPEC, thickness, tmp_path)
    np.testing.assert_array_equal(mask, again)
    assert record == record_again
    generate(SPEC, forbidden, tmp_path)


def test_search_step_interpolates_inside_a_bracket_and_leaves_a_plateau():
    assert 500.0 < next_cell_um([(500.0, 90.0), (600.0, 120.0)], 100.0) < 600.0
    assert next_cell_um([(500.0, 90.0)], 100.0) == pytest.approx(500.0 / 0.9)
    assert next_cell_um([(500.0, 90.0), (555.0, 89.0)], 100.0) > 600.0
    assert next_cell_um([(500.0, 130.0), (450.0, 131.0)], 100.0) < 400.0


def test_largest_part_is_6_connected():
    mask = np.zeros((4, 4, 4), bool)
    mask[0, 0, :3] = True
    mask[1, 1, 2:] = True
    expected = np.zeros_like(mask)
    expected[0, 0, :3] = True
    np.testing.assert_array_equal(largest_component(mask), expected)


def test_grow_adds_layers_of_the_outer_mask_until_the_volume_is_met():
    inner, outer = np.zeros((3, 9, 9), bool), np.zeros((3, 9, 9), bool)
    outer[1, 4] = outer[1, :, 4] = inner[1, 4, 4] = True
    grown = grow(inner, outer, 9)
    assert grown.sum() == 9
    assert (grown <= outer).all()
    np.testing.assert_array_equal(np.flatnonzero(grown[1, 4]), [2, 3, 4, 5, 6])
    assert grow(inner, outer, 100).sum() == outer.sum()


def test_cut_meets_bv_tv_where_a_whole_piece_joins_at_once():
    """Two bars, joined by a voxel that comes only after both: without growth the volume would jump from half to all."""
    distance = np.full((10, 10, 41), 9.0, np.float32)
    distance += np.random.default_rng(0).uniform(0, 1e-3, distance.shape).astype(np.float32)
    distance[4:7, 4:7] -= 7.0
    distance[4:7, 4:7, 20] += 3.0
    mask = cut(distance, 0.06)
    assert mask.mean() == pytest.approx(0.06, rel=0.005)
    assert ndimage.label(mask)[1] == 1
