"""Scores under every protocol and their draws, by hand on two images and against recomputation."""

import numpy as np
import pytest
from random_maps import count, random_map

from vesselbench.metrics import counts
from vesselbench.metrics.bootstrap import image_weights
from vesselbench.metrics.image import score_image
from vesselbench.metrics.protocol import PROTOCOLS, SIZES, Protocol
from vesselbench.metrics.scores import KEYS, RATIOS, SCORES, WHOLE_FRAME, binary, draw_scores, image_table
from vesselbench.metrics.topology import describe

FOV = np.array([[True, True, True, False]] * 2)
TRUTH = np.array([[1, 1, 0, 0], [0, 0, 0, 0]], np.uint8)
RIGHT = np.array([[60000, 40000, 10, 0], [0, 20, 30, 0]], np.uint16)  # every vessel above every other pixel
WRONG = np.array([[60000, 0, 50000, 50000], [0, 20, 30, 0]], np.uint16)  # one missed, one false in, one outside
THRESHOLDS = {"fixed": 32768, "training": 20}


@pytest.fixture
def records():
    return [score_image("a", TRUTH, RIGHT, FOV, THRESHOLDS), score_image("b", TRUTH, WRONG, FOV, THRESHOLDS)]


def scored(records, thresholds=THRESHOLDS, weights=None):
    weights = np.ones((1, len(records)), int) if weights is None else weights
    return draw_scores(records, image_table(records, thresholds), weights)


def test_scores_by_hand_under_the_protocols(records):
    scores = scored(records)
    inside, frame = scores[Protocol("fov")], scores[Protocol("frame")]
    # 12 pixels: 4 vessels of which 3 are found, 8 background of which 1 is called vessel
    assert inside["sensitivity"] == 3 / 4
    assert inside["specificity"] == 7 / 8
    assert inside["accuracy"] == 10 / 12
    assert inside["f1"] == 6 / 8
    # positives 60000 60000 40000 0 against 50000 30 30 20 20 10 0 0
    assert inside["auc"] == (8 + 8 + 7 + 1) / 32
    assert inside["auc_pr"] == pytest.approx((1 + 1 + 3 / 4 + 4 / 12) / 4)
    assert (frame["specificity"], frame["sensitivity"]) == (10 / 12, 3 / 4), "one more lies outside, and is called so"
    mean = scores[Protocol("fov", "mean")]
    assert mean["f1"] == (1 + 2 / 4) / 2
    assert mean["auc"] == pytest.approx((1 + (4 + 0.5) / 8) / 2)
    # at 20 or above: right finds both and calls 20 and 30 vessel, wrong finds one and calls 50000, 20 and 30 so
    lower = scores[Protocol("fov", threshold="training")]
    assert (lower["f1"], lower["auc"]) == (2 * 3 / (2 * 3 + 5 + 1), inside["auc"])


def test_every_protocol_has_every_score_and_topology_is_one_under_every_mask_and_pooling(records):
    scores = scored(records)
    assert set(scores) == set(PROTOCOLS)
    assert all(set(own) == set(SCORES) for own in scores.values())
    assert {protocol.threshold for protocol in scored(records, {"fixed": 32768})} == {"fixed"}
    for name in WHOLE_FRAME:
        own = [scores[Protocol(mask, pooling)][name] for mask in ("fov", "frame") for pooling in ("pooled", "mean")]
        assert own == own[:1] * 4


def test_topology_by_hand(records):
    scores = scored(records)[Protocol()]
    assert describe(TRUTH).skeleton.tolist() == TRUTH.tolist()
    # right is the truth itself; wrong has two pieces, of three pixels of which one is right, and finds one of two
    assert scores["cldice"] == pytest.approx((1 + 2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2)) / 2)
    assert scores["betti_0"] == 0.5
    assert scores["betti_1"] == 0


def test_the_table_of_images_by_hand(records):
    table = image_table(records, THRESHOLDS)
    assert {*table} == {*KEYS, "tp", "fp", "tn", "fn", *SCORES}
    assert len(table) == 2 * 2 * 3 * 2
    own = table.set_index([*KEYS])
    assert own.loc[("b", "fov", "native", "fixed"), ["f1", "sensitivity", "precision"]].tolist() == [0.5, 0.5, 0.5]
    assert own.loc[("b", "frame", "native", "fixed"), "precision"] == 1 / 3
    assert own.loc[("b", "frame", "native", "fixed"), ["tp", "fp", "tn", "fn"]].tolist() == [1, 2, 4, 1]
    assert own.loc[("b", "fov", "native", "training"), "sensitivity"] == 0.5
    assert own.loc[("a", "fov", "native", "fixed"), "auc"] == 1


def test_draws_equal_scoring_the_images_that_were_taken():
    maps = [random_map(seed, 65536, (20, 25)) for seed in range(4)]
    thresholds = {"fixed": 32768, "training": 20000}
    records = [score_image(str(id), *one, thresholds) for id, one in enumerate(maps)]
    weights = image_weights(4, 30)
    draws = scored(records, thresholds, weights)
    for sample, row in enumerate(weights):
        taken = scored([records[image] for image in np.repeat(np.arange(4), row)], thresholds)
        for protocol in PROTOCOLS:
            for name in SCORES:
                assert draws[protocol][name][sample] == pytest.approx(taken[protocol][name][0], abs=1e-12), name
    truth, levels, fov = (np.hstack(parts) for parts in zip(*maps, strict=True))  # all pixels as if of one image
    own = count(truth, levels >= 20000, fov)
    for name in RATIOS:
        assert draws[Protocol(threshold="training")][name][0] == getattr(counts, name)(own)


def test_every_size_is_scored_by_itself():
    scores = scored([score_image("a", *random_map(0, 65536, (40, 50)), THRESHOLDS)])
    for name in ("f1", "betti_0", "connectivity", "auc", "auc_pr"):
        assert len({scores[Protocol(size=size)][name][0] for size in SIZES}) == 3, name


def test_binary_maps_have_no_area_under_a_curve(records):
    record = score_image("a", TRUTH, np.where(WRONG > 40000, 65535, 0).astype(np.uint16), FOV, THRESHOLDS)
    assert binary([record])
    for own in scored([record]).values():
        assert np.isnan([own["auc"], own["auc_pr"]]).all()
    assert scored([record])[Protocol()]["sensitivity"] == 0.5
    assert not np.isnan(scored([*records, record])[Protocol()]["auc"])  # one grey map among them is enough


def test_an_undefined_score_of_one_image_leaves_the_mean_undefined(records):
    bare = score_image("c", np.zeros_like(TRUTH), RIGHT, FOV, THRESHOLDS)
    scores = scored([*records, bare])
    assert np.isnan(scores[Protocol("fov", "mean")]["sensitivity"])
    assert np.isnan(scores[Protocol()]["connectivity"])
    assert scores[Protocol()]["sensitivity"] == 3 / 4


@pytest.mark.parametrize(("level", "expected"), [(32768, 0.5), (32767, 1), (32769, 0)])
def test_a_level_is_vessel_from_itself_on(level, expected):
    levels = np.array([[32768, 32767]], np.uint16)
    record = score_image("a", np.array([[1, 1]]), levels, np.ones((1, 2), bool), {"fixed": level})
    scores = scored([record], {"fixed": level})[Protocol()]
    assert scores["sensitivity"] == expected
    assert scores["betti_0"] == (expected == 0)
