"""Networks by name, and the folder that holds a trained one."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save
from torch import nn

import vesselbench.models
from vesselbench.config import PARAMS, UserError
from vesselbench.data.preprocess import channels_of

OF_THE_NETWORK = ("network", "preprocess")
OF_ITS_USE = ("train", "predict")  # how an entry differs from the common recipe: no part of what the network is


@dataclass(frozen=True)
class NetworkEntry:
    """What builds a network: an entry of ``models`` in params.yaml.

    Attributes
    ----------
    network
        The module of ``vesselbench.models`` that holds it.
    preprocess
        What is done to the photograph first (``vesselbench.data.preprocess``).
    arguments
        All else, passed to the network.
    """

    network: str
    preprocess: str
    arguments: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_params(cls, mapping: Mapping[str, Any], where: str) -> NetworkEntry:
        """Split a flat mapping into name, preprocessing and arguments; ``where`` names it in errors.

        Its ``train`` and ``predict`` are left to the stages of these names.
        """
        for key in OF_THE_NETWORK + OF_ITS_USE:
            if not isinstance(mapping, Mapping) or key not in mapping:
                raise UserError(
                    f"{PARAMS}: {where}.{key} is missing; an entry of models needs network and preprocess, and train "
                    "and predict, which are {} for the common recipe"
                )
        rest = {key: value for key, value in mapping.items() if key not in OF_THE_NETWORK + OF_ITS_USE}
        return cls(mapping["network"], mapping["preprocess"], rest)

    @classmethod
    def from_json(cls, path: Path) -> NetworkEntry:
        """Read it from a file that holds it beside other things, such as ``model.json``."""
        about = json.loads(path.read_text())
        return cls(about["network"], about["preprocess"], about["arguments"])


def network_names() -> list[str]:
    """Names of the modules of ``vesselbench.models`` that hold a network: all but this one."""
    return sorted(module.name for module in pkgutil.iter_modules(vesselbench.models.__path__) if module.name != "build")


def build_network(entry: NetworkEntry, classes: int = 1) -> nn.Module:
    """Build an untrained network.

    Every network takes images ``(B, C, H, W)`` with H and W multiples of its attribute ``multiple`` and returns a
    list of logit maps ``(B, classes, H, W)``, the last one final. One class means the logit of "vessel". One whose
    attribute ``whole_images`` is true is never given patches; one without trainable parameters is not trained.

    Raises
    ------
    UserError
        Network, preprocessing or an argument is unknown, or the network refuses a value.
    """
    where = f"{PARAMS}: models: network {entry.network!r}"
    if entry.network not in network_names():
        raise UserError(f"{where} is unknown; choose one of {', '.join(network_names())}")
    kind = importlib.import_module(f"vesselbench.models.{entry.network}").Network
    parameters = inspect.signature(kind).parameters
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    allowed = [name for name in parameters if name not in ("in_channels", "classes")]
    for name in entry.arguments:
        if name not in allowed and not open_ended:
            raise UserError(f"{where}: parameter {name!r} is unknown; it takes {', '.join(allowed)}")
    try:
        return kind(in_channels=channels_of(entry.preprocess), classes=classes, **entry.arguments)
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{where}: {error}") from error


def save_network(folder: Path, network: nn.Module, entry: NetworkEntry, **about: Any) -> None:
    """Write ``weights.safetensors`` and ``model.json`` (what rebuilds it, and ``about``) into an existing folder."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    # Not save_file, which reports a full disk as an error of its own, and makes a file that others may not read.
    (folder / "weights.safetensors").write_bytes(save(weights))
    (folder / "model.json").write_text(json.dumps({**asdict(entry), **about}, indent=2) + "\n")


def load_network(folder: Path) -> tuple[nn.Module, NetworkEntry]:
    """Rebuild a trained network from its folder, in evaluation mode, on the CPU.

    Raises
    ------
    UserError
        The folder holds no trained network.
    """
    if not (folder / "model.json").exists():
        raise UserError(f"{folder}: no model.json here; train the network first with dvc repro")
    entry = NetworkEntry.from_json(folder / "model.json")
    network = build_network(entry)
    network.load_state_dict(load_file(folder / "weights.safetensors"))
    return network.eval(), entry
