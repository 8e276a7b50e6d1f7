"""Mistakes in names, values and data: one clear line with value, rule and fix, and the disk as before."""

import errno
from pathlib import Path
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
from tiny_project import PATCHED, RUN, UNTRAINED, refused, stage_process, write_params

from vesselbench.files import checkpoint_folder
from vesselbench.stages import entry
from vesselbench.training.checkpoint import Checkpoint

TRAIN, PREDICT, EVALUATE, OBSERVER = f"train@{RUN}", f"predict@{RUN}", f"evaluate@{RUN}", "observer@phantom"
RAW, FOV, SPLIT = "data/raw/phantom", "data/fov/phantom", "data/splits/phantom/phantom.csv"
MODEL, MAPS, SCORES = (f"data/{kind}/phantom/{RUN}" for kind in ("models", "maps", "scores"))
NETWORK, WHOLE_SCORES = "data/networks/iternet.json", f"{SCORES}/whole/vessel"
KIND = "empty, cut short or another file's content ("
PARAMETERS = [
    ("train phantom", {}, "vesselbench.stages.train takes RUN DATA SPLIT MODEL SEED RECIPE_NAME, not phantom"),
    ("download@drvie", {"sources.drvie": {}}, "data set 'drvie' is unknown; choose one of: chase_db1, drive, "),
    ("download@phantom", {"sources.phantom.sise": 130}, "sources.phantom.sise is unknown; sources.phantom takes "),
    ("split@phantom", {"splits.phantom.scheme": "offical"}, "splits.phantom.scheme is 'offical': input should be 'off"),
    ("fov@phantom", {"sources.phantom.fov": "oficial"}, "sources.phantom.fov is 'oficial'; it must be official or est"),
    ("network iternett", {}, "'iternett' is not defined in models, which has: iternet, iter_seg; add it or correct"),
    ("network@iternet", {"models.iternet.widht": 8}, "models: network 'iternet': parameter 'widht' is unknown; it tak"),
    ("network iternet", {"models.iternet": None}, "models.iternet.network is missing; it names a file of vesselbench."),
    (TRAIN, {f"runs.{RUN}.recipe": "dmeo"}, "'dmeo' is not defined in train, which has: "),
    (TRAIN, {f"runs.{RUN}.seed": "zero"}, f"runs.{RUN}.seed is 'zero'; it must be a whole number from 0; correct it"),
    (f"evaluate@{RUN}", {"sources.phantom.task": "artery_vein"}, f"data/maps/phantom/{RUN}: maps of task vessel, but "),
    (TRAIN, {"sources.phantom.task": "vessle"}, "sources: task 'vessle' is unknown; choose one of vessel"),
    (TRAIN, {"train.demo": None}, "train.demo is None: input should be a valid dictionary or instance of Recipe; corr"),
    (TRAIN, {"train.demo.stpes": 6}, "train.demo.stpes is unknown; train.demo takes input, fit, steps, batch, crops_p"),
    (TRAIN, {"train.demo.augmentation.zom": [0, 0]}, "train.demo.augmentation.zom is unknown; "),
    (TRAIN, {"train.demo.steps": True}, "train.demo.steps is True: input should not be true or false; correct it"),
    (TRAIN, {"train.demo.steps": 0}, "train.demo.steps is 0, but iternet has "),
    (TRAIN, {f"runs.{RUN}.model": "iter_seg"}, "train.demo.steps is 6, but iter_seg has 0 parameters to learn; "),
    (TRAIN, {"train.demo.schedule": "cosin"}, "train.demo.schedule is 'cosin': input should be 'constant', 'cosine' o"),
    (TRAIN, {"train.demo.patch": 160}, "train: patch is 160, but the training images are of 130 x 130 pixels; take a"),
    (PREDICT, {f"runs.{RUN}.recipe": "dmeo"}, "'dmeo' is not defined in predict, which has: "),
    (PREDICT, {"predict.demo": {}}, "predict.demo is {}; it must name at least one mode; add one"),
    (PREDICT, {"predict.demo": "whole"}, "predict.demo is 'whole'; it must name at least one mode; add one"),
    (PREDICT, {"predict.demo.patched": PATCHED | {"stride": 65}}, "predict.demo.patched: patch 64, stride 65, trainin"),
    (f"predict@{UNTRAINED}", {"predict.untrained.patched": PATCHED}, "predict.untrained has a patched mode, but iter_"),
    (EVALUATE, {"evaluate.treshold": 0.4}, "evaluate.treshold is unknown; evaluate takes threshold, draws; correct or"),
    (OBSERVER, {"evaluate.threshold": 1.5}, "evaluate.threshold is 1.5: input should be less than or equal to 1; corr"),
]


