"""All results of a set of maps, and the files that hold them."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from random_maps import random_map

from vesselbench.config import UserError
from vesselbench.metrics import evaluation as module
from vesselbench.metrics.evaluation import Evaluation, evaluate
from vesselbench.metrics.levels import fit_scale
from vesselbench.metrics.protocol import PROTOCOLS
from vesselbench.metrics.record import score_image
from vesselbench.metrics.scores import SCORES
from vesselbench.metrics.statistics import interval
from vesselbench.metrics.threshold import ChosenThreshold

THRESHOLDS = {"fixed": 32768, "training": 20000}
CHOSEN = ChosenThreshold(20000, 0.6, ("21", "22"), "highest F1")
HOW = Evaluation(draws=100, curve_points=40)
SHAPE = (20, 25)
SEEDS = (1, 2, 3, 4, 5, 6)  # of six images there are 462 different samples


@pytest.fixture(scope="module")
def records():
    return [score_image(f"{seed:02}", *random_map(seed, 65536, SHAPE), THRESHOLDS) for seed in SEEDS]


@pytest.fixture(scope="module")
def evaluated(records):
    return evaluate(records, THRESHOLDS, HOW, CHOSEN)


def labels(seed=1):
    truth, levels, fov = random_map(seed, 65536, SHAPE)
    return score_image("01", truth, np.where(levels > 40000, 65535, 0).astype(np.uint16), fov, THRESHOLDS)


def test_the_summary(evaluated, records):
    summary = evaluated.summary
    assert [*summary] == ["images", "draws", "thresholds", "pixels", "protocol", "withheld", "scores"]
    assert (summary["images"], summary["draws"], summary["withheld"]) == ([f"{seed:02}" for seed in SEEDS], 100, {})
    assert summary["thresholds"] == {
        "fixed": {"threshold": 0.5, "level": 32768},
        "training": {"threshold": 20000 / 65535, "level": 20000, "images": ["21", "22"], "rule": "highest F1"},
    }
    assert set(summary["scores"]) == {str(protocol) for protocol in PROTOCOLS}
    truths = [random_map(seed, 65536, SHAPE) for seed in SEEDS]
    assert summary["pixels"]["fov"]["native"]["vessel"] == sum(int(truth[fov].sum()) for truth, _, fov in truths)
    assert sum(summary["pixels"]["frame"]["resized"].values()) == len(SEEDS) * 20 * 25


def test_the_protocol_is_told_in_words(evaluated):
    assert evaluated.summary["protocol"] == {
        "truth": "first observer, native size; or through the IterNet code's resize to a square and back",
        "connectivity": "mean over images, whole frame; 8-connected segments, 256 thresholds, "
        "Zhang skeleton, alpha 0.05",
        "topology": "clDice and errors of the Betti numbers: mean over images, whole frame",
        "interval": "95 %, percentiles of 100 bootstrap draws of the test images",
    }


def test_every_score_stands_between_the_quantiles_of_its_draws(evaluated):
    for protocol, own in evaluated.draws.items():
        assert tuple(evaluated.summary["scores"][str(protocol)]) == tuple(own)
        assert set(own) == set(SCORES)
        for name, draws in own.items():
            stored = evaluated.summary["scores"][str(protocol)][name]
            assert draws.shape == (100,)
            assert (stored["low"], stored["high"]) == interval(draws)
            assert stored["low"] <= stored["value"] <= stored["high"], (protocol, name)


def test_two_runs_of_a_data_set_have_the_same_samples(evaluated, records):
    """The frame's share of right pixels is another in each sample; equal draws mean equal samples."""
    again = evaluate(records, THRESHOLDS, HOW, CHOSEN)
    other = evaluate(records, THRESHOLDS, Evaluation(draws=100, seed=1), CHOSEN)
    for protocol in evaluated.draws:
        one, same, new = (found.draws[protocol]["accuracy"] for found in (evaluated, again, other))
        np.testing.assert_array_equal(one, same)
        assert (one != new).any()


