"""Networks of segmentation_models_pytorch (https://smp.readthedocs.io), any architecture with any encoder, by name."""

import inspect
from typing import Any

import segmentation_models_pytorch as library
from segmentation_models_pytorch.encoders import get_encoder_names
from torch import Tensor, nn


class LibraryNetwork(nn.Module):
    """Wrap a network of segmentation_models_pytorch: one output, no pretrained weights.

    Parameters
    ----------
    architecture
        A class of the library: ``"Unet"``, ``"UnetPlusPlus"``, ``"FPN"``, ...
    encoder_name
        An encoder of the library: ``"vgg13_bn"``, ``"densenet121"``, ``"resnet34"``, ...
    **arguments
        Passed to the architecture, for instance ``decoder_channels`` or ``decoder_attention_type``.
    """

    def __init__(self, in_channels: int, classes: int, architecture: str, encoder_name: str, **arguments: Any):
        super().__init__()
        kinds = {name: kind for name, kind in vars(library).items() if inspect.isclass(kind)}
        if architecture not in kinds:
            raise ValueError(f"architecture {architecture!r} is unknown; choose one of {', '.join(sorted(kinds))}")
        kind = kinds[architecture]
        if encoder_name not in (known := get_encoder_names()) and not encoder_name.startswith("tu-"):
            raise ValueError(f"encoder_name {encoder_name!r} is unknown; choose one of {', '.join(known)}")
        fixed = {"encoder_name", "encoder_weights", "in_channels", "classes", "activation", "aux_params", "kwargs"}
        allowed = [name for name in inspect.signature(kind).parameters if name not in fixed]
        for name in arguments:
            if name not in allowed:
                raise ValueError(f"{name} is no parameter of {architecture}, which takes {', '.join(allowed)}")
        self.network = kind(
            encoder_name=encoder_name,
            encoder_weights=None,  # nothing is fetched from a hub, and every network starts from chance
            in_channels=in_channels,
            classes=classes,
            **arguments,
        )
        self.multiple = int(self.network.encoder.output_stride)

    def forward(self, image: Tensor) -> list[Tensor]:
        return [self.network(image)]


Network = LibraryNetwork
