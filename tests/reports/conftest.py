"""A small data set's scores and logs, laid out as the stages leave them."""

import json

import pandas as pd
import pytest

PROTOCOL = {
    "images": 2,
    "threshold": "p >= 0.5 (16-bit level >= 32768)",
    "truth": "first observer, native size",
    "connectivity": "mean over images, whole frame",
}


def scores(f1, auc=0.9, **protocol):
    names = {"connectivity": 0.5, "f1": f1, "sensitivity": 0.7, "specificity": 0.98, "accuracy": 0.95}
    inside = names | {"auc": auc, "auc_pr": auc}
    masks = {"fov": inside, "frame": inside | {"specificity": 0.99}}
    return {"pooled": masks, "mean": masks, "protocol": PROTOCOL | protocol}


@pytest.fixture
def second_observer():
    return scores(0.79, None, withheld={"auc": "one operating point", "auc_pr": "one operating point"})


@pytest.fixture
def scores_folder(tmp_path):
    """Of data set drive: iternet and unet, seeds 0 and 1, patched; F1 .80 .82 and .70 .74."""
    folder = tmp_path / "scores" / "drive"
    for model, f1s in {"iternet": (0.80, 0.82), "unet": (0.70, 0.74)}.items():
        for seed, f1 in enumerate(f1s):
            run = folder / model / str(seed) / "patched"
            run.mkdir(parents=True)
            (run / "scores.json").write_text(json.dumps(scores(f1)))
            (run / "roc.csv").write_text("mask,fpr,tpr\nfov,0,0\nfov,0.1,0.9\nfov,1,1\nframe,0,0\nframe,1,1\n")
            rows = [(i, mask, f1 + shift) for i, shift in (("01", 0.0), ("02", -0.1)) for mask in ("fov", "frame")]
            pd.DataFrame(rows, columns=["id", "mask", "f1"]).to_csv(run / "images.csv", index=False)
    return folder


@pytest.fixture
def models_folder(tmp_path):
    """Training logs: iternet has two outputs, unet one."""
    folder = tmp_path / "models" / "drive"
    for model, columns in {"iternet": ["loss_1", "loss_2"], "unet": ["loss_1"]}.items():
        run = folder / model / "0"
        run.mkdir(parents=True)
        log = pd.DataFrame({"step": [10, 20], "loss": [0.7, 0.5], "learning_rate": [0.001, 0.001]})
        losses = {column: [0.4 - 0.1 * at, 0.2 - 0.1 * at] for at, column in enumerate(columns)}
        log.assign(**losses).to_csv(run / "log.csv", index=False)
    return folder
