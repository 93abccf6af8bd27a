"""Volumes and cells written over time are what plain VTK and our readers read back, step by step."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from boneabm.errors import InputError
from boneabm.io.agents import AgentReader, AgentWriter
from boneabm.io.hdf import COMPRESSION
from boneabm.io.schema import AGENT_COLUMNS
from boneabm.io.volumes import VolumeReader, VolumeWriter
from boneabm.io.xdmf import write_xdmf
from boneabm.kernels.blocks import set_threads

SHAPE = (5, 70, 9)
FIELDS = ("matrix", "mineral", "bmu")


def snapshot(day, shape=SHAPE):
    random = np.random.default_rng(abs(day) + 17)
    return {
        "matrix": random.random(shape, "f4"),
        "mineral": random.random(shape, "f4") if day % 2 else np.full(shape, 0.5, "f4"),
        "bmu": random.integers(-1, 9, shape).astype("i4"),
    }


def cells(day):
    random = np.random.default_rng(abs(day) + 3)
    count = (day * 7) % 23
    kinds = {name: np.zeros(count, column.dtype) for name, column in AGENT_COLUMNS.items()}
    kinds["unique_id"] = np.arange(count) + 100 * day
    kinds["type"] = random.integers(1, 4, count).astype("u1")
    kinds["age_d"] = random.random(count).astype("f4")
    return random.random((count, 3)).astype("f4") * 100, kinds


def write_volumes(path, days):
    writer = VolumeWriter(path, SHAPE, 19.5, FIELDS, {"seed": 7, "scenario": "x" * 100_000})
    for day in days:
        writer.append(day, snapshot(day))
    return writer


def write_cells(path, days):
    writer = AgentWriter(path)
    for day in days:
        writer.append(day, *cells(day))
    return writer


def vtk_reader(path):
    reader = vtk.vtkHDFReader()
    reader.SetFileName(str(path))
    reader.UpdateInformation()
    return reader


def vtk_at(reader, step):
    reader.SetStep(step)
    reader.Update()
    return reader.GetOutputDataObject(0)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_volumes_are_stored_as_h5py_stores_them_whatever_the_number_of_threads(tmp_path, threads):
    shape = (70, 3, 130)
    arrays = snapshot(1, shape)
    set_threads(threads)
    try:
        VolumeWriter(tmp_path / "run.vtkhdf", shape, 20.0, FIELDS).append(1, arrays)
    finally:
        set_threads(1)
    with h5py.File(tmp_path / "run.vtkhdf") as file, h5py.File(tmp_path / "plain.h5", "w") as plain:
        for name, array in arrays.items():
            ours = file["VTKHDF/CellData"][name]
            assert (ours.compression, ours.shuffle) == ("gzip", True)
            theirs = plain.create_dataset(name, data=array[None], chunks=ours.chunks, **COMPRESSION)
            assert np.array_equal(ours[0], array)
            assert ours.id.get_num_chunks() == theirs.id.get_num_chunks() == 6
            assert ours.id.get_storage_size() == pytest.approx(theirs.id.get_storage_size(), rel=0.01)


@pytest.mark.parametrize("days", [[3], [0, 5], [-30, 0, 10, 11]])
def test_plain_vtk_reads_every_volume_snapshot(tmp_path, days):
    path = tmp_path / "run.vtkhdf"
    write_volumes(path, days)
    reader = vtk_reader(path)
    assert reader.GetNumberOfSteps() == max(len(days), 2)
    for step, day in enumerate(days):
        image = vtk_at(reader, step)
        assert image.GetSpacing() == (19.5, 19.5, 19.5)
        assert image.GetCellData().GetNumberOfArrays() == len(FIELDS)
        for name, array in snapshot(day).items():
            read = vtk_to_numpy(image.GetCellData().GetArray(name)).reshape(SHAPE)
            assert read.dtype == array.dtype
            np.testing.assert_array_equal(read, array)


def test_plain_vtk_reads_every_cell_snapshot_also_without_cells(tmp_path):
    path = tmp_path / "agents.vtkhdf"
    days = [0, 1, 4, 23, 25]
    write_cells(path, days)
    reader = vtk_reader(path)
    for step, day in enumerate(days):
        points, columns = cells(day)
        found = vtk_at(reader, step)
        assert found.GetNumberOfPoints() == found.GetNumberOfVerts() == len(points)
        if len(points):
            np.testing.assert_array_equal(vtk_to_numpy(found.GetPoints().GetData()), points)
        for name, column in columns.items():
            if len(points):
                np.testing.assert_array_equal(vtk_to_numpy(found.GetPointData().GetArray(name)), column)


def test_plain_vtk_reads_a_single_cell_snapshot(tmp_path):
    write_cells(tmp_path / "agents.vtkhdf", [2])
    assert vtk_at(vtk_reader(tmp_path / "agents.vtkhdf"), 0).GetNumberOfPoints() == 14


def test_our_readers_give_back_what_was_written(tmp_path):
    days = [0, 2, 3]
    write_volumes(tmp_path / "run.vtkhdf", days)
    write_cells(tmp_path / "agents.vtkhdf", days)
    volumes, agents = VolumeReader(tmp_path / "run.vtkhdf"), AgentReader(tmp_path / "agents.vtkhdf")
    assert volumes.days == agents.days == days
    assert (volumes.shape, volumes.spacing_um) == (SHAPE, 19.5)
    assert volumes.meta == {"seed": 7, "scenario": "x" * 100_000}
    for index, day in enumerate(days):
        for name, array in snapshot(day).items():
            np.testing.assert_array_equal(volumes.read(name, day), array)
            np.testing.assert_array_equal(volumes.read(name, index=index), array)
        points, columns = agents.read(day)
        np.testing.assert_array_equal(points, cells(day)[0])
        np.testing.assert_array_equal(columns["unique_id"], cells(day)[1]["unique_id"])


def test_an_unchanged_field_is_stored_once(tmp_path):
    path = tmp_path / "run.vtkhdf"
    arrays = snapshot(1)
    writer = write_volumes(path, [1])
    writer.append(2, arrays)
    writer.append(3, dict.fromkeys(FIELDS))
    VolumeWriter(path, SHAPE, 19.5, FIELDS).append(4, arrays)
    with h5py.File(path) as file:
        assert {name: file["VTKHDF/CellData"][name].shape[0] for name in FIELDS} == dict.fromkeys(FIELDS, 1)
    np.testing.assert_array_equal(VolumeReader(path).read("bmu", 4), arrays["bmu"])


@pytest.mark.parametrize("cut", [-1, 0, 1, 4, 9])
def test_cut_and_continued_equals_never_stopped(tmp_path, cut):
    """Truncating after any day and appending the rest again gives the content of a run that never stopped."""
    days = [0, 1, 2, 5, 6]
    write_volumes(tmp_path / "once.vtkhdf", days)
    write_cells(tmp_path / "once_agents.vtkhdf", days)
    for kind, write in (("twice", write_volumes), ("twice_agents", write_cells)):
        write(tmp_path / f"{kind}.vtkhdf", days).truncate_after(cut)
        write(tmp_path / f"{kind}.vtkhdf", [day for day in days if day > cut])
    for kind in ("", "_agents"):
        assert everything(tmp_path / f"once{kind}.vtkhdf") == everything(tmp_path / f"twice{kind}.vtkhdf")


def everything(path):
    found = {}

    def collect(name, item):
        found[name] = {key: str(value) for key, value in item.attrs.items()}
        if isinstance(item, h5py.Dataset):
            found[name]["data"] = np.asarray(item[()]).tobytes()

    with h5py.File(path) as file:
        file.visititems(collect)
    return found


@pytest.mark.parametrize("cut", [0, 1])
def test_plain_vtk_reads_a_truncated_file(tmp_path, cut):
    path = tmp_path / "run.vtkhdf"
    write_volumes(path, [0, 1, 2]).truncate_after(cut)
    image = vtk_at(vtk_reader(path), cut)
    read = vtk_to_numpy(image.GetCellData().GetArray("bmu")).reshape(SHAPE)
    np.testing.assert_array_equal(read, snapshot(cut)["bmu"])


def test_equal_runs_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        write_volumes(tmp_path / f"{name}.vtkhdf", [0, 1])
        write_cells(tmp_path / f"{name}_agents.vtkhdf", [0, 1])
    assert (tmp_path / "a.vtkhdf").read_bytes() == (tmp_path / "b.vtkhdf").read_bytes()
    assert (tmp_path / "a_agents.vtkhdf").read_bytes() == (tmp_path / "b_agents.vtkhdf").read_bytes()


def test_plain_vtk_reads_the_sidecar(tmp_path):
    write_volumes(tmp_path / "run.vtkhdf", [0, 3])
    write_xdmf(tmp_path / "run.xmf", tmp_path / "run.vtkhdf")
    reader = vtk.vtkXdmfReader()
    reader.SetFileName(str(tmp_path / "run.xmf"))
    reader.UpdateInformation()
    for day in (0, 3):
        reader.UpdateTimeStep(float(day))
        image = reader.GetOutputDataObject(0)
        for name in FIELDS:
            read = vtk_to_numpy(image.GetCellData().GetArray(name)).reshape(SHAPE)
            np.testing.assert_array_equal(read, snapshot(day)[name])


def test_mistakes_are_named(tmp_path):
    path = tmp_path / "run.vtkhdf"
    writer = write_volumes(path, [0, 4])
    good = snapshot(5)
    with pytest.raises(InputError, match="day 4 cannot follow day 4"):
        writer.append(4, good)
    with pytest.raises(InputError, match=r"shape \(2, 2, 2\)"):
        writer.append(5, good | {"matrix": np.zeros((2, 2, 2), "f4")})
    with pytest.raises(InputError, match="bmu is float64"):
        writer.append(5, good | {"bmu": np.zeros(SHAPE)})
    with pytest.raises(InputError, match="Choose another output folder"):
        VolumeWriter(path, SHAPE, 20.0, FIELDS)
    with pytest.raises(InputError, match='Did you mean "mineral"'):
        VolumeReader(path).read("minerl")
    with pytest.raises(InputError, match="Days in the file: 0, 4"):
        VolumeReader(path).read("bmu", 3)
    assert VolumeReader(path).days == [0, 4]


def test_missing_foreign_and_damaged_files_are_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        VolumeReader(tmp_path / "none.vtkhdf")
    (tmp_path / "text.vtkhdf").write_text("not hdf")
    with pytest.raises(InputError, match="not a readable HDF5 file"):
        VolumeReader(tmp_path / "text.vtkhdf")
    with h5py.File(tmp_path / "foreign.vtkhdf", "w"):
        pass
    with pytest.raises(InputError, match="not written by boneabm"):
        VolumeReader(tmp_path / "foreign.vtkhdf")
    write_cells(tmp_path / "agents.vtkhdf", [0])
    with pytest.raises(InputError, match="not a volume file"):
        VolumeReader(tmp_path / "agents.vtkhdf")
