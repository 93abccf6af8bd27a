"""Reports with pictures of bone: real runs, killed runs, sizes, and how a browser shows the pages."""

from __future__ import annotations

import io
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from bare_run import scenario_text, text_of
from boneviz.shots import common_field, jpeg, shots
from boneviz.snapshot import load_change
from view_run import make_killed_run, make_run

from boneabm.errors import InputError
from boneabm.io.runfolder import RunFolder
from boneabm.report.compare_page import write_comparison
from boneabm.report.figures import turnover_percent_per_y
from boneabm.report.record import read_records
from boneabm.report.run_page import MOST_RUNS, picture_days, write_run_report
from boneabm.run import run_scenario
from boneabm.scenario import Scenario

pytest.importorskip("matplotlib", reason="matplotlib is part of the extra report")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MOST_BYTES = 8_000_000


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with volumes of three days, made without a simulation, not finished."""
    place = tmp_path_factory.mktemp("runs") / "small"
    make_run(place, (0, 50, 100))
    return place


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short real run of a small block, with biopsies and a dose."""
    text = scenario_text(8).replace('"0.96 mm"', '"0.6 mm"\nbv_tv = 0.3\ntb_th = "130 um"').replace('"20 d"', '"2 d"')
    text = text.replace('"30 d"', '"3 d"').replace('"60 d"', '"6 d"')
    text += '[output]\nvolumes_every = "4 d"\nbiopsy_every = "4 d"\n'
    scenario = Scenario.from_toml(text.replace("days = 8", 'days = 8\nburn_in = "6 d"'))
    places = tmp_path_factory.mktemp("real")
    return run_scenario(scenario, out=places / "run", cache=places / "burn-in").path


def test_turnover_is_percent_of_bone_per_year(drawn: Path) -> None:
    record = read_records([drawn])[0]
    bone_um3 = 0.3 * (32 * 20.0) ** 3
    assert record.tissue_mm3 == pytest.approx(0.64**3)
    assert turnover_percent_per_y(record, "resorbed_um3")[0] == pytest.approx(100 * 365 * 1e5 / bone_um3, rel=1e-3)


def test_a_real_run_is_reported_in_all_its_sections(real: Path, tmp_path: Path) -> None:
    page = write_run_report([real], tmp_path / "report.html", shots).read_text(encoding="utf-8")
    said = text_of(page)
    for part in (
        "why?", "Finished: 8 days", "woman of 51 y", "denosumab 2 60 mg sc, 1 dose", "loads × 0.5",
        "bone volume fraction BV/TV", "trabecular thickness Tb.Th", "apparent stiffness along z", "serum estradiol",
        "start, day 0", "middle, day 4", "end, day 8",
        "change from day 0 to day 8", "remodeling sites closed", "MS/BS", "osteoclast.fast_rate_um_per_d 4 ",
        "parameters in use that are assumed or of low confidence", "version of the model", "seed 3", "wall time", "MB",
    ):  # fmt: skip
        assert part in said, part
    assert page.count("data:image/jpeg;base64,") == 4
    assert page.count("data:image/svg+xml;base64,") == 3
    assert len(page.encode()) < MOST_BYTES
    done = RunFolder(real).read_log("finished")[-1]
    assert f"{done['state_sha256']}" in said
    assert f"{done['peak_mb']:.0f} MB" in said


def test_the_page_asks_nothing_from_elsewhere(real: Path, tmp_path: Path) -> None:
    page = write_run_report([real], tmp_path / "report.html", None).read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "Written without pictures" in page


