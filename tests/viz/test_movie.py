"""Films, cut planes and differences of a small run: fixed colors, closed cuts, shares that add up, clear refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from boneviz.cut import Cut, cut_face, parse_cut
from boneviz.kit import vtk_to_numpy
from boneviz.movie import movie
from boneviz.plots import smoothed, time_plots
from boneviz.render import render
from boneviz.scene import on_surface
from boneviz.snapshot import FORMED, RESORBED, load_change, load_snapshot, range_over
from PIL import Image
from scipy import ndimage
from view_run import SPACING_UM, make_run

from boneabm.errors import InputError

SIZE_PX = (320, 240)
DAYS = (0, 50, 100)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("filmed") / "small"
    make_run(place, DAYS)
    return place


def frames_of(path):
    with Image.open(path) as film:
        for at in range(film.n_frames):
            film.seek(at)
            yield np.asarray(film.convert("RGB")).astype(int)


def test_a_gif_has_a_picture_per_day_and_the_same_frame_around_it(run, tmp_path):
    path, days = movie(run, tmp_path / "film.gif", size=SIZE_PX)
    frames = list(frames_of(path))
    assert days == list(DAYS)
    assert len(frames) == 3
    bone = [(frame[40:].min(axis=2) < 225).mean() for frame in frames]
    assert 0.05 < bone[2] < bone[0] < 0.9
    bar = [frame[-12:, 100:220] for frame in frames]
    assert np.abs(bar[0] - bar[2]).max() < 40
    assert [item.name for item in tmp_path.iterdir()] == ["film.gif"]


def test_a_film_of_a_cloud_has_one_range_and_other_pictures(run, tmp_path):
    path, days = movie(run, tmp_path / "cloud.gif", size=SIZE_PX, cloud="rankl_free_pm")
    plain, _ = movie(run, tmp_path / "plain.gif", size=SIZE_PX)
    cloudy, usual = list(frames_of(path)), list(frames_of(plain))
    assert len(cloudy) == len(days)
    assert np.abs(cloudy[0] - usual[0]).mean() > 2
    with pytest.raises(InputError, match="no concentration"):
        movie(run, tmp_path / "no.gif", size=SIZE_PX, cloud="bmu")


def test_an_mp4_can_be_read_again(run, tmp_path):
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is part of the extra view")
    path, _ = movie(run, tmp_path / "film.mp4", size=SIZE_PX, since=0, fps=4)
    reader = imageio_ffmpeg.read_frames(str(path))
    facts = next(reader)
    frames = [np.frombuffer(frame, "u1").reshape(SIZE_PX[1], SIZE_PX[0], 3).astype(int) for frame in reader]
    assert facts["size"] == SIZE_PX
    assert len(frames) == 2
    purple = [((frame[..., 2] - frame[..., 0] > 25) & (frame[..., 2] - frame[..., 1] > 25)).mean() for frame in frames]
    assert purple[1] > max(purple[0], 0.01)


def test_one_range_holds_the_values_of_all_days(run):
    low, high = range_over(run, "born_day", list(DAYS))
    for day in DAYS:
        snapshot = load_snapshot(run, "born_day", day)
        near = (snapshot.matrix > 0.25) & (snapshot.matrix < 0.75)
        inside = (snapshot.values[near] >= low) & (snapshot.values[near] <= high)
        assert inside.mean() > 0.93


def test_changes_are_counted_by_voxels(run):
    """Formed less resorbed is the change of the number of bone voxels; a run that only thins forms nothing."""
    change = load_change(run, 0, 100)
    before, after = (load_snapshot(run, "mineral", day).matrix >= 0.5 for day in (0, 100))
    formed, resorbed = change.shares
    assert formed == 0
    assert resorbed == pytest.approx(1 - after.sum() / before.sum(), rel=1e-12)
    assert change.inside is not None
    assert (change.inside == RESORBED).sum() == before.sum() - after.sum()
    assert not (change.inside == FORMED).any()
    with pytest.raises(InputError, match="earlier day first"):
        load_change(run, 100, 50)
    with pytest.raises(InputError, match="Days in the file: 0, 50, 100"):
        load_change(run, 7)


def test_a_cut_face_has_the_area_of_the_cut_bone(run):
    """Area where the matrix, linear between voxel centers, is above one half; compared with a fine sampling."""
    snapshot = load_snapshot(run, "mineral", 0)
    face = cut_face(snapshot, 1, 0.5)
    plane = np.pad((snapshot.matrix[:, 15] + snapshot.matrix[:, 16]) / 2, 1)
    places = np.mgrid[0:33:661j, 0:33:661j]
    bone = ndimage.map_coordinates(plane, places, order=1) >= 0.5
    assert area(face) == pytest.approx(bone.sum() * (33 / 660 * SPACING_UM) ** 2, rel=0.01)
    bounds = face.GetBounds()
    assert bounds[2] == bounds[3] == 16 * SPACING_UM
    np.testing.assert_allclose(vtk_to_numpy(face.GetPointData().GetArray("values")), 1.1, rtol=1e-3)


def area(shape):
    from vtkmodules.vtkFiltersCore import vtkMassProperties, vtkTriangleFilter

    triangles = vtkTriangleFilter()
    triangles.SetInputData(shape)
    mass = vtkMassProperties()
    mass.SetInputConnection(triangles.GetOutputPort())
    return mass.GetSurfaceArea()


def test_cut_planes_are_read_as_parts_or_lengths():
    size_um = (640.0, 640.0, 1000.0)
    assert parse_cut(["y>0.5", "z < 250 um"], size_um) == Cut(((0.0, 1.0), (0.5, 1.0), (0.0, 0.25)))
    assert parse_cut(["x>25%"], size_um) == parse_cut(["x>160 um"], size_um)
    assert parse_cut([], size_um).faces() == []
    wrong = dict.fromkeys(("y=3", "z<1 kg", "z<%"), "not a plane") | {"x<2": "outside the block"}
    for word, told in wrong.items():
        with pytest.raises(InputError, match=told):
            parse_cut([word], size_um)
    with pytest.raises(InputError, match="leaves nothing along y"):
        parse_cut(["y>0.6", "y<0.4"], size_um)


def test_a_cut_hides_half_of_the_bone(run, tmp_path):
    whole, half = (
        np.asarray(Image.open(render(run, out=tmp_path / f"{len(cuts)}.png", size=SIZE_PX, cuts=cuts))).min(axis=2)
        for cuts in ((), ("z<0.5",))
    )
    assert (half[40:160] < 225).sum() < 0.8 * (whole[40:160] < 225).sum()


def test_thickness_is_measured_and_sites_say_what_their_cells_do(run):
    thickness = load_snapshot(run, "thickness", 0)
    bone = thickness.matrix >= 0.5
    assert 2 * SPACING_UM < np.median(thickness.values[bone]) < 10 * SPACING_UM
    sites = load_snapshot(run, "bmu", 0)
    assert set(np.unique(sites.values[:7])) == {3}
    assert set(np.unique(sites.values[12:])) == {0}


def test_surface_cells_are_drawn_outside_the_bone(run):
    """Cells stored in full voxels of a flat surface are moved out by one voxel; those in marrow stay."""
    snapshot = load_snapshot(run, "mineral", 0)
    matrix = np.zeros((9, 9, 9), "f4")
    matrix[:5] = 1
    flat = replace(snapshot, matrix=matrix)
    places = np.array([[4.5, 4.5, 4.5], [4.5, 4.5, 5.5], [4.5, 4.5, 8.5]]) * SPACING_UM
    moved = on_surface(places, flat) / SPACING_UM
    np.testing.assert_allclose(moved, [[4.5, 4.5, 5.5], [4.5, 4.5, 5.5], [4.5, 4.5, 8.5]], atol=1e-6)


def test_impossible_films_are_refused(run, tmp_path):
    with pytest.raises(InputError, match=r"\.mp4 or \.gif"):
        movie(run, tmp_path / "film.avi")
    with pytest.raises(InputError, match=r"allowed are 0\.1 to 60"):
        movie(run, tmp_path / "film.gif", fps=0)
    with pytest.raises(InputError, match="two stored days"):
        movie(run, tmp_path / "film.gif", since=50)
    with pytest.raises(InputError, match='Did you mean "mineral"'):
        movie(run, tmp_path / "film.gif", field="minerals")
    assert list(tmp_path.iterdir()) == []


def test_plots_survive_what_series_may_hold():
    days = np.arange(5.0)
    gaps = time_plots({"day": days, "BV/TV": np.array([0.2, np.nan, 0.2, 0.2, 0.2])})
    assert "NaN" not in gaps
    assert "nan" not in gaps
    assert gaps.count("<polyline") == 1
    assert "no day written yet" in time_plots({})
    assert time_plots({"day": days[:1], "BV/TV": days[:1]}).count("<polyline") == 1
    np.testing.assert_allclose(smoothed(np.array([0.0, 2.0, 4.0, 6.0]), 2), [0, 1, 3, 5])
