import numpy as np
import pytest

from vesselbench.config import UserError
from vesselbench.data.preprocess import channels_of, preprocess


def test_rgb_is_the_photograph_itself():
    image = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    assert np.array_equal(preprocess("rgb", image), image)


def test_flat_is_the_same_on_any_even_ground_and_keeps_both_signs():
    image = np.full((64, 64, 3), 90, np.uint8)
    assert (preprocess("flat", image) == 128).all()
    image[20:22], image[42:44] = 70, 110
    marked = preprocess("flat", image)
    assert marked[20, 32].max() < 80
    assert marked[42, 32].min() > 176


def test_dark_is_zero_on_any_even_ground_and_high_on_a_dark_line():
    image = np.full((64, 64, 3), 90, np.uint8)
    assert not preprocess("dark", image).any()
    image[30:32] = 70
    marked = preprocess("dark", image)
    assert marked[30, 32].min() > 90
    assert not marked[[10, 20, 40, 50]].any()


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(UserError, match="preprocess 'grey' is unknown; choose one of rgb, flat, dark"):
        channels_of("grey")
