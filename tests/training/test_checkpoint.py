"""Checkpoints: whole or as before, of one run only, and held by one process."""

import subprocess
import sys
from unittest.mock import Mock

import pytest
import torch

from vesselbench.config import UserError
from vesselbench.training.checkpoint import Checkpoint

HOLD = (
    "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_SH); print(flush=True); sys.stdin.read()"
)


def test_what_was_saved_last_is_loaded_and_a_failing_save_keeps_it(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path, seed=1)
    assert checkpoint.load() is None
    for step in (3, 4):
        checkpoint.save({"step": step, "weights": torch.full((3,), float(step))})
    monkeypatch.setattr(torch, "save", Mock(side_effect=OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save({"step": 5})
    assert checkpoint.load()["weights"].tolist() == [4, 4, 4]
    assert list(tmp_path.iterdir()) == [checkpoint.path]


@pytest.mark.parametrize("end", [0, 10, 100, -100])
def test_a_damaged_checkpoint_is_an_error_that_says_delete_it_and_other_inputs_have_another_file(tmp_path, end):
    checkpoint = Checkpoint(tmp_path, seed=1, data="x")
    checkpoint.save({"weights": torch.zeros(10_000)})
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:end])
    with pytest.raises(UserError, match=rf"{checkpoint.path}: damaged, .* must be whole \(\w+\); delete it to start"):
        Checkpoint(tmp_path, data="x", seed=1).load()
    assert Checkpoint(tmp_path, seed=2, data="x").load() is None


def test_a_run_that_another_process_holds_is_refused(tmp_path):
    checkpoint, pipe = Checkpoint(tmp_path / "run", seed=1), subprocess.PIPE
    (tmp_path / "run").mkdir()
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "run/lock"], stdin=pipe, stdout=pipe) as other:
        other.stdout.readline()
        with pytest.raises(UserError, match="another process trains this run now; wait for it"), checkpoint.lock():
            pytest.fail("both hold it")
    (tmp_path / "run/.half.1234.part.pt").touch()  # of a process that was killed while it wrote
    with checkpoint.lock():
        assert [path.name for path in checkpoint.folder.iterdir()] == ["lock"]
        checkpoint.remove()
    assert list(tmp_path.iterdir()) == []
