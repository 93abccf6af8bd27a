"""Smooth random fields: many plane waves of about one wavelength, summed on a coarse grid and splined to the voxels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..kernels import blocks, voronoi

_SPREAD = 0.25  # standard deviation of log wavelength
_SAMPLES_PER_WAVE = 5


def smooth_noise(
    shape: tuple[int, int, int],
    spacing_um: float,
    wavelength_um: float,
    seed: int,
    stream: int,
    waves: int = 250,
    origin_um: float = 0.0,
) -> NDArray[np.float32]:
    """Random field of unit variance, a function of the place in space only (not of box or voxel size).

    f(p) = sqrt(2 / waves) * sum over w of cos(k_w . p + phase_w), |k_w| = 2 pi / wavelength * exp(0.25 * normal)

    shape      : (Z, Y, X) voxels; voxel n of an axis has its center at origin_um + (n + 0.5) * spacing_um
    stream     : int >= 0, number of this field; fields of different streams are independent
    """
    k, phase = _wave_vectors(wavelength_um, seed, stream, waves)
    step = wavelength_um / _SAMPLES_PER_WAVE
    start = math.floor(origin_um / step) - 3
    axes = [(np.arange(math.ceil(n * spacing_um / step) + 8) + start) * step for n in shape]
    factors = [np.exp(1j * np.outer(k[:, axis], positions)) for axis, positions in enumerate(axes)]
    factors[0] *= (math.sqrt(2.0 / waves) * np.exp(1j * phase))[:, None]
    coarse = np.empty(tuple(len(positions) for positions in axes))
    blocks.launch(voronoi.sum_waves, coarse.shape[0], *factors, coarse)
    return spline_up(coarse, [((np.arange(n) + 0.5) * spacing_um + origin_um) / step - start for n in shape])


def spline_up(coarse: NDArray[np.floating], coordinates: list[NDArray[Any]]) -> NDArray[np.float32]:
    """Values of the interpolating cubic spline of `coarse` at the grid of `coordinates` (one array per axis).

    coordinates : in samples of `coarse`, each from 1 to below its length - 2
    """
    coefficients = ndimage.spline_filter(coarse, 3, output=np.float64, mode="mirror")
    taps: list[NDArray] = []
    for x in coordinates:
        base = np.floor(x).astype(np.int64)
        taps += [base - 1, _spline_weights(x - base)]
    fine = np.empty(tuple(len(x) for x in coordinates), np.float32)
    blocks.launch(voronoi.spline_up, fine.shape[0], coefficients, *taps, fine)
    return fine


def _wave_vectors(
    wavelength_um: float, seed: int, stream: int, waves: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    draws = np.empty((waves, 5))
    voronoi.draw_waves(seed, stream, draws)
    direction = draws[:, :3] / np.linalg.norm(draws[:, :3], axis=1, keepdims=True)
    k = 2.0 * np.pi / wavelength_um * np.exp(_SPREAD * draws[:, 3:4]) * direction
    return k, 2.0 * np.pi * draws[:, 4]


def _spline_weights(f: NDArray[np.float64]) -> NDArray[np.float64]:
    g = 1.0 - f
    return np.stack([g**3, 3 * f**3 - 6 * f**2 + 4, 3 * g**3 - 6 * g**2 + 4, f**3], axis=1) / 6.0
