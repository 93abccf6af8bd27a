"""The parts of VTK that pictures need; `import vtk` would load all 150 of them, which takes a second."""

import vtkmodules.vtkInteractionStyle
import vtkmodules.vtkRenderingFreeType
import vtkmodules.vtkRenderingOpenGL2
import vtkmodules.vtkRenderingVolumeOpenGL2  # noqa: F401
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkDataArray, vtkLookupTable, vtkPoints
from vtkmodules.vtkCommonDataModel import (
    vtkCellArray,
    vtkImageData,
    vtkPiecewiseFunction,
    vtkPlane,
    vtkPlaneCollection,
    vtkPolyData,
)
from vtkmodules.vtkFiltersCore import (
    vtkClipPolyData,
    vtkFlyingEdges3D,
    vtkPolyDataNormals,
    vtkWindowedSincPolyDataFilter,
)
from vtkmodules.vtkFiltersGeometry import vtkImageDataGeometryFilter
from vtkmodules.vtkFiltersSources import vtkOutlineSource, vtkSphereSource
from vtkmodules.vtkInteractionStyle import vtkInteractorStyleTrackballCamera
from vtkmodules.vtkIOImage import vtkJPEGWriter, vtkPNGWriter
from vtkmodules.vtkRenderingAnnotation import vtkAxesActor, vtkScalarBarActor
from vtkmodules.vtkRenderingCore import (
    vtkActor,
    vtkActor2D,
    vtkCamera,
    vtkColorTransferFunction,
    vtkGlyph3DMapper,
    vtkLightKit,
    vtkPolyDataMapper,
    vtkPolyDataMapper2D,
    vtkRenderer,
    vtkRenderWindow,
    vtkRenderWindowInteractor,
    vtkTextActor,
    vtkVolume,
    vtkVolumeProperty,
    vtkWindowToImageFilter,
)
from vtkmodules.vtkRenderingOpenGL2 import vtkOpenGLFXAAPass, vtkRenderStepsPass, vtkSSAOPass
from vtkmodules.vtkRenderingUI import vtkGenericRenderWindowInteractor
from vtkmodules.vtkRenderingVolumeOpenGL2 import vtkSmartVolumeMapper

__all__ = [
    "numpy_to_vtk",
    "vtkActor",
    "vtkActor2D",
    "vtkAxesActor",
    "vtkCamera",
    "vtkCellArray",
    "vtkClipPolyData",
    "vtkColorTransferFunction",
    "vtkDataArray",
    "vtkFlyingEdges3D",
    "vtkGenericRenderWindowInteractor",
    "vtkGlyph3DMapper",
    "vtkImageData",
    "vtkImageDataGeometryFilter",
    "vtkInteractorStyleTrackballCamera",
    "vtkJPEGWriter",
    "vtkLightKit",
    "vtkLookupTable",
    "vtkOpenGLFXAAPass",
    "vtkOutlineSource",
    "vtkPNGWriter",
    "vtkPiecewiseFunction",
    "vtkPlane",
    "vtkPlaneCollection",
    "vtkPoints",
    "vtkPolyData",
    "vtkPolyDataMapper",
    "vtkPolyDataMapper2D",
    "vtkPolyDataNormals",
    "vtkRenderStepsPass",
    "vtkRenderWindow",
    "vtkRenderWindowInteractor",
    "vtkRenderer",
    "vtkSSAOPass",
    "vtkScalarBarActor",
    "vtkSmartVolumeMapper",
    "vtkSphereSource",
    "vtkTextActor",
    "vtkVolume",
    "vtkVolumeProperty",
    "vtkWindowToImageFilter",
    "vtkWindowedSincPolyDataFilter",
    "vtk_to_numpy",
]
