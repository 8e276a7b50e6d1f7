"""Arteries and veins told apart: by hand, and published maps of DRIVE's test images."""

import json
from dataclasses import replace
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vesselbench.data.images import read_kinds, read_mask
from vesselbench.data.task import KINDS, TASKS
from vesselbench.metrics.evaluation import Evaluation
from vesselbench.metrics.kinds import OF, WORDS, evaluate_kinds, find_planes, score_kinds
from vesselbench.metrics.protocol import Protocol

LEVEL, HOW, POOLED, MEAN = 7, Evaluation(draws=100), Protocol(), Protocol(pooling="mean")
# A row of each kind, two pixels each of crossing and uncertain; the last row lies outside the field of view.
CLASSES = np.array([[1, 1, 1, 1], [2, 2, 2, 2], [3, 3, 4, 4], [0, 0, 0, 0], [1, 2, 3, 0]], np.uint8)
ARTERY = np.array([[9, 5, 2, 7], [7, 2, 0, 9], [9, 0, 9, 0], [9, 0, 0, 0], [9, 9, 9, 9]], np.uint16)
VEIN = np.array([[5, 6, 2, 9], [9, 7, 0, 5], [9, 0, 0, 9], [0, 0, 0, 0], [0, 0, 0, 0]], np.uint16)
FOV = np.arange(5)[:, None] * np.ones(4) < 4


def look(classes, artery, vein, fov=None, id="a"):
    fov, levels = np.ones(classes.shape, bool) if fov is None else fov, {"artery": artery, "vein": vein}
    return score_kinds(id, classes, levels, TASKS["artery_vein"], fov, LEVEL)


def values(protocol, *records):
    scores = evaluate_kinds(records, LEVEL, HOW).summary["scores"][str(protocol)]
    return {name: own["value"] for name, own in scores.items()}


def test_twenty_pixels_by_hand():
    record = look(CLASSES, ARTERY, VEIN, FOV)
    assert record.confusion.tolist() == [[3, 1, 0, 0], [2, 1, 0, 1], [1, 1, 1, 1], [1, 0, 0, 1], [0, 1, 1, 0]]
    expected = {"all_sensitivity": 1 / 4, "all_specificity": 3 / 4, "all_balanced_accuracy": 1 / 2}
    expected |= {"all_accuracy": 4 / 8, "found_share": 5 / 8, "ties": 2 / 8}
    expected |= {"found_sensitivity": 1 / 2, "found_specificity": 2 / 3, "found_balanced_accuracy": 7 / 12}
    expected |= {"found_accuracy": 3 / 5, "mixed_segments": None, "minority_share": None}
    assert values(POOLED, record) == pytest.approx(expected)
    assert record.sizes.tolist() == [5, 5, 5], "the last row is weighed, not scored"
    # artery alone at 4 pixels, 1 of them right, of 4; vein 2, 1; both 3, 1; each 5 pixels of the frame
    found, precision, specificity = values(MEAN, record), 1 / np.array([4, 2, 3]), np.array([9, 11, 10]) / 12
    expected = {"sensitivity": np.full(3, 1 / 4), "specificity": specificity, "precision": precision}
    expected |= {"f1": 2 / np.array([8, 6, 7]), "iou": 1 / np.array([7, 5, 6]), "gmean": np.sqrt(specificity / 4)}
    expected |= {"accuracy": np.array([10, 12, 11]) / 16, "error": np.array([6, 4, 5]) / 16}
    expected |= {"balanced_accuracy": (1 / 4 + specificity) / 2}
    # the areas that scikit-learn gives for a map of 0 and 1, of ROC and of precision against recall
    expected |= {"pr_two_point": 1 / 4 * (1 + precision) / 2 + 3 / 4 * (precision + 1 / 4) / 2}
    for name, own in expected.items():
        assert [found[f"{of}_{name}"] for of in OF] == pytest.approx(own), name
        assert found[f"weighted_{name}"] == found[f"mended_{name}"] == pytest.approx(own.mean()), name
    assert len(found) == 5 * len(expected)


