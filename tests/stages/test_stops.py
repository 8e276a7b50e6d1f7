"""Trainings and predictions that are stopped, and go on: what they leave is what undisturbed ones leave."""

import os
import re
import signal
import time
from pathlib import Path

import pytest
from tiny_project import RUN, contents, run_stage, stage_process, write_params

from vesselbench.stages import predict

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


def test_a_prediction_goes_on_photograph_by_photograph(project, monkeypatch):
    for stage in (TRAIN, f"predict@{RUN}"):  # undisturbed
        run_stage(project, stage)
    expected, predicted, known = contents(project), [], predict.predict_image

    def stopped_at_the_seventh(*arguments):
        predicted.append(arguments)
        if len(predicted) == 7:
            raise KeyboardInterrupt
        return known(*arguments)

    monkeypatch.setattr(predict, "predict_image", stopped_at_the_seventh)
    with pytest.raises(KeyboardInterrupt):
        run_stage(project, f"predict@{RUN}")
    assert len([*FOLDER.glob("maps/*")]) == 6
    run_stage(project, f"predict@{RUN}")
    assert len(predicted) == 7 + 4, "two modes, three training and two test images; six were kept"
    assert contents(project) == expected
    assert not [*FOLDER.glob("maps/*")]
