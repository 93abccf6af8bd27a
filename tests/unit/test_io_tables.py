"""Tables, checkpoints, provenance and the run folder: what is written comes back, what is wrong is named."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from boneabm.errors import InputError
from boneabm.io.checkpoint import read_checkpoint, state_sha256, write_checkpoint
from boneabm.io.provenance import provenance
from boneabm.io.runfolder import RunFolder
from boneabm.io.schema import SERIES_FIRST
from boneabm.io.series import EventWriter, SeriesWriter, read_table

ARRAYS = {
    "lattice/matrix": np.linspace(0, 1, 24, dtype="f4").reshape(2, 3, 4),
    "cells/unique_id": np.arange(5),
    "cells/empty": np.zeros((0, 3)),
    "day": np.array(12),
    "alive": np.array([True, False]),
}


def series_rows(days):
    random = np.random.default_rng(5)
    values = random.random((100, len(SERIES_FIRST)))
    return [dict(zip(SERIES_FIRST, [day, *values[day, 1:]], strict=True)) for day in days]


def test_series_numbers_come_back_bit_for_bit(tmp_path):
    writer = SeriesWriter(tmp_path / "series.csv", list(SERIES_FIRST))
    for row in series_rows(range(4)):
        writer.append(row)
    table = read_table(tmp_path / "series.csv")
    assert list(table) == list(SERIES_FIRST)
    np.testing.assert_array_equal(table["BV/TV"], [row["BV/TV"] for row in series_rows(range(4))])


@pytest.mark.parametrize("torn", ["", "7,0.1", "7,0.1,3,4,5,6,7,8,9,10,1"])
def test_series_cut_and_continued_gives_the_bytes_of_a_run_never_stopped(tmp_path, torn):
    """A row that a killed writer left unfinished disappears."""
    once, twice = SeriesWriter(tmp_path / "a.csv", list(SERIES_FIRST)), tmp_path / "b.csv"
    for row in series_rows(range(10)):
        once.append(row)
    first = SeriesWriter(twice, list(SERIES_FIRST))
    for row in series_rows(range(7)):
        first.append(row)
    with twice.open("a") as file:
        file.write(torn)
    resumed = SeriesWriter(twice, list(SERIES_FIRST))
    resumed.truncate_after(4)
    for row in series_rows(range(5, 10)):
        resumed.append(row)
    resumed.sync()
    assert twice.read_bytes() == once.path.read_bytes()


def test_a_row_with_other_names_is_refused(tmp_path):
    writer = SeriesWriter(tmp_path / "series.csv", list(SERIES_FIRST))
    row = series_rows([0])[0]
    with pytest.raises(InputError, match='Did you mean "osteoclasts"'):
        writer.append(row | {"osteoclast": 3})
    del row["osteocytes"]
    with pytest.raises(InputError, match="osteocytes"):
        writer.append(row)
    with pytest.raises(InputError, match="Choose another folder"):
        SeriesWriter(writer.path, ["day", "other"])


def test_events_leave_unnamed_columns_empty(tmp_path):
    writer = EventWriter(tmp_path / "events.csv")
    writer.append([{"day": 3, "event": "plate, thin\nrest", "z_um": np.float32(0.1)}])
    writer.append([])
    writer.append([{"day": 9, "event": "fragment"}])
    table = read_table(writer.path)
    assert table["event"].tolist() == ["plate, thin rest", "fragment"]
    assert table["z_um"][0] == np.float32(0.1)
    assert np.isnan(table["eroded_um3"]).all()
    writer.truncate_after(3)
    assert read_table(writer.path)["day"].tolist() == [3]


def test_checkpoint_comes_back_as_it_was(tmp_path):
    meta = {"seed": 2**62, "scenario": "text µ", "dt_d": 0.1}
    write_checkpoint(tmp_path / "checkpoint.h5", ARRAYS, meta)
    arrays, found = read_checkpoint(tmp_path / "checkpoint.h5")
    assert found == {**meta, "state_sha256": state_sha256(ARRAYS)}
    assert state_sha256(arrays) == state_sha256(ARRAYS)
    for name, array in ARRAYS.items():
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(arrays[name], array)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.h5"]


def test_digest_sees_names_types_shapes_and_bytes():
    base = {"a": np.zeros(4, "f4")}
    others = [{"b": base["a"]}, {"a": np.zeros(4, "i4")}, {"a": np.zeros((2, 2), "f4")}, {"a": -base["a"]}]
    assert len({state_sha256(arrays) for arrays in [base, *others]}) == 5
    fortran = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert state_sha256({"a": fortran}) == state_sha256({"a": np.ascontiguousarray(fortran)})


def test_a_changed_checkpoint_is_refused(tmp_path):
    path = tmp_path / "checkpoint.h5"
    write_checkpoint(path, ARRAYS, {"seed": 1})
    with h5py.File(path, "r+") as file:
        file["state/lattice/matrix"][0, 0, 0] = 0.25
    with pytest.raises(InputError, match="does not match its digest"):
        read_checkpoint(path)
    write_checkpoint(path, ARRAYS, {"seed": 1})
    with h5py.File(path, "r+") as file:
        file["boneabm"].attrs["schema_version"] = 99
    with pytest.raises(InputError, match="schema version 99"):
        read_checkpoint(path)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(InputError, match=r"checkpoint\.h5"):
        read_checkpoint(path)


def test_a_checkpoint_holds_numbers_only(tmp_path):
    with pytest.raises(InputError, match="numbers only"):
        write_checkpoint(tmp_path / "checkpoint.h5", {"names": np.array(["a"], dtype=object)}, {})
    assert list(tmp_path.iterdir()) == []


def test_provenance_is_text_and_bounded(tmp_path):
    (tmp_path / "image.tif").write_bytes(b"abc")
    facts = provenance({"image": tmp_path / "image.tif", "text": b"abc"}, ["boneabm", "run", "x" * 10_000])
    assert facts["sha256_image"] == facts["sha256_text"]
    assert facts["sha256_text"].startswith("ba7816bf")
    assert facts["version_h5py"] == h5py.__version__
    assert all(len(value) <= 2000 for value in facts.values())


def test_a_start_that_fails_leaves_nothing(tmp_path):
    def start_and_fail():
        with RunFolder.create(tmp_path / "run") as run:
            run.scenario.write_text("x = 1")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        start_and_fail()
    assert list(tmp_path.iterdir()) == []


def test_a_run_appears_at_once_and_is_replaced_only_on_purpose(tmp_path):
    place = tmp_path / "deep" / "run"
    for seed in (1, 2):
        with RunFolder.create(place, replace=seed == 2) as run:
            assert (seed == 2) == place.exists()
            run.scenario.write_text(f"seed = {seed}")
            run.commit()
        assert run.path == place
        assert RunFolder.open(place).scenario.read_text() == f"seed = {seed}"
        assert [path.name for path in place.parent.iterdir()] == ["run"]
    with pytest.raises(InputError, match="a run is there already"):
        RunFolder.create(place)
    with pytest.raises(InputError, match=r"not a run folder.*Runs inside it: run"):
        RunFolder.open(place.parent)
    with pytest.raises(InputError, match="never replaced"):
        RunFolder.create(place.parent, replace=True)
    with pytest.raises(InputError, match="no such folder"):
        RunFolder.open(tmp_path / "absent")


def test_log_announces_and_forgets_an_unfinished_line(tmp_path):
    with RunFolder.create(tmp_path / "run") as run:
        run.announce("snapshot", np.int64(3), run.volumes)
        run.commit()
    with run.log_file.open("a") as file:
        file.write('{"event": "snapsh')
    again = RunFolder.open(tmp_path / "run")
    assert again.read_log("snapshot") == [{"event": "snapshot", "day": 3, "file": "run.vtkhdf"}]
    again.log("finished", seconds=np.float64(0.5))
    assert [line["event"] for line in again.read_log()] == ["created", "snapshot", "finished"]
