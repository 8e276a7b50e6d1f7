"""dvc.yaml read without DVC is what DVC makes of it."""

import re
from pathlib import Path

import pytest
from dvc.dependency import ParamsDependency
from dvc.repo import Repo

from vesselbench.config import UserError
from vesselbench.offsite.stages import Stage, chosen, makers, read_stages

ROOT = Path(__file__).parents[2]
SMALL = """
stages:
  draw: {cmd: draw, outs: [raw: {cache: false}]}
  train:
    vars: [{root: data}]
    matrix: {model: '${run.models}', seed: '${run.seeds}'}
    cmd: train ${item.model} ${root}
    deps: [raw/one.png]
    params: ['models.${item.model}', run.budget]
    outs: ['${root}/${item.model}/${item.seed}']
    metrics: ['${root}/${run.budget}.json': {cache: false}]
"""


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").write_text(SMALL)
    Path("params.yaml").write_text("run: {models: [a, b], seeds: [0, 1], budget: full}\n")
    return read_stages()


def test_every_stage_is_what_dvc_resolves(monkeypatch):
    monkeypatch.chdir(ROOT)
    with Repo(str(ROOT)) as repo:
        resolved = {}
        for stage in repo.index.stages:
            paths = sorted(dep.def_path for dep in stage.deps if not isinstance(dep, ParamsDependency))
            keys = sorted(key for dep in stage.deps if isinstance(dep, ParamsDependency) for key in dep.params)
            resolved[stage.addressing] = (stage.cmd, paths, keys, sorted(out.def_path for out in stage.outs))
    read = read_stages()
    assert len(read) > 100
    assert {s.name: (s.command, sorted(s.deps), sorted(s.params), sorted(s.outs)) for s in read.values()} == resolved
    assert list(read) == [stage.name for stage in read.values()]


def test_a_matrix_is_multiplied_out(small):
    assert list(small) == ["draw", "train@a-0", "train@a-1", "train@b-0", "train@b-1"]
    outs = ("data/b/1", "data/full.json")
    assert small["train@b-1"] == Stage("train@b-1", "train b data", ("raw/one.png",), ("models.b", "run.budget"), outs)
    assert small["train@b-1"].file == "train.b-1"


def test_who_makes_what(small):
    every = small.values()
    assert makers(["raw"], every) == makers(["raw/one.png"], every) == ["draw"]
    assert makers(["data"], every) == ["train@a-0", "train@a-1", "train@b-0", "train@b-1"]
    assert makers(["data/a"], every) == ["train@a-0", "train@a-1"]
    assert makers(["data/a/10", "ra"], every) == []


@pytest.mark.parametrize(
    ("name", "known"), [("train@c-0", "train@a-0, train@a-1, train@b-0, train@b-1"), ("fit@a-0", "draw, train")]
)
def test_unknown_stage(small, name, known):
    text = f"dvc.yaml: no stage {name}; choose among {known}, or add to run in params.yaml"
    with pytest.raises(UserError, match=f"^{re.escape(text)}$"):
        chosen(small, ["draw", name])


def test_undefined_name(small):
    Path("params.yaml").write_text("run: {models: [a], seeds: [0]}\n")
    text = "dvc.yaml: run.budget is not defined in params.yaml; add it there or correct the name"
    with pytest.raises(UserError, match=f"^{re.escape(text)}$"):
        read_stages()


def test_another_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^params\.yaml: no such file; run this from the root of the repository$"):
        read_stages()