def test_undefined_scores_as_released_and_mended():
    """Classes of 4, 2 and 1 pixels: a class that is missed costs the released averages, or is zero in them."""
    classes, none = np.array([[1, 1, 1, 1, 2, 2, 3, 0]], np.uint8), np.zeros((1, 8), np.uint16)
    artery, vein = np.where(classes == 1, 9, none), np.where(classes == 2, 9, none)
    found = values(MEAN, look(classes, artery, vein))
    assert {found[f"uncertain_{name}"] for name in ("accuracy", "specificity", "error", "f1")} == {0}
    assert (found["weighted_accuracy"], found["mended_accuracy"]) == pytest.approx((6 / 7, (6 + 7 / 8) / 7))
    assert (found["weighted_error"], found["mended_error"]) == pytest.approx((0, 1 / 8 / 7))
    assert (found["weighted_precision"], found["mended_precision"]) == pytest.approx((6 / 7, 1)), "undefined: left out"
    assert found["weighted_f1"] == found["mended_f1"] == pytest.approx(6 / 7), "a class that is missed has F1 0"
    found = values(MEAN, look(classes, none, vein))
    assert (found["weighted_f1"], found["artery_f1"], found["weighted_precision"]) == (None, None, None)
    assert (found["weighted_sensitivity"], found["mended_f1"]) == pytest.approx((2 / 7, 2 / 7))
    wrong = values(MEAN, look(classes, np.where(classes == 2, 9, none), vein))
    assert (wrong["artery_f1"], wrong["artery_sensitivity"], wrong["weighted_f1"]) == (None, 0, None)


def test_what_a_map_shows_in_the_released_protocol():
    both = {"artery": [9, 0, 9, 0, 6], "vein": [0, 9, 9, 0, 6]}
    released = {"artery": [9, 9, 9, 0, 0], "crossing": [0, 0, 9, 9, 0], "vein": [0, 9, 9, 0, 9]}
    softmax = {"background": [4, 4, 4, 9, 3], "artery": [6, 1, 1, 0, 3], "vein": [1, 6, 1, 0, 2]}
    softmax |= {"crossing": [1, 1, 6, 3, 4]}  # the largest counts, though it may not reach the threshold
    for task, channels, *planes in (
        ("artery_vein", both, [0], [1], [2]),
        ("artery_vein_released", released, [0, 1], [1, 4], [2, 3]),
        ("artery_vein_softmax", softmax, [0], [1], [2, 4]),
    ):
        levels = {channel: np.array([own], np.uint16) for channel, own in channels.items()}
        assert [np.flatnonzero(plane).tolist() for plane in find_planes(TASKS[task], levels, LEVEL)] == planes
        classes = np.array([[1, 2, 3, 3, 0]], np.uint8)
        record = score_kinds("a", classes, levels, TASKS[task], np.ones((1, 5), bool), LEVEL)
        assert record.released[:, :2].sum(axis=1).tolist() == [*map(len, planes)]


@pytest.fixture
def tree():
    """A Y of arteries, one pixel wide: a stem of 20 pixels, and two arms of 18 that start from its upper end."""
    classes, arm = np.zeros((40, 40), np.uint8), np.arange(1, 19)
    classes[20:, 20] = classes[20 - arm, 20 - arm] = classes[20 - arm, 20 + arm] = 1
    return classes


def test_segments_of_a_tree(tree):
    artery, vein = np.where(np.arange(40) < 21, tree * 9, 0).astype(np.uint16), np.zeros((40, 40), np.uint16)
    artery[30:33, 20], vein[30:33, 20] = 0, 8  # 3 of the 18 pixels that are left of the stem; the right arm is missed
    record = look(tree, artery, vein)
    assert record.segments.tolist() == pytest.approx([3, 2, 1, 3 / 18])
    found = values(POOLED, record, replace(record, segments=np.array([1, 1, 1, 0.5])))
    assert found["mixed_segments"] == 2 / 4
    assert found["minority_share"] == pytest.approx((3 / 18 + 0 + 1 / 2) / 3)


@pytest.mark.parametrize(
    ("first", "last", "kind", "segments"),
    [(30, 40, 2, 3), (31, 40, 2, 2), (31, 32, 3, 2), (31, 32, 4, 2), (32, 33, 3, 3)],  # 8 10, 9 9, 9 8, 9 8, 10 7
)
def test_what_cuts_a_segment(tree, first, last, kind, segments):
    none, fov = np.zeros((40, 40), np.uint16), np.arange(40)[:, None] * np.ones(40) < 31
    assert look(tree, none, none, fov).segments[0] == 2
    tree[first:last, 20] = kind
    assert look(tree, none, none).segments.tolist() == [segments, 0, 0, 0]


def random_eye(seed):
    generator = np.random.default_rng(seed)
    maps = (np.where(generator.random((20, 25)) < 0.4, 9, 0).astype(np.uint16) for _ in range(2))
    return generator.integers(0, 5, (20, 25)).astype(np.uint8), *maps


