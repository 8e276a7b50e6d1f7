"""The truth as the released code scores against it: through a square and back."""

from __future__ import annotations

import numpy as np
from skimage.transform import resize

MULTIPLE = 16  # the network's; the released sizes 576 (DRIVE), 960 (CHASE_DB1) and 592 (STARE) follow from it


def resize_round_trip(truth: np.ndarray) -> np.ndarray:
    """Resize a truth to the released code's square and back, and binarise it.

    The IterNet code (``utils/prepare_dataset.py``, ``predict.py``) trains and scores on squares whose side is the
    image's height rounded down to a multiple of 16: 576, 960 and 592 pixels. It resizes image **and** truth there
    (scikit-image's ``resize``: linear, smoothed where it shrinks), and for scoring back, where truth > 0.5 is vessel.
    On DRIVE that changes 0.16 % of the pixels inside the field of view.

    Parameters
    ----------
    truth
        (H, W), bool or 0 and 1; anything but zero is vessel.

    Returns
    -------
    numpy.ndarray
        bool (H, W).
    """
    side = max(MULTIPLE, truth.shape[0] // MULTIPLE * MULTIPLE)
    square = resize((truth != 0).astype(np.float64), (side, side))
    return resize(square, truth.shape) > 0.5
