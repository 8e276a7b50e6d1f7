"""Where a training run keeps what it needs to go on after it was stopped. Outside the outputs that DVC manages,
since DVC removes those before it runs a stage."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pickle
import shutil
import zipfile
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
        self.previous = folder / "previous.pt"

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
            for part in self.folder.glob(".*.part*"):  # of a process that was killed while it wrote
                part.unlink()
            yield

    def save(self, state: Mapping[str, Any]) -> None:
        """Write a checkpoint; the one before stays beside it, and a stop at any moment leaves one of the two."""
        with whole_file(self.path) as path:
            with path.open("wb") as stream:  # given a path, torch hides that a disk is full
                torch.save({"identity": self.identity, **state}, stream)
                stream.flush()
                os.fsync(stream.fileno())
            if self.path.exists():
                self.path.replace(self.previous)

    def load(self) -> dict[str, Any] | None:
        """Return what ``save`` stored last, or before that if the last one is damaged, or None where nothing fits.

        Says what it sets aside, and why.
        """
        for path in (self.path, self.previous):
            if path.exists():
                state, reason = self._read(path)
                if not reason:
                    return state
                aside = path.with_suffix(".aside.pt")
                path.replace(aside)
                print(f"{path}: not used, {reason}; moved to {aside.name}", flush=True)
        return None

    def _read(self, path: Path) -> tuple[dict[str, Any] | None, str]:
        """Return the content, and why it is not to be used: empty if it is."""
        try:
            with zipfile.ZipFile(path) as archive:  # torch's format; torch itself does not compare the checksums
                damaged = archive.testzip()
            state = None if damaged else torch.load(path, map_location="cpu", weights_only=True)
        except (zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
            return None, f"it cannot be read ({type(error).__name__})"
        if state is None:
            return None, f"it is damaged (checksum of {damaged})"
        if state.get("identity") != self.identity:
            return None, "it was made with other parameters, data or code"
        return state, ""

    def remove(self) -> None:
        """Delete the run's folder: the run is done."""
        shutil.rmtree(self.folder, ignore_errors=True)
