"""Records, pooled and mean scores, and the four files."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from vesselbench.metrics.record import MASKS, SCORES, Evaluation, score_image
from vesselbench.metrics.scores import image_table, summarise, write_scores

FOV = np.array([[True, True, True, False]] * 2)
TRUTH = np.array([[1, 1, 0, 0], [0, 0, 0, 0]], np.uint8)
RIGHT = np.array([[60000, 40000, 10, 0], [0, 20, 30, 0]], np.uint16)  # every vessel above every other pixel
WRONG = np.array([[60000, 0, 50000, 50000], [0, 20, 30, 0]], np.uint16)  # one missed, one false in, one outside
HOW = Evaluation()


@pytest.fixture
def records():
    return [score_image("a", TRUTH, RIGHT, FOV), score_image("b", TRUTH, WRONG, FOV)]


def test_pooled_scores_by_hand(records):
    inside = summarise(records, HOW)["pooled"]["fov"]
    # 12 pixels: 4 vessels of which 3 are found, 8 background of which 1 is called vessel
    assert inside["sensitivity"] == 3 / 4
    assert inside["specificity"] == 7 / 8
    assert inside["accuracy"] == 10 / 12
    assert inside["f1"] == 6 / 8
    # positives 60000 60000 40000 0 against 50000 30 30 20 20 10 0 0
    assert inside["auc"] == (8 + 8 + 7 + 1) / 32
    assert inside["auc_pr"] == pytest.approx((1 + 1 + 3 / 4 + 4 / 12) / 4)


def test_the_frame_counts_what_lies_outside_the_field_of_view(records):
    pooled = summarise(records, HOW)["pooled"]
    assert pooled["frame"]["specificity"] == 10 / 12
    assert pooled["frame"]["sensitivity"] == pooled["fov"]["sensitivity"]


def test_the_mean_of_images_is_not_the_pooled_score(records):
    summary = summarise(records, HOW)
    assert summary["mean"]["fov"]["f1"] == (1 + 2 / 4) / 2
    assert summary["mean"]["fov"]["auc"] == pytest.approx((1 + (4 + 0.5) / 8) / 2)


def test_connectivity_is_one_value_under_every_mask_and_pooling(records):
    summary = summarise(records, HOW)
    values = {summary[way][mask]["connectivity"] for way in ("pooled", "mean") for mask in MASKS}
    assert values == {np.mean([record.connectivity_area for record in records])}


def test_every_score_is_there_in_the_order_of_the_columns(records):
    summary = summarise(records, HOW)
    assert [*summary] == ["pooled", "mean", "protocol"]
    assert all(tuple(summary[way][mask]) == SCORES for way in ("pooled", "mean") for mask in MASKS)
    assert [*image_table(records, HOW).columns] == ["id", "mask", *SCORES]


@pytest.mark.parametrize(("threshold", "level"), [(0.5, 32768), (1.0, 65535), (0.2, 13107), (1e-9, 1)])
def test_the_level_of_a_threshold_is_the_lowest_that_reaches_it(threshold, level):
    assert Evaluation(threshold).level == level
    assert level / 65535 >= threshold > (level - 1) / 65535


def test_level_32768_is_vessel_and_32767_is_not():
    levels = np.array([[32768, 32767]], np.uint16)
    record = score_image("a", np.array([[1, 1]]), levels, np.ones((1, 2), bool))
    assert summarise([record], HOW)["pooled"]["fov"]["sensitivity"] == 0.5


def test_the_protocol_says_how(records):
    assert summarise(records, HOW)["protocol"] == {
        "images": 2,
        "threshold": "p >= 0.5 (16-bit level >= 32768)",
        "truth": "first observer, native size",
        "connectivity": "mean over images, whole frame; 8-connected segments, 256 thresholds, "
        "Zhang skeleton, alpha 0.05",
    }


def test_binary_maps_have_no_auc_and_say_why():
    record = score_image("a", TRUTH, np.where(WRONG > 40000, 65535, 0).astype(np.uint16), FOV)
    summary = summarise([record], HOW)
    assert summary["pooled"]["fov"]["auc"] is None
    assert summary["mean"]["frame"]["auc_pr"] is None
    assert summary["pooled"]["fov"]["sensitivity"] == 0.5
    reason = "the maps hold 0 and 1 only: one operating point, no curve"
    assert summary["protocol"]["withheld"] == {"auc": reason, "auc_pr": reason}


def test_one_grey_map_among_binary_ones_is_enough_for_a_curve(records):
    black = score_image("c", TRUTH, np.zeros_like(RIGHT), FOV)
    assert black.binary
    assert not math.isnan(summarise([*records, black], HOW)["pooled"]["fov"]["auc"])


def test_an_undefined_score_of_one_image_leaves_the_mean_undefined(records):
    bare = score_image("c", np.zeros_like(TRUTH), RIGHT, FOV)
    summary = summarise([*records, bare], HOW)
    assert summary["mean"]["fov"]["sensitivity"] is None
    assert summary["pooled"]["fov"]["sensitivity"] == 3 / 4


def test_the_files(records, tmp_path):
    write_scores(tmp_path, records, Evaluation(curve_points=4))
    assert json.loads((tmp_path / "scores.json").read_text()) == summarise(records, Evaluation(curve_points=4))
    images = pd.read_csv(tmp_path / "images.csv")
    assert images[["id", "mask"]].to_numpy().tolist() == [
        ["a", "fov"],
        ["a", "frame"],
        ["b", "fov"],
        ["b", "frame"],
    ]
    assert images["f1"].tolist() == [1, 1, 0.5, 0.4]
    roc = pd.read_csv(tmp_path / "roc.csv")
    assert [*roc] == ["mask", "fpr", "tpr"]
    assert roc.groupby("mask").size().to_dict() == {"fov": 4, "frame": 4}
    assert roc[roc["mask"] == "fov"].iloc[[0, -1], 1:].to_numpy().tolist() == [[0, 0], [1, 1]]
    connectivity = pd.read_csv(tmp_path / "connectivity.csv")
    assert [*connectivity] == ["theta", "connectivity"]
    assert len(connectivity) == 256


def test_binary_maps_write_a_roc_without_rows(tmp_path):
    write_scores(tmp_path, [score_image("a", TRUTH, TRUTH * np.uint16(65535), FOV)], HOW)
    assert (tmp_path / "roc.csv").read_text() == "mask,fpr,tpr\n"
    assert '"auc": null' in (tmp_path / "scores.json").read_text()


def test_the_files_repeat_byte_by_byte(records, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_scores(tmp_path / name, records, HOW)
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_nothing_to_score_is_refused():
    with pytest.raises(ValueError, match="there is no image to score"):
        summarise([], HOW)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"threshold": 0.0}, "threshold is 0.0; it must be above 0 and at most 1"),
        ({"threshold": 1.5}, "threshold is 1.5; it must be above 0 and at most 1"),
        ({"connectivity_tolerance": 0.0}, "connectivity_tolerance is 0.0; it must be above 0"),
        ({"curve_points": 1}, "curve_points is 1; it must be at least 2"),
    ],
)
def test_parameters_out_of_range_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Evaluation(**values)
