"""The remote that travels in Git: whole, small, and without anything that belongs to the data sets' owners."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
OBJECTS = ROOT / "published/files/md5"
MEGABYTES = 200


def asked(what):
    command = [sys.executable, "published/paths.py", what]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split()


@pytest.fixture(scope="module")
def locked():
    """Path of each output -> its MD5 in dvc.lock."""
    stages = YAML(typ="safe").load(ROOT / "dvc.lock")["stages"].values()
    return {out["path"]: out["md5"] for stage in stages for out in stage.get("outs", ())}


def path_of(md5):
    return OBJECTS / md5[:2] / md5[2:]


def test_it_holds_what_the_lock_says_and_nothing_else(locked):
    expected = set()
    for path in asked("pull"):
        assert path in locked, "published, but not in dvc.lock"
        expected.add(locked[path])
        if locked[path].endswith(".dir"):
            expected |= {entry["md5"] for entry in json.loads(path_of(locked[path]).read_text())}
    assert {path.parent.name + path.name for path in OBJECTS.rglob("*") if path.is_file()} == expected


def test_every_object_is_whole():
    objects = [path for path in OBJECTS.rglob("*") if path.is_file()]
    assert objects
    for path in objects:
        found = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        assert path.parent.name + path.name.removesuffix(".dir") == found
    assert sum(path.stat().st_size for path in objects) <= MEGABYTES * 2**20


def test_it_holds_no_photograph_label_or_picture_of_one():
    assert {path.split("/")[1] for path in asked("pull")} == {"predictions", "thresholds", "weights", "networks"}


def test_git_takes_new_objects_only_when_forced_to():
    """A plain ``dvc push`` would put the photographs there, too."""
    command = ["git", "check-ignore", "--quiet", "published/files/md5/00/new"]
    assert subprocess.run(command, cwd=ROOT).returncode == 0


def test_tables_are_made_without_training_or_prediction():
    words = {stage.split("@")[0].removeprefix("more_") for stage in asked("repro")}
    assert words == {"download", "split", "fov", "observer", "evaluate", "table", "card", "summary"}
    with Repo(str(ROOT)) as repo:
        outs = {stage.addressing: [out.def_path for out in stage.outs] for stage in repo.index.stages}
    made = {path for stage in asked("repro") for path in outs[stage]}
    assert not made & set(asked("pull")), "both published and made anew"
