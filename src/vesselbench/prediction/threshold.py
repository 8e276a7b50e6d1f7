"""Choosing a threshold on training images, whose maps are counted and never stored."""

import numpy as np

from vesselbench.data.maps import LEVELS, Threshold

RULE = "highest F1 inside the field of view, pixels of all training images pooled"


class ThresholdChooser:
    """Counts the pixels of training images by truth and level, and then chooses the level with the highest F1."""

    def __init__(self) -> None:
        self.positives = np.zeros(LEVELS, np.int64)
        self.negatives = np.zeros(LEVELS, np.int64)
        self.images: list[str] = []

    def add(self, image: str, truth: np.ndarray, levels: np.ndarray, fov: np.ndarray) -> None:
        """Count an image: its id, truth (H, W) of 0 and 1, map uint16 (H, W), field of view bool (H, W)."""
        inside = truth[fov] != 0
        self.positives += np.bincount(levels[fov][inside], minlength=LEVELS)
        self.negatives += np.bincount(levels[fov][~inside], minlength=LEVELS)
        self.images.append(image)

    def choose(self) -> Threshold:
        """Choose the level whose F1 is highest, pixels of all images pooled; of equals the highest level.

        Raises
        ------
        ValueError
            No image was counted, or none holds a pixel of the class.
        """
        if not self.images:
            raise ValueError("there is no training image to choose a threshold on")
        if not self.positives.any():
            raise ValueError(f"the truth of {', '.join(self.images)} is empty; a threshold needs some of the class")
        tp, fp = (counts[::-1].cumsum()[::-1] for counts in (self.positives, self.negatives))
        f1 = 2 * tp / (tp + fp + tp[0])  # 2 TP / (2 TP + FP + FN)
        level = LEVELS - 1 - int(np.argmax(f1[::-1]))
        return Threshold(level, float(f1[level]), tuple(self.images), RULE)
