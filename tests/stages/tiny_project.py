"""A project small enough to run whole in seconds, and what the tests ask of it."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import chdir
from copy import deepcopy
from functools import reduce
from operator import getitem
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
import yaml

from vesselbench.stages.entry import start

ROOT = Path(__file__).parents[2]
GONE = object()  # a value that removes its key
RUN, UNTRAINED, TRANSFER = "phantom-iternet-0", "phantom-iter_seg-0", "phantom-iternet_of_phantom-0"
LINE = {"data": "phantom", "split": "phantom", "model": "iternet", "seed": 0, "recipe": "demo"}
PATCHED = {"how": "patched", "patch": 64, "stride": 48, "training_stride": 64, "output": 0}
RECIPE = {"steps": 6, "batch": 2, "crops_per_image": 1, "patch": 32, "epoch": 3, "warmup": 0, "precision": "32-true"}
SIDE = 130  # no multiple of the network's 16: maps must be padded and cut
# Laid over the real params.yaml, by dotted key, so that a parameter added there is there too.
TINY = {
    "runs": {RUN: LINE, UNTRAINED: LINE | {"model": "iter_seg", "recipe": "untrained"}},
    "published": [RUN],
    "transfers": {
        TRANSFER: {"data": "phantom", "split": "phantom", "from": "phantom", "weights": RUN, "recipe": "transfer"}
    },
    **{f"sources.phantom.{name}": value for name, value in {"size": SIDE, "train": 3, "test": 2}.items()},
    **{f"models.iternet.{name}": value for name, value in {"width": 4, "iterations": 2}.items()},
    **{f"train.demo.{name}": value for name, value in (RECIPE | {"threads": 1}).items()},
    "predict.demo.patched": PATCHED,
    "evaluate.draws": 100,
}


def write_params(folder: Path, changes: dict[str, Any] | None = None) -> None:
    """Write params.yaml: the real one, the tiny one over it, then ``changes``, by dotted key."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for kind, names in {"models": ("iternet", "iter_seg"), "sources": ("phantom",), "splits": ("phantom",)}.items():
        params[kind] = {name: params[kind][name] for name in names}
    params = json.loads(json.dumps(params))  # every recipe a copy of its own
    for key, value in [*TINY.items(), *(changes or {}).items()]:
        *above, last = key.split(".")
        node = reduce(getitem, above, params)
        if value is GONE:
            del node[last]
        else:
            node[last] = deepcopy(value)
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def pipeline(folder: Path) -> dict[str, dict[str, Any]]:
    """Every stage of dvc.yaml by DVC's name, ``train@phantom-iternet-0``, in order, its lists resolved as DVC does."""
    params, found = yaml.safe_load((folder / "params.yaml").read_text()), {}
    for word, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items():
        for key, item in params[stage["foreach"][2:-1]].items() if "foreach" in stage else [("", {})]:
            values = {"key": key} | {f"item.{name}": value for name, value in item.items()}
            text = json.dumps(stage.get("do", stage))
            text = re.sub(r"\$\{(.+?)\}", lambda match, own=values: str(own[match[1]]), text)
            found[f"{word}@{key}".rstrip("@")] = json.loads(text)
    return found


def words_of(folder: Path, stage: str) -> list[str]:
    """Split a stage by DVC's name, or given in words, into its own word and arguments."""
    return stage.split() if " " in stage else pipeline(folder)[stage]["cmd"].split("vesselbench.stages.")[1].split()


def run_stage(folder: Path, stage: str) -> None:
    """Call a stage's ``main`` in this process, with the words that dvc.yaml gives it."""
    word, *words = words_of(folder, stage)
    with chdir(folder):
        importlib.import_module(f"vesselbench.stages.{word}").main(*words)


def stage_process(folder: Path, stage: str, before: str = "") -> subprocess.Popen[str]:
    """Start a stage as DVC does, in a process group of its own, on one core; ``before`` is code that comes first."""
    word, *words = words_of(folder, stage)
    code = f"{before}\nimport runpy; runpy.run_module('vesselbench.stages.{word}', run_name='__main__', alter_sys=True)"
    how = {"cwd": folder, "env": {**os.environ, "OMP_NUM_THREADS": "1"}, "text": True, "start_new_session": True}
    return subprocess.Popen([sys.executable, "-c", code, *words], stdout=PIPE, stderr=PIPE, **how)


def dvc_project(folder: Path, changes: dict[str, Any] | None = None) -> None:
    """Lay the tiny project out for DVC: nothing has run yet, and the code is a copy."""
    (folder / ".dvc").mkdir(parents=True)
    for name in (".dvc/config", ".dvc/plots", ".dvcignore", "dvc.yaml", "src"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, folder / name)
    (folder / ".dvc/config.local").write_text("[core]\n    no_scm = true\n")
    write_params(folder, changes)


def dvc_environment() -> dict[str, str]:
    """List the environment's variables for DVC and the stages of a ``dvc_project``, without what the user has set."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "VESSELBENCH_"))}
    environment |= {f"DVC_{kind}_DIR": ".dvc/private" for kind in ("GLOBAL_CONFIG", "SITE_CACHE", "SYSTEM_CONFIG")}
    environment |= {"DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": "src"}
    return environment | {"PATH": f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"}


def contents(folder: Path) -> dict[str, str]:
    """Digest of all below a folder, by path, but of checkpoints; empty folders count, so that leftovers show."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes() if path.is_file() else b"").hexdigest()
        for path in sorted(folder.rglob("*"))
        if ".checkpoints" not in path.parts
    }


def refused(stage: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Start a stage in the working folder as its command line does, and return the one line that it stops with.

    Python prints a string given as exit status, and exits with 1. Nothing may have changed on the disk.
    """
    word, *words = words_of(Path(), stage)
    module = importlib.import_module(f"vesselbench.stages.{word}")
    monkeypatch.setattr(sys, "argv", [f"{word}.py", *words])
    before = contents(Path())
    with pytest.raises(SystemExit) as stop:
        start(module.main)
    assert contents(Path()) == before
    assert re.fullmatch("(error: |stopped; ).+", stop.value.code), "one line"
    return stop.value.code.removeprefix("error: ")
