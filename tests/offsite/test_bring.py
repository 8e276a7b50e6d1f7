"""Outputs come home whole and verified, or not at all."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from machines import STAGES
from repository import stages_run
from ruamel.yaml import YAML
from tiny_project import contents, write_params

from vesselbench.config import UserError
from vesselbench.offsite.bring import bring
from vesselbench.offsite.manifest import digest, digests
from vesselbench.offsite.pack import check_pack, write_pack

PACKS = Path("../packs")
WHOLE = {"run": {"modes": ["whole"]}}
TRAIN_PACK = PACKS / "train.phantom-iternet-0.tar"


def refused(*lines):
    before = contents(Path())
    with pytest.raises(UserError) as stop:
        bring(PACKS)
    assert str(stop.value).splitlines() == [*lines, "nothing was changed here"]
    assert contents(Path()) == before


def test_home_and_noted(home, away):
    printed = home.offsite("bring", "../packs")
    assert "warning" not in printed
    for stage in ("models", "predictions", "raw", "fov", "networks", "splits"):
        there, here = (contents(machine.folder / "data" / stage) for machine in (away[0], home))
        assert {name: digest for name, digest in here.items() if name != ".gitignore"} == there
    assert set(YAML(typ="safe").load(Path("dvc.lock"))["stages"]) == set(STAGES)
    assert json.loads(home("status", "--json", *STAGES)) == {}
    threshold = "threshold@phantom-iternet-0-whole"
    assert stages_run(home("repro", "--dry", threshold)) == {threshold}
    rows = Path("metrics/runs.csv").read_text().splitlines()
    assert rows[0] == "stage,device,torch,seconds,revision"
    assert [row.split(",")[0] for row in rows[1:]] == sorted(STAGES)
    commit = home.git("rev-parse", "HEAD").strip()
    assert all(row.endswith(f",{commit}") for row in rows[1:])

    # Once more, on a history that does not know the commit: a warning, and nothing changes.
    lock = Path("dvc.lock").read_bytes()
    home.git("checkout", "--quiet", "--orphan", "other")
    home.commit("other")
    for pack in PACKS.glob("[dfpst]*.tar"):  # leaves the network's
        pack.unlink()
    printed = home.offsite("bring", "../packs")
    text = f"revision {commit[:12]} is none of this branch's; its code, data and parameters are those here"
    assert f"warning: network@iternet: {text}" in printed.splitlines()
    assert Path("dvc.lock").read_bytes() == lock
    assert Path("metrics/runs.csv").read_text().splitlines() == rows


def test_other_parameters(home):
    write_params(Path(), WHOLE, {"train": {"phantom": {"steps": 5}}})
    refused(
        f"{TRAIN_PACK}: params.yaml: train.phantom.steps was 4, here it is 5; put that value back, or run the stage "
        "there again with the file of here"
    )


def test_other_code_and_data(home, away):
    commit = home.git("rev-parse", "HEAD")[:12]
    code, data = "src/vesselbench/stages/split.py", "data/raw/phantom/samples.csv"
    for path in PACKS.glob("download*"):
        path.unlink()  # so that the data are those at home, of which there are none but this file
    Path(data).parent.mkdir(parents=True)
    Path(data).write_text("other\n")
    was = digests([str(away[0].folder / path) for path in (code, data)])
    Path(code).write_text(Path(code).read_text() + "# changed\n")
    now = digests([code, data])
    expected = [
        f"{PACKS}/split.phantom.tar: {path}: it was sha256 {there[:12]}..., here it is sha256 {now[path][:12]}...; "
        f"check out revision {commit}, or run the stage there again with the file of here"
        for path, there in zip((data, code), [was[str(away[0].folder / path)] for path in (data, code)], strict=True)
    ]
    with pytest.raises(UserError) as stop:
        bring(PACKS)
    lines = str(stop.value).splitlines()
    assert [line for line in lines if "/split.phantom.tar" in line] == expected
    assert any(
        re.search(r"train\S+: data/raw/phantom/\S+: it was sha256 \S+, here it is absent; ", line) for line in lines
    )
    assert lines[-1] == "nothing was changed here"
    assert not Path("data/models").exists()


def test_an_output_that_was_touched(home):
    said = check_pack(TRAIN_PACK).outs["data/models/phantom/iternet/0/log.csv"]
    content = TRAIN_PACK.read_bytes()
    assert content.count(b"step,loss,") == 1
    TRAIN_PACK.write_bytes(content.replace(b"step,loss,", b"step,lass,"))
    with pytest.raises(UserError) as stop:
        bring(PACKS)
    first, *_, last = str(stop.value).splitlines()
    assert re.fullmatch(
        rf"{re.escape(str(TRAIN_PACK))}: data/models/phantom/iternet/0/log\.csv: the manifest says {said[:12]}, "
        r"the pack holds \w{12}; copy it here again with all its pieces",
        first,
    )
    assert last == "nothing was changed here"
    assert not Path("data").exists()


def test_a_stage_that_is_not_here(home):
    for pack in PACKS.glob("[dfpst]*.tar"):  # leaves the network's
        pack.unlink()
    write_params(Path(), WHOLE, {"run": {"models": ["unet"]}})
    refused(f"{PACKS}/network.iternet.tar: it holds stage network@iternet, which dvc.yaml does not have; take it away")


def test_a_checkpoint_comes_home(home, monkeypatch, capsys):
    monkeypatch.delenv("VESSELBENCH_CHECKPOINTS", raising=False)
    manifest = check_pack(TRAIN_PACK)
    for pack in PACKS.glob("*.tar"):
        pack.unlink()
    path, pack = Path(".checkpoints/phantom/iternet/0/last.pt"), PACKS / "train.phantom-iternet-0.checkpoint.tar"
    made = Path("../last.pt")
    made.write_bytes(b"weights")
    write_pack(pack, replace(manifest, outs={"last.pt": digest(made)}), {"last.pt": made}, 2**20)
    bring(PACKS)
    assert capsys.readouterr().out == f"{manifest.stage}: goes on from {pack}\n"
    assert path.read_bytes() == b"weights"
    bring(PACKS)
    assert capsys.readouterr().out == ""
    path.write_bytes(b"later")
    bring(PACKS)
    expected = f"{manifest.stage}: {path} stays as it is; delete it to go on from {pack} instead\n"
    assert capsys.readouterr().out == expected
    assert path.read_bytes() == b"later"


def test_nothing_to_bring(home):
    with pytest.raises(UserError, match=r"^src: no pack \(\*\.tar, \*\.tar\.000\) here; name the folder that run "):
        bring(Path("src"))
