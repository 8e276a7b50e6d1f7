"""A training that is killed, or stopped by Ctrl-C, and goes on: its weights are those of an undisturbed one."""

import os
import re
import signal
import time
from pathlib import Path

import pytest
from tiny_project import RUN, contents, run_stage, stage_process, write_params

TRAIN, FOLDER = f"train@{RUN}", Path(f".checkpoints/{RUN}")
OFTEN = "from vesselbench.training import loop; loop.CHECKPOINT_SECONDS = 0"  # every ten steps


@pytest.mark.slow
@pytest.mark.parametrize(("number", "times"), [(signal.SIGKILL, 3), (signal.SIGINT, 1)])
def test_a_training_goes_on_as_if_nothing_had_been(project, capfd, number, times):
    write_params(project, {"train.demo.steps": 200, "train.demo.epoch": 100})
    run_stage(project, TRAIN)  # undisturbed
    expected, step = contents(project), 0
    for _ in range(times):
        process, begun = stage_process(project, TRAIN, OFTEN), time.time()
        while not any(path.stat().st_mtime > begun for path in FOLDER.glob("[!.]*.pt")) and process.poll() is None:
            time.sleep(0.01)
        time.sleep(0.05)  # the next one may be half-written
        os.killpg(process.pid, number)  # as a terminal does: to all of the process group
        _, error = process.communicate(timeout=120)
        assert "Traceback" not in error
        assert process.returncode == (1 if number == signal.SIGINT else -number), error
    if number == signal.SIGINT:
        line = error.splitlines()[-1]
        step = re.fullmatch(r"error: stopped at step (\d+) of 200; run the same command again to go on", line)[1]
    assert contents(project) == expected, "what an earlier training left stays until the new one is done"
    capfd.readouterr()
    run_stage(project, TRAIN)
    resumed = re.search(r"^going on at step (\d+) of 200$", capfd.readouterr().out, re.MULTILINE)[1]
    assert resumed == step or 10 * times <= int(resumed) < 200
    assert contents(project) == expected
    assert not FOLDER.exists()
