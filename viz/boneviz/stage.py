"""A window in memory with the bone, the lettering over it and the axes, drawn again whenever something changes."""

from __future__ import annotations

from typing import Any

import numpy as np

from boneviz import kit, labels, scene
from boneviz.opengl import NoOpenGLError
from boneviz.scene import Look
from boneviz.snapshot import Snapshot


class Stage:
    """Shows snapshots from one camera; the lettering follows size and zoom.

    size : width, height in pixels
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.bone, self.overlay = scene.new_renderer(), kit.vtkRenderer()
        self.axes = labels.axes_renderer(size[1])
        self.overlay.InteractiveOff()
        self.shown: tuple[Snapshot, Look] | None = None
        self.window = kit.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.window.SetSize(*size)
        self.window.SetNumberOfLayers(2)
        for layer, renderer in ((0, self.bone), (1, self.overlay), (1, self.axes)):
            renderer.SetLayer(layer)
            self.window.AddRenderer(renderer)
        self.window.AddObserver("StartEvent", self._letter)  # type: ignore[arg-type]

    def show(self, snapshot: Snapshot, surface: kit.vtkPolyData, look: Look) -> None:
        """Put a snapshot on the stage; the camera of the first one stays."""
        first, self.shown = self.shown is None, (snapshot, look)
        self.bone.RemoveAllViewProps()
        scene.add_bone(self.bone, snapshot, surface, look)
        scene.add_cells(self.bone, snapshot, look)
        scene.add_outline(self.bone, snapshot)
        if first:
            scene.place_camera(self.bone, snapshot.size_um)
            if snapshot.cloud:
                scene.light_cloud(self.bone)
            else:
                scene.shade_hollows(self.bone, snapshot.size_um)
        self.bone.ResetCameraClippingRange()

    def home(self) -> None:
        """Look from where the first picture was taken."""
        if self.shown:
            scene.place_camera(self.bone, self.shown[0].size_um)
            self.bone.ResetCameraClippingRange()

    def picture(self) -> np.ndarray:
        """What is on the stage as (height, width, 3) uint8, first row on top; NoOpenGLError where it is blank."""
        self.window.Render()
        grab = kit.vtkWindowToImageFilter()
        grab.SetInput(self.window)
        grab.ReadFrontBufferOff()
        grab.ShouldRerenderOff()  # else everything is drawn twice
        grab.Update()
        image = grab.GetOutput()
        width, height, _ = image.GetDimensions()
        picture = kit.vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)[::-1].copy()
        if (picture == picture[0, 0]).all():
            raise NoOpenGLError("OpenGL drew an empty picture. On Debian or Ubuntu: sudo apt install libgl1-mesa-dri.")
        return picture

    def close(self) -> None:
        """Give back what the window holds."""
        self.window.Finalize()

    def _letter(self, *_: Any) -> None:
        if self.shown:
            camera = self.bone.GetActiveCamera()
            self.overlay.RemoveAllViewProps()
            labels.add_labels(self.overlay, *self.shown, self.window.GetSize(), camera.GetParallelScale())
            labels.turn_axes(self.axes, camera)
