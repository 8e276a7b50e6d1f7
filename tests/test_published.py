"""The remote that travels in Git: whole, small, and without anything that belongs to the data sets' owners."""

import hashlib
import io
import json
import re
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from safetensors.torch import load

ROOT = Path(__file__).parents[1]
PARAMS, LOCK = (yaml.load((ROOT / name).read_text(), yaml.CSafeLoader) for name in ("params.yaml", "dvc.lock"))
OBJECTS = {path.parent.name + path.name: path for path in (ROOT / "published/files/md5").glob("??/*")}
REAL = {f"evaluate@{run}" for run, line in PARAMS["runs"].items() if not line["data"].startswith("phantom")}
SPLITS = {f"observer@{split}" for split, entry in PARAMS["splits"].items() if not entry["data"].startswith("phantom")}
MAPS = {out["md5"] for run in PARAMS["published"] for out in LOCK["stages"].get(f"predict@{run}", {}).get("outs", ())}
needs_runs = pytest.mark.skipif(not REAL & LOCK["stages"].keys(), reason="dvc.lock has no run on real data")


@needs_runs
def test_it_holds_what_the_lock_says_and_nothing_else():
    stages = REAL | SPLITS | {f"train@{run}" for run in PARAMS["published"]}
    stages |= {f"transfer@{run}" for run in PARAMS["transfers"]}
    outs = [out for name, stage in LOCK["stages"].items() if name in stages for out in stage["outs"]]
    outs = MAPS | {out["md5"] for out in outs if not out["path"].startswith("data/maps")}
    folders = [OBJECTS[md5] for md5 in outs if md5.endswith(".dir")]
    assert OBJECTS.keys() == outs | {entry["md5"] for path in folders for entry in json.loads(path.read_text())}


@needs_runs
def test_its_objects_are_whole_small_and_no_pictures_but_maps():
    entries = [entry for md5 in MAPS for entry in json.loads(OBJECTS[md5].read_text())]
    maps = {entry["md5"] for entry in entries if re.fullmatch(r"\w+/(vessel|artery|vein)/\w+\.png", entry["relpath"])}
    for name, path in OBJECTS.items():
        data = path.read_bytes()
        assert hashlib.md5(data, usedforsecurity=False).hexdigest() == name.removesuffix(".dir")
        if name in maps:
            assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED).dtype == np.uint16, "no label"
        elif b"\0" in data:
            np.load(io.BytesIO(data)) if data.startswith(b"PK") else load(data)
        elif data[:1] in b"[{":
            json.loads(data)
        else:
            assert b"," in data.splitlines()[0], "a table, with columns in its first line"
    assert sum(path.stat().st_size for path in OBJECTS.values()) <= 150 * 2**20


def test_git_has_no_photograph_label_or_mask_and_takes_no_new_object_unless_forced():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    assert [path for path in listed.split() if re.match("data/(?!splits/)|plots/gallery/", path)] == []
    ignored = subprocess.run(["git", "check-ignore", "--quiet", "published/files/md5/00/new"], cwd=ROOT)
    assert ignored.returncode == 0, "a plain 'dvc push' would put photographs there"
