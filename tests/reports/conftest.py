"""A small data set's scores and logs, laid out as the stages leave them."""

import json

import numpy as np
import pandas as pd
import pytest

from vesselbench.metrics.protocol import PROTOCOLS
from vesselbench.metrics.scores import NEED_PROBABILITIES, SCORES
from vesselbench.reports.collect import Run, keys_of, read_curves, read_results

PIXELS = {"vessel": 100_000, "background": 700_000}
WORDS = {
    "truth": "first observer",
    "connectivity": "mean over images, whole frame",
    "topology": "mean over images",
    "interval": "95 %, percentiles of 101 bootstrap draws of the test images",
}
VALUES = dict.fromkeys(SCORES, 0.6) | {
    "connectivity": 0.5,
    "betti_0": 12.25,
    "betti_1": 3.0,
    "sensitivity": 0.7,
    "specificity": 0.98,
    "accuracy": 0.95,
    "auc": 0.9,
    "auc_pr": 0.8,
}
# The second of two images scores lower by 0.1; a bootstrap draw lies evenly within 0.04 of the score, so that the
# 95 % interval is the score -+ 0.038.
IMAGES = {"01": 0.0, "02": -0.1}
DRAWS = np.linspace(-0.04, 0.04, 101)


def make_run(f1, images=IMAGES, binary=False, **changes):
    """One run: F1 as given, .01 less on the resized truth, .02 more at the training threshold."""
    withheld = NEED_PROBABILITIES if binary else ()
    scores, draws, rows = {}, {}, []
    for protocol in PROTOCOLS:
        if binary and protocol.threshold == "training":
            continue
        values = VALUES | changes | {"f1": f1}
        values["f1"] += 0.02 * (protocol.threshold == "training") - 0.01 * (protocol.truth == "resized")
        values["specificity"] += 0.01 * (protocol.mask == "frame")
        own = scores[str(protocol)] = {}
        for score, value in values.items():
            drawn = np.full(101, np.nan) if score in withheld else value + DRAWS
            draws[f"{protocol}/{score}"] = drawn
            own[score] = {"value": value, "low": value - 0.038, "high": value + 0.038}
            if score in withheld:
                own[score] = {"value": None, "low": None, "high": None}
        if protocol.pooling == "pooled":
            place = {name: getattr(protocol, name) for name in ("mask", "truth", "threshold")}
            for name, shift in images.items():
                rows.append({"id": name} | place | {score: value + shift for score, value in values.items()})
    thresholds = {
        "fixed": {"threshold": 0.5, "level": 32768},
        "training": {"threshold": 0.43, "level": 28181, "images": ["21", "22"], "rule": "highest F1"},
    }
    content = {
        "images": list(images),
        "draws": 101,
        "thresholds": {"fixed": thresholds["fixed"]} if binary else thresholds,
        "pixels": dict.fromkeys(("fov", "frame"), dict.fromkeys(("native", "resized"), PIXELS)),
        "protocol": WORDS,
        "withheld": dict.fromkeys(withheld, "one operating point"),
        "scores": scores,
    }
    return Run(content, draws, pd.DataFrame(rows))


def write_run(folder, run):
    """Lay down a run's files; the curves have a few points each."""
    folder.mkdir(parents=True)
    (folder / "scores.json").write_text(json.dumps(run.scores))
    np.savez(folder / "draws.npz", **run.draws)
    run.images.to_csv(folder / "images.csv", index=False)
    corner = [(mask, x, x, x, x) for mask in ("fov", "frame") for x in (0.0, 1.0)]
    points = [*corner[:1], ("fov", 0.1, 0.9, 0.85, 0.95), *corner[1:]]
    pd.DataFrame(points, columns=["mask", "fpr", "tpr", "low", "high"]).to_csv(folder / "roc.csv", index=False)
    pd.DataFrame(points, columns=["mask", "recall", "precision", "low", "high"]).to_csv(folder / "pr.csv", index=False)
    thetas = pd.DataFrame({"theta": [0.0, 0.5, 1.0], "connectivity": [0.2, 0.8, 0.5]})
    thetas.assign(low=0.1, high=0.9).to_csv(folder / "connectivity.csv", index=False)
    readings = [(n, levels, "zhang", 1, 0.5 - 0.2 * (n == 4), 0.4, 0.6) for n in (8, 4) for levels in (101, 256)]
    readings.append((8, 256, "zhang", 10, 0.9, 0.8, 1.0))
    names = ["neighbours", "levels", "skeleton", "smallest", "connectivity", "low", "high"]
    pd.DataFrame(readings, columns=names).to_csv(folder / "sensitivity.csv", index=False)
    bins = pd.DataFrame({"mask": ["fov", "frame"], "bin_low": 0.0, "bin_high": 0.05, "pixels": 10, "probability": 0.02})
    bins.assign(vessel=0.01, low=0.0, high=0.02).to_csv(folder / "calibration.csv", index=False)


@pytest.fixture
def new_run():
    return make_run


@pytest.fixture
def second_observer():
    return make_run(0.79, binary=True)


@pytest.fixture
def scores_folder(tmp_path):
    """Of data set drive: iternet and unet, seeds 0 and 1, patched; F1 .80 .82 and .70 .74."""
    folder = tmp_path / "scores" / "drive"
    for model, f1s in {"iternet": (0.80, 0.82), "unet": (0.70, 0.74)}.items():
        for seed, f1 in enumerate(f1s):
            write_run(folder / model / str(seed) / "patched", make_run(f1))
    return folder


@pytest.fixture
def one_seed(scores_folder):
    return read_results(scores_folder, keys_of(["iternet", "unet"], [0], ["patched"]))


@pytest.fixture
def two_seeds(scores_folder):
    return read_results(scores_folder, keys_of(["iternet", "unet"], [0, 1], ["patched"]))


@pytest.fixture
def sensitivity(scores_folder):
    return read_curves("sensitivity.csv", scores_folder, keys_of(["iternet", "unet"], [0], ["patched"]))


@pytest.fixture
def predictions_folder(tmp_path):
    """Training logs: iternet has two outputs, unet one."""
    folder = tmp_path / "predictions" / "drive"
    for model, columns in {"iternet": ["loss_1", "loss_2"], "unet": ["loss_1"]}.items():
        run = folder / model / "0" / "patched"
        run.mkdir(parents=True)
        log = pd.DataFrame({"step": [10, 20], "loss": [0.7, 0.5], "learning_rate": [0.001, 0.001]})
        losses = {column: [0.4 - 0.1 * at, 0.2 - 0.1 * at] for at, column in enumerate(columns)}
        log.assign(**losses).to_csv(run / "training.csv", index=False)
    return folder
