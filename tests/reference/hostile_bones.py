"""Small bones on which a voxel solver can stumble, all by construction."""

import numpy as np


def frame(shape, pitch, width):
    """Regular frame of square struts along all axes."""
    near = np.stack([index % pitch < width for index in np.indices(shape)])
    return near.sum(axis=0) >= 2


def loose_parts():
    mask = frame((17, 17, 17), 8, 2)
    mask[4:7, 4:7, 4:7] = mask[12, 12:15, 12] = True
    return mask


def hanging_arm():
    mask = np.zeros((12, 10, 10), bool)
    mask[:, :4] = mask[5:8, 4:10, 4:7] = mask[6, 9, :] = True
    return mask


def spurs():
    mask = frame((17, 17, 17), 8, 2)
    mask[3:8, 4, 0] = mask[0:2, 0, 3:6] = mask[2:7, 3, 3] = mask[6, 3, 3:7] = mask[10:13, 0:2, 4] = True
    return mask


def edge_contacts():
    """Columns that touch along edges only, between two plates."""
    mask = np.zeros((10, 9, 9), bool)
    mask[:, np.indices((9, 9)).sum(axis=0) % 2 == 0] = True
    mask[0] = mask[-1] = True
    return mask


def edge_and_corner_contacts():
    """Checkerboard that hangs together through two plates and one column."""
    mask = np.indices((11, 11, 11)).sum(axis=0) % 2 == 0
    mask[0] = mask[-1] = mask[:, 5, 5] = True
    return mask


def corner_contact():
    """Two cubes that share one corner, in one part through a detour."""
    mask = np.zeros((12, 12, 12), bool)
    mask[:6, :6, :6] = mask[6:, 6:, 6:] = mask[5:7, :, 0] = mask[5:7, 11, :] = True
    return mask


def neck_chain(blocks=6):
    """Cubes of 3 voxels in a straight row, joined by single voxels."""
    mask = np.zeros((4 * blocks - 1, 3, 3), bool)
    mask[:, 1, 1] = True
    for block in range(blocks):
        mask[4 * block : 4 * block + 3] = True
    return mask


def neck_zigzag():
    """Slabs in an off-center row, joined by single voxels: every neck bends."""
    mask = np.zeros((23, 8, 8), bool)
    mask[:, 4, 1] = True
    for block in range(6):
        first = 0 if block % 2 else 3
        mask[4 * block : 4 * block + 3, first : first + 5, :3] = True
    return mask


def staircase():
    """Steps of one voxel, one voxel wide."""
    mask = np.zeros((20, 20, 3), bool)
    for step in range(20):
        mask[step, max(0, step - 1) : step + 1, 1] = True
    return mask


def tilted_sheet():
    """One voxel thick, through the whole block."""
    mask = np.zeros((16, 16, 16), bool)
    for step in range(16):
        mask[step, max(0, step - 1) : step + 1] = True
    return mask


def four_columns():
    """Two plates on four columns of one voxel: many planes with very few nodes."""
    mask = np.zeros((24, 12, 12), bool)
    mask[:, 2:10:7, 2:10:7] = True
    mask[:3] = mask[-3:] = True
    return mask


def late_start():
    """Bone begins with a single column, then a block in the middle, then nothing to the upper end."""
    mask = np.zeros((21, 12, 12), bool)
    mask[8:13, 2:8, 3:9] = True
    mask[:, 4, 4] = True
    return mask


def thin_plate(axis):
    """Plate of one voxel inside the block, normal to an axis."""
    mask = np.zeros((19, 14, 16), bool)
    np.moveaxis(mask, axis, 0)[6] = True
    return mask


def crossing_plates():
    mask = np.zeros((14, 14, 14), bool)
    mask[:, 6] = mask[:, :, 3] = mask[7] = True
    return mask


def random_block(shape, fraction=0.9):
    return np.random.default_rng(0).random(shape) < fraction


BONES = {
    "loose parts": loose_parts(),
    "hanging arm": hanging_arm(),
    "spurs": spurs(),
    "edge contacts": edge_contacts(),
    "edge and corner contacts": edge_and_corner_contacts(),
    "corner contact": corner_contact(),
    "chain of necks": neck_chain(),
    "zigzag of necks": neck_zigzag(),
    "staircase": staircase(),
    "tilted sheet": tilted_sheet(),
    "plates on four columns": four_columns(),
    "late start": late_start(),
    "plate across z": thin_plate(0),
    "plate across y": thin_plate(1),
    "plate across x": thin_plate(2),
    "crossing plates": crossing_plates(),
    "1 x n x m": np.ones((1, 13, 29), bool),
    "n x 1 x m": np.ones((13, 1, 29), bool),
    "n x m x 1": np.ones((13, 29, 1), bool),
    "1 x 1 x n": np.ones((1, 1, 70), bool),
    "n x 1 x 1": np.ones((70, 1, 1), bool),
    "3 x 200 x 5": random_block((3, 200, 5)),
    "200 x 5 x 3": random_block((200, 5, 3)),
    "primes": random_block((7, 13, 11), 0.7),
    "two voxels": np.ones((2, 1, 1), bool),
}
