"""The numba stepping core: arrays in, arrays out; numpy and numba only.

Every compiled function is decorated with `kernel` (loops over arrays) or `rule` (numbers in, numbers out).
The compiled code is cached in a folder named by the numba version and a hash of these sources, because numba's
own cache does not notice a change in a function that a cached function calls.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numba
from numba import njit


def source_hash() -> str:
    """Hash of every source file of this folder: changes whenever any kernel changes."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def user_cache() -> Path:
    """The user's cache folder for compiled kernels and generated blocks; BONEABM_CACHE moves it."""
    base = os.environ.get("BONEABM_CACHE") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "boneabm"


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = str(user_cache() / f"kernels-{source_hash()}")  # type: ignore[attr-defined]

kernel = njit(cache=True, nogil=True)
rule = njit(cache=True, nogil=True)
