"""How photographs are brought to one size before a network sees them, and maps back to the photograph's size."""

from typing import Annotated, Any, Literal

import cv2
import numpy as np
from pydantic import PositiveInt, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from torch import Tensor
from torch.nn.functional import interpolate


def _explain(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Say the rule in one line where pydantic would say that of each alternative."""
    try:
        return validate(value)
    except ValidationError:
        raise ValueError("it must be none, or [resize | pad, rows, columns] with at least 1 of each") from None


# The parameter `fit` of a recipe: "none", or ["resize", rows, columns] (stretched), or ["pad", rows, columns] (zeros
# are appended right and below).
Fit = Annotated[Literal["none"] | tuple[Literal["resize", "pad"], PositiveInt, PositiveInt], WrapValidator(_explain)]


def fit_image(fit: Fit, image: np.ndarray, is_label: bool = False) -> np.ndarray:
    """Bring an image (H, W, C), or a label (H, W) whose classes must not blend, to the size that ``fit`` says.

    ValueError where an image is larger than what it is to be padded to.
    """
    if fit == "none":
        return image
    how, rows, columns = fit
    if how == "pad":
        below, right = rows - image.shape[0], columns - image.shape[1]
        if min(below, right) < 0:
            raise ValueError(f"{image.shape[0]} x {image.shape[1]} pixels cannot be padded to {rows} x {columns}")
        return np.pad(image, [(0, below), (0, right), (0, 0)][: image.ndim])
    smooth = cv2.INTER_AREA if rows < image.shape[0] else cv2.INTER_LINEAR
    fitted = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_NEAREST if is_label else smooth)
    return fitted.reshape(rows, columns, *image.shape[2:])


def unfit_maps(fit: Fit, maps: Tensor, shape: tuple[int, int]) -> Tensor:
    """Bring maps (K, H', W') of a fitted image back to the photograph's (H, W)."""
    if fit != "none" and fit[0] == "resize":
        return interpolate(maps[None], shape, mode="bilinear", align_corners=False)[0]
    return maps[:, : shape[0], : shape[1]]
