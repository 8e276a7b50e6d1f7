"""Running stages without DVC, several side by side, each after those that it needs."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from pathlib import Path

import torch

from vesselbench.bench.measure import describe
from vesselbench.config import PARAMS, UserError
from vesselbench.offsite.job import Job
from vesselbench.offsite.manifest import Manifest, digests, values_of
from vesselbench.offsite.stages import Stage, chosen, makers, read_stages, read_yaml
from vesselbench.training.interrupt import stop_requests

PAUSE = 0.2  # seconds between two looks at the processes


def run_stages(
    names: Sequence[str], folder: Path, at_once: int, seconds: float, piece: int, revision: str | None
) -> list[str]:
    """Run stages in the working folder, each after those of them that it needs, and pack what they write.

    Prints a line when a stage starts and when it ends. A stage whose pack is here already, made of the same code, data
    and parameters, is not run again. A stage that fails stops no other but those that need it.

    Parameters
    ----------
    names
        Stages, as DVC names them.
    folder
        Of packs and logs.
    at_once
        How many may run side by side.
    seconds
        After this time, or on Ctrl-C, running stages are stopped and no other is started.
    piece
        Largest size of a file of a pack, in bytes.
    revision
        The commit, where there is no repository to ask.

    Returns
    -------
    list of str
        A line for each stage that is not done: its name, and why.

    Raises
    ------
    UserError
        A stage is unknown, needs what neither is here nor is made by one of the others, or no commit is known.
    """
    end = time.monotonic() + seconds
    every, params = read_stages(), read_yaml(PARAMS)
    stages = chosen(every, names)
    _check_inputs(stages.values(), every.values())
    commit, clean = _commit(revision)
    device = describe(torch.device("cuda" if torch.cuda.is_available() else "cpu"))["device"]
    # Else each process would take all cores for itself.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // at_once)))

    needs = {name: makers(stage.deps, stages.values()) for name, stage in stages.items()}
    order = TopologicalSorter(needs)
    order.prepare()
    ready, running, undone, done = list(order.get_ready()), [], {}, set()

    def finished(name: str) -> None:
        done.add(name)
        order.done(name)
        ready.extend(order.get_ready())

    with stop_requests() as requests, ExitStack() as stack:
        stack.callback(lambda: [job.stop() for job in running])  # those that an error here would leave behind
        while running or ready:
            stopping = bool(requests) or time.monotonic() > end
            while ready and len(running) < at_once and not stopping:
                stage = stages[ready.pop(0)]
                now = datetime.now(UTC).isoformat(timespec="seconds")
                origin = (values_of(stage, params), digests(stage.deps), commit, clean, device, torch.__version__, now)
                job = Job(stage, Manifest(stage.name, stage.command, *origin), folder, piece)
                if job.done_before(params):
                    finished(stage.name)
                else:
                    job.start(params)
                    running.append(job)
            for job in running if stopping else []:
                job.stop()
            for job in [job for job in running if job.ended()]:
                running.remove(job)
                if reason := job.finish():
                    undone[job.stage.name] = reason
                else:
                    finished(job.stage.name)
            if stopping and not running:
                break
            time.sleep(PAUSE)
    for name in [name for name in stages if name not in done]:
        waited = [other for other in needs[name] if other not in done]
        undone.setdefault(name, f"needs {waited[0]}" if waited else "the time was over")
    return [f"{name}: {undone[name]}" for name in stages if name in undone]


def _check_inputs(stages: Collection[Stage], every: Collection[Stage]) -> None:
    """Refuse a run that would find out after hours that something is not there."""
    for stage in stages:
        for dep in stage.deps:
            if not Path(dep).exists() and not makers([dep], stages):
                named = "".join(f", or name {name}, too" for name in makers([dep], every)[:1])
                raise UserError(f"{stage.name} needs {dep}, which is not here; copy it here{named}")


def _commit(revision: str | None) -> tuple[str, bool | None]:
    """Return the commit, and whether all files that Git tracks are as in it, None where there is no repository."""
    try:
        head, changes = (
            subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.CalledProcessError):
        if not revision:
            raise UserError("there is no Git repository here; name the commit of these files by --revision") from None
        return revision, None
    return head, not changes
