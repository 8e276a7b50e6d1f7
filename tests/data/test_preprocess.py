"""What networks see of a photograph, by hand, step by step, and at any size."""

import cv2
import numpy as np
import pytest

from vesselbench.config import UserError
from vesselbench.data.preprocess import brighten, channels_of, eye, preprocess


def disc(rows, columns):
    """The field of view of ``photograph``: 46 % of the rows around the middle."""
    down, right = np.mgrid[:rows, :columns]
    return (down - rows / 2) ** 2 + (right - columns / 2) ** 2 < (0.46 * rows) ** 2


def photograph(rows=128, columns=128, surround=10):
    """A lit disc with a dark wave across it and noise, on a dark ``surround``."""
    down, right = np.mgrid[:rows, :columns]
    wave = np.abs(down - rows / 3 - 5 * np.sin(right / 8)) < 1.5
    lit = (110 + 60 * right / columns - 40 * wave)[..., None] * [1, 0.6, 0.3]
    image = np.where(disc(rows, columns)[..., None], lit, surround)
    return np.clip(image + np.random.default_rng(0).normal(0, 4, image.shape), 0, 255).astype(np.uint8)


def test_rgb_is_the_photograph_and_flat_and_dark_show_what_stands_out_of_even_ground():
    assert np.array_equal(preprocess("rgb", photograph()), photograph())
    image = np.full((64, 64, 3), 90, np.uint8)
    assert (preprocess("flat", image) == 128).all()
    assert not preprocess("dark", image).any()
    image[20:22], image[42:44] = 70, 110
    flat, dark = preprocess("flat", image)[:, 32], preprocess("dark", image)[:, 32]
    assert flat[20].max() < 80
    assert flat[42].min() > 176
    assert dark[20].min() > 90
    assert not dark[[8, 32, 43, 56]].any()


def test_the_surroundings_of_a_wide_photograph_are_those_of_a_shrunken_copy(monkeypatch):
    image = photograph(900, 1501)
    flat = preprocess("flat", image).astype(int)
    monkeypatch.setattr("vesselbench.data.preprocess.WIDE", 9999)
    exact = preprocess("flat", image).astype(int)
    assert np.abs(flat - exact).mean() < 0.1
    assert np.quantile(np.abs(flat - exact)[disc(900, 1501)], 0.99) <= 1
    assert exact[disc(900, 1501)].std() > 10, "there is something to get wrong"


def test_gamma_by_hand_and_unknown_names():
    with pytest.raises(UserError, match="input 'grey' is unknown; choose one of rgb, flat, dark, clahe, triangular"):
        channels_of("grey")
    # 64: 255 exp(-1.38238 / 1.2) = 80.58; 128: 255 exp(-.68923 / 1.2) = 143.58; both rounded down
    assert brighten(np.array([0, 1, 64, 128, 255], np.uint8)).tolist() == [0, 2, 80, 143, 255]


def stretched(values):
    """Min-max to 0..255 in floats, rounded down; the margin holds whole numbers that floats just miss."""
    return np.floor(255 * (values - values.min()) / (values.max() - values.min()) + 1e-9).astype(np.uint8)


def test_clahe_and_triangular_step_by_step():
    image = photograph(surround=0)
    image[~disc(128, 128)] = 0  # so that the mask takes nothing
    grey = brighten(cv2.createCLAHE(2.0, (8, 8)).apply(stretched(image @ [0.299, 0.587, 0.114])))
    assert np.array_equal(preprocess("clahe", image), grey[..., None])
    green, blue = (brighten(cv2.createCLAHE(7.0, (7, 7)).apply(stretched(image[..., i].astype(float)))) for i in (1, 2))
    assert np.array_equal(preprocess("triangular", image), np.stack(3 * [stretched(0.8 * green + 0.2 * blue)], axis=2))


def test_the_surround_makes_no_difference_to_triangular_and_a_shadow_on_the_rim_stays():
    dark, lit = (preprocess("triangular", photograph(surround=level)).astype(int) for level in (10, 55))
    assert np.abs(dark - lit).mean() < 1.5  # what the mask's last pixel on the rim does to the tiles there
    assert lit[:8, :8].max() < 5
    image = photograph(surround=0)
    image[52:76, 4:30] = 12
    assert preprocess("triangular", image)[56:72, 10:26].min() > 20
    assert (eye(image) & disc(128, 128)).sum() / (eye(image) | disc(128, 128)).sum() > 0.98


@pytest.mark.parametrize("name", ["clahe", "triangular"])
def test_any_size_and_number_of_threads(name):
    for shape in [(584, 565), (960, 999), (605, 700), (9, 5)]:
        image = photograph(*shape)
        before, results, threads = image.copy(), [], cv2.getNumThreads()
        for number in (1, 2):
            cv2.setNumThreads(number)
            results.append(preprocess(name, image))
        cv2.setNumThreads(threads)
        assert np.array_equal(*results)
        assert results[0].shape == (*shape, channels_of(name))
        assert results[0].dtype == np.uint8
        assert np.array_equal(image, before)
    assert len(np.unique(preprocess(name, np.full((20, 30, 3), 90, np.uint8)))) == 1
