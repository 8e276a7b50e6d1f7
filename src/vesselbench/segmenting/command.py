"""``vesselbench segment``: vessel maps of anybody's photographs from a trained network, without DVC."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from torch import nn

from vesselbench.config import UserError
from vesselbench.data.fov import estimate
from vesselbench.data.images import read_image, write_mask
from vesselbench.data.levels import write_levels
from vesselbench.data.manifest import read_manifest
from vesselbench.data.preprocess import preprocess
from vesselbench.device import Hardware
from vesselbench.files import whole_file
from vesselbench.models.build import NetworkEntry
from vesselbench.prediction.batch import find_batch
from vesselbench.prediction.infer import patched, whole
from vesselbench.segmenting.load import load

PATCH = 128  # pixels, as the paper predicts
THRESHOLD = 0.5
UNLIKE = 1.5  # times larger or smaller than the training photographs: vessels are of another width
# The reference precision: quick on any processor, and one photograph is little work.
HARDWARE = Hardware(
    accelerator="auto", devices=1, nodes=1, precision="32-true", channels_last=True, compile="", threads=0
)


def run(
    photographs: Sequence[Path], name: str, out: Path, stride: int = 0, binary: bool = False, whole_frame: bool = False
) -> Iterator[str]:
    """Segment photographs, write their maps, and give the lines to print, each when its photograph is done.

    Parameters
    ----------
    photographs
        Files of any format that Pillow reads.
    name
        Of the network, see ``vesselbench.segmenting.load.load``.
    out
        Folder for ``<stem>.png``: 16-bit maps of the photograph's size, 65535 for probability 1. Made if absent.
    stride, whole_frame
        See ``segment``; a network says arbitrary things outside the field of view, so there maps are 0, unless
        ``whole_frame``: then they are left as predicted, which is what the pipeline scores.
    binary
        Write ``<stem>_vessels.png`` too: 8 bits, 255 where the probability is at least 0.5, else 0.

    Raises
    ------
    UserError
        An argument or a photograph is refused; all are looked at first, and nothing is written.
    """
    targets = plan(photographs, out, binary)
    if not 0 <= stride <= PATCH:
        raise UserError(f"--stride is {stride}; it must be from 1 to {PATCH}, the side of a patch, or be left out")
    network, entry = load(name)
    if stride and getattr(network, "whole_images", False):
        raise UserError(f"--stride is {stride}, but {name} looks at whole photographs only; leave it out")
    for photograph in photographs:
        rows, columns = read_image(photograph).shape[:2]
        if min(rows, columns) < PATCH:
            raise UserError(
                f"{photograph}: {rows} x {columns} (rows x columns); no side may be shorter than that of a patch, "
                f"{PATCH} pixels; give a whole fundus photograph"
            )
    fabric = HARDWARE.launch()
    network = fabric.setup_module(HARDWARE.arrange(network)).eval()
    for photograph, (map_path, *vessel_paths) in targets.items():
        start = perf_counter()
        image = read_image(photograph)
        probability = segment(network, entry, image, stride, fabric.device)
        fov = np.ones(probability.shape, bool) if whole_frame else estimate(image)
        probability[~fov] = 0
        vessels = probability >= THRESHOLD
        with whole_file(map_path) as path:
            write_levels(path, probability, bits=16)
        for vessel_path in vessel_paths:
            with whole_file(vessel_path) as path:
                write_mask(path, vessels)
        size, seconds = f"{image.shape[0]} x {image.shape[1]}", perf_counter() - start
        where = "frame" if whole_frame else "field of view"
        yield f"{map_path}: {size}, {seconds:.1f} s, vessel in {100 * vessels[fov].mean():.1f} % of the {where}"
        yield from size_notes(photograph, min(image.shape[:2]), name)


def plan(photographs: Sequence[Path], out: Path, binary: bool) -> dict[Path, list[Path]]:
    """Say which files each photograph becomes: its map, then with ``binary`` its vessels.

    Raises
    ------
    UserError
        A photograph is missing, two would become one file, a file would replace a photograph, or ``out`` is a file.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"--out is {out}, which is a file; name a folder")
    given = {photograph.resolve() for photograph in photographs}
    makers: dict[Path, Path] = {}
    for photograph in photographs:
        if not photograph.is_file():
            raise UserError(f"{photograph}: no such file; name photographs, not folders, and check the path")
        for ending in ("", "_vessels")[: 1 + binary]:
            target = out / f"{photograph.stem}{ending}.png"
            if target in makers:
                raise UserError(
                    f"{makers[target]} and {photograph} would both become {target}; rename one, or give each a call "
                    "and an --out of its own"
                )
            if target.resolve() in given:
                raise UserError(f"{target}: would replace a photograph; choose another folder by --out")
            makers[target] = photograph
    return {photograph: [target for target in makers if makers[target] == photograph] for photograph in photographs}


def segment(
    network: nn.Module,
    entry: NetworkEntry,
    photograph: np.ndarray,
    stride: int = 0,
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """Predict the vessels of one photograph.

    Parameters
    ----------
    network, entry
        From ``vesselbench.segmenting.load.load``; the network on ``device``.
    photograph
        uint8 (H, W, 3), red, green, blue.
    stride
        0: in one pass. Else in overlapping patches of 128 x 128 at this step, in pixels, averaged: slower, in less
        memory.

    Returns
    -------
    numpy.ndarray
        float32 (H, W): the probability of vessel.
    """
    pixels = preprocess(entry.preprocess, photograph)
    image = torch.from_numpy(pixels).to(device).permute(2, 0, 1).float() / 255
    if not stride:
        return whole(network, image, network.multiple).cpu().numpy()
    batch = find_batch(network, image.new_zeros(len(image), PATCH, PATCH))
    return patched(network, image, PATCH, stride, batch).cpu().numpy()


def size_notes(photograph: Path, side: int, name: str) -> list[str]:
    """Warn where a photograph's shorter side, in pixels, is far from that of the data set that a network learned from.

    Says nothing where the size of the latter is not known, as of a data set that is drawn.
    """
    files = read_manifest(name.split("-")[0])
    sides = [min(file.rows, file.columns) for file in files if file.path.startswith("images/")]
    usual = median(sides) if sides else side
    if 1 / UNLIKE <= side / usual <= UNLIKE:
        return []
    return [
        f"note: {photograph}: its shorter side is {side} pixels; the photographs that {name} learned from have "
        f"{usual:.0f}, and vessels of another width are missed: resize it to about that"
    ]
