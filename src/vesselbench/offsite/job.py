"""One stage as a process: started, stopped, and packed when it is done."""

from __future__ import annotations

import math
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vesselbench.config import UserError
from vesselbench.offsite.checkpoints import ENDING, pack_checkpoint, take_checkpoint
from vesselbench.offsite.manifest import Manifest, differences, digests
from vesselbench.offsite.pack import check_pack, pieces, read_manifest, remove_pack, unpack, write_pack
from vesselbench.offsite.stages import Stage

PATIENCE = 60  # seconds that a stage may take to stop


class Job:
    """A stage that runs here.

    Parameters
    ----------
    stage
        Which.
    manifest
        What is known of the run before it starts.
    folder
        Of the packs; the log goes to a folder ``logs`` below it.
    piece
        Largest size of a file of a pack, in bytes.
    """

    def __init__(self, stage: Stage, manifest: Manifest, folder: Path, piece: int):
        self.stage, self.manifest, self.folder, self.piece = stage, manifest, folder, piece
        self.pack = folder / f"{stage.file}.tar"
        self.log = folder / "logs" / f"{stage.file}.log"
        self.killed_at = math.inf

    def done_before(self, params: Mapping[str, Any]) -> bool:
        """Whether the pack of a run with the same inputs is here; its outputs are put in place if they are not."""
        if not pieces(self.pack):
            return False
        try:
            manifest = check_pack(self.pack)
        except UserError as error:
            print(f"{self.stage.name}: runs again, {error}", flush=True)
            return False
        if lines := differences(manifest, self.stage, params, self.manifest.inputs):
            print(f"{self.stage.name}: runs again, {lines[0].split(';')[0]}", flush=True)
            return False
        if digests(self.stage.outs) != manifest.outs:
            for out in self.stage.outs:
                unpack(self.pack, out, Path(out))
        print(f"{self.stage.name}: done before", flush=True)
        return True

    def start(self, params: Mapping[str, Any]) -> None:
        """Start the process; a training goes on from its checkpoint, in place or packed, and counts its time on."""
        earlier = self.folder / f"{self.stage.file}{ENDING}"
        if pieces(earlier):
            before = read_manifest(earlier)
            if not differences(before, self.stage, params, self.manifest.inputs):
                devices = dict.fromkeys([*before.device.split(" + "), self.manifest.device])
                self.manifest = replace(self.manifest, seconds=before.seconds, device=" + ".join(devices))
            if said := take_checkpoint(self.stage, self.folder):
                print(f"{self.stage.name}: {said}", flush=True)
        program, *words = shlex.split(self.stage.command)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as stream:
            self.process = subprocess.Popen(
                [sys.executable if program == "python" else program, *words],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C on the keyboard reaches it through stop() alone, and its children with it
            )
        self.begun = time.monotonic()
        print(f"{self.stage.name}: started", flush=True)

    def stop(self) -> None:
        """Ask the process to stop, once; kill it when it has not after ``PATIENCE`` seconds."""
        if self.killed_at == math.inf:
            self.killed_at = time.monotonic() + PATIENCE
            self._signal(signal.SIGINT)
        elif time.monotonic() > self.killed_at:
            self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)

    def ended(self) -> bool:
        """Whether the process is over."""
        return self.process.poll() is not None

    def finish(self) -> str:
        """Pack what the ended process has left; return why it is not done, or nothing if it is."""
        seconds = time.monotonic() - self.begun
        manifest = replace(self.manifest, seconds=round(self.manifest.seconds + seconds, 1))
        outs = digests(self.stage.outs)
        missing = [out for out in self.stage.outs if not Path(out).exists()]
        if self.process.returncode == 0 and not missing:
            size = write_pack(self.pack, replace(manifest, outs=outs), {name: Path(name) for name in outs}, self.piece)
            remove_pack(self.folder / f"{self.stage.file}{ENDING}")
            reason, state = "", "done"
        else:
            size = pack_checkpoint(self.stage, manifest, self.folder, self.piece)
            wrong = (
                f"it did not write {missing[0]}"
                if self.process.returncode == 0
                else f"status {self.process.returncode}"
            )
            reason = state = "stopped" if self.killed_at < math.inf else f"failed, {wrong}, see {self.log}"
        packed = f", {size / 2**20:.1f} MiB packed" if size else ""
        print(f"{self.stage.name}: {state} after {seconds:.0f} s{packed}; {self._last_line()}", flush=True)
        return reason

    def _last_line(self) -> str:
        lines = self.log.read_text(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "no output").strip()
