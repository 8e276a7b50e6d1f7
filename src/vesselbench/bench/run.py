"""All measurements, one after the other, and what they were made with."""

from __future__ import annotations

import platform
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import torch

from vesselbench.bench.evaluation import measure_evaluation
from vesselbench.bench.measure import describe, forward_gflop, matrix_gflops
from vesselbench.bench.memory import measure_memory
from vesselbench.bench.prediction import measure_prediction
from vesselbench.bench.sizes import ON_CPU, ON_CUDA, QUICK, QUICK_ARGUMENTS, draw_eye
from vesselbench.bench.training import measure_training
from vesselbench.config import build, overlay, read_params
from vesselbench.device import Hardware
from vesselbench.models.build import NetworkEntry
from vesselbench.training.recipe import Recipe

DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
NUMBERS = {"bf16-mixed": "bf16", "32-true": "fp32"}  # what each precision multiplies
TRAINING_PASSES = 3  # forward, and twice its work backward


def measure(quick: bool) -> dict[str, Any]:
    """Measure training, prediction, memory, evaluation and the device itself on the device that params.yaml asks for.

    Parameters
    ----------
    quick
        A tiny network on tiny images: shows that all works, not how fast.

    Returns
    -------
    dict
        The content of the JSON file; what the device cannot measure is None.

    Raises
    ------
    UserError
        params.yaml is missing or wrong, or the device that it asks for is not there.
    """
    how, prediction, network = read_params("train.default", "predict.default.hardware", "models.iternet")
    one = {"devices": 1, "nodes": 1}
    recipe = build(Recipe, overlay(how, {"hardware": one}), "train.default")
    where = {"accelerator": recipe.hardware.accelerator}
    hardware = build(Hardware, overlay(prediction, one, where), "predict.default.hardware")
    entry = NetworkEntry.from_params(overlay(network, QUICK_ARGUMENTS if quick else {}), "models.iternet")
    device = recipe.hardware.launch().device
    on_cpu = device.type == "cpu"
    tf32 = not on_cpu and torch.backends.cudnn.allow_tf32  # torch's default for convolutions in fp32
    sizes = QUICK if quick else ON_CPU if on_cpu else ON_CUDA
    recipe = replace(recipe, batch=sizes.batch, patch=sizes.patch)
    print(f"bench: {describe(device)['device']}, drawing an eye of {sizes.height} x {sizes.width}", flush=True)
    eye = draw_eye(sizes.height, sizes.width)
    image = torch.from_numpy(eye.image).to(device).permute(2, 0, 1)
    images = image.repeat(sizes.images, 1, 1, 1)
    labels = torch.from_numpy(eye.truth).to(device).repeat(sizes.images, 1, 1)

    training = measure_training(entry, recipe, sizes, images, labels)
    predicted = measure_prediction(entry, hardware, sizes, image.float() / 255)
    memory = measure_memory(entry, hardware, sizes, predicted["batch"]) if on_cpu else predicted.pop("memory")
    print("device: products of large matrices", flush=True)
    peaks = {name: matrix_gflops(sizes.matrix, dtype, device) for name, dtype in DTYPES.items()}
    gflop = forward_gflop(entry, sizes.patch)
    work = {
        "training": (TRAINING_PASSES * training["steps"][-1]["patches_per_second"], recipe.hardware.precision),
        "prediction": (predicted["product"]["patches_per_second"], hardware.precision),
    }
    shares = {name: gflop * passes / peaks[NUMBERS[precision]] for name, (passes, precision) in work.items()}
    return {
        "quick": quick,
        "settings": {
            **describe(device),
            **{package: version(package) for package in ("vesselbench", "torch")},
            "python": platform.python_version(),
            "network": {"name": entry.network, **entry.arguments, "weights": "random"},
            "image": [sizes.height, sizes.width],
            "patch": sizes.patch,
            "training": {
                "batch": recipe.batch,
                **_shown(recipe.hardware),
                "fused": recipe.fused,
                "deterministic": True,
            },
            "prediction": {"batch": predicted["batch"], **_shown(hardware)},
            "baselines": {"precision": "32-true", "tf32": tf32, "channels_last": False, "compile": "", "fused": False},
        },
        "training": training,
        "prediction": predicted,
        "memory": memory,
        "evaluation": measure_evaluation(eye.truth, eye.fov, sizes.images, sizes.draws),
        "peak": {"matrix": sizes.matrix, "gflops": peaks, "forward_gflop": gflop, "shares": shares},
    }


def _shown(hardware: Hardware) -> dict[str, Any]:
    return {name: getattr(hardware, name) for name in ("precision", "channels_last", "compile")}
