"""Trained networks by name, as people ask for them."""

from __future__ import annotations

import re
from pathlib import Path

from torch import nn

from vesselbench.config import UserError
from vesselbench.models.build import NetworkEntry, load_network

KINDS = ("weights", "models")
NAME = re.compile(r"(\w+)-(\w+)-(\d+)")


def load(name: str, folder: Path = Path("data")) -> tuple[nn.Module, NetworkEntry]:
    """Rebuild a trained network by its name.

    Parameters
    ----------
    name
        Data set, model and seed, as in the name of the DVC stage that trains it: ``"drive-iternet-0"``.
    folder
        Holds ``weights/<data set>/<model>/<seed>``, as published, or ``models/...``, as trained.

    Returns
    -------
    torch.nn.Module
        In evaluation mode, on the CPU.
    NetworkEntry
        What it was built from; its ``preprocess`` names what is done to a photograph first.

    Raises
    ------
    UserError
        The name is of another form, or there is no such network; the message lists those that there are.
    """
    words = NAME.fullmatch(name)
    if not words:
        raise UserError(
            f"weights {name!r}: a name is data set, model and seed joined by '-', such as drive-iternet-0; "
            f"{_choice(folder)}"
        )
    places = [folder.joinpath(kind, *words.groups()) for kind in KINDS]
    for place in places:
        if all((place / file).is_file() for file in ("model.json", "weights.safetensors")):
            return load_network(place)
    raise UserError(
        f"{places[0]}: no trained network; {_choice(folder)}; fetch it by 'dvc pull {places[0]}', or train it by "
        f"'dvc repro train@{name}' (more_train@{name} if {words[2]} stands in run.more)"
    )


def trained_names(folder: Path) -> list[str]:
    """List the names of the networks in a folder, sorted; none where it is absent."""
    found = [path for kind in KINDS for path in folder.glob(f"{kind}/*/*/*/model.json")]
    return sorted({"-".join(path.parts[-4:-1]) for path in found})


def _choice(folder: Path) -> str:
    return f"{folder} holds {', '.join(trained_names(folder)) or 'none'}"
