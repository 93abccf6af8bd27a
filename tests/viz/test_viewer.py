"""The viewer in a real browser: what is clicked changes the picture, and nobody else gets in."""

from __future__ import annotations

import io
import logging
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from view_run import make_killed_run, make_run

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is part of the extra dev")
pytest.importorskip("trame.app", reason="trame is part of the extra view")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)")
PATIENCE_MS = 40_000


class Served:
    """`boneabm view` of a run as a user starts it."""

    def __init__(self, run, *options):
        command = [sys.executable, "-m", "boneabm", "view", str(run), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
        self.address = self.process.stdout.readline().split()[1]
        self.port = int(self.address.split(":")[2].split("/")[0])

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("viewed") / "small"
    return place, make_run(place, (0, 50, 100))


@pytest.fixture(scope="module")
def served(run):
    served = Served(run[0])
    yield served
    served.stop()


@pytest.fixture(scope="module")
def page(browser, served):
    page = browser.new_page(viewport={"width": 1000, "height": 620})
    page.set_default_timeout(PATIENCE_MS)
    page.foreign = []
    page.on("request", lambda asked: page.foreign.append(asked.url) if "127.0.0.1" not in asked.url else None)
    page.goto(served.address)
    drawn(page)
    yield page
    page.close()


def drawn(page):
    """Wait for the picture of the bone."""
    page.wait_for_function("[...document.querySelectorAll('#picture img')].some(image => image.naturalWidth > 100)")


def look(page):
    """What is seen of the bone, (height, width, 3)."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(page.locator("#picture").screenshot())).convert("RGB")).astype(int)


def share_changed(before, after):
    return float((np.abs(after - before).max(axis=2) > 24).mean())


def wait_for(page, seen, what):
    """Look until it is so; a picture that is still on its way is no failure, one that never comes is."""
    until = time.monotonic() + PATIENCE_MS / 1000
    while not what(picture := look(page)):
        assert time.monotonic() < until, f"{seen} was not seen"
        page.wait_for_timeout(100)
    return picture


def settled(page):
    """The picture once it stays the same."""
    before = look(page)
    while True:
        page.wait_for_timeout(400)
        after = look(page)
        if share_changed(before, after) == 0:
            return after
        before = after


def press(page, where, key, times=1):
    """Move a slider by its keys."""
    thumb = page.locator(f"{where} .v-slider-thumb").first
    thumb.focus()
    for _ in range(times):
        page.keyboard.press(key)


def day_shown(page, day):
    page.wait_for_function(f"document.querySelector('#day').innerText == 'day {day}'")


def test_the_page_shows_bone_plots_and_its_run(page):
    picture = settled(page)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 1000
    assert 0.05 < (picture.min(axis=2) < 200).mean() < 0.9
    assert "small" in page.inner_text("#run-name")
    assert "3 stored days, not finished" in page.inner_text("#progress")
    words = page.locator("#plots").inner_text()
    assert "BV/TV" in words
    assert "osteoblasts" in words
    assert page.locator("#plots polyline").count() == 6
    assert not page.foreign


def test_time_slider_and_plots_are_linked(page):
    before = settled(page)
    press(page, "#time", "Home")
    day_shown(page, 0)
    wait_for(page, "thicker bone on day 0", lambda picture: share_changed(before, picture) > 0.02)
    box = page.locator("#plots").bounding_box()
    page.mouse.click(box["x"] + 0.57 * box["width"], box["y"] + 60)
    day_shown(page, 50)
    line, left = page.locator("#now").bounding_box(), 46 / 340 + 0.5 * (340 - 46 - 8) / 340
    assert (line["x"] - box["x"]) / box["width"] == pytest.approx(left, abs=0.01)


def test_play_goes_to_the_last_day_and_stops(page):
    press(page, "#time", "Home")
    day_shown(page, 0)
    page.click("#play")
    day_shown(page, 100)
    page.wait_for_function("document.querySelector('#play').innerText.toLowerCase() == 'play'")


def test_a_cut_plane_takes_bone_away_and_home_brings_it_back(page):
    whole = settled(page)
    press(page, "#cut-x", "ArrowRight", 1)
    press(page, "#cut-x", "PageUp", 4)
    wait_for(page, "a cut", lambda picture: share_changed(whole, picture) > 0.02)
    page.click("#home")
    wait_for(page, "the whole block", lambda picture: share_changed(whole, picture) < 0.002)


def test_field_choice_recolors_the_surface(page):
    before = settled(page)
    page.locator(".v-select").first.click()
    page.locator(".v-overlay .v-list-item", has_text="tissue age").click()
    colored = wait_for(page, "the colors of age", lambda picture: share_changed(before, picture) > 0.05)
    assert (np.ptp(colored, axis=2) > 90).mean() > 0.02
    page.locator(".v-select").first.click()
    page.locator(".v-overlay .v-list-item", has_text="mineral").click()
    wait_for(page, "mineral again", lambda picture: share_changed(before, picture) < 0.002)


def test_cells_can_be_hidden(page):
    def purple(picture):
        red, green, blue = np.moveaxis(picture, 2, 0)
        return ((red - green > 40) & (blue - green > 60)).mean()

    before = settled(page)
    page.click("#osteoclasts", force=True)
    hidden = wait_for(page, "no osteoclasts", lambda picture: share_changed(before, picture) > 0)
    assert purple(hidden) < purple(before)
    page.click("#osteoclasts", force=True)
    wait_for(page, "osteoclasts", lambda picture: share_changed(before, picture) < 0.002)


def test_change_between_two_days_is_colored(page):
    before = settled(page)
    page.click("#compare", force=True)
    wait_for(page, "resorbed bone", lambda picture: (picture[..., 2] - picture[..., 0] > 30).mean() > 0.02)
    page.click("#compare", force=True)
    wait_for(page, "mineral again", lambda picture: share_changed(before, picture) < 0.002)


def test_dragging_turns_the_bone(page):
    before = settled(page)
    box = page.locator("#picture").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 250)
    page.mouse.down()
    page.mouse.move(box["x"] + 320, box["y"] + 260, steps=4)
    page.mouse.up()
    wait_for(page, "the bone from another side", lambda picture: share_changed(before, picture) > 0.05)
    page.click("#home")
    wait_for(page, "the first view", lambda picture: share_changed(before, picture) < 0.002)


def test_days_written_meanwhile_appear_and_are_followed(page, run):
    press(page, "#time", "End")
    before = settled(page)
    run[1].day(150)
    day_shown(page, 150)
    assert "4 stored days" in page.inner_text("#progress")
    wait_for(page, "the new day", lambda picture: share_changed(before, picture) > 0.01)


def test_without_the_secret_of_the_address_nothing_is_shown(browser, served):
    page = browser.new_page()
    page.goto(served.address.replace("secret=", "secret=not-"))
    page.wait_for_timeout(1500)
    assert page.locator("#run-name").count() == 0
    page.close()


def answer(port, path, *headers):
    """Status line of the answer to a bare request."""
    with socket.create_connection(("127.0.0.1", port), 10) as line:
        line.sendall("\r\n".join([f"GET {path} HTTP/1.1", *headers, "Connection: close", "", ""]).encode())
        return line.makefile("rb").read().split(b"\r\n")[0].decode()


@pytest.mark.parametrize(
    "path",
    ["/../../../etc/passwd", "/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2f..%2f__init__.py", "//etc/passwd"],
)
def test_nothing_outside_the_page_is_served(served, path):
    status = answer(served.port, path, f"Host: 127.0.0.1:{served.port}").split()[1]
    assert status in ("400", "403", "404")


def test_foreign_hosts_and_pages_are_refused(served):
    own = f"Host: 127.0.0.1:{served.port}"
    assert answer(served.port, "/index.html", own).split()[1] == "200"
    assert answer(served.port, "/index.html", "Host: bone.example.org").split()[1] == "403"
    assert answer(served.port, "/index.html").split()[1] in ("400", "403")
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAA")
    assert answer(served.port, "/ws", own, "Origin: http://example.org", *upgrade).split()[1] == "403"
    assert answer(served.port, "/ws", own, "Origin: null", *upgrade).split()[1] == "403"


def test_only_loopback_listens(served):
    """No socket of the viewer accepts from other machines (Linux: the table of listening sockets)."""
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc")
    listening = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    places = [row[1] for row in listening if row[3] == "0A" and int(row[1].split(":")[1], 16) == served.port]
    assert places == [f"0100007F:{served.port:04X}"]


def test_a_killed_run_opens_and_the_viewer_ends_quietly(browser, tmp_path):
    place = tmp_path / "killed"
    make_killed_run(place, 60)
    served = Served(place, "--port", str(free_port()))
    try:
        page = browser.new_page(viewport={"width": 820, "height": 520})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(served.address)
        drawn(page)
        assert "not finished" in page.inner_text("#progress")
        assert page.locator("#problem").count() == 0
        page.close()
    finally:
        code = served.stop()
    assert code in (0, 130)


def free_port():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


def test_only_errors_of_closed_pages_are_not_printed(caplog):
    """wslink logs what it caught, repr and traceback; what a page that was closed left unsent is no news."""
    from boneviz.viewer import not_of_closed_pages

    log = logging.getLogger("tests.closed_pages")
    log.addFilter(not_of_closed_pages)
    for error in (ConnectionResetError("Cannot write to closing transport"), ValueError("a real one")):
        try:
            raise error
        except Exception as caught:
            log.error(repr(caught))
    assert [record.message for record in caplog.records] == ["ValueError('a real one')"]
