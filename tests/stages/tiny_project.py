"""A project small enough to run whole in seconds, and what the tests ask of it."""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from vesselbench.config import overlay
from vesselbench.stages.entry import start

ROOT = Path(__file__).parents[2]
# Laid over the real params.yaml, so that a parameter added there is there too.
TINY = {
    "run": {
        "datasets": ["phantom"],
        "models": ["iternet"],
        "seeds": [0],
        "modes": ["whole", "patched"],
        "budget": "full",
        "more": {"datasets": [], "models": []},
        "ablations": {"datasets": [], "models": []},
        "published": {"datasets": []},
    },
    "datasets": {"phantom": {"source": {"size": 130, "train": 3, "test": 2}}},
    "models": {"iternet": {"width": 4, "iterations": 2}},
    "train": {
        "default": {"hardware": {"accelerator": "cpu", "precision": "32-true"}},
        "phantom": {
            "steps": 4,
            "batch": 2,
            "crops_per_image": 1,
            "patch": 32,
            "epoch": 2,
            "warmup": 0,
            "hardware": {"threads": 1},
        },
    },
    "predict": {
        "default": {"hardware": {"accelerator": "cpu", "precision": "32-true"}},
        "phantom": {"patched": {"patch": 64, "stride": 48}},
    },
    "evaluate": {"draws": 100},
}
STAGES = (
    "download phantom",
    "split phantom",
    "fov phantom",
    "network iternet",
    "train phantom iternet 0",
    "predict phantom iternet 0 whole data",
    "predict phantom iternet 0 patched data",
    "threshold phantom iternet 0 whole data",
    "threshold phantom iternet 0 patched data",
    "evaluate phantom iternet 0 whole data",
    "evaluate phantom iternet 0 patched data",
    "observer phantom",
    "table phantom",
    "summary",
)


def write_params(folder: Path, *changes: Mapping[str, Any]) -> None:
    """Write params.yaml: the real one, the tiny one over it, then ``changes``."""
    yaml = YAML(typ="safe")
    yaml.dump(overlay(yaml.load(ROOT / "params.yaml"), TINY, *changes), folder / "params.yaml")


def run_stage(folder: Path, command: str) -> None:
    """Call a stage's ``main`` in this process: ``"split phantom"``."""
    word, *words = command.split()
    with chdir(folder):
        importlib.import_module(f"vesselbench.stages.{word}").main(*words)


def stage_process(folder: Path, command: str) -> subprocess.Popen[str]:
    """Start a stage as DVC does, in a process group of its own, on one core."""
    word, *words = command.split()
    return subprocess.Popen(
        [sys.executable, "-m", f"vesselbench.stages.{word}", *words],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file below a folder, by path; empty folders count, so that leftovers of any kind show.

    The folder of checkpoints is left out.
    """
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes() if path.is_file() else b"").hexdigest()
        for path in sorted(folder.rglob("*"))
        if ".checkpoints" not in path.parts
    }


def refused(command: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Start a stage in the working folder as its command line does, and return the one line that it stops with.

    Python prints a string given as exit status on stderr, and exits with 1. Nothing may have changed on the disk.
    """
    word, *words = command.split()
    module = importlib.import_module(f"vesselbench.stages.{word}")
    monkeypatch.setattr(sys, "argv", [f"{word}.py", *words])
    before = contents(Path())
    with pytest.raises(SystemExit) as stop:
        start(module.main)
    assert contents(Path()) == before
    assert isinstance(stop.value.code, str)
    assert "\n" not in stop.value.code
    return stop.value.code
