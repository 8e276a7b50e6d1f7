"""Second observers of the real data sets against known values."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from vesselbench.metrics.record import Evaluation, score_image
from vesselbench.metrics.scores import summarise

pytestmark = pytest.mark.archives


def read(archive, name):
    """A label or mask as bool (H, W), whatever its grey values."""
    with archive.open(name) as file:
        return np.asarray(Image.open(io.BytesIO(file.read())).convert("L")) > 127


def as_map(labels):
    return np.where(labels, 65535, 0).astype(np.uint16)


def test_drive_inside_the_official_field_of_view(archives):
    with zipfile.ZipFile(archives / "DRIVE.zip") as archive:
        records = [
            score_image(
                f"{n:02}",
                read(archive, f"DRIVE/test/1st_manual/{n:02}_manual1.gif"),
                as_map(read(archive, f"DRIVE/test/2nd_manual/{n:02}_manual2.gif")),
                read(archive, f"DRIVE/test/mask/{n:02}_test_mask.gif"),
            )
            for n in range(1, 21)
        ]
    scores = summarise(records, Evaluation())["pooled"]["fov"]
    expected = {"f1": 0.7891, "sensitivity": 0.7746, "specificity": 0.9725, "accuracy": 0.9473}
    assert {name: scores[name] for name in expected} == pytest.approx(expected, abs=0.0002)
    assert scores["auc"] is None


def test_chase_last_eight_connectivity(archives):
    with zipfile.ZipFile(archives / "CHASEDB1.zip") as archive:
        firsts = sorted(name for name in archive.namelist() if name.endswith("_1stHO.png"))[-8:]
        records = []
        for name in firsts:
            truth = read(archive, name)
            second = read(archive, name.replace("_1stHO", "_2ndHO"))
            records.append(score_image(name, truth, as_map(second), np.ones(truth.shape, bool)))
    scores = summarise(records, Evaluation())["pooled"]["frame"]
    assert scores["connectivity"] == pytest.approx(0.9977, abs=0.0002)
