"""What is done to a photograph before a network sees it, by name, alike in training and prediction."""

from collections.abc import Callable

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from vesselbench.config import PARAMS, UserError

WIDE = 1000  # pixels of a row: of a wider image the mean of the surroundings is taken of a copy shrunken to it
STRIP = 256  # rows that are floats at a time
LIT = 30  # of 255: the brightest channel of a pixel inside the field of view is above this


def rgb(image: np.ndarray) -> np.ndarray:
    """Leave the colours as they are (IterNet, released code)."""
    return image


def flat(image: np.ndarray) -> np.ndarray:
    """Take the background away: 128 + 4 x (pixel - mean of its surroundings), rounded and clipped to 0..255.

    The surroundings are a Gaussian mean of standard deviation 4 % of the image's width. Ours, not the paper's: without
    brightness and hue to explain first, a network without batch normalisation comes to the vessels within some hundred
    steps. For small budgets.
    """
    return _stand_out(image, 128, -4)


def dark(image: np.ndarray) -> np.ndarray:
    """Keep only what is darker than its surroundings: 8 x (mean of the surroundings - pixel), rounded and clipped.

    As ``flat``, but vessels stand out on nothing, which is learned faster still. What is brighter is lost, and with it
    part of what tells thin vessels from noise: on DRIVE networks end lower. For budgets of minutes.
    """
    return _stand_out(image, 0, 8)


def clahe(image: np.ndarray) -> np.ndarray:
    """Turn a photograph grey, stretch it, equalise it locally, brighten it (DUNet, released code): uint8 (H, W, 1).

    Grey is .299 R + .587 G + .114 B; contrast limited adaptive histogram equalisation (CLAHE) has limit 2 and 8 x 8
    tiles. The code first standardises by mean and deviation of the whole data set; the stretch of each photograph to
    0..255 undoes that, so it is left out.
    """
    red, green, blue = np.moveaxis(image.astype(np.int64), 2, 0)
    grey = _stretch(299 * red + 587 * green + 114 * blue)
    return brighten(_equalise(grey, 2.0, 8))[..., None]


def triangular(image: np.ndarray) -> np.ndarray:
    """Stretch, locally equalise and brighten green and blue, then mix them (Res Triangular Wave Net, released code).

    CLAHE has limit 7 and 7 x 7 tiles; grey is .8 G + .2 B, stretched once more and given three times, for the network
    there takes three channels: uint8 (H, W, 3). The code brightens by 1.1 in place of 1.2 and leaves the last stretch
    out when it predicts, which its network never saw; here both are as in training. It blackens the surround by the
    owner's mask; here by the photograph itself, so that photographs without a mask are treated alike.
    """
    inside = image * eye(image)[..., None]
    green, blue = (brighten(_equalise(_stretch(inside[..., channel]), 7.0, 7)) for channel in (1, 2))
    grey = _stretch(8 * green.astype(np.int64) + 2 * blue.astype(np.int64))
    return np.repeat(grey[..., None], 3, axis=2)


def brighten(values: np.ndarray) -> np.ndarray:
    """Apply gamma 1.2: i becomes 255 (i / 255)^(1 / 1.2), rounded down. uint8 of any shape, returned alike."""
    return np.floor(255 * (np.arange(256) / 255) ** (1 / 1.2)).astype(np.uint8)[values]


