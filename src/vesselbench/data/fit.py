"""How photographs are brought to one size before a network sees them, and maps back to the photograph's size."""

from typing import Annotated, Any, Literal

import cv2
import numpy as np
from pydantic import PositiveInt, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from torch import Tensor
from torch.nn.functional import interpolate

from vesselbench.data.fov import box


def _explain(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Say the rule in one line where pydantic would say that of each alternative."""
    try:
        return validate(value)
    except ValidationError:
        raise ValueError("it must be none, or [resize | pad | box, rows, columns] with at least 1 of each") from None


# The parameter `fit` of a recipe: "none"; or ["resize", rows, columns] (stretched), ["pad", rows, columns] (zeros are
# appended right and below), or ["box", rows, columns] (cut to the box that holds the field of view, then stretched).
Way = tuple[Literal["resize", "pad", "box"], PositiveInt, PositiveInt]
Fit = Annotated[Literal["none"] | Way, WrapValidator(_explain)]


def fit_image(fit: Fit, image: np.ndarray, fov: np.ndarray, is_label: bool = False) -> np.ndarray:
    """Bring an image (H, W, C), or a label (H, W) whose classes must not blend, to the size that ``fit`` says.

    ``fov`` is the photograph's field of view, bool (H, W). ValueError where an image is larger than what it is to be
    padded to.
    """
    if fit == "none":
        return image
    how, rows, columns = fit
    if how == "box":
        image = image[box(fov)]
    if how == "pad":
        below, right = rows - image.shape[0], columns - image.shape[1]
        if min(below, right) < 0:
            raise ValueError(f"{image.shape[0]} x {image.shape[1]} pixels cannot be padded to {rows} x {columns}")
        return np.pad(image, [(0, below), (0, right), (0, 0)][: image.ndim])
    smooth = cv2.INTER_AREA if rows < image.shape[0] else cv2.INTER_LINEAR
    fitted = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_NEAREST_EXACT if is_label else smooth)
    return fitted.reshape(rows, columns, *image.shape[2:])


def unfit_maps(fit: Fit, maps: Tensor, fov: np.ndarray) -> Tensor:
    """Bring maps (K, H', W') of a fitted image back to the size (H, W) of its photograph, whose field of view is given.

    They are 0 where the photograph was cut off.
    """
    if fit == "none" or fit[0] == "pad":
        return maps[:, : fov.shape[0], : fov.shape[1]]
    place = box(fov) if fit[0] == "box" else (slice(None), slice(None))
    whole = maps.new_zeros(len(maps), *fov.shape)
    part = whole[:, *place]  # a view
    part[:] = interpolate(maps[None], part.shape[1:], mode="bilinear", align_corners=False)[0]
    return whole
