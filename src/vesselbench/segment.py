"""``vesselbench segment``: vessel maps of anybody's photographs from a trained network, without DVC."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import nn

from vesselbench.config import UserError
from vesselbench.data.fit import fit_image
from vesselbench.data.fov import diameter, estimate
from vesselbench.data.images import read_image, write_mask
from vesselbench.data.maps import to_levels, write_map
from vesselbench.data.preprocess import preprocess
from vesselbench.data.task import find_task
from vesselbench.device import prepare_network, start_fabric
from vesselbench.files import whole_file
from vesselbench.models.build import load_network
from vesselbench.prediction.predict import Mode, predict_image

MODELS = Path("data/models")
NAME = re.compile(r"(\w+)-[\w-]+-\d+")  # data set, label, seed
PATCH = 128  # pixels, as the paper predicts
THRESHOLD = 0.5
UNLIKE = 1.5  # times larger or smaller than the eyes learned from: vessels are of another width
Device = torch.device | str
Plan = dict[Path, dict[str, list[Path]]]  # of each photograph, channel -> the files it becomes


def segment_command(
    photographs: Sequence[Path], name: str, out: Path, stride: int = 0, binary: bool = False, whole_frame: bool = False
) -> Iterator[str]:
    """Segment photographs, write their maps, and yield the lines to print, each when its photograph is done.

    A photograph becomes ``<stem>.png`` in the folder ``out``, which is made if absent: a 16-bit map of its size, 65535
    for probability 1. With ``binary`` comes ``<stem>_vessels.png``, 8 bits, 255 where the probability is at least 0.5.
    Networks that tell more than vessels apart write ``<stem>_<channel>.png`` and ``<stem>_<channel>_binary.png``.
    Outside the field of view a network says arbitrary things, so maps are 0 there, unless ``whole_frame``: then they
    are left as predicted, which is what the pipeline scores. For ``name`` see ``load``, for ``stride`` ``segment``.

    Raises
    ------
    UserError
        An argument or a photograph is refused; all are looked at first, and nothing is written.
    """
    network, about = load(name)
    plan = _plan_files(photographs, out, list(find_task(about["task"]).channels), binary)
    if not 0 <= stride <= PATCH:
        raise UserError(f"--stride is {stride}; it must be from 1 to {PATCH}, the side of a patch, or be left out")
    if stride and getattr(network, "whole_images", False):
        raise UserError(f"--stride is {stride}, but {name} looks at whole photographs only; leave it out")
    for photograph in photographs:
        image = read_image(photograph)
        rows, columns = image.shape[:2]
        if min(rows, columns) < PATCH:
            rule = f"no side may be shorter than that of a patch, {PATCH} pixels; give a whole fundus photograph"
            raise UserError(f"{photograph}: {rows} x {columns} (rows x columns); {rule}")
        try:
            fit_image(about["recipe"]["fit"], image)
        except ValueError as error:
            raise UserError(f"{photograph}: {error}, as {name} needs it; make it smaller") from error
    fabric = start_fabric("32-true", threads=0)  # quick on any processor, and one photograph is little work
    network = fabric.setup_module(prepare_network(network)).eval()
    for photograph, files in plan.items():
        start = perf_counter()
        image = read_image(photograph)
        eye = estimate(image)
        kept, place = (np.ones_like(eye), "frame") if whole_frame else (eye, "field of view")
        maps = segment_channels(network, about, image, stride, fabric.device)
        for channel, (map_path, *binary_paths) in files.items():
            probability = maps[channel] * kept
            found = probability >= THRESHOLD
            with whole_file(map_path) as path:
                write_map(path, to_levels(probability, rounded=False))
            for binary_path in binary_paths:
                with whole_file(binary_path) as path:
                    write_mask(path, found)
            size, seconds = "{} x {}".format(*eye.shape), perf_counter() - start
            yield f"{map_path}: {size}, {seconds:.1f} s, {channel} in {100 * found[kept].mean():.1f} % of the {place}"
        width, usual = diameter(eye), about["diameter"]
        if not 1 / UNLIKE <= width / usual <= UNLIKE:
            yield (
                f"note: {photograph}: its field of view is {width} pixels wide; those of the eyes that {name} learned "
                f"from are {usual:.0f}, and vessels of another width are missed: resize it by {usual / width:.2g}"
            )


def load(name: str, folder: Path = MODELS) -> tuple[nn.Module, dict[str, Any]]:
    """Rebuild a trained network by the name of its run: data set, label and seed, such as ``"drive-iternet-0"``.

    It is read from ``<folder>/<data set>/<run>``, as trained or pulled, into evaluation mode, on the CPU. Beside it
    comes the content of its ``model.json``: ``recipe`` says how it learned and what is done to a photograph first,
    ``diameter`` how wide the eyes learned from are, in pixels.

    Raises
    ------
    UserError
        The name is of another form, or there is no such network; the message lists those that there are.
    """
    known = sorted(path.parent.name for path in folder.glob("*/*/model.json"))
    choice = f"{folder} holds {', '.join(known) or 'none'}"
    words = NAME.fullmatch(name)
    if not words:
        form = "a name is data set, label and seed joined by '-', such as drive-iternet-0"
        raise UserError(f"weights {name!r}: {form}; {choice}")
    place = folder / words[1] / name
    if not all((place / file).is_file() for file in ("model.json", "weights.safetensors")):
        fix = f"run 'dvc pull train@{name}', or train it: 'dvc repro train@{name}'"
        raise UserError(f"{place}: no trained network; {choice}; {fix}")
    return load_network(place)


def segment(
    network: nn.Module, about: Mapping[str, Any], photograph: np.ndarray, stride: int = 0, device: Device = "cpu"
) -> np.ndarray:
    """Predict the vessels of a photograph, uint8 (H, W, 3) in RGB: their probability, float32 (H, W).

    The network, which is on ``device``, and ``about`` come from ``load``. With ``stride`` 0 it is one pass; else
    overlapping patches of 128 x 128 at this step, in pixels, are averaged: slower, in less memory.
    """
    return segment_channels(network, about, photograph, stride, device)["vessel"]


def segment_channels(
    network: nn.Module, about: Mapping[str, Any], photograph: np.ndarray, stride: int, device: Device
) -> dict[str, np.ndarray]:
    """Predict every channel that a network tells apart, float32 (H, W) each; parameters as of ``segment``."""
    recipe, task = about["recipe"], find_task(about["task"])
    patched = {"how": "patched", "patch": PATCH, "stride": stride, "training_stride": stride}
    mode = Mode(**patched if stride else {"how": "whole"})
    pixels = fit_image(recipe["fit"], preprocess(recipe["input"], photograph))
    image = torch.from_numpy(pixels).to(device).permute(2, 0, 1).float() / 255
    maps = predict_image(network, image, mode, network.multiple, "test", recipe["fit"], photograph.shape[:2])
    return dict(zip(task.channels, maps.cpu().numpy(), strict=True))


def _plan_files(photographs: Sequence[Path], out: Path, channels: Sequence[str], binary: bool) -> Plan:
    """Say which files each photograph becomes: of each channel its map, then with ``binary`` its mask.

    UserError if a photograph is missing or would be replaced, two would become one file, or ``out`` is a file.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"--out is {out}, which is a file; name a folder")
    endings = {channel: (f"_{channel}", f"_{channel}_binary")[: 1 + binary] for channel in channels}
    if channels == ["vessel"]:
        endings = {"vessel": ("", "_vessels")[: 1 + binary]}
    given, makers, plan = {photograph.resolve() for photograph in photographs}, {}, {}
    for photograph in photographs:
        if not photograph.is_file():
            raise UserError(f"{photograph}: no such file; name photographs, not folders, and check the path")
        stem = photograph.stem
        plan[photograph] = {channel: [out / f"{stem}{end}.png" for end in ends] for channel, ends in endings.items()}
        for target in chain(*plan[photograph].values()):
            if target in makers:
                fix = "rename one, or give each a call and an --out of its own"
                raise UserError(f"{makers[target]} and {photograph} would both become {target}; {fix}")
            if target.resolve() in given:
                raise UserError(f"{target}: would replace a photograph; choose another folder by --out")
            makers[target] = photograph
    return plan
