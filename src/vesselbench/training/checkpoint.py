"""Where a training run keeps what it needs to go on after it was stopped.

Outside the outputs that DVC manages, since DVC removes those before it runs a stage.
"""

import fcntl
import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from vesselbench.config import UserError
from vesselbench.files import whole_file


class Checkpoint:
    """The checkpoint of one run: one file in a folder, replaced in one step.

    ``inputs`` is everything that decides the run, as JSON takes it: a run with other inputs has another file.
    """

    def __init__(self, folder: Path, **inputs: Any):
        self.folder = folder
        fingerprint = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
        self.path = folder / f"{fingerprint[:16]}.pt"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run for this process; UserError if another one trains it now."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                advice = "wait for it, or stop it with Ctrl-C"
                raise UserError(f"{self.folder}: another process trains this run now; {advice}") from None
            for part in self.folder.glob(".*.part*"):  # of a process that was killed while it wrote
                part.unlink()
            yield

    def save(self, state: Mapping[str, Any]) -> None:
        """Write a state; a stop at any moment leaves this one or the one before."""
        with whole_file(self.path) as path, path.open("wb") as stream:  # given a path, torch hides that a disk is full
            torch.save(dict(state), stream)
            stream.flush()
            os.fsync(stream.fileno())

    def load(self) -> dict[str, Any] | None:
        """Read what ``save`` stored last; None where there is nothing, UserError if the file is damaged."""
        if not self.path.exists():
            return None
        try:
            return torch.load(self.path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
            fault = f"damaged, a checkpoint must be whole ({type(error).__name__})"
            raise UserError(f"{self.path}: {fault}; delete it to start over") from error

    def remove(self) -> None:
        """Delete the run's folder: the run is done."""
        shutil.rmtree(self.folder, ignore_errors=True)
