"""A full disk and Ctrl-C: nothing half-written, and a training that goes on where it was."""

import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from tiny_project import contents, refused, stage_process, write_params

from vesselbench.data.sources.phantom import drawing
from vesselbench.stages import predict, train
from vesselbench.training import checkpoint

FULL = Path("/dev/full")  # the system's own device that answers every write with "No space left on device"
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")


def fill_the_disk_at(name, module, writer, monkeypatch):
    """Let a module's writer, whose first argument is a file or its folder, find the disk full at the file ``name``."""
    write = getattr(module, writer)

    def write_until_full(path, *rest, **named):
        file = path / name if path.is_dir() else path
        if file.name == name:
            file.symlink_to(FULL)
        return write(path, *rest, **named)

    monkeypatch.setattr(module, writer, write_until_full)


@needs_full
@pytest.mark.parametrize(
    ("command", "target", "module", "writer", "name"),
    [
        ("download phantom", "data/raw/phantom", drawing, "write_mask", "p03.png"),
        (
            "predict phantom iternet 0 patched data",
            "data/predictions/phantom/iternet/0/patched",
            predict,
            "write_levels",
            "p05.png",
        ),
        ("train phantom iternet 0", "data/models/phantom/iternet/0", train, "save_network", "weights.safetensors"),
        ("train phantom iternet 1", "data/models/phantom/iternet/1", train, "save_network", "weights.safetensors"),
    ],
    ids=["download", "predict", "train again", "train"],
)
def test_full_disk(project, monkeypatch, command, target, module, writer, name):
    fill_the_disk_at(name, module, writer, monkeypatch)
    message = f"error: {target}: the disk is full; free some space and run the same command again"
    assert refused(command, monkeypatch) == message
    assert Path(target).exists() == (target != "data/models/phantom/iternet/1")


@needs_full
def test_full_disk_at_a_checkpoint(project, monkeypatch):
    whole_file = checkpoint.whole_file

    @contextmanager
    def on_a_full_disk(target):
        with whole_file(target) as path:
            path.symlink_to(FULL)
            yield path

    write_params(project, {"train": {"default": {"checkpoint_minutes": 0.0}}})
    monkeypatch.setattr(checkpoint, "whole_file", on_a_full_disk)
    assert refused("train phantom iternet 0", monkeypatch) == (
        "error: .checkpoints/phantom/iternet/0/last.pt: the disk is full; "
        "free some space and run the same command again"
    )
    assert [path.name for path in Path(".checkpoints/phantom/iternet/0").iterdir()] == ["lock"]


def test_ctrl_c_while_drawing(project, monkeypatch):
    def stop(path, mask):
        if path.name == "p02.png":
            raise KeyboardInterrupt

    monkeypatch.setattr(drawing, "write_mask", stop)
    line = refused("download phantom", monkeypatch)
    assert line == "stopped; nothing half-written is left, run the same command again"


def test_ctrl_c_while_training_and_the_next_run_goes_on(project):
    steps = {"steps": 100, "epoch": 50}
    write_params(project, {"train": {"default": {"checkpoint_minutes": 0.0}, "phantom": steps}})
    before = contents(project)
    process = stage_process(project, "train phantom iternet 0")
    first = Path(".checkpoints/phantom/iternet/0/last.pt")
    while not first.exists() and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of the process group
    out, error = process.communicate(timeout=300)
    assert process.returncode == 1, out + error
    last = error.splitlines()[-1]
    step = int(last.split()[4])
    assert last == f"error: stopped at step {step} of 100; run the same command again to go on"
    assert 10 <= step < 100
    assert "Traceback" not in error
    assert contents(project) == before

    for name, started in (("resumed", f"going on at step {step} of 100\n"), ("uninterrupted", "")):
        process = stage_process(project, "train phantom iternet 0")
        out, error = process.communicate(timeout=300)
        assert process.returncode == 0, out + error
        assert out.count("going on") == bool(started)
        assert started in out
        Path("data/models/phantom/iternet/0").rename(name)
    assert contents(Path("resumed")) == contents(Path("uninterrupted"))
    assert not first.exists()
