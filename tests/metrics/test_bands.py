"""Curves for drawing and their bands, by hand on a few pixels."""

import numpy as np
import pandas as pd
import pytest
from random_maps import ALL, LEVELS, QUAD, areas, random_map

from vesselbench.metrics.bands import calibration, connectivity_band, drawn_tables, precision_recall_band, roc_band
from vesselbench.metrics.bootstrap import image_weights
from vesselbench.metrics.connectivity import AT_SIZE, OURS, Reading, connectivity
from vesselbench.metrics.histograms import histogram, stack, thinned
from vesselbench.metrics.image import score_image

ONE = np.ones((2, 1), np.int64)  # of one image there is one sample


def test_both_curves_by_hand():
    table = roc_band(stack([histogram(QUAD, LEVELS, ALL)]), ONE)
    assert table["fpr"].tolist() == [0, 0, 0.5, 0.5, 1]
    assert table["tpr"].tolist() == [0, 0.5, 0.5, 1, 1]
    table = precision_recall_band(stack([histogram(QUAD, LEVELS, ALL)]), ONE)
    assert table["recall"].tolist() == [0.5, 0.5, 1, 1]
    assert table["precision"].tolist() == [1, 0.5, 2 / 3, 0.5]
    table = precision_recall_band(stack([histogram(1 - QUAD, LEVELS, ALL)]), ONE)
    assert table["recall"].tolist() == [0.5, 0.5, 1], "it begins where a vessel is found"
    assert table["precision"].tolist() == [1 / 2, 1 / 3, 1 / 2]


@pytest.mark.parametrize("band", [roc_band, precision_recall_band])
def test_a_curve_lies_in_its_band_and_one_image_is_its_own(band):
    table = band(stack([histogram(QUAD, LEVELS, ALL)]), ONE)
    assert table["low"].tolist() == table["high"].tolist() == table.iloc[:, 1].tolist()
    images = stack([histogram(*random_map(seed, 65536)) for seed in range(10)])
    table = band(thinned(images, 50), image_weights(10, 400))
    assert (table["low"] <= table.iloc[:, 1]).all()
    assert (table.iloc[:, 1] <= table["high"]).all()
    assert (table["high"] - table["low"]).max() > 0.01


def test_samples_without_the_image_of_the_highest_level_count_too():
    high = histogram(QUAD, np.array([[900, 900], [500, 500]], np.uint16), ALL)
    low = histogram(np.array([[1, 0], [0, 0]]), np.array([[100, 200], [200, 200]], np.uint16), ALL)
    table = precision_recall_band(stack([high, low]), np.array([[1, 1], [0, 2]]))
    assert table.iloc[-1].tolist() == [1, 3 / 8, 1 / 4, 1 / 4]  # the one sample is of the lower image alone


@pytest.mark.parametrize("band", [roc_band, precision_recall_band])
def test_without_a_vessel_there_is_no_curve(band):
    table = band(stack([histogram(np.zeros((2, 2)), LEVELS, ALL)]), ONE)
    assert [*table] == [*band(stack([histogram(QUAD, LEVELS, ALL)]), ONE)]
    assert table.empty


def test_the_steps_of_the_precision_recall_curve_are_average_precision():
    pixels = histogram(*random_map(0, 300))
    table = precision_recall_band(stack([pixels]), ONE)
    gained = np.diff(table["recall"], prepend=0)
    assert (gained * table["precision"]).sum() == pytest.approx(areas(pixels)[1], abs=1e-12)


def test_a_band_of_connectivity_by_hand():
    curves = np.array([np.ones(256), np.zeros(256)])
    weights = np.array([[1, 1], *[[0, 2]] * 50, *[[2, 0]] * 51])
    table = connectivity_band(curves, weights)
    assert [*table] == ["theta", "connectivity", "low", "high"]
    assert table["theta"].tolist() == OURS.thetas.tolist()
    assert table["connectivity"].tolist() == [0.5] * 256
    assert (table["low"].unique().tolist(), table["high"].unique().tolist()) == ([0], [1])


