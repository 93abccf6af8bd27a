"""Colors that color-blind readers tell apart, and how each field of a run is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace

from boneabm.errors import InputError, nearest

Color = tuple[float, float, float]


def color_of(code: str) -> Color:
    """Red, green and blue, 0..1, of a code such as #e6dccb."""
    return (int(code[1:3], 16) / 255, int(code[3:5], 16) / 255, int(code[5:7], 16) / 255)


# Samples at equal steps of the perceptually uniform maps viridis and cividis (CC0), of a map for bone, and of one for
# clouds on a light ground, light to dark (ColorBrewer GnBu).
MAPS = {
    "viridis": (
        "#440154",
        "#482878",
        "#3e4a89",
        "#31688e",
        "#26828e",
        "#1f9e89",
        "#35b779",
        "#6ece58",
        "#b5de2b",
        "#fde725",
    ),
    "cividis": (
        "#00224e",
        "#123570",
        "#3b496c",
        "#575d6d",
        "#707173",
        "#8a8678",
        "#a59c74",
        "#c3b369",
        "#e1cc55",
        "#fee838",
    ),
    "cloud": ("#e0f3db", "#bfe6c4", "#9bd8c0", "#71c6c6", "#45aacb", "#2788bb", "#0868ac", "#084081"),
    "bone": ("#2f3b4a", "#4b5866", "#6b7580", "#8f9499", "#b1b0ab", "#cec9bf", "#e6dfd2", "#f8f3e8"),
}
IVORY = color_of("#e6dccb")
INK = color_of("#222222")
BACKGROUND = color_of("#ffffff")
BACKGROUND_TOP = color_of("#e8ebee")
# What takes bone away is purple, what builds it orange, in every picture (ends of ColorBrewer's PuOr, safe for
# color-blind readers). Formed orange, quiescent gray and resorbed purple are the colors of time-lapse micro-CT
# (Schulte 2011, Bone 48:433; Christen 2014, Nat Commun 5:4855).
RESORBED = color_of("#5e3c99")
FORMED = color_of("#e66101")
QUIESCENT = color_of("#d8d5cd")
REVERSAL = color_of("#7fb8c9")
CELL_COLORS = {1: color_of("#8e44ad"), 2: color_of("#ff9420"), 3: color_of("#56b4e9")}

Classes = tuple[tuple[str, Color], ...]


@dataclass(frozen=True, slots=True)
class Style:
    """How a field is shown on the surface: its title, its map, and where its values live.

    place   : "bone" (mean over the matrix nearby), "marrow" (as it is at the surface) or "class" (kinds of surface)
    factor  : from the unit of the file to that of the title
    classes : name and color of class 0, 1, ... where place is "class"
    """

    title: str
    colors: str = ""
    place: str = "class"
    factor: float = 1.0
    classes: Classes = ()


SITE_STATES: Classes = (
    ("quiescent", QUIESCENT),
    ("open, no cells at work", REVERSAL),
    ("forming (osteoblasts)", FORMED),
    ("resorbing (osteoclasts)", RESORBED),
)
CHANGES: Classes = (("quiescent", QUIESCENT), ("formed", FORMED), ("resorbed", RESORBED))
CHANGE = Style("change of bone", classes=CHANGES)
STYLES = {
    "matrix": Style("matrix fraction", "bone", "bone"),
    "osteoid": Style("osteoid fraction of matrix", "cividis", "bone"),
    "mineral": Style("tissue mineral density, g/cm\u00b3", "bone", "bone"),
    "born_day": Style("tissue age, y", "viridis", "bone", 1 / 365.25),
    "bmu": Style("state of remodeling sites", classes=SITE_STATES),
    "thickness": Style("trabecular thickness (local), \u00b5m", "viridis", "bone"),
    "sed_mpa": Style("strain energy density, kPa", "viridis", "bone", 1e3),
    "effective_strain": Style("effective strain, microstrain", "viridis", "bone", 1e6),
    "signal": Style("daily strain stimulus, 1 = habitual", "viridis", "bone"),
    "rankl_free_pm": Style("free RANKL, pM", "cividis", "marrow"),
    "opg_pm": Style("OPG, pM", "cividis", "marrow"),
    "sclerostin_pm": Style("sclerostin, pM", "cividis", "marrow"),
    "sclerostin_free_pm": Style("free sclerostin, pM", "cividis", "marrow"),
    "bisphosphonate_fg": Style("bisphosphonate, fg per voxel", "viridis", "bone"),
    "estradiol_pg_per_ml": Style("estradiol, pg/ml", "cividis", "marrow"),
    "testosterone_ng_per_dl": Style("testosterone, ng/dL", "cividis", "marrow"),
    "pth_pg_per_ml": Style("PTH, pg/ml", "cividis", "marrow"),
    "igf1_ng_per_ml": Style("IGF-1, ng/mL", "cividis", "marrow"),
    "cortisol": Style("cortisol action", "cividis", "marrow"),
    "denosumab_pm": Style("denosumab, pM", "cividis", "marrow"),
    "romosozumab_pm": Style("romosozumab, pM", "cividis", "marrow"),
}


def style_of(field: str) -> Style:
    """Style of a field; InputError with the known fields for any other."""
    if field not in STYLES:
        raise InputError(f'field "{field}" cannot be shown. {nearest(field, STYLES)}')
    return STYLES[field]


def cloud_style(field: str) -> Style:
    """Style of a cytokine or hormone as a cloud; InputError with those there are for any other field."""
    clouds = [name for name, style in STYLES.items() if style.place == "marrow"]
    if field not in clouds:
        raise InputError(f'"{field}" cannot be a cloud: it is no concentration. {nearest(field, clouds)}')
    return replace(STYLES[field], colors="cloud")


def styles_for(fields: list[str]) -> dict[str, Style]:
    """Styles of what a run with these recorded fields can show; thickness is measured from the matrix."""
    return {name: style for name, style in STYLES.items() if name in fields or name == "thickness"}
