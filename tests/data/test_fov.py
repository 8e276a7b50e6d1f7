import numpy as np
import pytest

from vesselbench.data.download import obtain
from vesselbench.data.fov import FieldOfView, estimate
from vesselbench.data.images import read_image, read_mask
from vesselbench.data.sample import read_samples


def disc(radius, size=120):
    rows, columns = np.mgrid[:size, :size] - size // 2
    return rows**2 + columns**2 <= radius**2


def overlap(mask, other):
    return (mask & other).sum() / (mask | other).sum()


def photograph(eye):
    """Red at 150 inside, film grain at about 20 outside."""
    image = np.random.default_rng(0).integers(10, 30, (*eye.shape, 3), np.uint8)
    image[eye, 0] = 150
    return image


def test_disc_in_grain():
    assert overlap(estimate(photograph(disc(50))), disc(50)) > 0.98


def test_what_is_dark_inside_or_narrow_outside_makes_no_difference():
    image = photograph(disc(50))
    image[55:75, 10:40] = 20  # a shadow that reaches the rim
    image[60:64, 60:64] = 20  # a dark spot
    image[2:4] = 200  # a scratch
    assert overlap(estimate(image), disc(50)) > 0.98


def test_disc_cut_by_the_border_is_not_rounded_there():
    eye = disc(75)
    mask = estimate(photograph(eye))
    assert mask[0, 60]
    assert overlap(mask, eye) > 0.98


@pytest.mark.parametrize("image", [np.zeros((9, 8, 3), np.uint8), np.full((9, 8, 3), 200, np.uint8)])
def test_nothing_to_part(image):
    assert estimate(image).all()


def test_nothing_wide_enough():
    image = np.zeros((100, 100, 3), np.uint8)
    image[50:53] = 255
    assert estimate(image).all()
    assert not estimate(image, FieldOfView(smoothing=1, opening=0)).all()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"source": "drawn"}, "source is 'drawn'; it must be official or estimated"),
        ({"threshold": 1.0}, "threshold is 1.0; it must lie between 0 and 1"),
        ({"smoothing": 0}, "smoothing is 0; it must be at least 1 pixel"),
        ({"opening": 0.5}, "opening is 0.5; it must be at least 0 and below 0.5"),
    ],
)
def test_parameters_are_checked(values, text):
    with pytest.raises(ValueError, match=f"^{text}$"):
        FieldOfView(**values)


@pytest.mark.archives
@pytest.mark.usefixtures("archives")
def test_official_masks_of_drive(tmp_path):
    obtain("drive", {"mirror": False}, tmp_path / "drive")
    samples = read_samples(tmp_path / "drive")
    overlaps = {s.id: overlap(estimate(read_image(s.image)), read_mask(s.fov)) for s in samples}
    assert len(overlaps) == 40
    assert min(overlaps.values()) >= 0.98, sorted(overlaps.items(), key=lambda item: item[1])[:3]
