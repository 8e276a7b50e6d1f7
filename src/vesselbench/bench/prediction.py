"""Prediction: patches a second against a naive loop, and seconds an image."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from vesselbench.bench.measure import best_seconds
from vesselbench.bench.sizes import Sizes
from vesselbench.device import Hardware
from vesselbench.models.build import NetworkEntry, build_network
from vesselbench.prediction.batch import find_batch
from vesselbench.prediction.infer import patched, whole
from vesselbench.prediction.tiling import corners, pad_to_grid


def count_patches(height: int, width: int, patch: int, stride: int) -> int:
    """Patches of an image (height, width)."""
    padded = pad_to_grid(torch.empty(1, height, width, device="meta"), patch, stride)
    return len(corners(*padded.shape[1:], patch, stride))


@torch.inference_mode()
def naive(network: nn.Module, image: Tensor, patch: int, stride: int) -> Tensor:
    """What ``vesselbench.prediction.infer.patched`` does, one patch after the other: float32 (H, W)."""
    padded = pad_to_grid(image, patch, stride)
    total, count = torch.zeros(2, *padded.shape[1:], device=image.device)
    for row, column in corners(*padded.shape[1:], patch, stride):
        place = (slice(row, row + patch), slice(column, column + patch))
        total[place] += network(padded[None, :, *place].contiguous())[-1][0, 0].sigmoid()
        count[place] += 1
    return (total / count)[: image.shape[1], : image.shape[2]]


def measure_prediction(entry: NetworkEntry, hardware: Hardware, sizes: Sizes, image: Tensor) -> dict[str, Any]:
    """Measure patched and whole prediction with random weights.

    Parameters
    ----------
    entry, hardware
        The network; how ``predict`` runs it.
    sizes
        Patch, strides, rows, repeats.
    image
        float (3, H, W) in [0, 1], on the device.

    Returns
    -------
    dict
        ``batch``, ``stride``, ``patches`` of the comparison; ``product`` and ``naive``, seconds and patches a second
        each; their ``ratio``; ``images``, one entry a stride, and one for the whole image in one pass (stride None),
        with ``computed`` where the seconds are patches over patches a second; on CUDA ``memory``.
    """
    device, patch, stride = image.device, sizes.patch, sizes.strides[0]
    network = hardware.launch().setup_module(hardware.arrange(build_network(entry))).eval()
    plain = build_network(entry).eval().to(device)
    batch = find_batch(network, image.new_zeros(3, patch, patch))
    strip = image if sizes.rows is None else image[:, : patch + (sizes.rows - 1) * stride]
    patches = count_patches(*strip.shape[1:], patch, stride)
    corner = image[:, :patch, : patch + 10 * stride]
    patched(network, corner, patch, stride, batch)  # to warm up
    naive(plain, corner, patch, stride)

    def rate(seconds: float) -> dict[str, float]:
        return {"seconds": seconds, "patches_per_second": patches / seconds}

    print(f"prediction: {patches} patches at stride {stride}, in batches of {batch}", flush=True)
    if device.type == "cuda":
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
    product = rate(
        best_seconds(lambda: patched(network, strip, patch, stride, batch), device, sizes.repeats_long, warm_up=0)
    )
    found = {"batch": batch, "stride": stride, "patches": patches, "product": product}
    if device.type == "cuda":
        rows = count_patches(strip.shape[1], patch, patch, stride)
        found["memory"] = {"bytes": torch.cuda.max_memory_allocated(device) - before, "rows": rows}
    print("prediction: the same, a naive loop", flush=True)
    loop = rate(best_seconds(lambda: naive(plain, strip, patch, stride), device, sizes.repeats_naive, warm_up=0))
    found |= {"naive": loop, "ratio": product["patches_per_second"] / loop["patches_per_second"], "images": []}
    for each in sizes.strides:
        number = count_patches(*image.shape[1:], patch, each)
        seconds = number / product["patches_per_second"]
        computed = strip.shape != image.shape or each != stride  # else it has been measured just now
        if computed and seconds < sizes.longest:
            print(f"prediction: an image at stride {each}", flush=True)
            seconds = best_seconds(lambda each=each: patched(network, image, patch, each, batch), device, 1, warm_up=0)
            computed = False
        found["images"].append({"stride": each, "patches": number, "seconds": seconds, "computed": computed})
    print("prediction: an image in one pass", flush=True)
    seconds = best_seconds(lambda: whole(network, image, plain.multiple), device, sizes.repeats)
    found["images"].append({"stride": None, "patches": 1, "seconds": seconds, "computed": False})
    return found
