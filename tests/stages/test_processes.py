"""Two processes that share a run, started by Fabric as on two GPUs, but on the CPU."""

import os
import signal
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from tiny_project import contents, run_stage, stage_process, write_params

from vesselbench.training.checkpoint import Checkpoint

TRAIN, OUTPUT = "train phantom iternet 0", Path("data/models/phantom/iternet/0")
LAST = Path(".checkpoints/phantom/iternet/0/last.pt")


def finish(project, command):
    process = stage_process(project, command)
    out, error = process.communicate(timeout=300)
    return process.returncode, out, error


def set_up(project, devices, steps=20, **model):
    recipe = {"steps": steps, "epoch": 5, "hardware": {"devices": devices}}
    write_params(
        project,
        {"models": {"iternet": model}, "train": {"phantom": recipe, "default": {"checkpoint_minutes": 0.0}}},
        {"predict": {"default": {"hardware": {"devices": devices}}}},
    )


def test_two_processes_train_as_one(project):
    results = []
    for devices in (1, 2):
        set_up(project, devices, dropout=0.0)  # each process draws its own dropout
        run_stage(project, "network iternet")
        code, out, error = finish(project, TRAIN)
        assert code == 0, error
        assert out.count("training iternet on 3 images") == 1, "one process speaks"
        results.append((pd.read_csv(OUTPUT / "log.csv"), load_file(OUTPUT / "weights.safetensors")))
    (log, weights), (shared_log, shared_weights) = results
    pd.testing.assert_frame_equal(log, shared_log, rtol=0, atol=2e-5)
    assert log.loss.nunique() == 4
    for name, tensor in weights.items():
        torch.testing.assert_close(shared_weights[name], tensor, rtol=0, atol=2e-3)


def test_two_processes_stopped_go_on_where_they_were(project):
    set_up(project, devices=2, steps=60)
    before = contents(project)
    process = stage_process(project, TRAIN)
    while not LAST.exists() and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGTERM)  # reaches the first process alone, as from a scheduler
    _, error = process.communicate(timeout=300)
    assert process.returncode == 1, error
    lines = [line for line in error.splitlines() if line.startswith("error:")]
    assert len(lines) == 1
    step = int(lines[0].split()[4])
    assert lines == [f"error: stopped at step {step} of 60; run the same command again to go on"]
    assert "Traceback" not in error
    assert contents(project) == before

    for name, started in (("resumed", f"going on at step {step} of 60\n"), ("uninterrupted", "")):
        code, out, error = finish(project, TRAIN)
        assert code == 0, error
        assert out.count("going on") == bool(started)
        assert started in out
        OUTPUT.rename(name)
    assert contents(Path("resumed")) == contents(Path("uninterrupted"))


@pytest.mark.parametrize("mode", ["whole", "patched"])
def test_two_processes_predict_as_one(project, mode):
    folder = Path("data/predictions/phantom/iternet/0", mode)
    alone = contents(folder / "test")
    set_up(project, devices=2)
    code, _, error = finish(project, f"predict phantom iternet 0 {mode} data")
    assert code == 0, error
    assert contents(folder / "test") == alone
    assert len(alone) == 2
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


def test_a_run_that_another_process_holds_is_refused_once(project):
    set_up(project, devices=2)
    with Checkpoint(LAST.parent, "another").lock():
        code, _, error = finish(project, TRAIN)
    assert code == 1
    said = [line for line in error.splitlines() if "error" in line.lower()]
    assert said == [
        f"error: {LAST.parent}: another process trains this run now; wait for it, or stop it with Ctrl-C",
    ]
