"""The loss of a network that answers several times."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def output_losses(logits: list[Tensor], truth: Tensor) -> Tensor:
    """Mean sigmoid cross-entropy of every output over all pixels of the patches, in or out of the field of view.

    IterNet, equations 1 and 2: training minimises the plain sum of what is returned.

    Parameters
    ----------
    logits
        Maps (B, 1, H, W), one for each output.
    truth
        float (B, 1, H, W) in [0, 1].

    Returns
    -------
    torch.Tensor
        float32 (outputs,).
    """
    return torch.stack([binary_cross_entropy_with_logits(output.float(), truth) for output in logits])
