"""Where a training run keeps what it needs to go on after it was stopped. Outside the outputs that DVC manages,
since DVC removes those before it runs a stage."""

from __future__ import annotations

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


def checkpoint_folder(*names: str) -> Path:
    """Folder of a run's checkpoint: below $VESSELBENCH_CHECKPOINTS where set, else below ``.checkpoints``."""
    return Path(os.environ.get("VESSELBENCH_CHECKPOINTS", ".checkpoints")).joinpath(*names)


def fingerprint(**inputs: Any) -> str:
    """Digest of everything that decides a run: a checkpoint of another digest belongs to another run."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


class Checkpoint:
    """The checkpoint of one run.

    Parameters
    ----------
    folder
        Where it lives.
    identity
        The run's fingerprint.
    """

    def __init__(self, folder: Path, identity: str):
        self.folder = folder
        self.identity = identity
        self.path = folder / "last.pt"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run for this process.

        Raises
        ------
        UserError
            Another process trains it now.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"{self.folder}: another process trains this run now; wait for it, or stop it with Ctrl-C"
                ) from None
            yield

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the checkpoint in one step; a stop in between leaves the one before."""
        with whole_file(self.path) as path, path.open("wb") as stream:  # given a path, torch hides that a disk is full
            torch.save({"identity": self.identity, **state}, stream)

    def load(self) -> dict[str, Any] | None:
        """Return what ``save`` stored, or None where there is nothing that fits; says what it sets aside, and why."""
        if not self.path.exists():
            return None
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
            return self._set_aside(f"it cannot be read ({type(error).__name__})")
        if state.get("identity") != self.identity:
            return self._set_aside("it was made with other parameters, data or code")
        return state

    def _set_aside(self, reason: str) -> None:
        aside = self.path.with_suffix(".aside.pt")
        self.path.replace(aside)
        print(f"{self.path}: not used, {reason}; moved to {aside.name}, training starts at step 0", flush=True)

    def remove(self) -> None:
        """Delete the run's folder: the run is done."""
        shutil.rmtree(self.folder, ignore_errors=True)