@pytest.mark.parametrize(("stage", "changes", "message"), PARAMETERS)
def test_a_parameter(project, monkeypatch, stage, changes, message):
    write_params(project, changes)
    assert refused(stage, monkeypatch).removeprefix("params.yaml: ").startswith(message)


def test_as_a_process(project):
    process = stage_process(project, "download drvie")
    message = "error: params.yaml: 'drvie' is not defined in sources, which has: phantom; add it or correct the name\n"
    assert (process.communicate(), process.returncode) == (("", message), 1)


def test_the_code_of_another_copy_is_not_run(project, monkeypatch):
    Path("src/vesselbench").mkdir(parents=True)
    code = Path(entry.__file__).parents[1]
    where = f"the code that would run is {code}, but this folder has its own in src/vesselbench"
    assert refused("split@phantom", monkeypatch).startswith(where)


@pytest.mark.parametrize("stage", [TRAIN, PREDICT, EVALUATE, OBSERVER])
def test_a_split_edited_by_hand(project, monkeypatch, stage):
    Path(SPLIT).write_text(Path(SPLIT).read_text() + "p01,test\n")
    assert refused(stage, monkeypatch) == f"{SPLIT}: p01 is in both train and test; list every id once"


def rewrite(path, change):
    cv2.imwrite(str(path), change(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)))


ABSENT = "no such file; run the stage that writes it"
FAULTS = {
    "absent": (Path.unlink, ""),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:900]), "not an image, or not the whole of one; fetch or "),
    "low": (lambda path: rewrite(path, lambda pixels: pixels[:120]), "120 x 130 (rows x columns), but the image that "),
    "grey": (lambda path: rewrite(path, lambda own: own // 2 + own[::-1] // 4), "4 grey values (0, 63, 127, 190, ..."),
    "empty": (lambda path: path.write_bytes(b""), KIND),
    "half": (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), KIND),
    "other": (lambda path: path.write_text("auc;f1\n1;2\n" if path.suffix == ".csv" else '{"a": 1}'), KIND),
    "bits": (lambda path: rewrite(path, lambda own: own.astype(np.uint8)), "not a 16-bit grey PNG; predict again"),
}


