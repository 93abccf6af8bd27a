"""Colors that color-blind readers tell apart, and how each field of a run is shown."""

from __future__ import annotations

from dataclasses import dataclass

from boneabm.errors import InputError, nearest

Color = tuple[float, float, float]


def color_of(code: str) -> Color:
    """Red, green and blue, 0..1, of a code such as #e6dccb."""
    return (int(code[1:3], 16) / 255, int(code[3:5], 16) / 255, int(code[5:7], 16) / 255)


# Samples at equal steps of the perceptually uniform maps viridis and cividis (CC0), and of a map for bone.
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
    "bone": ("#5b3a29", "#7d5438", "#9e7150", "#bb9070", "#d2af93", "#e4cdb6", "#f2e6d6", "#fbf6ee"),
}
IVORY = color_of("#e6dccb")
INK = color_of("#222222")
BACKGROUND = color_of("#ffffff")
BACKGROUND_TOP = color_of("#e8ebee")
SITE = color_of("#009e73")
CELL_COLORS = {1: color_of("#d55e00"), 2: color_of("#56b4e9"), 3: color_of("#f0e442")}


@dataclass(frozen=True, slots=True)
class Style:
    """How a field is shown on the surface: its title, its map, and where its values live.

    place: "bone" (mean over the matrix nearby), "marrow" (as it is at the surface) or "site" (open or not),
    and the factor from the unit of the file to that of the title
    """

    title: str
    colors: str
    place: str
    factor: float = 1.0


STYLES = {
    "matrix": Style("matrix fraction", "bone", "bone"),
    "osteoid": Style("osteoid fraction of matrix", "cividis", "bone"),
    "mineral": Style("tissue mineral density, g/cm\u00b3", "bone", "bone"),
    "born_day": Style("tissue age, d", "viridis", "bone"),
    "bmu": Style("open remodeling site", "bone", "site"),
    "sed_mpa": Style("strain energy density, kPa", "viridis", "bone", 1e3),
    "effective_strain": Style("effective strain, microstrain", "viridis", "bone", 1e6),
    "signal": Style("osteocyte signal", "viridis", "bone"),
    "rankl_free_pm": Style("free RANKL, pM", "cividis", "marrow"),
    "opg_pm": Style("OPG, pM", "cividis", "marrow"),
    "sclerostin_pm": Style("sclerostin, pM", "cividis", "marrow"),
    "estradiol_pg_per_ml": Style("estradiol, pg/ml", "cividis", "marrow"),
}


def style_of(field: str) -> Style:
    """Style of a field; InputError with the known fields for any other."""
    if field not in STYLES:
        raise InputError(f'field "{field}" cannot be shown. {nearest(field, STYLES)}')
    return STYLES[field]
