"""Stages without DVC: in order, side by side, once; what fails or runs out of time stops nothing else."""

import re
import shutil
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from machines import STAGES
from tiny_project import contents, write_params

from vesselbench.config import UserError
from vesselbench.offsite import run
from vesselbench.offsite.__main__ import main
from vesselbench.offsite.manifest import digests
from vesselbench.offsite.pack import check_pack, find_packs, pieces, read_manifest
from vesselbench.offsite.run import run_stages

PACKS = Path("packs")
TRAIN, PREDICT = STAGES[4:]


def go(*names, seconds=600.0, revision=None):
    return run_stages(names, PACKS, at_once=2, seconds=seconds, piece=2**20, revision=revision)


def test_each_runs_once_after_those_that_it_needs(away):
    lines = away[1].splitlines()
    assert sorted(line for line in lines if line.endswith(": started")) == sorted(f"{name}: started" for name in STAGES)
    place = {line.split(" after ")[0]: number for number, line in enumerate(lines)}
    begun, done = (lambda name: place[f"{name}: started"]), (lambda name: place[f"{name}: done"])
    assert done("download@phantom") < begun("split@phantom")
    assert max(map(done, STAGES[:3])) < begun(TRAIN)
    assert done(TRAIN) < begun(PREDICT)
    (ended,) = [line for line in lines if line.startswith(f"{TRAIN}: done")]
    assert re.fullmatch(
        rf"{TRAIN}: done after \d+ s, 0\.\d MiB packed; 4 steps in .*, [\d.]+ patches/s; last .*", ended
    )


def test_a_manifest_says_where_the_outputs_came_from(there):
    assert [pack.name for pack in find_packs(PACKS)] == sorted(f"{name.replace('@', '.')}.tar" for name in STAGES)
    manifest = check_pack(PACKS / "train.phantom-iternet-0.tar")
    assert (manifest.stage, manifest.command) == (TRAIN, "python -m vesselbench.stages.train phantom iternet 0")
    assert (manifest.revision, manifest.clean) == (there.git("rev-parse", "HEAD").strip(), True)
    assert manifest.params["train.phantom"]["steps"] == 4
    assert set(manifest.params) > {"run.budget", "train.default", "models.iternet.train"}
    assert manifest.inputs["src/vesselbench/stages/train.py"] == digests(["src"])["src/vesselbench/stages/train.py"]
    assert {"data/raw/phantom/samples.csv", "data/splits/phantom.csv"} < set(manifest.inputs)
    names = {"log.csv", "model.json", "weights.safetensors"}
    assert set(manifest.outs) == {f"data/models/phantom/iternet/0/{name}" for name in names}
    assert manifest.seconds > 0


def test_what_is_done_is_not_run_again(there, capsys):
    before = contents(there.folder / "data")
    shutil.rmtree("data/models")  # as on a machine to which only packs were carried
    assert go(*STAGES) == []
    assert capsys.readouterr().out.splitlines() == [f"{name}: done before" for name in STAGES]
    assert contents(there.folder / "data") == before


def test_a_failure_stops_only_what_needs_it(there, capsys):
    write_params(Path(), {"run": {"modes": ["whole"]}, "train": {"phantom": {"patch": 500}}})
    (PACKS / "fov.phantom.tar").unlink()
    assert go(PREDICT, TRAIN, "fov@phantom") == [
        f"{PREDICT}: needs {TRAIN}",
        f"{TRAIN}: failed, status 1, see packs/logs/train.phantom-iternet-0.log",
    ]
    assert pieces(PACKS / "fov.phantom.tar")
    lines = capsys.readouterr().out.splitlines()
    assert f"{TRAIN}: runs again, params.yaml: train.phantom.patch was 32, here it is 500" in lines
    (ended,) = [line for line in lines if line.startswith(f"{TRAIN}: failed")]
    assert ended.endswith("; error: params.yaml: train: patch is 500, but the training images are of 130 x 130 "
                              "pixels; take a smaller patch")  # fmt: skip


def test_time_that_runs_out(there, monkeypatch, capsys):
    changes = {"steps": 120, "checkpoint_minutes": 0.0001}
    write_params(Path(), {"run": {"modes": ["whole"]}, "train": {"phantom": changes}})
    checkpoint = Path(".checkpoints/phantom/iternet/0/last.pt")
    clock = SimpleNamespace(monotonic=lambda: 2.0 if checkpoint.exists() else 0.0, sleep=time.sleep)
    with monkeypatch.context() as patch:
        patch.setattr(run, "time", clock)
        assert go(TRAIN, PREDICT, seconds=1.0) == [f"{TRAIN}: stopped", f"{PREDICT}: needs {TRAIN}"]
    packed = PACKS / "train.phantom-iternet-0.checkpoint.tar"
    seconds = check_pack(packed).seconds
    shutil.rmtree(".checkpoints")  # as on another machine
    capsys.readouterr()
    assert go(TRAIN) == []
    assert capsys.readouterr().out.splitlines()[1] == f"{TRAIN}: goes on from {packed}"
    assert re.search(r"^going on at step \d+ of 120$", Path("packs/logs/train.phantom-iternet-0.log").read_text(), re.M)
    assert pieces(packed) == []
    assert read_manifest(PACKS / "train.phantom-iternet-0.tar").seconds > seconds


def test_no_time_at_all(there):
    Path("packs/split.phantom.tar").unlink()
    assert go("split@phantom", TRAIN, seconds=-1.0) == [
        "split@phantom: the time was over",
        f"{TRAIN}: needs split@phantom",
    ]


def test_a_stage_that_does_not_write(there):
    (PACKS / "split.phantom.tar").unlink()
    Path("data/splits/phantom.csv").unlink()
    Path("src/vesselbench/stages/split.py").write_text("")
    assert go("split@phantom") == [
        "split@phantom: failed, it did not write data/splits/phantom.csv, see packs/logs/split.phantom.log"
    ]


def test_an_input_that_is_not_there(there):
    shutil.rmtree("data/raw")
    text = f"{TRAIN} needs data/raw/phantom, which is not here; copy it here, or name download@phantom, too"
    with pytest.raises(UserError, match=f"^{re.escape(text)}$"):
        go(TRAIN)


def test_without_a_repository_the_commit_must_be_named(there, monkeypatch):
    shutil.rmtree(".git")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(there.folder.parent))
    text = "there is no Git repository here; name the commit of these files by --revision"
    with pytest.raises(UserError, match=f"^{re.escape(text)}$"):
        go("split@phantom")
    (PACKS / "split.phantom.tar").unlink()
    assert go("split@phantom", revision="c0ffee") == []
    manifest = read_manifest(PACKS / "split.phantom.tar")
    assert (manifest.revision, manifest.clean) == ("c0ffee", None)


def test_the_command_line_lists_what_is_not_done(there, monkeypatch):
    (PACKS / "split.phantom.tar").unlink()
    words = ["run", "split@phantom", "--seconds", "-1", "--out", "packs"]
    assert stopped(monkeypatch, *words) == (
        "not done, 1 of 1; the same command goes on:\nsplit@phantom: the time was over"
    )
    text = "error: --at-once 0, --piece 15: both must be at least 1; correct them"
    assert stopped(monkeypatch, *words, "--at-once", "0") == text


def stopped(monkeypatch, *words):
    """What the command prints last on stderr, before it exits with status 1."""
    monkeypatch.setattr(sys, "argv", ["offsite", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code
