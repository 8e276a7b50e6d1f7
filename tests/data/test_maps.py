"""Probability maps on the disk: levels by hand, the rounding at every level, and files that any program reads."""

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage.io import imread
from sklearn.metrics import roc_auc_score

from vesselbench.config import UserError
from vesselbench.data import maps
from vesselbench.data.maps import Threshold, level_of, read_map, round_levels, to_levels, write_map

EVERY = np.arange(65536, dtype=np.uint16)
ROUNDED = round_levels(EVERY).astype(int)


def test_the_level_of_a_threshold_is_exact():
    assert level_of(np.array([0, 0.5, 1])).tolist() == [0, 32768, 65535]  # 32767 / 65535 lies below 0.5
    assert np.array_equal(level_of(EVERY / 65535), EVERY)
    for threshold in np.random.default_rng(0).random(20):
        assert np.array_equal(threshold <= EVERY / 65535, level_of(threshold) <= EVERY)


def test_levels_of_probabilities_by_hand():
    probability = np.array([[0, 1, 0.5, 0.6 / 65535, 1000 / 65535]], np.float32)
    assert to_levels(probability, rounded=False).tolist() == [[0, 65535, 32768, 1, 1000]]
    assert to_levels(probability).tolist() == [[0, 65535, 32768, 1, 1000]]
    assert to_levels(probability).dtype == np.uint16
    for value in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="probabilities must lie in"):
            to_levels(np.array([[value]]))


def test_rounding_to_nine_significant_bits_by_hand_keeps_order_sides_and_symmetry_at_every_level():
    assert ROUNDED[:513].tolist() == list(range(513))
    # 513 in steps of 2, 20000 of 64; halves go away from the nearer end, but never beyond the middle
    rounded = {513: 514, 1000: 1000, 1001: 1002, 20000: 20032, 32735: 32704, 32736: 32767, 32767: 32767}
    assert {level: ROUNDED[level] for level in rounded} == rounded
    assert np.all(np.diff(ROUNDED) >= 0)
    assert np.array_equal(ROUNDED >= 32768, EVERY >= 32768)
    assert np.array_equal(ROUNDED[::-1], 65535 - ROUNDED)
    assert np.array_equal(ROUNDED[ROUNDED], ROUNDED), "rounding twice changes nothing"
    assert np.all(np.abs(ROUNDED - EVERY) <= np.minimum(EVERY, 65535 - EVERY.astype(int)) / 512)


@pytest.mark.parametrize(
    ("background", "vessel", "spread", "bound"),
    [(-4, 1, 1.8, 1e-5), (-8, 0, 3, 1e-5), (-2, 2, 1, 1e-5), (0.4, 0.6, 0.1, 2e-4)],  # the last is squeezed together
)
def test_rounding_hardly_moves_the_auc(background, vessel, spread, bound):
    generator = np.random.default_rng(0)
    truth = generator.random(500_000) < 0.12
    probability = 1 / (1 + np.exp(-generator.normal(np.where(truth, vessel, background), spread)))
    exact = roc_auc_score(truth, probability)
    assert abs(roc_auc_score(truth, to_levels(probability)) - exact) < bound
    assert abs(roc_auc_score(truth, to_levels(probability, rounded=False)) - exact) < 2e-6


def test_a_map_is_an_ordinary_16_bit_grey_png(tmp_path):
    path, levels = tmp_path / "map.png", EVERY.reshape(128, 512)
    write_map(path, levels)
    assert path.read_bytes()[24:26] == bytes([16, 0]), "bits, and grey, in the header"
    assert np.array_equal(read_map(path, (128, 512)), levels)
    for grey in (np.asarray(Image.open(path)), imread(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED)):
        assert np.array_equal(grey / 65535, levels / 65535)


@pytest.mark.parametrize("pixels", [np.zeros((1, 2), np.uint8), np.zeros((1, 2, 3), np.uint8)])
def test_what_is_no_map_is_refused(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "map.png")
    with pytest.raises(UserError, match="map.png: not a 16-bit grey PNG; predict again to write it"):
        read_map(tmp_path / "map.png")
    write_map(tmp_path / "map.png", np.zeros((1, 2), np.uint16))
    with pytest.raises(UserError, match=r"1 x 2 \(rows x columns\), but the image that it belongs to is 2 x 1"):
        read_map(tmp_path / "map.png", (2, 1))


def test_thresholds_are_read_as_they_were_written(tmp_path):
    chosen = {"artery": Threshold(100, 1 / 3, ("21", "22"), "by hand"), "vein": Threshold(7, 0.5, (), "by hand")}
    maps.write_thresholds(tmp_path / "threshold.json", chosen)
    assert maps.read_thresholds(tmp_path / "threshold.json") == chosen
    with pytest.raises(UserError, match="none.json: no such file; run the predict stage that writes it"):
        maps.read_thresholds(tmp_path / "none.json")
