"""A small sweep for tests: a sweep file with its base, runs of half a second."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BASE = """title = "small block"
[bone]
kind = "generated"
size = "0.6 mm"
voxel = "20 um"
bv_tv = 0.3
tb_th = "130 um"
[simulation]
days = 12
burn_in = "8 d"
[output]
checkpoint_every = "2 d"
volumes_every = "12 d"
agents_every = "12 d"
"""
ARMS = """
[arms.control]
[[arms.pth.state]]
kind = "pth"
level = "200 pg/mL"
start = "3 d"
"""


def write_sweep(folder: Path, text: str = ARMS, replicates: int = 2, base: str = BASE) -> Path:
    """A sweep file in a folder, its base beside it."""
    (folder / "base.toml").write_text(base, encoding="utf-8")
    file = folder / "small_sweep.toml"
    head = f'title = "small sweep"\nbase = "base.toml"\nreplicates = {replicates}\n'
    file.write_text(head + text, encoding="utf-8")
    return file


def words(*given: object) -> list[str]:
    """The command `boneabm sweep` in this Python."""
    return [sys.executable, "-m", "boneabm", "sweep", *map(str, given)]


def call(*given: object) -> dict[str, Any]:
    """Run a sweep command in a process of its own to its end; its JSON line."""
    done = subprocess.run([*words(*given), "--json"], capture_output=True, encoding="utf-8", timeout=600)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))