def test_the_files(evaluated, tmp_path):
    evaluated.write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "scores.json",
        "draws.npz",
        "images.csv",
        "roc.csv",
        "pr.csv",
        "calibration.csv",
        "connectivity.csv",
        "sensitivity.csv",
    }
    assert json.loads((tmp_path / "scores.json").read_text()) == evaluated.summary
    with np.load(tmp_path / "draws.npz") as draws:
        assert len(draws.files) == len(PROTOCOLS) * len(SCORES)
        for protocol, own in evaluated.draws.items():
            np.testing.assert_array_equal(draws[f"{protocol}/f1"], own["f1"])
    images = pd.read_csv(tmp_path / "images.csv", dtype={"id": str})
    assert images["id"].unique().tolist() == evaluated.summary["images"]
    assert images["f1"].tolist() == pytest.approx(evaluated.images["f1"].tolist(), abs=1e-6)
    for name, table in evaluated.tables.items():
        assert len(pd.read_csv(tmp_path / name)) == len(table)


def test_the_files_repeat_byte_by_byte(evaluated, records, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    evaluated.write(tmp_path / "one")
    evaluate(records, THRESHOLDS, HOW, CHOSEN).write(tmp_path / "two")
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_binary_maps_say_why_they_have_no_auc(tmp_path):
    found = evaluate([labels()], {"fixed": 32768}, HOW)
    reason = "the maps hold 0 and 1 only: one operating point, no curve"
    assert found.summary["withheld"] == {"auc": reason, "auc_pr": reason}
    nothing = {"value": None, "low": None, "high": None}
    assert found.summary["scores"]["frame-mean-resized-fixed"]["auc"] == nothing
    assert "training" not in found.summary["thresholds"]
    assert not [name for name in found.summary["scores"] if name.endswith("training")]
    found.write(tmp_path)
    assert (tmp_path / "roc.csv").read_text() == "mask,fpr,tpr,low,high\n"


def test_one_image_has_an_interval_of_no_width(records):
    scores = evaluate(records[:1], THRESHOLDS, HOW, CHOSEN).summary["scores"]["fov-pooled-native-fixed"]
    assert len(set(scores["f1"].values())) == 1


def test_floating_point_maps_are_scored_on_their_own_scale():
    truth, levels, fov = random_map(5, 65536, SHAPE)
    probability = (levels / 65535).astype(np.float32)
    scale = fit_scale([probability], np.array([0.5, 0.3]))
    at = {"fixed": int(scale.level(0.5)), "training": int(scale.level(0.3))}
    own = evaluate([score_image("05", truth, scale.encode(probability), fov, at, scale)], at, HOW, None, scale).summary
    sixteen = {"fixed": 32768, "training": int(np.ceil(0.3 * 65535))}
    expected = evaluate([score_image("05", truth, levels, fov, sixteen)], sixteen, HOW).summary
    assert own["thresholds"]["training"]["threshold"] == pytest.approx(0.3, abs=1e-7)
    for protocol, scores in expected["scores"].items():
        for name in SCORES:
            assert own["scores"][protocol][name] == pytest.approx(scores[name], abs=1e-12)


def test_a_threshold_chosen_on_a_scored_image_is_refused(records):
    message = "the threshold was chosen on 02, which would be scored with it; choose it on training images alone"
    with pytest.raises(UserError, match=re.escape(message)):
        evaluate(records, THRESHOLDS, HOW, ChosenThreshold(20000, 0.6, ("21", "02")))


def test_inconsistent_scores_are_refused(records, monkeypatch):
    honest = module.draw_scores

    def wrong(*arguments):
        draws = honest(*arguments)
        for own in draws.values():
            own["accuracy"] = own["accuracy"] + 0.002
        return draws

    monkeypatch.setattr(module, "draw_scores", wrong)
    with pytest.raises(UserError, match="inconsistent scores, nothing was written: accuracy "):
        evaluate(records, THRESHOLDS, HOW, CHOSEN)


def test_nothing_to_score_is_refused():
    with pytest.raises(ValueError, match="there is no image to score"):
        evaluate([], THRESHOLDS, HOW)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"threshold": 0.0}, "threshold is 0.0; it must be above 0 and at most 1"),
        ({"threshold": 1.5}, "threshold is 1.5; it must be above 0 and at most 1"),
        ({"connectivity_tolerance": 0.0}, "connectivity_tolerance is 0.0; it must be above 0"),
        ({"draws": 99}, "draws is 99; it must be at least 100"),
        ({"curve_points": 1}, "curve_points is 1; it must be at least 2"),
    ],
)
def test_parameters_out_of_range_are_refused(values, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Evaluation(**values)
