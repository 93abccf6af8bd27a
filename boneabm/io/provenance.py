"""Where a run came from: versions, platform, command and digests of its inputs, small enough to keep in each file."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("boneabm", "mesa", "numpy", "numba", "h5py", "scipy", "vtk")
LONGEST = 2000


def provenance(
    inputs: Mapping[str, Path | bytes] | None = None, command: Sequence[str] | None = None
) -> dict[str, str]:
    """Versions, platform, command and the SHA-256 of every input, as text.

    inputs : files or bytes by the name under which they are reported, e.g. {"image": path}
    command: words of the command line, `sys.argv` by default; long ones are cut at 2000 characters
    """
    facts = {f"version_{name}": _version(name) for name in PACKAGES}
    facts["version_python"] = platform.python_version()
    facts["platform"] = f"{platform.system()} {platform.machine()}"
    facts["command"] = " ".join(sys.argv if command is None else command)[:LONGEST]
    for name, source in (inputs or {}).items():
        facts[f"sha256_{name}"] = sha256_of(source)
    return facts


def sha256_of(source: Path | bytes) -> str:
    """SHA-256 of a file or of bytes, in hexadecimal."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with Path(source).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
