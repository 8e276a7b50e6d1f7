"""All results of a set of maps, and the files that hold them."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from random_maps import random_map

from vesselbench.config import UserError, parse
from vesselbench.data.maps import Threshold
from vesselbench.metrics import evaluation as module
from vesselbench.metrics.bootstrap import image_weights, interval
from vesselbench.metrics.evaluation import Evaluation, evaluate
from vesselbench.metrics.image import score_image
from vesselbench.metrics.protocol import HEADLINE, PROTOCOLS, Protocol
from vesselbench.metrics.scores import RATIOS, SCORES, with_ratios
from vesselbench.reports.runs import read_results

THRESHOLDS = {"fixed": 32768, "training": 20000}
CHOSEN = Threshold(20000, 0.6, ("21", "22"), "highest F1")
HOW = Evaluation(draws=100)
SHAPE = (20, 25)
SEEDS = (1, 2, 3, 4, 5, 6)  # of six images there are 462 different samples


@pytest.fixture(scope="module")
def records():
    return [score_image(f"{seed:02}", *random_map(seed, 65536, SHAPE), THRESHOLDS) for seed in SEEDS]


@pytest.fixture(scope="module")
def evaluated(records):
    return evaluate(records, THRESHOLDS, HOW, CHOSEN)


def test_the_summary(evaluated):
    summary = evaluated.summary
    assert [*summary] == ["images", "draws", "thresholds", "pixels", "protocol", "withheld", "scores"]
    assert (summary["images"], summary["draws"], summary["withheld"]) == ([f"{seed:02}" for seed in SEEDS], 100, {})
    assert summary["thresholds"] == {
        "fixed": {"threshold": 0.5, "level": 32768},
        "training": {"threshold": 20000 / 65535, "level": 20000, "images": ["21", "22"], "rule": "highest F1"},
    }
    assert summary["protocol"] == {
        "truth": "first observer",
        "size": "native; round_trip: truth and map through the IterNet code's resize to a square and back; "
        "square: there",
        "connectivity": "mean over images, whole frame; 8-connected segments, 256 thresholds, "
        "Zhang skeleton, alpha 0.05",
        "topology": "clDice and errors of the Betti numbers: mean over images, whole frame",
        "interval": "95 %, percentiles of 100 bootstrap draws of the test images",
    }
    truths = [random_map(seed, 65536, SHAPE) for seed in SEEDS]
    assert summary["pixels"]["fov"]["native"]["vessel"] == sum(int(truth[fov].sum()) for truth, _, fov in truths)
    assert summary["pixels"]["frame"]["native"]["vessel"] == sum(int(truth.sum()) for truth, _, _ in truths)
    assert sum(summary["pixels"]["frame"]["round_trip"].values()) == len(SEEDS) * 20 * 25
    assert sum(summary["pixels"]["frame"]["square"].values()) == len(SEEDS) * 16 * 16
    assert set(summary["scores"]) == {str(protocol) for protocol in PROTOCOLS}


def test_every_score_stands_between_the_quantiles_of_its_draws(evaluated):
    for protocol, own in evaluated.draws.items():
        assert tuple(evaluated.summary["scores"][str(protocol)]) == tuple(own)
        assert set(own) == set(SCORES)
        for name, draws in own.items():
            stored = evaluated.summary["scores"][str(protocol)][name]
            assert draws.shape == (100,)
            assert (stored["low"], stored["high"]) == interval(draws)
            assert stored["low"] <= stored["value"] <= stored["high"], (protocol, name)


def test_two_runs_of_a_data_set_have_the_same_samples(evaluated, records, monkeypatch):
    """The share of right pixels is another in each sample; equal draws mean equal samples."""
    again = evaluate(records, THRESHOLDS, HOW, CHOSEN)
    monkeypatch.setattr(module, "image_weights", lambda images, draws: image_weights(images, draws, seed=1))
    other = evaluate(records, THRESHOLDS, HOW, CHOSEN)
    for protocol in evaluated.draws:
        one, same, new = (found.draws[protocol]["accuracy"] for found in (evaluated, again, other))
        np.testing.assert_array_equal(one, same)
        assert (one != new).any()
    areas = evaluated.images.query("mask == 'fov' and size == 'native' and threshold == 'fixed'")["auc"].to_numpy()
    assert evaluated.draws[Protocol("fov", "mean")]["auc"] == pytest.approx(image_weights(6, 100)[1:] @ areas / 6)


def test_the_files(evaluated, records, tmp_path):
    for name, found in {"one": evaluated, "two": evaluate(records, THRESHOLDS, HOW, CHOSEN)}.items():
        (tmp_path / name).mkdir()
        found.write(tmp_path / name)
    files = {path.name: path for path in (tmp_path / "one").iterdir()}
    assert files.keys() == {"scores.json", "draws.npz", "images.csv", *evaluated.tables}
    for name, path in files.items():
        assert path.read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    written = json.loads(files["scores.json"].read_text())
    assert written | {"scores": 0, "thresholds": 0} == evaluated.summary | {"scores": 0, "thresholds": 0}
    for protocol, own in evaluated.summary["scores"].items():
        pd.testing.assert_frame_equal(pd.DataFrame(written["scores"][protocol]), pd.DataFrame(own), atol=1e-10, rtol=0)
    images = pd.read_csv(files["images.csv"], dtype={"id": str})
    assert images["id"].unique().tolist() == evaluated.summary["images"]
    assert not {*RATIOS} & {*images}
    pd.testing.assert_frame_equal(with_ratios(images)[[*evaluated.images]], evaluated.images, atol=1e-8, rtol=0)
    assert all(pd.read_csv(files[name]).shape == table.shape for name, table in evaluated.tables.items())


def test_draws_that_are_made_again_from_the_files_are_those_that_were_drawn(evaluated, tmp_path):
    evaluated.write(tmp_path / "drive/drive-a-0/whole/vessel")
    run = {"label": "a", "model": "a", "split": "drive", "seed": 0, "recipe": "r", "about": {}, "modes": {"whole": {}}}
    (tmp_path / "drive/drive-a-0/run.json").write_text(json.dumps(run))
    results = read_results("drive", {"drive-a-0": {"data": "drive"}}, tmp_path)
    for protocol, own in evaluated.draws.items():
        lost = {"auc", "auc_pr"} if protocol.pooling == "pooled" and protocol not in HEADLINE.values() else {}
        for score, draws in own.items():
            again = results.mean_draws("a", "whole", protocol, score)
            np.testing.assert_allclose(again, np.nan if score in lost else draws, atol=1e-7, err_msg=score)


def test_a_threshold_chosen_on_a_scored_image_is_refused(records):
    message = "the threshold was chosen on 02, which would be scored with it; choose it on training images alone"
    with pytest.raises(UserError, match=re.escape(message)):
        evaluate(records, THRESHOLDS, HOW, Threshold(20000, 0.6, ("21", "02"), "highest F1"))
    with pytest.raises(UserError, match="the threshold was chosen on 01, 03, which would be scored with it; choose it"):
        evaluate(records, THRESHOLDS, HOW, Threshold(20000, 0.6, ("03", "01"), "highest F1"))


@pytest.mark.parametrize(("name", "value"), [("threshold", 0.0), ("threshold", 1.5), ("draws", 99), ("seed", 1)])
def test_parameters_out_of_range_are_refused(name, value):
    with pytest.raises(UserError, match=rf"params.yaml: evaluate.{name} is .*; correct"):
        parse(Evaluation, {name: value}, "evaluate")
