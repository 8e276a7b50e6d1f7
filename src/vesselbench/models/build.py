"""Networks by name, and the folder that holds a trained one."""

import importlib
import inspect
import json
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

import vesselbench.models
from vesselbench.config import PARAMS, UserError
from vesselbench.data.preprocess import channels_of
from vesselbench.data.task import find_task
from vesselbench.files import read_json, reading


def network_names() -> list[str]:
    """List the modules of ``vesselbench.models`` that hold a network: all but this one."""
    return sorted(module.name for module in pkgutil.iter_modules(vesselbench.models.__path__) if module.name != "build")


def build_network(
    network: str, arguments: Mapping[str, Any], in_channels: int = 3, classes: int | None = None, scale: int = 1
) -> nn.Module:
    """Build an untrained network: that of the module ``vesselbench.models.<network>``, with these arguments.

    Every network takes images (B, in_channels, H, W) with H and W multiples of its attribute ``multiple`` and returns a
    list of logit maps (B, classes, H, W), the last one final. Without ``classes`` it has as many as its source has, one
    where that is not said. One whose attribute ``whole_images`` is true is never given patches. With a ``scale`` above
    1 it sees smaller images, see ``Shrunk``. UserError if network or an argument is unknown, or the network refuses a
    value.
    """
    where = f"{PARAMS}: models: network {network!r}"
    if network not in network_names():
        raise UserError(f"{where} is unknown; choose one of {', '.join(network_names())}")
    kind = importlib.import_module(f"vesselbench.models.{network}").Network
    parameters = inspect.signature(kind).parameters
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    allowed = [name for name in parameters if name not in ("in_channels", "classes")]
    for name in arguments:
        if name not in allowed and not open_ended:
            raise UserError(f"{where}: parameter {name!r} is unknown; it takes {', '.join(allowed) or 'none'}")
    if classes is None and parameters["classes"].default is inspect.Parameter.empty:
        classes = 1
    try:
        built = kind(in_channels=in_channels, classes=classes, **arguments)
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{where}: {error}") from error
    return Shrunk(built, scale) if scale > 1 else built


class Shrunk(nn.Module):
    """Run a network on images (B, C, H, W) whose sides are divided by ``scale``: each pixel a mean over a square.

    Its logits are brought up to (H, W) bilinearly, so that losses and scores are of the pixels that were given.
    """

    def __init__(self, network: nn.Module, scale: int):
        super().__init__()
        self.network, self.scale = network, scale
        self.multiple = scale * network.multiple

    def forward(self, image: Tensor) -> list[Tensor]:
        maps = self.network(avg_pool2d(image, self.scale))
        return [interpolate(logits.float(), scale_factor=self.scale, mode="bilinear") for logits in maps]

    def __getattr__(self, name: str) -> Any:
        """Say of itself what else the network says."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("network"), name)


def split_entry(entry: Mapping[str, Any], where: str) -> tuple[str, dict[str, Any]]:
    """Split an entry of ``models`` in params.yaml, that at ``where``, into the network's name and its arguments.

    UserError if it names no network.
    """
    if not isinstance(entry, Mapping) or "network" not in entry:
        raise UserError(f"{PARAMS}: {where}.network is missing; it names a file of vesselbench.models; add it")
    return entry["network"], {name: value for name, value in entry.items() if name != "network"}


def count_parameters(network: nn.Module) -> int:
    """Count the trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def save_network(folder: Path, network: nn.Module, about: Mapping[str, Any]) -> None:
    """Write a trained network's ``weights.safetensors`` and ``model.json`` into an existing folder.

    Kernels are written in half precision, half the size; biases and statistics, which are few and some of them beyond
    its range, as they are. What is predicted and scored is this file. ``about`` becomes ``model.json``: what rebuilds
    the network (``network``, ``arguments``, ``task``, ``recipe``), and whatever else is to be known of it.
    """
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    for name, parameter in network.named_parameters():
        half = parameter.detach().cpu().contiguous().half()
        if parameter.dim() > 1 and half.isfinite().all():
            weights[name] = half
    # Not save_file, which reports a full disk as an error of its own, and makes a file that others may not read.
    (folder / "weights.safetensors").write_bytes(save(weights))
    (folder / "model.json").write_text(json.dumps(about, indent=2) + "\n")


def load_network(folder: Path) -> tuple[nn.Module, dict[str, Any]]:
    """Rebuild a trained network, in evaluation mode, on the CPU, in single precision, and read its ``model.json``.

    UserError if the folder holds no trained network.
    """
    weights, fix = folder / "weights.safetensors", f"train the network first: dvc repro train@{folder.name}"
    about = read_json(folder / "model.json", fix, ["network", "arguments", "task", "recipe"])
    channels = channels_of(about["recipe"]["input"])
    task = find_task(about["task"])
    scale = about["recipe"].get("scale", 1)
    network = build_network(about["network"], about["arguments"], channels, len(task.channels), scale)
    network.exclusive = task.exclusive  # prediction takes a softmax then
    with reading(weights, fix, SafetensorError, RuntimeError):
        network.load_state_dict(load_file(weights))
    return network.eval(), about
