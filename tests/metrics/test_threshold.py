"""The threshold chosen on training images, by hand and by trying every level."""

import math

import numpy as np
import pytest
from random_maps import ALL, QUAD, random_map

from vesselbench.config import UserError
from vesselbench.metrics.counts import count, f1
from vesselbench.metrics.curves import histogram
from vesselbench.metrics.threshold import RULE, ChosenThreshold, check_unseen, choose_threshold

LEVELS = np.array([[900, 100], [500, 0]], np.uint16)  # from above: vessel, background, vessel, background


def test_four_pixels_by_hand():
    # at 900 F1 = 2 / (2 + 0 + 1), at 500 2 / (2 + 1 + 1), at 100 4 / (4 + 1 + 0)
    assert choose_threshold({"21": histogram(QUAD, LEVELS, ALL)}) == ChosenThreshold(100, 0.8, ("21",), RULE)


def test_of_equal_levels_the_highest_is_chosen():
    levels = np.array([[900, 900], [100, 0]], np.uint16)  # every level from 101 to 900 is perfect
    assert choose_threshold({"21": histogram(QUAD, levels, ALL)}).level == 900
    one_wrong = np.array([[900, 500], [500, 100]], np.uint16)  # at 900 one of two: 2/3; at 100 both and two: 2/3
    truth = np.array([[1, 0], [0, 1]])
    assert choose_threshold({"21": histogram(truth, one_wrong, ALL)}).level == 900


def test_equals_trying_every_level():
    maps = [random_map(seed, 300, (20, 30)) for seed in range(3)]
    chosen = choose_threshold({str(id): histogram(*one) for id, one in enumerate(maps)})
    scores = {}
    for level in range(0, 65536, 219):  # the levels that such maps hold are multiples of 219
        counts = [count(truth, levels >= level, fov) for truth, levels, fov in maps]
        scores[level] = float(f1(counts[0] + counts[1] + counts[2]))
    assert chosen.f1 == max(scores.values())
    assert chosen.level == max(level for level, score in scores.items() if score == chosen.f1)
    assert chosen.images == ("0", "1", "2")


def test_pixels_of_all_images_are_pooled():
    good, bad = histogram(QUAD, LEVELS, ALL), histogram(1 - QUAD, LEVELS, ALL)
    assert choose_threshold({"a": good, "b": bad}).f1 == pytest.approx(2 / 3)  # all is vessel: 4 right, 4 wrong
    assert choose_threshold({"a": good, "b": bad}).level == 0


def test_an_image_without_vessels_counts_its_false_alarms():
    good, empty = histogram(QUAD, LEVELS, ALL), histogram(np.zeros((2, 2)), np.full((2, 2), 400, np.uint16), ALL)
    assert choose_threshold({"a": good, "b": empty}).level == 900


def test_there_must_be_something_to_choose_on():
    with pytest.raises(ValueError, match="there is no training image to choose a threshold on"):
        choose_threshold({})
    empty = histogram(np.zeros((2, 2)), LEVELS, ALL)
    with pytest.raises(ValueError, match="no vessel in the truth of 21, 22; a threshold needs some"):
        choose_threshold({"21": empty, "22": empty})


def test_it_is_read_as_it_was_written(tmp_path):
    chosen = ChosenThreshold(100, 1 / 3, ("21", "22"))
    chosen.write(tmp_path / "whole.json")
    assert ChosenThreshold.read(tmp_path / "whole.json") == chosen


def test_no_image_may_be_scored_that_it_was_chosen_on():
    chosen = ChosenThreshold(100, math.nan, ("21", "22", "23"))
    check_unseen(chosen, ["01", "02"])
    with pytest.raises(UserError, match="the threshold was chosen on 21, 23, which would be scored with it; choose it"):
        check_unseen(chosen, ["23", "01", "21"])
