"""OpenGL without a display: choose EGL or OSMesa, and say what is missing before VTK would crash for want of it."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from functools import lru_cache

from boneabm.errors import BoneabmError

WINDOWS = {
    "vtkEGLRenderWindow": ("libEGL.so.1",),
    "vtkOSOpenGLRenderWindow": ("libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so"),
}
PROBE = """
from boneviz.opengl import choose_window
choose_window()
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow
import vtkmodules.vtkRenderingOpenGL2
window = vtkRenderWindow()
window.SetOffScreenRendering(1)
window.SetSize(16, 16)
window.AddRenderer(vtkRenderer())
window.Render()
"""


Trial = subprocess.Popen[str]


class NoOpenGLError(BoneabmError):
    """Pictures need an OpenGL library that this machine does not have."""


def choose_window() -> None:
    """Tell VTK which off-screen window to make; a choice in VTK_DEFAULT_OPENGL_WINDOW stands."""
    if sys.platform != "linux" or os.environ.get("VTK_DEFAULT_OPENGL_WINDOW"):
        return
    for window, libraries in WINDOWS.items():
        if any(_loads(library) for library in libraries):
            os.environ["VTK_DEFAULT_OPENGL_WINDOW"] = window
            return


def require_opengl() -> None:
    """Try to draw in another process, so that a crash there becomes a NoOpenGLError here that names the package."""
    finish_trial(start_trial())


@lru_cache
def start_trial() -> Trial:
    """Begin to try to draw in another process, while this one does something else; once per process."""
    choose_window()
    return subprocess.Popen([sys.executable, "-c", PROBE], stderr=subprocess.DEVNULL, text=True)


def finish_trial(trial: Trial) -> None:
    """Wait for the trial; NoOpenGLError that names the package where it failed."""
    code = trial.wait()
    if code == 0:
        return
    window = os.environ.get("VTK_DEFAULT_OPENGL_WINDOW", "none found")
    raise NoOpenGLError(
        f"Pictures need OpenGL, and drawing failed (off-screen window: {window}, exit {code}). "
        "No display is needed. On Debian or Ubuntu: sudo apt install libegl1 libgl1-mesa-dri "
        "(or libosmesa6). Then render again; the run itself is complete."
    )


def drop_trial() -> None:
    """End a trial that nobody waits for any more."""
    trial = start_trial()
    start_trial.cache_clear()
    trial.kill()
    trial.wait()


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