def test_a_run_that_was_killed_says_so(drawn: Path, tmp_path: Path) -> None:
    place = tmp_path / "killed"
    shutil.copytree(drawn, place)
    with (place / "series.csv").open("a", encoding="utf-8") as file:
        file.write("150,0.2,3,")
    with (place / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"event": "chec')
    said = text_of(write_run_report([place], tmp_path / "killed.html", shots).read_text(encoding="utf-8"))
    assert "Not finished: day 100." in said
    assert "end, day 100" in said
    assert "biopsy.csv is not there" in said
    assert "not recorded" in said


def test_a_writer_killed_with_sigkill_is_reported(tmp_path: Path) -> None:
    place = tmp_path / "killed"
    make_killed_run(place, 120)
    page = write_run_report([place], tmp_path / "killed.html", shots).read_text(encoding="utf-8")
    assert "Not finished" in page
    assert page.count("data:image/jpeg;base64,") == 4


def test_pictures_are_those_of_start_middle_and_end() -> None:
    assert picture_days([]) == []
    assert picture_days([7]) == [7]
    assert picture_days([0, 30]) == [0, 30]
    assert picture_days([0, 30, 60, 90, 120]) == [0, 60, 120]


def test_shots_share_camera_and_colors(drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen before JPEG, which makes whole blocks of the rounding of single pixels.

    OpenGL draws shadows in corners a little differently from time to time (0.02 % of the pixels by more than 8 of 255);
    another camera or color scale changes a tenth of the picture and more.
    """
    seen: list[np.ndarray] = []
    monkeypatch.setattr("boneviz.shots.jpeg", lambda picture: seen.append(picture.astype(int)) or b"")
    shots([(drawn, 0, None), (drawn, 100, None), (drawn, 0, None), (drawn, 100, 0)], (320, 240))
    start, end, again, change = seen
    assert start.shape == (240, 320, 3)
    assert (np.abs(again - start).max(axis=2) > 24).mean() < 0.01, "what comes before changes neither camera nor colors"
    assert (np.abs(end - start).max(axis=2) > 24).mean() > 0.05
    assert ((change[..., 2] - change[..., 0]) > 25).mean() > 0.005, "resorbed bone is purple"
    assert load_change(drawn, 0, 100).shares[1] > 0.1
    assert common_field([drawn]) == "mineral"


def test_a_jpeg_is_the_picture() -> None:
    from PIL import Image

    ramp = np.linspace(0, 255, 64).astype("u1")
    picture = np.stack([np.tile(ramp, (48, 1)), np.tile(ramp[::-1], (48, 1)), np.full((48, 64), 90, "u1")], axis=2)
    picture[:8] = 255
    read = np.asarray(Image.open(io.BytesIO(jpeg(picture))).convert("RGB")).astype(int)
    assert read.shape == picture.shape
    assert np.abs(read - picture).mean() < 4


def test_the_most_runs_stay_below_the_size(drawn: Path, tmp_path: Path) -> None:
    one = write_run_report([drawn], tmp_path / "one.html", shots).stat().st_size
    assert MOST_RUNS * one < MOST_BYTES


def test_without_vtk_it_is_named(drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vtkmodules.vtkRenderingOpenGL2", None)
    with pytest.raises(InputError, match="pip install vtk"):
        shots([(drawn, 0, None)], (320, 240))


def test_arms_are_drawn_side_by_side(drawn: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    make_run(other, (0, 100))
    page = write_comparison([drawn, other], tmp_path / "c.html", shots).read_text(encoding="utf-8")
    said = text_of(page)
    assert page.count("data:image/jpeg;base64,") == 4
    assert "small, day 100" in said
    assert "other, change from day 0 to day 100" in said
    assert len(page.encode()) < MOST_BYTES


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)")
def test_a_browser_shows_both_pages_without_complaint(drawn: Path, real: Path, tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is part of the extra dev")
    report = write_run_report([real, drawn], tmp_path / "report.html", shots)
    compared = write_comparison([drawn, real], tmp_path / "compare.html", shots)
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for path in (report, compared):
            page = browser.new_page(viewport={"width": 1100, "height": 800})
            said: list[str] = []
            page.on("console", lambda message, said=said: said.append(message.text))
            page.on("pageerror", lambda error, said=said: said.append(str(error)))
            page.on("request", lambda asked, said=said: said.append(asked.url) if "http" in asked.url[:5] else None)
            page.goto(path.as_uri())
            page.wait_for_load_state("load")
            assert page.evaluate("document.images.length") >= 3
            assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 100)")
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            assert said == []
            page.close()
        browser.close()
