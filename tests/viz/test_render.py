"""Pictures of a small run: never blank, bone and cells where they should be, clear words where something is missing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import vtk
from boneviz import opengl, scene
from boneviz.labels import round_length, weak_of
from boneviz.render import render
from boneviz.snapshot import load_snapshot
from vtk.util.numpy_support import vtk_to_numpy

from boneabm.errors import InputError
from boneabm.io.agents import AgentWriter
from boneabm.io.runfolder import RunFolder
from boneabm.io.schema import AGENT_COLUMNS
from boneabm.io.volumes import VolumeWriter

SIZE_PX = (320, 240)
SPACING_UM = 20.0
OSTEOCLAST_COLOR = (142, 68, 173)


def gyroid(edge=32):
    """A network of plates and rods with about a third of bone."""
    z, y, x = np.indices((edge,) * 3) * (2 * np.pi * 2 / edge)
    height = np.sin(x) * np.cos(y) + np.sin(y) * np.cos(z) + np.sin(z) * np.cos(x)
    return np.clip(0.5 + 2 * (height - 0.5), 0, 1).astype("f4")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place, matrix = tmp_path_factory.mktemp("runs") / "small", gyroid()
    kinds = {name: np.zeros(6, column.dtype) for name, column in AGENT_COLUMNS.items()}
    kinds["type"] = np.array([1, 1, 2, 2, 2, 3], "u1")
    points = np.column_stack([np.linspace(20, 600, 6), np.full(6, 5.0), np.full(6, 320.0)])
    bmu = np.full(matrix.shape, -1, "i4")
    bmu[:8] = 3
    volumes = {
        "matrix": matrix,
        "mineral": matrix * 1.1,
        "bmu": bmu,
        "born_day": -100 - np.indices(matrix.shape)[0].astype("f4"),
        "rankl_free_pm": matrix * 0 + 2,
    }
    with RunFolder.create(place) as folder:
        writer = VolumeWriter(folder.volumes, matrix.shape, SPACING_UM, list(volumes))
        agents = AgentWriter(folder.agents)
        for day in (0, 30):
            writer.append(day, volumes)
            agents.append(day, points, kinds)
        folder.commit()
    return place


def pixels(path):
    reader = vtk.vtkPNGReader()
    reader.SetFileName(str(path))
    reader.Update()
    image = reader.GetOutput()
    width, height, _ = image.GetDimensions()
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1).astype(int)


def share_like(picture, color, tolerance=40):
    return float((np.abs(picture - np.array(color)).max(axis=2) < tolerance).mean())


def share_bluish(picture):
    red, green, blue = np.moveaxis(picture, 2, 0)
    return float(((blue - red > 35) & (green - red > 15)).mean())


@pytest.mark.parametrize("field", ["mineral", "bmu", "born_day", "rankl_free_pm"])
def test_the_first_picture_shows_bone_and_cells(run, tmp_path, field):
    path = render(run, field, out=tmp_path / "picture.png", size=SIZE_PX)
    picture = pixels(path)
    assert picture.shape == (240, 320, 3)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 500
    background = picture.min(axis=2) > 225
    assert 0.05 < 1 - background.mean() < 0.9
    assert share_like(picture, OSTEOCLAST_COLOR) > 1e-4
    assert [item.name for item in tmp_path.iterdir()] == ["picture.png"]


def test_open_sites_are_highlighted_and_cells_can_be_hidden(run, tmp_path):
    sites = pixels(render(run, "bmu", 30, tmp_path / "a.png", SIZE_PX, agents=False))
    plain = pixels(render(run, "mineral", 30, tmp_path / "b.png", SIZE_PX, agents=False))
    assert share_bluish(sites) > 0.01
    assert share_bluish(plain) < 0.001
    assert share_like(plain, OSTEOCLAST_COLOR, 15) < 1e-4


def test_the_default_picture_lies_in_the_run_folder(run):
    path = render(run, size=SIZE_PX)
    assert path == run / "mineral_day30.png"
    path.unlink()


def test_smoothing_neither_shrinks_nor_moves_the_bone(run):
    """The closed surface holds the volume of the plain contour (0.5 %), fills the block, and has the bone's values."""
    snapshot = load_snapshot(run, "mineral")
    surface = scene.bone_surface(snapshot)
    plain = vtk.vtkMarchingCubes()
    plain.SetInputData(scene._image(np.pad(snapshot.matrix, 1), SPACING_UM))
    plain.SetValue(0, 0.5)
    plain.Update()
    assert volume(surface) == pytest.approx(volume(plain.GetOutput()), rel=0.005)
    assert np.allclose(surface.GetBounds(), [0, 32 * SPACING_UM] * 3, atol=0.5 * SPACING_UM)
    values = vtk_to_numpy(surface.GetPointData().GetScalars())
    np.testing.assert_allclose(values, 1.1, rtol=1e-3)


def volume(surface):
    mass = vtk.vtkMassProperties()
    mass.SetInputData(surface)
    return mass.GetVolume()


def test_tissue_age_is_counted_from_the_day_shown(run):
    ages = load_snapshot(run, "born_day", 0).values, load_snapshot(run, "born_day", 30).values
    bone = gyroid() > 0.5
    np.testing.assert_allclose((ages[1] - ages[0])[bone], 30 / 365.25, rtol=1e-2)


