"""The threshold chosen on training images, by hand and by trying every level."""

import numpy as np
import pytest

from vesselbench.data.maps import Threshold
from vesselbench.prediction.threshold import RULE, ThresholdChooser

TRUTH = np.array([[1, 1], [0, 0]], np.uint8)
LEVELS = np.array([[900, 100], [500, 0]], np.uint16)  # from above: vessel, background, vessel, background
ALL = np.ones((2, 2), bool)


def choose(*images):
    """Choose on images given as truth, levels and, if not everything counts, the field of view; ids 0, 1, ..."""
    chooser = ThresholdChooser()
    for number, (truth, levels, *fov) in enumerate(images):
        chooser.add(str(number), np.asarray(truth), np.asarray(levels, np.uint16), *(fov or [ALL]))
    return chooser.choose()


def test_by_hand():
    # at 900 F1 = 2 / (2 + 0 + 1), at 500 2 / (2 + 1 + 1), at 100 4 / (4 + 1 + 0)
    assert choose((TRUTH, LEVELS)) == Threshold(100, 0.8, ("0",), RULE)
    # without the background pixel at 500 both at 100 are found without a mistake
    assert choose((TRUTH, LEVELS, np.array([[True, True], [False, True]]))) == Threshold(100, 1.0, ("0",), RULE)
    # of equal levels the highest is chosen
    assert choose((TRUTH, [[900, 900], [100, 0]])).level == 900, "every level from 101 to 900 is perfect"
    # at 900 one of two: 2/3; at 100 both and two more: 2/3
    assert choose(([[1, 0], [0, 1]], [[900, 500], [500, 100]])).level == 900
    # pixels of all images are pooled: all is vessel, 4 right, 4 wrong; and false alarms count where there is no vessel
    assert choose((TRUTH, LEVELS), (1 - TRUTH, LEVELS)) == Threshold(0, pytest.approx(2 / 3), ("0", "1"), RULE)
    assert choose((TRUTH, LEVELS), (np.zeros((2, 2)), np.full((2, 2), 400))).level == 900


def test_equals_trying_every_level():
    generator = np.random.default_rng(0)
    truth, fov = generator.random((3, 20, 30)) < 0.2, generator.random((3, 20, 30)) < 0.7
    levels = (219 * (generator.integers(0, 300, truth.shape) + 100 * truth).clip(0, 299)).astype(np.uint16)
    scores = {}
    for level in range(0, 65536, 219):  # the levels that such maps hold
        found = levels >= level
        tp, wrong = (truth & found & fov).sum(), ((truth != found) & fov).sum()
        scores[level] = 2 * tp / (2 * tp + wrong)
    chosen = choose(*zip(truth, levels, fov, strict=True))
    assert chosen.f1 == max(scores.values())
    assert chosen.level == max(level for level, score in scores.items() if score == chosen.f1)
    assert chosen.images == ("0", "1", "2")


def test_there_must_be_something_to_choose_on():
    with pytest.raises(ValueError, match="there is no training image to choose a threshold on"):
        choose()
    with pytest.raises(ValueError, match="the truth of 0, 1 is empty; a threshold needs some of the class"):
        choose(*2 * [(np.zeros((2, 2)), LEVELS)])