def test_calibration_by_hand():
    levels = np.rint(65535 * np.array([[0.12, 0.14], [0.13, 0.97]])).astype(np.uint16)
    table = calibration([histogram(QUAD, levels, ALL)], ONE)
    assert table["bin_low"].tolist() == [0.1, 0.95]
    assert table["bin_high"].tolist() == [0.15, 1]
    assert table["pixels"].tolist() == [3, 1]
    assert table["probability"].tolist() == pytest.approx([0.13, 0.97], abs=1e-5)
    for column in ("vessel", "low", "high"):
        assert table[column].tolist() == [2 / 3, 0]
    levels = np.array([[0, 65535], [3276, 3277]], np.uint16)  # 3276.75 is one twentieth
    table = calibration([histogram(QUAD, levels, ALL)], ONE)
    assert table[["bin_low", "pixels"]].to_numpy().tolist() == [[0, 2], [0.05, 1], [0.95, 1]]
    # a sample without a pixel in a bin says nothing of it
    low, high = (histogram(QUAD, np.full((2, 2), level, np.uint16), ALL) for level in (1000, 60000))
    table = calibration([low, high], np.array([[1, 1], [2, 0], [0, 2]]))
    assert table["vessel"].tolist() == [0.5, 0.5]
    assert not table.isna().any(axis=None)


def test_the_tables_for_drawing():
    records = [score_image(str(seed), *random_map(seed, 65536, (20, 30)), {"fixed": 32768}) for seed in range(3)]
    weights = np.array([[1, 1, 1], [3, 0, 0], [0, 2, 1]])
    tables = drawn_tables(records, weights, points=40)
    assert {name: [*table] for name, table in tables.items()} == {
        "roc.csv": ["mask", "fpr", "tpr", "low", "high"],
        "pr.csv": ["mask", "recall", "precision", "low", "high"],
        "calibration.csv": ["mask", "bin_low", "bin_high", "pixels", "probability", "vessel", "low", "high"],
        "connectivity.csv": ["theta", "connectivity", "low", "high"],
        "sensitivity.csv": ["id", "size", "neighbours", "levels", "skeleton", "smallest", "connectivity"],
    }
    for name in ("roc.csv", "pr.csv"):
        assert tables[name].groupby("mask").size().between(20, 40).to_dict() == {"fov": True, "frame": True}
    assert tables["calibration.csv"].groupby("mask")["pixels"].sum().loc["frame"] == 3 * 20 * 30
    pd.testing.assert_frame_equal(tables["roc.csv"], tables["roc.csv"].dropna())
    table = tables["sensitivity.csv"]
    found = [(id, size, Reading(*reading)) for id, size, *reading, _ in table.itertuples(index=False)]
    assert found == [(one.id, size, reading) for one in records for size, own in AT_SIZE.items() for reading in own]
    curves = [records[int(id)].curves[size, reading] for id, size, reading in found]
    assert table["connectivity"].tolist() == [*map(connectivity, curves)]
    curve, mean = tables["connectivity.csv"], np.mean([connectivity(one.curves["native", OURS]) for one in records])
    assert np.trapezoid(curve["connectivity"], curve["theta"]) == pytest.approx(mean, abs=1e-12)


def test_binary_maps_have_no_curve():
    truth, levels, fov = random_map(0, 65536, (20, 30))
    labels = np.where(levels > 30000, 65535, 0).astype(np.uint16)
    tables = drawn_tables([score_image("0", truth, labels, fov, {"fixed": 32768})], ONE)
    assert [len(tables[name]) for name in ("roc.csv", "pr.csv", "calibration.csv")] == [0, 0, 0]
    assert [*tables["roc.csv"]] == ["mask", "fpr", "tpr", "low", "high"]
    assert len(tables["connectivity.csv"]) == 256
