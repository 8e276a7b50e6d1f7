"""How many patches to predict at a time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

ON_CPU = 8  # a map of 8 x 32 x 128 x 128 in bf16 is 8 MB: larger ones leave the cache, smaller ones pay per operation
LARGEST = 512  # keeps any GPU of today busy
TRIED = 8


@torch.inference_mode()
def find_batch(network: nn.Module, patch: Tensor) -> int:
    """Find how many patches fit into half of the free memory of a GPU; on the CPU, the number that is quick.

    Parameters
    ----------
    network
        In evaluation mode, on the patch's device.
    patch
        float (C, H, W), of the size that will be predicted; what it shows does not matter.
    """
    if patch.device.type != "cuda":
        return ON_CPU
    network(patch.expand(TRIED, -1, -1, -1))  # libraries make their workspaces at the first call
    torch.cuda.synchronize(patch.device)
    torch.cuda.reset_peak_memory_stats(patch.device)
    before = torch.cuda.memory_allocated(patch.device)
    network(patch.expand(TRIED, -1, -1, -1))
    each = (torch.cuda.max_memory_allocated(patch.device) - before) / TRIED
    unused = torch.cuda.memory_reserved(patch.device) - torch.cuda.memory_allocated(patch.device)
    return how_many(torch.cuda.mem_get_info(patch.device)[0] + unused, each)


def how_many(free: float, each: float) -> int:
    """Patches of ``each`` bytes in half of ``free`` bytes: from 1 to ``LARGEST``."""
    return max(1, min(LARGEST, int(free / 2 / max(each, 1))))
