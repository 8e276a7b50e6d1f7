"""What DVC runs again after a change: the stages that must, and no others; and a short training of every network."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import yaml
from tiny_project import LINE, ROOT, RUN, UNTRAINED, run_stage, write_params

pytestmark = pytest.mark.slow
TABLES = {"table@phantom", "gallery@phantom", "summary"}
MODELS = yaml.safe_load((ROOT / "params.yaml").read_text())["models"]


def test_what_is_stale_after_a_change(tmp_path):
    (tmp_path / ".dvc").mkdir()
    for name in (".dvc/config", ".dvc/plots", ".dvcignore", "dvc.yaml", "src"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    (tmp_path / ".dvc/config.local").write_text("[core]\n    no_scm = true\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "VESSELBENCH_"))}
    environment |= {f"DVC_{kind}_DIR": ".dvc/private" for kind in ("GLOBAL_CONFIG", "SITE_CACHE", "SYSTEM_CONFIG")}
    environment |= {"DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": "src"}
    environment["PATH"] = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"

    def dvc(*words):
        command = [sys.executable, "-m", "dvc", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stale():
        return set(json.loads(dvc("status", "--json")))  # stages whose own inputs have changed

    write_params(tmp_path)
    dvc("repro", "--quiet")
    assert stale() == set()
    again = "phantom-iternet-1"
    for changes, expected in (
        ({"train.demo.steps": 7}, {f"train@{RUN}"}),
        ({"predict.demo.output1": {"how": "whole", "output": 1}}, {f"predict@{RUN}"}),
        ({"evaluate.threshold": 0.4}, {f"evaluate@{RUN}", f"evaluate@{UNTRAINED}", "observer@phantom"}),
        ({f"runs.{again}": LINE | {"seed": 1}}, {f"{w}@{again}" for w in ("train", "predict", "evaluate")} | TABLES),
    ):
        write_params(tmp_path, changes)
        assert stale() == expected, changes
    write_params(tmp_path)
    for name, expected in (
        ("reports/tables.py", TABLES),
        ("datasets/phantom/vessels.py", {"download@phantom"}),
        ("models/another.py", {"network@iternet", "network@iter_seg"}),
    ):
        path, original = (root / "src/vesselbench" / name for root in (tmp_path, ROOT))
        path.write_text((path.read_text() if path.exists() else "") + "# a comment\n")
        assert stale() == expected, name
        if original.exists():
            shutil.copy(original, path)
    dvc("repro", "network")
    assert stale() == set(), "nothing behind `network`: what the networks are has not changed"


@pytest.mark.parametrize("model", [name for name in MODELS if name != "iter_seg"])
def test_every_network_trains(project, model):
    entry, run = MODELS[model] | ({"width": 4} if MODELS[model]["network"] == "iternet" else {}), f"phantom-{model}-0"
    changes = {"models": {model: entry}, "runs": {run: LINE | {"model": model}}}
    write_params(project, changes | {"train.demo.steps": 2, "train.demo.patch": 64})
    for stage in (f"network@{model}", f"train@{run}", f"predict@{run}"):
        run_stage(project, stage)
    assert len(list((project / f"data/maps/phantom/{run}/whole/vessel").iterdir())) == 2
