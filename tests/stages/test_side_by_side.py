"""The tiny project by ``vesselbench run`` on two workers: the bytes of stages one by one, also where a worker dies."""

import shutil
import subprocess
import sys
import time

import psutil
import pytest
from tiny_project import RUN, contents, dvc_environment, dvc_project, run_stage

pytestmark = pytest.mark.slow
CODE = "from vesselbench.cli import main; main()"


def start(folder, *words):
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "env": dvc_environment()}
    return subprocess.Popen([sys.executable, "-c", CODE, "run", *words, "--workers", "2"], cwd=folder, **how)


def test_all_stages_side_by_side_make_the_bytes_of_one_by_one(tmp_path, finished):
    folder = tmp_path / "project"
    dvc_project(folder)
    process = start(folder)
    printed, _ = process.communicate(timeout=600)
    assert process.returncode == 0, printed
    assert printed.endswith("16 run\n")
    for name in ("data", "metrics", "plots", "docs"):
        assert contents(folder / name) == contents(finished / name), name
    again = subprocess.run(
        [sys.executable, "-m", "dvc", "repro"], cwd=folder, env=dvc_environment(), capture_output=True, text=True
    )
    assert "Running stage" not in again.stdout + again.stderr
    assert "Data and pipelines are up to date." in again.stdout


def test_a_training_whose_worker_is_killed_goes_on_at_another(tmp_path, monkeypatch):
    folder, undisturbed = tmp_path / "project", tmp_path / "undisturbed"
    dvc_project(folder, {"train.demo.steps": 300, "train.demo.epoch": 100})
    loop = folder / "src/vesselbench/training/loop.py"
    loop.write_text(loop.read_text().replace("CHECKPOINT_SECONDS = ", "CHECKPOINT_SECONDS = 0 * "))  # every ten steps
    process = start(folder, f"train@{RUN}")
    while not list((folder / ".checkpoints" / RUN).glob("[!.]*.pt")) and process.poll() is None:
        time.sleep(0.01)
    offspring = psutil.Process(process.pid).children(recursive=True)
    guards = [each for each in offspring if any("guard.py" in word for word in each.cmdline())]
    guards[0].parent().kill()  # of the only stage that runs now: its worker
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0, printed
    assert " again, since worker " in printed
    assert "going on at step " in (folder / f".dvc/tmp/run/train@{RUN}.log").read_text()
    shutil.copytree(folder, undisturbed)
    shutil.rmtree(undisturbed / "data/models")
    monkeypatch.delenv("VESSELBENCH_CHECKPOINTS", raising=False)
    run_stage(undisturbed, f"train@{RUN}")
    assert contents(undisturbed / "data/models") == contents(folder / "data/models")