def _stretch(values: np.ndarray) -> np.ndarray:
    """Stretch whole numbers to 0..255, rounded down (in whole numbers, hence exactly): uint8; one value becomes 0."""
    above = values.astype(np.int64) - values.min()
    return (255 * above // max(above.max(), 1)).astype(np.uint8)


def _equalise(values: np.ndarray, limit: float, tiles: int) -> np.ndarray:
    """OpenCV's CLAHE of uint8 (H, W) with ``tiles`` x ``tiles`` tiles.

    Not scikit-image's ``equalize_adapthist``, which the networks' authors did not use either: with the same tiles, the
    best of its limits stays 1.6 levels (limit 7) to 2.3 levels (limit 2) away on average on DRIVE's image 21.
    """
    return cv2.createCLAHE(clipLimit=limit, tileGridSize=(tiles, tiles)).apply(values)


def eye(image: np.ndarray) -> np.ndarray:
    """Find where a photograph, uint8 (H, W, 3), is lit, bool (H, W): the convex hull of what is above the surround.

    Above means 15 % of the way from the surround's median to the eye's, which Otsu's threshold parts: surrounds
    reach 60 on STARE's slides, so that no fixed level suits all data sets. True everywhere on one brightness. Quicker
    and rougher than ``vesselbench.data.fov``, whose masks decide scores and may change without a new training.
    """
    bright = cv2.medianBlur(image.max(axis=2), 5)
    if bright.min() == bright.max():
        return np.ones(bright.shape, bool)
    parting, _ = cv2.threshold(bright, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    dark, lit = (np.median(bright[side]) for side in (bright <= parting, bright > parting))
    _, parts, statistics, _ = cv2.connectedComponentsWithStats((bright > dark + 0.15 * (lit - dark)).astype(np.uint8))
    largest = parts == 1 + np.argmax(statistics[1:, cv2.CC_STAT_AREA])
    hull = cv2.convexHull(cv2.findNonZero(largest.astype(np.uint8)))
    return cv2.fillConvexPoly(np.zeros(bright.shape, np.uint8), hull, 1).astype(bool)


def _stand_out(image: np.ndarray, level: float, gain: float) -> np.ndarray:
    """Give ``level`` + ``gain`` x (mean of the lit surroundings - pixel), ``level`` where nothing is lit: as the image.

    The black outside the field of view takes no part in the mean: it would drown the vessels near the rim. It is the
    mean of a copy, which is shrunken where the image is wider than ``WIDE``; of the image only strips become floats.
    """
    factor = min(1, WIDE / image.shape[1])
    lit = (image.max(axis=2, keepdims=True) > LIT).astype(np.uint8)
    copy, share = (
        cv2.resize(values, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA).astype(np.float32)
        for values in (image * lit, 255 * lit)
    )
    spread = 0.04 * image.shape[1] * factor
    share = gaussian_filter(share / 255, spread, mode="nearest")[..., None]
    mean = gaussian_filter(copy, (spread, spread, 0), mode="nearest") / np.maximum(share, 1e-6)
    out = np.empty_like(image)
    for top in range(0, len(image), STRIP):
        strip = image[top : top + STRIP].astype(np.float32)
        place = np.array([[factor, 0, factor / 2 - 0.5], [0, factor, (top + 0.5) * factor - 0.5]])  # in the copy
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        around = cv2.warpAffine(mean, place, strip.shape[1::-1], flags=how, borderMode=cv2.BORDER_REPLICATE)
        darker = lit[top : top + STRIP] * (around - strip)
        out[top : top + STRIP] = np.clip(np.rint(level + gain * darker), 0, 255)
    return out


# Name -> (function from uint8 (H, W, 3) to uint8 (H, W, channels), channels).
_KNOWN: dict[str, tuple[Callable[[np.ndarray], np.ndarray], int]] = {
    "rgb": (rgb, 3),
    "flat": (flat, 3),
    "dark": (dark, 3),
    "clahe": (clahe, 1),
    "triangular": (triangular, 3),
}


def _find(name: str) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    if name not in _KNOWN:
        raise UserError(f"{PARAMS}: train: input {name!r} is unknown; choose one of {', '.join(_KNOWN)}")
    return _KNOWN[name]


def channels_of(name: str) -> int:
    """Tell how many channels the preprocessing ``name`` gives a network; UserError where the name is unknown."""
    return _find(name)[1]


def preprocess(name: str, image: np.ndarray) -> np.ndarray:
    """Apply the preprocessing ``name`` to an RGB photograph, uint8 (H, W, 3): uint8 (H, W, ``channels_of(name)``).

    ``"rgb"``: unchanged; ``"flat"``: without its background; ``"dark"``: what is darker than that; ``"clahe"``: grey,
    locally equalised; ``"triangular"``: the same by channel, and stronger.
    """
    return _find(name)[0](image)