@pytest.mark.parametrize(("length_um", "bar_um"), [(870, 500), (1000, 1000), (199, 100), (2.5, 2)])
def test_scale_bars_have_round_lengths(length_um, bar_um):
    assert round_length(length_um) == bar_um


def test_mistakes_are_named(run, tmp_path):
    with pytest.raises(InputError, match="Days in the file: 0, 30"):
        render(run, day=7)
    with pytest.raises(InputError, match='Did you mean "mineral"'):
        render(run, "minerals")
    with pytest.raises(InputError, match='no field "signal"'):
        render(run, "signal")
    with pytest.raises(InputError, match=r"ends with \.png"):
        render(run, out=tmp_path / "picture.jpg", size=SIZE_PX)
    with pytest.raises(InputError, match="pixels"):
        render(run, size=(10, 10))


def test_missing_opengl_is_a_message_that_names_the_package(monkeypatch):
    """The trial drawing dies in its own process; the caller gets an error to read."""
    monkeypatch.setattr(opengl, "PROBE", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    opengl.start_trial.cache_clear()
    with pytest.raises(opengl.NoOpenGLError, match=r"apt install libegl1"):
        opengl.require_opengl()
    opengl.start_trial.cache_clear()


def test_boneviz_reads_runs_without_loading_the_simulation():
    heavy = "[name for name in ('numba', 'mesa', 'vtkmodules') if name in sys.modules]"
    command = [sys.executable, "-c", f"import sys, boneviz.render; print({heavy})"]
    found = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert found.stdout.strip() == "[]"


def test_a_cloud_fills_the_block_around_clear_bone(tmp_path):
    """A drop of RANKL in the middle is a blue spot; the bone around it is pale and see-through."""
    place, matrix = tmp_path / "cloudy", gyroid()
    z, y, x = np.indices(matrix.shape) - 16
    drop = 30 * np.exp(-(z**2 + y**2 + x**2) / 30).astype("f4")
    with RunFolder.create(place) as folder:
        writer = VolumeWriter(folder.volumes, matrix.shape, SPACING_UM, ["matrix", "rankl_free_pm"])
        for day, share in ((0, 0), (30, 1)):
            writer.append(day, {"matrix": matrix, "rankl_free_pm": share * drop})
        folder.commit()
    given = {"size": SIZE_PX, "limits": (0.0, 30.0), "cloud": "rankl_free_pm"}
    without = pixels(render(place, day=0, out=tmp_path / "a.png", **given))
    with_drop = pixels(render(place, day=30, out=tmp_path / "b.png", **given))
    red, _, blue = np.moveaxis(with_drop - without, 2, 0)
    changed = np.argwhere(red - blue < -40)
    assert 0.002 < len(changed) / red.size < 0.2
    assert np.abs(changed.mean(axis=0) - [120, 160]).max() < 25, "the drop is in the middle"


def test_what_cannot_be_a_cloud_is_refused(run):
    with pytest.raises(InputError, match="no concentration"):
        render(run, cloud="mineral", size=SIZE_PX)
    with pytest.raises(InputError, match='"opg_pm" was not stored; clouds that are there: rankl_free_pm'):
        render(run, cloud="opg_pm", size=SIZE_PX)
    with pytest.raises(InputError, match="--cloud and --since"):
        render(run, cloud="rankl_free_pm", since=0, size=SIZE_PX)


def test_the_name_of_a_cloud_picture_tells_its_field(run):
    path = render(run, cloud="rankl_free_pm", size=SIZE_PX)
    assert path == run / "cloud_rankl_free_pm_day30.png"
    path.unlink()


def test_a_picture_says_what_of_low_confidence_its_run_rests_on(tmp_path):
    """The attribute of run.vtkhdf stands under the title, cut to the width; without one the picture is as before."""
    weak = "drugs of low confidence: risedronate; systems of low confidence in use: leptin, zinc, sleep, omega-3"
    pictures = []
    for name, meta in (("plain", {}), ("weak", {"low_confidence": weak})):
        with RunFolder.create(tmp_path / name / "small") as folder:
            writer = VolumeWriter(folder.volumes, (32, 32, 32), SPACING_UM, ["matrix", "mineral"], meta=meta)
            agents = AgentWriter(folder.agents)
            writer.append(0, {"matrix": gyroid(), "mineral": gyroid()})
            agents.append(0, np.empty((0, 3)), {name: np.empty(0, c.dtype) for name, c in AGENT_COLUMNS.items()})
            folder.commit()
        picture = render(folder.path, "mineral", 0, tmp_path / f"{name}.png", (640, 480))
        pictures.append(pixels(picture))
        assert load_snapshot(folder.path, "mineral").weak == meta.get("low_confidence", "")
    assert (pictures[0] != pictures[1]).any()
    shown = load_snapshot(tmp_path / "weak" / "small", "mineral")
    assert weak_of(shown, 500) == f"D{weak[1:]}"
    assert weak_of(shown, 80).startswith("Drugs of low confidence: risedronate")
    assert len(weak_of(shown, 80)) <= 80
    assert weak_of(load_snapshot(tmp_path / "plain" / "small", "mineral"), 80) == ""