@pytest.mark.parametrize(("stage", "fault", "path", "message"), [
    ("split@phantom", "absent", f"{RAW}/samples.csv", "no such file; run 'dvc repro download@phantom' first"),
    (TRAIN, "absent", NETWORK, "no such file; run 'dvc repro network@iternet' first"),
    (TRAIN, "absent", SPLIT, "no such file; run 'dvc repro split@phantom' first"),
    (PREDICT, "absent", f"{MODEL}/model.json", "no such file; train the network first: dvc repro train@"),
    (EVALUATE, "absent", f"{MAPS}/run.json", f"no such file; run 'dvc repro predict@{RUN}' first"),
    (EVALUATE, "absent", f"{MAPS}/whole/threshold.json", "no such file; run the predict stage that writes it"),
    (EVALUATE, "absent", f"{MAPS}/whole/vessel/p04.png", ABSENT),
    ("table@phantom", "absent", f"{WHOLE_SCORES}/scores.json", f"no such file; run 'dvc repro {EVALUATE}'"),
    ("fov@phantom", "absent", f"{RAW}/fov/p02.png", ABSENT),
    (TRAIN, "absent", f"{FOV}/p01.png", ABSENT),
    (PREDICT, "absent", f"{FOV}/p01.png", ABSENT),
    (TRAIN, "empty", SPLIT, "No columns to parse from file); run 'dvc repro split@phantom' first"),
    (TRAIN, "other", f"{RAW}/samples.csv", "it must have id, group, subset, image, truth, second_observer, fov, "),
    (TRAIN, "other", NETWORK, "it must have network, arguments; it has a); run 'dvc repro net"),
    (PREDICT, "other", f"{MODEL}/model.json", "it must have network, arguments, task, recipe; it has a); train "),
    (PREDICT, "absent", f"{MODEL}/weights.safetensors", "no such file; train the network first: dvc repro train@"),
    (PREDICT, "half", f"{MODEL}/weights.safetensors", ""),
    *((EVALUATE, fault, f"{MAPS}/whole/threshold.json", "") for fault in ("half", "other")),
    ("table@phantom", "half", f"{SCORES}/run.json", ""),
    ("table@phantom", "other", f"{SCORES}/run.json", "it must have label, model, split, seed, recipe, about, mode"),
    ("table@phantom", "half", f"{WHOLE_SCORES}/draws.npz", ""),
    ("table@phantom", "other", f"{WHOLE_SCORES}/images.csv", "it must have id, mask, size, threshold; it ha"),
    ("table@phantom", "other", f"{SCORES}/training.csv", "it must have step, loss; it has auc;f1); run 'dvc repro"),
    ("fov@phantom", "cut", f"{RAW}/images/p02.png", ""),
    (TRAIN, "cut", f"{RAW}/images/p01.png", ""),
    (PREDICT, "cut", f"{RAW}/images/p05.png", ""),
    (EVALUATE, "cut", f"{MAPS}/patched/vessel/p05.png", ""),
    (EVALUATE, "low", f"{MAPS}/patched/vessel/p05.png", ""),
    (EVALUATE, "bits", f"{MAPS}/whole/vessel/p04.png", ""),
    (EVALUATE, "low", f"{FOV}/p04.png", ""),
    *((TRAIN, fault, f"{RAW}/labels/p01.png", "") for fault in ("low", "grey")),
    *((PREDICT, fault, f"{RAW}/labels/p01.png", "") for fault in ("low", "grey")),
    *((EVALUATE, fault, f"{RAW}/labels/p04.png", "") for fault in ("low", "grey")),
    *((OBSERVER, fault, f"{RAW}/second_observer/p05.png", "") for fault in ("low", "grey")),
])  # fmt: skip
def test_a_file(project, monkeypatch, stage, fault, path, message):
    spoil, own = FAULTS[fault]
    spoil(Path(path))
    assert refused(stage, monkeypatch).startswith(f"{path}: {own}{message}")


def test_a_threshold_that_was_chosen_on_a_test_image(project, monkeypatch):
    path = Path(MAPS, "whole/threshold.json")
    path.write_text(path.read_text().replace('"p03"', '"p03", "p05"'))
    assert "the threshold was chosen on p05, which would be scored with it" in refused(EVALUATE, monkeypatch)


def test_a_training_that_another_process_does_now(project, monkeypatch):
    with Checkpoint(checkpoint_folder(RUN), another="recipe").lock():
        line = refused(TRAIN, monkeypatch)
    assert line == f".checkpoints/{RUN}: another process trains this run now; wait for it, or stop it with Ctrl-C"


def test_a_file_that_may_not_be_read(project, monkeypatch):
    monkeypatch.setattr("pandas.read_csv", Mock(side_effect=PermissionError(errno.EACCES, "Permission denied", SPLIT)))
    assert refused(TRAIN, monkeypatch) == f"{SPLIT}: Permission denied; mend that and run the same command again"


def test_a_terminal_that_knows_no_umlaut(project, monkeypatch):
    write_params(project, {"sources.phantom.fov": "estimäted"})
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    error = stage_process(project, "fov@phantom").communicate()[1]
    assert error.startswith("error: params.yaml: sources.phantom.fov is 'estim\\xe4ted'; it must be ")


@pytest.mark.parametrize(("stage", "target", "writer"), [
    ("download@phantom", RAW, "vesselbench.datasets.phantom.source.write_mask"),
    ("fov@phantom", FOV, "vesselbench.stages.fov.write_mask"),
    ("network@iternet", NETWORK, "pathlib.Path.write_text"),
    (TRAIN, MODEL, "pathlib.Path.write_bytes"),
    (PREDICT, MAPS, "vesselbench.stages.predict.write_map"),
    (EVALUATE, SCORES, "numpy.savez_compressed"),
])  # fmt: skip
def test_a_full_disk_and_ctrl_c(project, monkeypatch, stage, target, writer):
    full = f"{target}: the disk is full; free some space and run the same command again"
    stopped = "stopped; nothing half-written is left, run the same command again"
    for fault, line in ((OSError(errno.ENOSPC, "No space left on device"), full), (KeyboardInterrupt(), stopped)):

        def fail(*args, fault=fault, **named):
            raise fault

        with monkeypatch.context() as patch:
            patch.setattr(writer, fail)
            assert refused(stage, patch) == line
