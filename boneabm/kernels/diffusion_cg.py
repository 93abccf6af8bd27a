"""Jacobi-preconditioned conjugate gradients on one grid of `diffusion`, as loops over fixed z planes."""

from __future__ import annotations

import numpy as np

from .diffusion import ONE, add_up, diagonal_row, operator_row, solver


@solver
def inverse_diagonal(first, last, face_z, face_y, face_x, scale, size_z, size_y, size_x, out_inverse):
    """1 / diagonal of A; out_inverse : (Z, Y, X) float32, overwritten."""
    for z in range(first, last):
        for y in range(size_y.size):
            out = out_inverse[z, y]
            diagonal_row(face_z, face_y, face_x, scale, size_z[z] * size_y[y], size_x, z, y, out)
            for k in range(np.uint64(out.size)):
                out[k] = np.float32(1) / out[k]


@solver
def apply_operator(first, last, p, face_z, face_y, face_x, scale, size_z, size_y, size_x, out_product, out_sums):
    """q = A p and the sum of p q in every z plane; p padded, out_product (Z, Y, X) float32, out_sums (Z,) float64."""
    width = size_x.size
    for z in range(first, last):
        lanes = np.zeros(width)
        for y in range(size_y.size):
            out, here = out_product[z, y], p[z + 1, y + 1]
            operator_row(p, face_z, face_y, face_x, scale, size_z[z] * size_y[y], size_x, z, y, out)
            for k in range(np.uint64(width)):
                lanes[k] += np.float64(out[k]) * here[k + ONE]
        out_sums[z] = add_up(lanes)


@solver
def take_step(first, last, step, p, product, inverse, solution, residual, out_sums):
    """solution += step p, residual -= step A p; out_sums : (Z,) float64, sum of residual^2 / diagonal per plane."""
    _, height, width = residual.shape
    for z in range(first, last):
        lanes = np.zeros(width)
        for y in range(height):
            found, rest, ahead = solution[z, y], residual[z, y], p[z + 1, y + 1]
            moved, weight = product[z, y], inverse[z, y]
            for k in range(np.uint64(width)):
                found[k] += step * ahead[k + ONE]
            for k in range(np.uint64(width)):
                rest[k] -= step * moved[k]
            for k in range(np.uint64(width)):
                lanes[k] += np.float64(rest[k]) * (rest[k] * weight[k])
        out_sums[z] = add_up(lanes)


@solver
def first_direction(first, last, residual, inverse, p, out_sums):
    """p = residual / diagonal (padded); out_sums : (Z,) float64, sum of residual p in every z plane."""
    _, height, width = residual.shape
    for z in range(first, last):
        lanes = np.zeros(width)
        for y in range(height):
            rest, weight, ahead = residual[z, y], inverse[z, y], p[z + 1, y + 1]
            for k in range(np.uint64(width)):
                ahead[k + ONE] = weight[k] * rest[k]
            for k in range(np.uint64(width)):
                lanes[k] += np.float64(rest[k]) * (rest[k] * weight[k])
        out_sums[z] = add_up(lanes)


@solver
def next_direction(first, last, factor, residual, inverse, p):
    """p = residual / diagonal + factor p (padded)."""
    _, height, width = residual.shape
    for z in range(first, last):
        for y in range(height):
            rest, weight, ahead = residual[z, y], inverse[z, y], p[z + 1, y + 1]
            for k in range(np.uint64(width)):
                ahead[k + ONE] = weight[k] * rest[k] + factor * ahead[k + ONE]
