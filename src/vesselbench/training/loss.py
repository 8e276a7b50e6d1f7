"""What the outputs of a network cost, beside what they are to become; and how well they tell kinds of vessel apart."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

from vesselbench.data.task import Task
from vesselbench.training.recipe import CROSS_ENTROPY, Loss


def make_targets(label: Tensor, task: Task, matrices: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Turn a label, float (B, K or K + 1, H, W), into targets (outputs or 1, B, K, H, W) and where they are known.

    The latter is the known share of each pixel (B, 1, H, W), None where all is known. Of channels that exclude each
    other the first, the background, is what the others leave, so that their sum is 1, outside a moved photograph too.
    Output o is to become ``matrices[o] @ truth``; or the truth, where there are no matrices (outputs, K, K).
    """
    truth, known = (label[:, :-1], 1 - label[:, -1:]) if task.unknown else (label, None)
    if task.exclusive:
        others = truth[:, 1:] / truth[:, 1:].sum(1, keepdim=True).clamp(min=1)
        truth = torch.cat([1 - others.sum(1, keepdim=True), others], dim=1)
    return truth[None] if matrices is None else torch.einsum("oij,bjhw->obihw", matrices, truth).contiguous(), known


def probabilities(logits: Tensor, exclusive: bool) -> Tensor:
    """Turn logits (B, K, H, W) into probabilities: float32, a softmax over the channels if they exclude each other."""
    return logits.float().softmax(1) if exclusive else logits.float().sigmoid()


def output_losses(
    logits: Sequence[Tensor],
    targets: Tensor,
    known: Tensor | None = None,
    factors: Loss = CROSS_ENTROPY,
    exclusive: bool = False,
) -> Tensor:
    """Compute the loss of every output, its mean over all pixels, in or out of the field of view: float32 (outputs,).

    Logits are (B, K, H, W) for each output, targets float (B, K, H, W) for all or (outputs, B, K, H, W), in [0, 1].
    ``known`` (B, 1, H, W) weights the pixels of the mean. By default it is the sigmoid cross-entropy (IterNet,
    equations 1 and 2); that of a softmax, the mean over pixels of the sum over channels, if channels exclude each
    other.
    """
    weight = 1.0 if known is None else known / known.mean().clamp(min=1e-6)
    losses = []
    for output, target in zip(logits, targets.expand(len(logits), *targets.shape[-4:]), strict=True):
        if exclusive:
            loss = (cross_entropy(output.float(), target, reduction="none")[:, None] * weight).mean()
        else:
            loss = binary_cross_entropy_with_logits(output.float(), target, None if known is None else weight)
        loss = factors.cross_entropy * loss
        if factors.squared:
            loss = loss + factors.squared * (weight * (probabilities(output, exclusive) - target) ** 2).mean()
        losses.append(loss)
    return torch.stack(losses)


def weighted_f1(logits: Tensor, truth: Tensor, known: Tensor | None, task: Task) -> Tensor:
    """Compute the F1 of artery, vein and crossing, weighted by their true pixels, of each image: float64 (B,).

    Arguments are (B, K, H, W) as above, ``truth`` 0 or 1. A pixel is of its likeliest class, or of all above one half;
    all known pixels count. A kind of which nothing is found rightly has 0.
    """
    found = one_hot(logits.argmax(1), len(task.channels)).movedim(-1, 1) if task.exclusive else logits > 0
    kinds = []
    for maps in (found.bool(), truth.bool()):
        named = dict(zip(task.channels, maps.unbind(1), strict=True))
        artery, vein = named["artery"], named["vein"]
        crossing = named.get("crossing", artery & vein)
        kinds.append(torch.stack([artery & ~crossing, vein & ~crossing, crossing], dim=1))
        if known is not None:
            kinds[-1] &= known.bool()
    found, true, right = (maps.sum((2, 3)).double() for maps in (*kinds, kinds[0] & kinds[1]))  # (B, 3)
    f1 = 2 * right / (found + true).clamp(min=1)
    return (f1 * true).sum(1) / true.sum(1).clamp(min=1)
