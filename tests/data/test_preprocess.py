import cv2
import numpy as np
import pytest
from skimage.exposure import equalize_adapthist

from vesselbench.config import UserError
from vesselbench.data.preprocess import brighten, channels_of, preprocess

EQUALISING = ("clahe", "triangular")


def eye(rows, columns):
    """The field of view of :func:`photograph`: a disc of 46 % of the rows around the middle."""
    down, right = np.mgrid[:rows, :columns]
    return (down - rows / 2) ** 2 + (right - columns / 2) ** 2 < (0.46 * rows) ** 2


def photograph(rows=128, columns=128, surround=10):
    """A lit disc with a dark wave across it and noise, on a dark ``surround``."""
    down, right = np.mgrid[:rows, :columns]
    wave = np.abs(down - rows / 3 - 5 * np.sin(right / 8)) < 1.5
    disc = (110 + 60 * right / columns - 40 * wave)[..., None] * [1, 0.6, 0.3]
    image = np.where(eye(rows, columns)[..., None], disc, surround)
    return np.clip(image + np.random.default_rng(0).normal(0, 4, image.shape), 0, 255).astype(np.uint8)


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


def test_gamma_by_hand():
    # 64: 255 exp(-1.38238 / 1.2) = 80.58; 128: 255 exp(-.68923 / 1.2) = 143.58; both rounded down
    assert brighten(np.array([0, 1, 64, 128, 255], np.uint8)).tolist() == [0, 2, 80, 143, 255]


def stretched(values):
    """Min-max to 0..255 in floats, rounded down; the margin holds whole numbers that floats just miss."""
    return np.floor(255 * (values - values.min()) / (values.max() - values.min()) + 1e-9).astype(np.uint8)


def test_clahe_step_by_step():
    image = photograph()
    grey = stretched(image @ [0.299, 0.587, 0.114])
    expected = brighten(cv2.createCLAHE(2.0, (8, 8)).apply(grey))
    assert np.array_equal(preprocess("clahe", image), expected[..., None])


def test_triangular_step_by_step():
    image = photograph(surround=0)
    image[~eye(128, 128)] = 0  # so that the mask takes nothing
    channels = [brighten(cv2.createCLAHE(7.0, (7, 7)).apply(stretched(image[..., i].astype(float)))) for i in (1, 2)]
    expected = stretched(0.8 * channels[0] + 0.2 * channels[1])
    assert np.array_equal(preprocess("triangular", image), np.stack(3 * [expected], axis=2))


def test_the_level_of_the_surround_makes_no_difference_to_triangular():
    dark, lit = (preprocess("triangular", photograph(surround=level)).astype(int) for level in (10, 55))
    assert np.abs(dark - lit).mean() < 1.5  # what the mask's last pixel on the rim does to the tiles there
    assert lit[:8, :8].max() < 5


def test_triangular_keeps_a_shadow_on_the_rim():
    image = photograph(surround=0)
    image[52:76, 4:30] = 12
    assert preprocess("triangular", image)[56:72, 10:26].min() > 20


@pytest.mark.parametrize("name", EQUALISING)
@pytest.mark.parametrize("shape", [(584, 565), (960, 999), (605, 700), (9, 5)])
def test_any_size(name, shape):
    image = photograph(*shape)
    before = image.copy()
    result = preprocess(name, image)
    assert result.shape == (*shape, channels_of(name))
    assert result.dtype == np.uint8
    assert np.array_equal(image, before)


@pytest.mark.parametrize("name", EQUALISING)
def test_one_brightness_gives_one_value(name):
    assert len(np.unique(preprocess(name, np.full((20, 30, 3), 90, np.uint8)))) == 1


@pytest.mark.parametrize("name", EQUALISING)
def test_number_of_threads_makes_no_difference(name):
    image, threads = photograph(605, 700), cv2.getNumThreads()
    results = []
    for number in (1, 2):
        cv2.setNumThreads(number)
        results.append(preprocess(name, image))
    cv2.setNumThreads(threads)
    assert np.array_equal(*results)


@pytest.mark.parametrize(("limit", "tiles"), [(2.0, 8), (7.0, 7)])
def test_no_limit_makes_scikit_image_agree_with_opencv(limit, tiles):
    """Why OpenCV is a dependency: of all limits, none comes within 1 level of 255 on average, nor 4 everywhere."""
    size = 32 * tiles
    grey, inside = stretched(photograph(size, size)[..., 1].astype(float)), eye(size, size)
    wanted = cv2.createCLAHE(limit, (tiles, tiles)).apply(grey).astype(float)
    for share in np.geomspace(1e-3, 1, 40):
        apart = np.abs(np.rint(255 * equalize_adapthist(grey, kernel_size=32, clip_limit=share)) - wanted)[inside]
        assert apart.mean() > 1
        assert apart.max() > 4


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(
        UserError, match="preprocess 'grey' is unknown; choose one of rgb, flat, dark, clahe, triangular"
    ):
        channels_of("grey")
