"""Several machines that share a DVC remote: what one has trained, no other trains again."""

import shutil

import pytest
from repository import Repository, stages_run, stages_taken_from_cache, stages_unchanged
from ruamel.yaml import YAML
from tiny_project import contents, write_params

# A second network in the table, as quick as the first.
TWO_MODELS = {
    "run": {"models": ["iternet", "single"], "modes": ["whole"]},
    "models": {
        "single": {"network": "iternet", "preprocess": "rgb", "width": 4, "iterations": 1, "train": {}, "predict": {}}
    },
}
# Outputs that Git tracks are not in the cache. Without them in Git these run again, in seconds, and no other stage.
SPLIT, TABLE = "split@phantom", {"table@phantom", "summary"}

OBSERVER = "observer@phantom"
DATA = {"download@phantom", "fov@phantom", OBSERVER}


def of(model: str) -> set[str]:
    """Names of the stages that make one network's scores."""
    words = ("train@phantom-{}-0", "predict@phantom-{}-0-whole", "threshold@phantom-{}-0-whole")
    words += ("evaluate@phantom-{}-0-whole", "network@{}")
    return {word.format(model) for word in words}


@pytest.fixture
def first(tabled, tmp_path):
    """The machine that made the table of one network."""
    shutil.copytree(tabled.folder, tmp_path / "first")
    return connect("first", tmp_path)


def clone(name, origin, tmp_path):
    """Return another machine: a clone at the origin's commit, with a cache of its own."""
    origin.git("clone", "--quiet", str(origin.folder), str(tmp_path / name))
    return connect(name, tmp_path)


def connect(name, tmp_path):
    machine = Repository(tmp_path / name, tmp_path / f"private_{name}")
    machine("remote", "add", "--local", "--default", "shared", str(tmp_path / "remote"))
    return machine


def locked(machine):
    """What DVC notes of each stage; the order in the file is that in which they ran."""
    return YAML(typ="safe").load(machine.folder / "dvc.lock")


def test_a_clone_with_the_results_in_git_runs_nothing(first, tmp_path):
    first("push", "--run-cache")
    (first.folder / "NEWS.md").write_text("a later commit\n")
    first.commit("news")

    second = clone("second", first, tmp_path)
    second("pull", "--run-cache")
    # Whatever stage is run now, fails.
    forbidden = tmp_path / "forbidden/python"
    forbidden.parent.mkdir()
    forbidden.write_text("#!/bin/sh\nexit 9\n")
    forbidden.chmod(0o755)
    second.environment["PATH"] = f"{forbidden.parent}:{second.environment['PATH']}"
    output = second("repro")
    assert stages_unchanged(output) == of("iternet") | DATA | {SPLIT} | TABLE
    assert "Data and pipelines are up to date." in output
    assert second.git("status", "--porcelain") == ""
    for folder in ("data", "metrics", "plots"):
        assert contents(second.folder / folder) == contents(first.folder / folder)


def test_two_machines_train_one_network_each_and_every_machine_gets_the_table(first, tmp_path):
    # The commit from which both start: two networks to train, and no results in Git, neither files nor dvc.lock.
    first.git("checkout", "--quiet", "-b", "two", "main~1")
    write_params(first.folder, TWO_MODELS)
    first.commit("two networks")
    second, third = (clone(name, first, tmp_path) for name in ("second", "third"))

    # The first machine has trained its network already, see the fixture; else all its stages would run here.
    assert stages_run(first("repro", "evaluate@phantom-iternet-0-whole")) == {SPLIT}
    first("push", "--run-cache")
    assert stages_run(second("repro", "--pull", "evaluate@phantom-single-0-whole")) == {SPLIT} | of("single")
    second("push", "--run-cache")

    output = third("repro", "--pull")  # of the observer's scores there is a note, but neither machine made them again
    assert stages_run(output) == {SPLIT, OBSERVER} | TABLE
    assert stages_taken_from_cache(output) == of("iternet") | of("single") | DATA - {OBSERVER}
    assert stages_run(first("repro", "--pull")) == TABLE
    assert contents(first.folder / "metrics") == contents(third.folder / "metrics")
    assert locked(first) == locked(third)
    for machine, model in ((first, "iternet"), (second, "single")):
        trained = f"data/models/phantom/{model}/0"
        assert contents(third.folder / trained) == contents(machine.folder / trained)