def test_intervals_and_files(tmp_path):
    records = [look(*random_eye(seed), id=f"{seed:02}") for seed in range(6)]
    found, folder = evaluate_kinds(records, LEVEL, HOW), tmp_path / "kinds"
    found.write(folder)
    assert {path.name for path in folder.iterdir()} == {"scores.json", "draws.npz", "images.csv", "confusion.csv"}
    summary = json.loads((folder / "scores.json").read_text())
    assert (summary["protocol"].keys(), summary["withheld"]) == ({*WORDS, "interval"}, {})
    stored, every = summary["scores"][str(POOLED)]["all_sensitivity"], sum(record.kinds[0] for record in records)
    assert stored["value"] == pytest.approx(every[0] / (every[0] + every[3]), abs=1e-9)
    assert stored["low"] < stored["value"] < stored["high"]
    alone = values(POOLED, records[0]) | values(MEAN, records[0])
    images = pd.read_csv(folder / "images.csv", dtype={"id": str}).set_index("id").loc["00"]
    assert images[["mask", "size", "threshold"]].tolist() == ["fov", "native", "fixed"]
    expected = [value or -(value is None) for value in alone.values()]
    assert images[[*alone]].fillna(-1).tolist() == pytest.approx(expected, abs=1e-6)
    draws = np.load(folder / "draws.npz")
    assert draws[f"{POOLED}/found_accuracy"].shape == (100,)
    assert not any(name.startswith(str(MEAN)) for name in draws.files), "a mean over images is drawn again"
    confusion = pd.read_csv(folder / "confusion.csv", index_col="truth")
    assert (confusion.index.tolist(), confusion.to_numpy().sum()) == ([*KINDS], 6 * 500)
    assert confusion.sum(axis=1).to_dict() == summary["pixels"]["fov"]["native"]


@pytest.mark.archives
def test_published_maps(archives, tmp_path):
    for name in ("DRIVE_AV_evalmasks.zip", "AV_groundTruth.zip", "DRIVE.zip"):
        if not (archives / name).is_file():
            pytest.skip(f"{name} is not among the archives")
        ZipFile(archives / name).extractall(tmp_path)
    records = []
    for id in (f"{number:02}" for number in range(1, 21)):
        label = tmp_path / f"AV_groundTruth/test/av/{id}_test.png"
        classes, colours = read_kinds(label), np.array(Image.open(label).convert("RGB"))
        classes[(colours % 255 > 0).any(axis=2)] = 0  # the known values take ten odd pixels as background
        map_ = Image.open(tmp_path / f"DRIVE_AV_evalmasks/Predicted_AV/prediction{id}.png").convert("RGB")
        artery, _, vein = (np.where(plane, 9, 0).astype(np.uint16) for plane in np.moveaxis(np.array(map_) > 127, 2, 0))
        records.append(look(classes, artery, vein, read_mask(tmp_path / f"DRIVE/test/mask/{id}_test_mask.gif")))
    found, names = values(MEAN, *records), ("sensitivity", "specificity", "precision", "f1", "error")
    expected = {"artery": (72.27, 98.64, 74.35, 73.05, 2.73), "vein": (73.77, 99.11, 84.59, 78.66, 2.51)}
    expected |= {"uncertain": (0,) * 5, "weighted": (68.92, 93.27, 75.60, 71.87, 2.47)}
    for of, own in expected.items():
        assert [round(100 * found[f"{of}_{name}"], 2) for name in names] == [*own], of
    assert round(100 * found["weighted_balanced_accuracy"], 2) == 81.09
    pooled = sum(record.confusion for record in records)
    pooled = np.vstack([pooled[:3], pooled[3:].sum(axis=0)])
    assert pooled[:2].tolist() == [[3_932_999, 28_518, 20_994, 0], [56_634, 171_185, 8_768, 0]]
    assert pooled[2:].tolist() == [[59_363, 16_486, 211_952, 0], [9_696, 13_295, 8_253, 0]]
    found = values(POOLED, *records)
    kind = [found[f"found_{name}"] for name in ("sensitivity", "specificity", "balanced_accuracy", "accuracy")]
    assert [round(value, 4) for value in kind] == [0.9513, 0.9278, 0.9396, 0.9382]
    assert (pooled[1:3, 1:3].sum(), round(100 * found["found_share"], 2)) == (408_391, 77.88)
    for f1, right in ((0.7346, np.s_[1:2, 1:2]), (0.7883, np.s_[2:3, 2:3]), (0.8307, np.s_[1:, 1:])):
        assert round(2 * pooled[right].sum() / (pooled[right[0]].sum() + pooled[:, right[1]].sum()), 4) == f1
