"""The docs site: it builds without a warning, loads nothing from elsewhere, and its reference leaves nothing out."""

from __future__ import annotations

import csv
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from boneabm.cli_params import listing
from boneabm.io import schema
from boneabm.scenario import SECTIONS
from boneabm.scenario_text import keys_of

ROOT = Path(__file__).resolve().parents[2]
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; warnings, such as a link into nowhere, are errors."""
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    place = tmp_path_factory.mktemp("docs") / "site"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(place), strict=True))
    return place


class _Page(HTMLParser):
    """What a page loads, and its words."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.words: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in LOADED and given.get("rel") != "canonical":
            self.loads.append(given.get(LOADED[tag]) or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def words(site: Path, page: str) -> set[str]:
    return set(re.findall(r"[\w./%]+", " ".join(_Page(site / page).words)))


def test_every_page_is_there_and_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    names = {page.relative_to(site).as_posix() for page in pages}
    written = {file.with_suffix(".html").name for file in (ROOT / "docs").glob("*.md")}
    assert written | {"index.html", "reference/scenario.html", "reference/api/morphometry.html"} <= names
    for page in pages:
        assert not [one for one in _Page(page).loads if re.match(r"(https?:)?//", one)], page


def test_every_key_of_a_scenario_is_in_the_reference(site: Path) -> None:
    told = words(site, "reference/scenario.html")
    assert not {key for model in SECTIONS.values() for key in keys_of(model)} - told


def test_every_parameter_effect_and_drug_is_in_the_table(site: Path) -> None:
    told, rows = words(site, "reference/parameters.html"), listing()
    names = {row["name"] for row in (*rows["parameters"], *rows["drugs"])} | {row["target"] for row in rows["effects"]}
    assert not names - told


def test_every_column_of_a_file_is_on_its_page(site: Path) -> None:
    tables = (schema.VOLUME_FIELDS, schema.AGENT_COLUMNS, schema.SERIES_FIRST, schema.SERIES_FURTHER)
    tables += (schema.EVENT_COLUMNS, schema.BIOPSY_COLUMNS, schema.MECHANOREGULATION_COLUMNS)
    assert not {name for table in tables for name in table} - words(site, "files.html")


def test_every_check_of_the_body_is_on_its_page_with_what_the_model_gives(site: Path) -> None:
    file = ROOT / "boneabm" / "data" / "validation" / "body_checks.csv"
    with file.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    told = words(site, "body.html")
    assert len(rows) == 69
    assert {row["check"] for row in rows} <= told
    assert {row["model_now"].removeprefix("-") for row in rows} - {""} <= told | {word.lstrip("-") for word in told}


def test_every_command_is_in_the_reference(site: Path) -> None:
    text = " ".join(_Page(site / "reference/commands.html").words)
    for name in ("run", "measure", "export", "schema", "sweep status"):
        assert f"boneabm {name}" in text
    assert "--voxel-size" in text


@pytest.mark.parametrize(("page", "count"), [("physics", 2), ("validation", 1)])
def test_figures_of_a_page_are_drawn(site: Path, page: str, count: int) -> None:
    pictures = [one for one in _Page(site / f"{page}.html").loads if one.startswith("figures/")]
    assert len(pictures) == count
    for one in pictures:
        assert b"<svg" in (site / one).read_bytes()[:2000]
