"""A film of a run: one picture per stored day, the camera and the colors fixed; MP4 or GIF."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from boneabm.errors import InputError, install
from boneabm.io.runfolder import RunFolder
from boneabm.io.schema import OSTEOBLAST, OSTEOCLAST
from boneabm.io.volumes import VolumeReader
from boneviz.colors import CELL_COLORS, CHANGES, SITE_STATES, style_of
from boneviz.opengl import require_opengl, start_trial
from boneviz.render import Limits, check_size
from boneviz.snapshot import Snapshot, load, range_over

KINDS = (".mp4", ".gif")
GIF_COLORS = 180
SHADES = (0.45, 0.6, 0.75, 0.9, 1.0)
MONTAGE = 4


def movie(
    run: Path | str,
    out: Path | str,
    field: str = "mineral",
    size: tuple[int, int] = (960, 720),
    fps: float = 8.0,
    most_frames: int = 0,
    agents: bool = True,
    limits: Limits | None = None,
    cuts: tuple[str, ...] = (),
    since: int | None = None,
    cloud: str | None = None,
) -> tuple[Path, list[int]]:
    """Film of the stored days of a run; the path and the days shown.

    out         : FILE.mp4 (needs the extra `view`) or FILE.gif
    fps         : pictures per second, 0.1 to 60
    most_frames : at most so many days, spread evenly; 0 for all
    limits      : range of the colors; by default that of the whole run
    since       : film what was formed and resorbed since this day instead of a field
    cuts, cloud : as in `render.render`

    Raises InputError for another kind of file, an unknown field or day, NoOpenGLError without OpenGL.
    """
    path = Path(out)
    _check(path, size, fps)
    start_trial()
    days = film_days(run, field, since, most_frames)
    load(run, field, days[-1], since, cloud)
    require_opengl()
    limits = limits or (range_over(run, field, days, cloud) if since is None else (0.0, 1.0))
    kinds = (OSTEOCLAST, OSTEOBLAST) * (agents and since is None)
    shots = (load(run, field, day, since, cloud) for day in days)
    frames = _frames(shots, size, kinds, limits, cuts)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.new{path.suffix}")
    try:
        (_write_mp4 if path.suffix.lower() == ".mp4" else _write_gif)(temporary, frames, size, fps)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path, days


def film_days(run: Path | str, field: str, since: int | None, most: int) -> list[int]:
    """The stored days that a film shows; InputError for a field that is not there or fewer than two days."""
    style_of(field)
    volumes = VolumeReader(RunFolder.open(run).volumes)
    days = [day for day in volumes.days if since is None or day > since]
    if most and len(days) > most:
        days = sorted({days[round(at)] for at in np.linspace(0, len(days) - 1, most)})
    if len(days) < 2:
        raise InputError(f"{volumes.path}: a film needs two stored days or more, there are {len(days)}. Use render.")
    return days


def _check(path: Path, size: tuple[int, int], fps: float) -> None:
    if path.suffix.lower() not in KINDS:
        raise InputError(f"{path}: films are written as MP4 or GIF. Give a name that ends with .mp4 or .gif.")
    if not 0.1 <= fps <= 60:
        raise InputError(f"{fps:g} pictures per second: allowed are 0.1 to 60.")
    check_size(size)
    if path.suffix.lower() == ".mp4":
        if size[0] % 2 or size[1] % 2:
            raise InputError(f"size {size[0]} x {size[1]} pixels: MP4 needs even numbers.")
        _ffmpeg()


def _frames(
    shots: Iterable[Snapshot],
    size: tuple[int, int],
    kinds: tuple[int, ...],
    limits: Limits,
    cuts: tuple[str, ...],
) -> Iterator[np.ndarray]:
    from boneviz.cut import parse_cut
    from boneviz.scene import Look, bone_surface
    from boneviz.stage import Stage

    stage = Stage(size)
    try:
        for snapshot in shots:
            stage.show(snapshot, bone_surface(snapshot), Look(kinds, limits, parse_cut(list(cuts), snapshot.size_um)))
            yield stage.picture()
    finally:
        stage.close()


def _ffmpeg() -> Any:
    """The encoder; InputError that says how to get it."""
    try:
        import imageio_ffmpeg

        imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise InputError(
            f"MP4 films need ffmpeg ({error}). Install it: {install('view')}, or write a .gif instead."
        ) from None
    return imageio_ffmpeg


def _write_mp4(path: Path, frames: Iterator[np.ndarray], size: tuple[int, int], fps: float) -> None:
    """H.264 that browsers and slides play."""
    writer = _ffmpeg().write_frames(
        str(path), size, fps=fps, codec="libx264", quality=8, macro_block_size=2, ffmpeg_log_level="error"
    )
    writer.send(None)
    try:
        for frame in frames:
            writer.send(np.ascontiguousarray(frame))
    finally:
        writer.close()


def _write_gif(path: Path, frames: Iterator[np.ndarray], size: tuple[int, int], fps: float) -> None:
    """All frames in one palette, that of some of them, so that colors do not flicker."""
    from PIL import Image

    pictures = [Image.fromarray(frame) for frame in frames]
    chosen = [pictures[round(at)] for at in np.linspace(0, len(pictures) - 1, MONTAGE)]
    montage = Image.new("RGB", (size[0], size[1] * len(chosen)))
    for row, picture in enumerate(chosen):
        montage.paste(picture, (0, row * size[1]))
    palette = Image.new("P", (1, 1))
    usual = montage.quantize(GIF_COLORS, dither=Image.Dither.NONE).getpalette() or []
    palette.putpalette(usual[: 3 * GIF_COLORS] + _rare_colors())
    first, *rest = (picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures)
    first.save(path, save_all=True, append_images=rest, duration=round(1000 / fps), loop=0)


def _rare_colors() -> list[int]:
    """Shades of what is small but matters, cells and changed bone, which a palette by frequency would leave out."""
    rare = (*CELL_COLORS.values(), *(color for _, color in (*SITE_STATES, *CHANGES)))
    return [round(255 * shade * part) for color in dict.fromkeys(rare) for shade in SHADES for part in color]
