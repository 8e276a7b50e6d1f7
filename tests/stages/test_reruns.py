"""What DVC runs again after a change: the stages that must, and no others; and a short training of every network."""

import json
import shutil
import subprocess
import sys

import pytest
import yaml
from tiny_project import LINE, ROOT, RUN, TRANSFER, UNTRAINED, dvc_environment, dvc_project, run_stage, write_params

pytestmark = pytest.mark.slow
TABLES = {"table@phantom", "gallery@phantom", "summary"}
MODELS = yaml.safe_load((ROOT / "params.yaml").read_text())["models"]


def test_what_is_stale_after_a_change(tmp_path):
    folder, environment = tmp_path / "project", dvc_environment()
    dvc_project(folder)

    def dvc(*words):
        command = [sys.executable, "-m", "dvc", *words]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stale():
        return set(json.loads(dvc("status", "--json")))  # stages whose own inputs have changed

    dvc("repro", "--quiet")
    assert stale() == set()
    again = "phantom-iternet-1"
    for changes, expected in (
        ({"train.demo.steps": 7}, {f"train@{RUN}"}),
        ({"predict.demo.output1": {"how": "whole", "output": 1}}, {f"predict@{RUN}"}),
        (
            {"evaluate.threshold": 0.4},
            {f"evaluate@{RUN}", f"evaluate@{UNTRAINED}", f"transfer@{TRANSFER}", "observer@phantom"},
        ),
        ({f"runs.{again}": LINE | {"seed": 1}}, {f"{w}@{again}" for w in ("train", "predict", "evaluate")} | TABLES),
    ):
        write_params(folder, changes)
        assert stale() == expected, changes
    write_params(folder)
    for name, expected in (
        ("reports/tables.py", TABLES),
        ("datasets/phantom/vessels.py", {"download@phantom"}),
        ("models/another.py", {"network@iternet", "network@iter_seg"}),
    ):
        path, original = (root / "src/vesselbench" / name for root in (folder, ROOT))
        path.write_text((path.read_text() if path.exists() else "") + "# a comment\n")
        assert stale() == expected, name
        if original.exists():
            shutil.copy(original, path)
    dvc("repro", "network")
    assert stale() == set(), "nothing behind `network`: what the networks are has not changed"


@pytest.mark.parametrize("model", [name for name in MODELS if name != "iter_seg"])
def test_every_network_trains(project, model):
    entry, run, channel = MODELS[model], f"phantom-{model}-0", "vessel"
    changes = {"runs": {run: LINE | {"model": model}}, "train.demo.steps": 2, "train.demo.patch": 64}
    if entry["network"] in ("iternet", "bfnet"):
        entry = entry | {"width": 4}
    if entry["network"] == "bfnet":  # two kinds at least; some take whole photographs
        kinds = "artery_vein_softmax" if entry["variant"] == "softmax" else "artery_vein"
        changes |= {"sources.phantom.task": "artery_vein", "train.demo.targets": kinds, "train.demo.patch": 144}
        changes |= {"train.demo.fit": ["pad", 144, 144], "predict.demo": {"whole": {"how": "whole", "output": 0}}}
        channel = "artery"
    write_params(project, changes | {"models": {model: entry}})
    for stage in (f"network@{model}", f"train@{run}", f"predict@{run}"):
        run_stage(project, stage)
    assert len(list((project / f"data/maps/phantom/{run}/whole/{channel}").iterdir())) == 2
