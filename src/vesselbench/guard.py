"""How a worker runs a stage's command, so that it gets Ctrl-C when the run does, and dies when the worker does.

``run_command`` is what Dask calls. It starts this file as a script, which starts the command in a process group of
their own: a byte from the worker is Ctrl-C; when the worker is gone, its pipe closes, and the group is killed.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
GUARDS: dict[str, set[subprocess.Popen]] = {}  # of each run, on this worker
STOPPED: set[str] = set()  # the runs that got Ctrl-C


def run_command(run: str, stage: str, command: str, folder: str, log: str, cores: int) -> int:
    """Run a stage's command on a worker, with its output in a log, and return the exit status."""
    from distributed import get_worker  # not in the script

    worker = get_worker()
    worker.log_event(run, [stage, str(worker.name)])
    environment = os.environ | dict.fromkeys(THREADS, str(cores)) | {"DVC_ROOT": folder, "DVC_STAGE": stage}
    environment.pop("MALLOC_TRIM_THRESHOLD_", None)  # Dask's for its workers; training is half as fast with it
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    words = [sys.executable, "-I", __file__, command]
    how = {"cwd": folder, "env": environment, "stdin": subprocess.PIPE, "start_new_session": True}
    with open(log, "ab") as out, subprocess.Popen(words, stdout=out, stderr=out, **how) as guard:
        GUARDS.setdefault(run, set()).add(guard)
        if run in STOPPED:
            interrupt(run)
        while guard.poll() is None and worker.status.name in ("running", "paused"):
            time.sleep(0.1)
        guard.stdin.close()  # a worker that closes has its stages run elsewhere at once
        guard.wait()
        GUARDS[run].remove(guard)
    if guard.returncode == -signal.SIGTERM:
        time.sleep(5)  # a queue ends all processes of a job: that of the worker, too, in a moment
    return guard.returncode


def interrupt(run: str) -> None:
    """Pass Ctrl-C on to all stages of a run on this worker."""
    STOPPED.add(run)
    for guard in list(GUARDS.get(run, ())):
        with suppress(OSError, ValueError):  # it ended in this moment
            os.write(guard.stdin.fileno(), b"C")


def obey() -> None:
    """Do what the worker says, in the script."""
    while os.read(sys.stdin.fileno(), 1):
        os.killpg(0, signal.SIGINT)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, lambda *_: None)  # unlike SIG_IGN not passed on to the command
    stage = subprocess.Popen(["/bin/sh", "-ec", sys.argv[1]], stdin=subprocess.DEVNULL)
    threading.Thread(target=obey, daemon=True).start()
    status = stage.wait()
    sys.exit(status if status >= 0 else 128 - status)
