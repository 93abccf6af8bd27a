"""`boneabm view`: a page on this machine that shows a run, also one that is still being written or was killed.

Pictures are drawn here and sent as images (VtkRemoteView), not as geometry drawn by the browser: page, PNG and film
then show the same drawing; no WebGL is needed, so a laptop over an SSH tunnel will do; and a step of 200^3 voxels is
100 kB per picture instead of tens of MB of triangles. The price is a CPU that draws for each move of the mouse.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from boneabm.errors import BoneabmError, InputError, install
from boneabm.io.runfolder import RunFolder
from boneabm.io.schema import OSTEOBLAST, OSTEOCLAST, OSTEOCYTE
from boneabm.io.volumes import VolumeReader
from boneviz import guard, opengl, plots
from boneviz.colors import styles_for
from boneviz.opengl import Trial
from boneviz.snapshot import Snapshot, color_range, load_change, load_snapshot, name_of

POLL_S = 2.0
FRAME_S = 0.25
POINTS_KEPT = 4_000_000
FIRST_SIZE = (64, 64)
ENCODING_S = (0.03, 0.06, 0.12, 0.25, 0.5, 1.0)
ANSWERS = "wslink.protocol"
"""Logger of what goes wrong while a question of the page is answered."""
KINDS = {"osteoclasts": OSTEOCLAST, "osteoblasts": OSTEOBLAST, "osteocytes": OSTEOCYTE}
DRAWN_FROM = ("day_index", "field", "compare", "since_index", "cut_x", "cut_y", "cut_z", *KINDS)


def view(run: Path | str, port: int | None, trial: Trial, report: Callable[[str], None]) -> None:
    """Serve the page of a run on this machine until Ctrl-C.

    port   : of 127.0.0.1; by default 8642, or any free one where that is taken
    trial  : of OpenGL, under way since before this module was read
    report : is given the address once the page is there
    Raises InputError for a folder that is no run, a taken port or without the extra `view`; NoOpenGLError.
    """
    folder = RunFolder.open(run)
    VolumeReader(folder.volumes)
    port = guard.free_port(port)
    require_extra()
    viewer = Viewer(folder.path)
    opengl.finish_trial(trial)
    viewer.serve(port, report)


def require_extra() -> None:
    """InputError that says how to install what the page needs."""
    try:
        import trame.app
        import trame.ui.vuetify3
        import trame.widgets.vtk  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"The viewer needs trame ({error}). Install it: {install('view')}. "
            "Pictures and GIF films need nothing more: boneabm render, boneabm movie."
        ) from None


class Viewer:
    """What the page shows, and what happens when something on it is changed.

    Changes only mark the picture as out of date; one task draws the latest state, so that a slider in motion does not
    queue pictures nobody will see. Two more tasks play and look for new days.
    """

    def __init__(self, run: Path) -> None:
        from trame.app import get_server

        from boneviz import kit
        from boneviz.stage import Stage

        self.run = run
        self.server = get_server(f"boneabm-{id(self)}", client_type="vue3")
        self.state: Any = self.server.state
        self.stage = Stage(FIRST_SIZE)
        self.snapshot: tuple[Any, Snapshot] | None = None
        self.surfaces: OrderedDict[Any, Any] = OrderedDict()
        self.limits: dict[str, tuple[float, float]] = {}
        self.stamp: Any = None
        self.clients = False
        self.dirty = asyncio.Event()
        interactor = kit.vtkGenericRenderWindowInteractor()
        interactor.SetRenderWindow(self.stage.window)
        interactor.SetInteractorStyle(kit.vtkInteractorStyleTrackballCamera())
        interactor.EnableRenderOff()
        self._fill_state()
        from boneviz.page import build_page

        self.view = build_page(self.server, self.stage.window, self)
        self.state.change(*DRAWN_FROM)(lambda **_: self.dirty.set())

    def serve(self, port: int, report: Callable[[str], None]) -> None:
        """Answer on this port of the loopback interface until stopped."""
        secret = secrets.token_urlsafe(16)
        os.environ |= {"TRAME_ARGS": f"--server --authKey={secret}", "WSLINK_READY_MSG": ""}
        control = self.server.controller
        control.on_server_bind.add(lambda server: server.app.middlewares.append(guard.middleware()))
        control.on_server_ready.add(lambda **_: self._begin(secret, report))
        control.on_client_connected.add(self._greet)
        self.server.start(
            port=port, host=guard.LOOPBACK, open_browser=False, show_connection_info=False, timeout=0,
            disable_logging=True,
        )  # fmt: skip

    def home(self) -> None:
        """Show the whole block from where it was first seen."""
        self.state.update({f"cut_{axis}": [0, 100] for axis in "xyz"})
        self.stage.home()
        self.dirty.set()

    def fit(self) -> None:
        """Take the range of the colors from the day shown."""
        self.limits.pop(self.state.field, None)
        self.dirty.set()

    def pick(self, part: float) -> None:
        """Go to the stored day nearest to a place in the plots, counted 0..1 from their left."""
        first, last = self.state.plot_from, self.state.plot_to
        inner = (part * plots.WIDTH - plots.LEFT) / (plots.WIDTH - plots.LEFT - plots.RIGHT)
        days = self.state.days
        if days:
            day = first + inner * (last - first)
            self.state.day_index = min(range(len(days)), key=lambda at: abs(days[at] - day))

    def _greet(self, **_: Any) -> None:
        self.clients = True
        self.dirty.set()

    def _begin(self, secret: str, report: Callable[[str], None]) -> None:
        report(f"http://{guard.LOOPBACK}:{self.server.port}/?secret={secret}")
        asyncio.get_running_loop().set_exception_handler(_without_closed_pages)
        logging.getLogger(ANSWERS).addFilter(not_of_closed_pages)
        self.tasks = [asyncio.ensure_future(task()) for task in (self._draw, self._play, self._follow)]
        self.dirty.set()

    def _fill_state(self) -> None:
        reader = VolumeReader(RunFolder(self.run).volumes)
        styles = styles_for(reader.fields)
        self.state.update({"trame__title": "boneabm view", "run_name": name_of(self.run), "problem": ""})
        self.state.update({"playing": False, "since_index": 0, "days": []})
        self.state.fields = [{"title": style.title, "value": name} for name, style in styles.items()]
        self.state.field = "mineral" if "mineral" in styles else next(iter(styles))
        self._look_for_days()
        self.state.day_index = max(len(self.state.days) - 1, 0)
        self.state.follow = not self._finished()

    async def _draw(self) -> None:
        """Draw whenever something has changed, and once before anybody looks, which makes OpenGL ready."""
        while True:
            await self.dirty.wait()
            self.dirty.clear()
            with self.state:
                try:
                    self._put_on_stage()
                    self.state.problem = ""
                except BoneabmError as error:
                    self.state.problem = str(error)
            if self.clients:
                self.view.update()
                await self._send_encoded()
            else:
                self.stage.window.Render()
            await asyncio.sleep(0.01)

    async def _send_encoded(self) -> None:
        """Send the picture once it is encoded, which happens beside the drawing.

        `update` sends what is encoded so far, the picture before; trame-vtk looks once more, half a second later, and
        never again, so that on a busy machine the last picture may not arrive.
        """
        sender = next(one for one in self.server.protocol.getLinkProtocols() if hasattr(one, "push_render"))
        for pause in ENCODING_S:
            await asyncio.sleep(pause)
            if self.dirty.is_set():
                return
            for name in list(sender.tracking_views):
                sender.push_render(name)
            if not sender.app.GetHasImagesBeingProcessed(self.stage.window):
                return

    async def _play(self) -> None:
        while True:
            began = time.monotonic()
            if self.state.playing:
                with self.state:
                    last = len(self.state.days) - 1
                    self.state.playing = self.state.day_index < last - 1
                    self.state.day_index = min(self.state.day_index + 1, last)
                self.dirty.set()
            await asyncio.sleep(max(FRAME_S - (time.monotonic() - began), 0.02))

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            try:
                with self.state:
                    if self._look_for_days():
                        self.dirty.set()
            except (BoneabmError, OSError) as error:
                with self.state:
                    self.state.problem = f"{error} Trying again."

    def _look_for_days(self) -> bool:
        """Read days and series again where the files have changed; whether there are other days than before."""
        folder = RunFolder(self.run)
        stamp = [(file.stat().st_mtime_ns, file.stat().st_size) for file in (folder.volumes, folder.series)]
        if stamp == self.stamp:
            return False
        days, series = VolumeReader(folder.volumes).days, plots.read_series(folder.series)
        at_end = self.state.day_index is None or self.state.day_index >= len(self.state.days) - 1
        changed = days != self.state.days
        self.state.days = days
        self.state.plots = plots.time_plots(series)
        self.state.plot_from, self.state.plot_to = plots.span_of(series)
        self.state.progress = f"{len(days)} stored days, {'finished' if self._finished() else 'not finished'}"
        if changed:
            self._stay_inside(len(days) - 1, at_end and bool(self.state.follow))
        self.stamp = stamp
        return changed

    def _stay_inside(self, last: int, to_end: bool) -> None:
        """Keep the chosen days among those that there are; a resumed run may have taken some back."""
        self.surfaces.clear()
        self.snapshot = None
        at = max(last, 0) if to_end else min(self.state.day_index or 0, max(last, 0))
        self.state.day_index, self.state.since_index = at, min(self.state.since_index or 0, max(last, 0))

    def _finished(self) -> bool:
        told = [line["event"] for line in RunFolder(self.run).read_log() if line["event"] in ("finished", "resumed")]
        return told[-1:] == ["finished"]

    def _put_on_stage(self) -> None:
        from boneviz.cut import Cut
        from boneviz.scene import Look

        state = self.state
        if not state.days:
            return
        snapshot = self._snapshot(state.days[state.day_index])
        if snapshot.since is None and state.field not in self.limits:
            self.limits[state.field] = color_range(snapshot)
        kinds = tuple(kind for name, kind in KINDS.items() if state[name])
        spans = tuple((state[f"cut_{axis}"][0] / 100, state[f"cut_{axis}"][1] / 100) for axis in "xyz")
        if any(low >= high for low, high in spans):
            raise InputError("The cut planes leave nothing to show: move them apart.")
        look = Look(kinds, self.limits.get(state.field, (0.0, 1.0)), Cut(spans))  # type: ignore[arg-type]
        self.stage.show(snapshot, self._surface(snapshot), look)

    def _snapshot(self, day: int) -> Snapshot:
        state = self.state
        since = state.days[state.since_index] if state.compare else None
        key = (day, since, None if state.compare else state.field)
        if self.snapshot is None or self.snapshot[0] != key:
            loaded = load_snapshot(self.run, state.field, day) if since is None else load_change(self.run, since, day)
            self.snapshot = (key, loaded)
        return self.snapshot[1]

    def _surface(self, snapshot: Snapshot) -> Any:
        """The surface with its values; its shape is kept for days seen before, as long as there is room."""
        from boneviz.scene import bone_surface, surface_with_values

        key = (snapshot.day, snapshot.since)
        if key in self.surfaces:
            self.surfaces.move_to_end(key)
            return surface_with_values(self.surfaces[key], snapshot)
        surface = self.surfaces[key] = bone_surface(snapshot)
        while sum(shape.GetNumberOfPoints() for shape in self.surfaces.values()) > POINTS_KEPT:
            if len(self.surfaces) == 1:
                break
            self.surfaces.popitem(last=False)
        return surface


def not_of_closed_pages(record: logging.LogRecord) -> bool:
    """Whether to print a line that is logged while an error is handled: not where the page was closed meanwhile."""
    return not isinstance(sys.exc_info()[1], ConnectionError)


def _without_closed_pages(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say nothing when a page was closed while a picture was on its way to it."""
    if not isinstance(context.get("exception"), ConnectionError):
        loop.default_exception_handler(context)
