"""The page of the viewer: what is chosen on the left, the bone in the middle, time below it, plots on the right."""

from __future__ import annotations

from typing import Any

from trame.ui.vuetify3 import VAppLayout
from trame.widgets import client, html
from trame.widgets import vtk as vtk_widgets
from trame.widgets import vuetify3 as v3

from boneviz.plots import LEFT, RIGHT, WIDTH

STYLE = """
html, body { overflow: hidden; }
.bone-page { display: grid; grid-template-columns: 276px 1fr 340px; grid-template-rows: 44px 1fr 64px;
  height: 100vh; background: #fff; color: #222; font-size: 14px; }
.bone-head { grid-column: 1 / 4; display: flex; align-items: center; gap: 14px; padding: 0 16px;
  border-bottom: 1px solid #d9dde0; }
.bone-choose { padding: 10px 14px; overflow-y: auto; border-right: 1px solid #d9dde0; }
.bone-choose h3 { font-size: 13px; margin: 12px 0 2px; color: #555; font-weight: 600; }
.bone-choose .v-field__input, .bone-choose .v-label { font-size: 13px; }
.bone-picture { position: relative; overflow: hidden; min-width: 0; min-height: 0; }
.bone-plots { grid-row: 2 / 4; grid-column: 3; overflow-y: auto; border-left: 1px solid #d9dde0; }
.bone-plots-inner { position: relative; cursor: crosshair; }
.bone-now { position: absolute; top: 0; bottom: 14px; width: 1px; background: #d1495b; pointer-events: none; }
.bone-time { grid-row: 3; grid-column: 1 / 3; display: flex; align-items: center; gap: 12px; padding: 0 16px;
  border-top: 1px solid #d9dde0; }
@media (max-width: 900px) { .bone-page { grid-template-columns: 230px 1fr 0; } .bone-plots { visibility: hidden; } }
.bone-problem { position: absolute; left: 12px; right: 12px; bottom: 12px; background: #fff3e0; padding: 8px 12px;
  border: 1px solid #e66101; }
"""
DENSE = {"density": "compact", "hide_details": True}
NOW = f"(100 * ({LEFT} + (days[day_index] - plot_from) / (plot_to - plot_from) * {WIDTH - LEFT - RIGHT}) / {WIDTH})"


def build_page(server: Any, window: Any, actions: Any) -> Any:
    """Lay out the page; `actions` has the methods home, fit and pick. Returns the view of the bone."""
    with VAppLayout(server, full_height=True):
        client.Style(STYLE)
        with html.Div(classes="bone-page"):
            _head()
            with html.Div(classes="bone-choose"):
                _choices(actions)
            with html.Div(classes="bone-picture", id="picture"):
                view = vtk_widgets.VtkRemoteView(
                    window, ref="bone", interactive_ratio=0.5, interactive_quality=70, still_quality=92
                )
                html.Div("{{ problem }}", classes="bone-problem", v_if=("problem",), id="problem")
            _plots(actions)
            _time()
    return view


def _head() -> None:
    with html.Div(classes="bone-head"):
        html.Strong("boneabm view")
        html.Span("{{ run_name }}", id="run-name")
        html.Span("{{ progress }}", id="progress", style="color:#666")
        v3.VSpacer()
        html.Span("drag: turn \u00b7 wheel: zoom \u00b7 shift+drag: move", style="color:#888;font-size:12px")


def _choices(actions: Any) -> None:
    html.H3("Color of the surface")
    v3.VSelect(v_model=("field", "mineral"), items=("fields", []), id="field", **DENSE, disabled=("compare",))
    v3.VBtn("fit colors to this day", click=actions.fit, size="x-small", variant="text", id="fit")
    html.H3("Change between two days")
    v3.VSwitch(v_model=("compare", False), label="formed / resorbed", color="deep-purple", id="compare", **DENSE)
    with html.Div(v_if=("compare",), id="since"):
        html.Div("since day {{ days[since_index] }}", style="color:#666;font-size:12px")
        v3.VSlider(v_model=("since_index", 0), min=0, max=("days.length - 1",), step=1, **DENSE)
    html.H3("Cells")
    for name, color in (("osteoclasts", "#8e44ad"), ("osteoblasts", "#ff9420"), ("osteocytes", "#56b4e9")):
        shown = name != "osteocytes"
        v3.VCheckbox(v_model=(name, shown), label=name, color=color, id=name, **DENSE)
    html.H3("Cut planes, % of the edge")
    for axis in "xyz":
        with html.Div(classes="d-flex align-center", id=f"cut-{axis}"):
            html.Span(axis, style="width:16px")
            v3.VRangeSlider(v_model=(f"cut_{axis}", [0, 100]), min=0, max=100, step=1, **DENSE)
    v3.VBtn("whole block, first view", click=actions.home, size="small", variant="tonal", classes="mt-3", id="home")


def _plots(actions: Any) -> None:
    with (
        html.Div(classes="bone-plots"),
        html.Div(
            classes="bone-plots-inner",
            id="plots",
            click=(actions.pick, "[$event.offsetX / $event.currentTarget.clientWidth]"),
        ),
    ):
        html.Div(v_html=("plots",))
        html.Div(classes="bone-now", id="now", style=(f"{{ left: {NOW} + '%' }}",), v_if=("days.length > 0",))


def _time() -> None:
    with html.Div(classes="bone-time"):
        v3.VBtn(
            "{{ playing ? 'pause' : 'play' }}", click="playing = !playing", id="play", size="small", variant="tonal"
        )
        with html.Div(id="time", classes="flex-grow-1"):
            v3.VSlider(v_model=("day_index", 0), min=0, max=("Math.max(days.length - 1, 0)",), step=1, **DENSE)
        html.Strong("day {{ days[day_index] }}", id="day", style="width:84px")
        v3.VCheckbox(v_model=("follow", False), label="follow new days", id="follow", **DENSE)
