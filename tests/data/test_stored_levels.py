"""Probability maps in their files: 16 bits, and 8 with levels of their own."""

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from vesselbench.config import UserError
from vesselbench.data.levels import read_levels, write_levels


def test_levels_round_trip_and_round(tmp_path):
    path = tmp_path / "map.png"
    write_levels(path, np.array([[0, 1, 0.5, 0.6 / 65535]], np.float32))
    levels = read_levels(path, (1, 4))
    assert levels.dtype == np.uint16
    assert levels.tolist() == [[0, 65535, 32768, 1]]


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_levels_outside_0_to_1(tmp_path, value):
    with pytest.raises(ValueError, match="probabilities must lie in"):
        write_levels(tmp_path / "map.png", np.array([[value]]))
    assert not (tmp_path / "map.png").exists()


def test_eight_bits_hold_the_levels_of_a_map_of_few(tmp_path):
    levels = np.array([[0, 7, 32767], [32768, 65534, 65535]], np.uint16)
    write_levels(tmp_path / "map.png", levels / 65535, bits=8)
    assert np.asarray(Image.open(tmp_path / "map.png")).dtype == np.uint8
    again = read_levels(tmp_path / "map.png", (2, 3))
    assert again.dtype == np.uint16
    assert np.array_equal(again, levels), "no more levels than there is room for: nothing is lost"


@pytest.mark.parametrize("probability", [np.zeros((4, 5)), np.ones((4, 5)), np.full((4, 5), 0.5)])
def test_eight_bits_of_a_constant_map(tmp_path, probability):
    write_levels(tmp_path / "eight.png", probability, bits=8)
    write_levels(tmp_path / "sixteen.png", probability)
    assert np.array_equal(read_levels(tmp_path / "eight.png"), read_levels(tmp_path / "sixteen.png"))


@pytest.mark.parametrize(
    ("background", "vessel", "spread", "bound"), [(-4, 1, 1.8, 1e-5), (-8, 0, 3, 5e-5), (0.4, 0.6, 0.1, 1e-5)]
)
def test_eight_bits_keep_order_decision_and_auc(tmp_path, background, vessel, spread, bound):
    generator = np.random.default_rng(0)
    truth = generator.random((1000, 1000)) < 0.12
    probability = 1 / (1 + np.exp(-generator.normal(np.where(truth, vessel, background), spread)))
    write_levels(tmp_path / "eight.png", probability, bits=8)
    write_levels(tmp_path / "sixteen.png", probability)
    eight, sixteen = (read_levels(tmp_path / f"{name}.png").ravel() for name in ("eight", "sixteen"))
    assert np.array_equal(eight >= 32768, sixteen >= 32768)
    assert np.all(np.diff(eight[np.argsort(sixteen)].astype(int)) >= 0)
    assert abs(roc_auc_score(truth.ravel(), eight) - roc_auc_score(truth.ravel(), sixteen)) < bound


def test_eight_bits_without_levels_are_no_map(tmp_path):
    Image.fromarray(np.array([[0, 255]], np.uint8)).save(tmp_path / "map.png")
    with pytest.raises(UserError, match="not a 16-bit grey PNG, nor one of 8 bits with its levels"):
        read_levels(tmp_path / "map.png")


def test_a_colour_file_is_no_map(tmp_path):
    Image.new("RGB", (2, 1)).save(tmp_path / "map.png")
    with pytest.raises(UserError, match="not a 16-bit grey PNG"):
        read_levels(tmp_path / "map.png")
