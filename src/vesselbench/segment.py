"""``vesselbench segment``: maps of anybody's photographs from a trained network, without DVC."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image
from torch import nn

from vesselbench.config import UserError, repository
from vesselbench.data.fit import fit_image, unfit_maps
from vesselbench.data.fov import box, diameter, estimate
from vesselbench.data.maps import LEVELS, scored_levels, to_levels, write_map
from vesselbench.data.preprocess import preprocess
from vesselbench.data.task import find_task
from vesselbench.device import prepare_network, start_fabric
from vesselbench.files import whole_file
from vesselbench.foreign import COLOURS
from vesselbench.matching import stem_of
from vesselbench.models.build import load_network
from vesselbench.photograph import ENDINGS, read_photograph
from vesselbench.prediction.predict import find_batch, patched, windowed

MODELS = Path("data/models")
NAME = re.compile(r"(\w+)-[\w-]+-\d+")  # data set, label, seed
PATCH = 128  # pixels, as the paper predicts
THRESHOLD = 0.5
ALIKE = 1.1  # times larger or smaller than the eyes learned from: left as it is
UNLIKE = 1.5  # times larger or smaller: vessels are of another width
FRAME, RIM = 1.15, 0.025  # of an eye's diameter: a wider frame is cut off, but for a rim as DRIVE has it
MOST, LEAST_SIDE, MOST_SIDE = 100e6, 32, 32_000  # pixels that a network is shown
MOST_AT_ONCE = 10e6  # the same of a network that looks at whole images only
FILES = {  # by the field of a network's task: what is drawn -> endings of its files, the second with --binary alone
    "truth": {"vessel": (".png", "_vessels.png")},
    "artery_vein": {kind: (f"_{kind}.png", f"_{kind}_binary.png") for kind in ("artery", "vein")}
    | {"kinds": ("_kinds.png",)},
}
Device = torch.device | str
Plan = dict[Path, dict[str, list[Path]]]  # of each photograph, what is drawn -> its files


@dataclass
class Prepared:
    """A photograph as a network is shown it, and the way back."""

    pixels: np.ndarray | None  # uint8 (h, w, C): what is in the frame, scaled, preprocessed and fitted
    fov: np.ndarray  # bool (rows, columns): the field of view in these, before they were fitted
    factor: float  # by which it was scaled
    eye: np.ndarray  # bool (H, W): the field of view
    frame: tuple[slice, slice]  # the part of the photograph that is shown
    notes: list[str]  # what was doubtful


def segment_command(
    photographs: Sequence[Path],
    name: str,
    out: Path,
    stride: int = 0,
    binary: bool = False,
    whole_frame: bool = False,
    scale: str = "auto",
) -> Iterator[str]:
    """Segment photographs, write their maps, and yield the lines to print, each when its photograph is done.

    A photograph becomes ``<stem>.png`` in the folder ``out``, which is made if absent: a 16-bit map of its size, 65535
    for probability 1. With ``binary`` comes ``<stem>_vessels.png``, 8 bits, 255 where the probability is at least 0.5.
    A network of arteries and veins writes ``<stem>_artery.png`` and ``<stem>_vein.png``, crossings in both, with
    ``binary`` their masks ``<stem>_artery_binary.png`` and ``<stem>_vein_binary.png``, and ``<stem>_kinds.png``: over
    the photograph, where the probability is at least 0.5, arteries in red, veins in blue, what is both in green.
    A folder stands for the photographs in it and below; their maps keep its sub-folders. Outside the field of view a
    network says arbitrary things, so maps are 0 there, unless ``whole_frame``: then they are left as predicted, which
    is what the pipeline scores. For ``name`` see ``load``, for ``stride`` and ``scale`` ``segment``.

    Raises
    ------
    UserError
        An argument is refused, before anything is written; or photographs are: at the end, when all others are done.
    """
    network, about = load(name)
    plan = _plan_files(_find_photographs(photographs, out), out, FILES[find_task(about["task"]).field], binary)
    if not 0 <= stride <= PATCH:
        raise UserError(f"--stride is {stride}; it must be from 1 to {PATCH}, the side of a patch, or be left out")
    if stride and getattr(network, "whole_images", False):
        raise UserError(f"--stride is {stride}, but {name} looks at whole photographs only; leave it out")
    factor = _read_scale(scale)
    fabric = start_fabric("32-true", threads=0)  # quick on any processor, and one photograph is little work
    network = fabric.setup_module(prepare_network(network)).eval()
    failed = []
    for photograph, files in plan.items():
        start = perf_counter()
        try:
            pixels, notes = read_photograph(photograph)
            prepared = prepare(network, about, pixels, factor)
            pixels = pixels if "kinds" in files else None  # the memory is wanted
        except (UserError, OSError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            failed.append(f"{photograph}: {reason.removeprefix(f'{photograph}: ')}")
            continue
        yield from (f"note: {photograph}: {note}" for note in (*notes, *prepared.notes))
        kept, place = (np.ones_like(prepared.eye), "frame") if whole_frame else (prepared.eye, "field of view")
        found, shares = {}, []
        for name, probability in _predict(network, about, prepared, stride, fabric.device):
            if name not in files:
                continue
            probability *= kept
            found[name] = probability >= THRESHOLD
            map_path, *binary_paths = files[name]
            with whole_file(map_path) as path:
                write_map(path, _to_levels(probability))
            for binary_path in binary_paths:
                with whole_file(binary_path) as path:
                    Image.fromarray(255 * found[name].astype(np.uint8)).save(path)
            shares.append(f"{name} in {100 * found[name][kept].mean():.1f} %")
        if "kinds" in files:
            for kind, where in (found | {"crossing": found["artery"] & found["vein"]}).items():
                pixels[where] = COLOURS[kind]
            with whole_file(files["kinds"][0]) as path:
                Image.fromarray(pixels).save(path)
        size, seconds = "{} x {}".format(*kept.shape), perf_counter() - start
        maps, said = ", ".join(str(paths[0]) for paths in files.values()), " and ".join(shares)
        yield f"{maps}: {size}, scale {prepared.factor:.3g}, {seconds:.1f} s, {said} of the {place}"
    if failed:
        title = f"{len(failed)} of {len(plan)} photographs were not segmented:"
        raise UserError("\n  ".join([title, *failed]) if len(plan) > 1 else failed[0])


def load(name: str, folder: Path | None = None) -> tuple[nn.Module, dict[str, Any]]:
    """Rebuild a trained network by the name of its run: data set, label and seed, such as ``"drive-iternet-0"``.

    It is read from ``<folder>/<data set>/<run>``, as trained or pulled, into evaluation mode, on the CPU; without
    ``folder`` from data/models, here or in the repository. Beside it comes the content of its ``model.json``:
    ``recipe`` says how it learned and what is done to a photograph first, ``diameter`` how wide the eyes learned from
    are, in pixels.

    Raises
    ------
    UserError
        The name is of another form, or there is no such network; the message lists those that there are.
    """
    folder = folder or (MODELS if MODELS.is_dir() else repository() / MODELS)
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
    network: nn.Module,
    about: Mapping[str, Any],
    photograph: np.ndarray,
    stride: int = 0,
    device: Device = "cpu",
    scale: str | float = "auto",
) -> np.ndarray:
    """Predict the vessels of a photograph, uint8 (H, W, 3) in RGB: their probability, float32 (H, W).

    The network, which is on ``device``, and ``about`` come from ``load``. With ``stride`` 0 it is one pass; else
    overlapping patches of 128 x 128 at this step, in pixels, are averaged. The network is shown the photograph resized
    by ``scale``, a factor or none; auto: until its field of view is as wide as those learned from. A frame much wider
    than the field of view is cut off before; the probability is 0 there. UserError where the photograph is refused.
    Of a network of arteries and veins it is the probability of either: ``segment_kinds`` tells them apart.
    """
    return segment_kinds(network, about, photograph, stride, device, scale)["vessel"]


def segment_kinds(
    network: nn.Module,
    about: Mapping[str, Any],
    photograph: np.ndarray,
    stride: int = 0,
    device: Device = "cpu",
    scale: str | float = "auto",
) -> dict[str, np.ndarray]:
    """Predict arteries and veins as ``segment``: ``artery``, ``vein``, ``vessel`` -> probability, float32 (H, W).

    A crossing is artery as well as vein. A network that tells vessels alone gives those alone.
    """
    prepared = prepare(network, about, photograph, _read_scale(scale))
    return dict(_predict(network, about, prepared, stride, device))


def prepare(network: nn.Module, about: Mapping[str, Any], photograph: np.ndarray, wanted: float | None) -> Prepared:
    """Do to a photograph what is done before a network is shown it; ``wanted`` is the factor, None for auto."""
    recipe, notes = about["recipe"], []
    if min(photograph.shape[:2]) < PATCH:
        rule = f"no side may be shorter than that of a patch, {PATCH} pixels; give a whole fundus photograph"
        raise UserError("{} x {} (rows x columns); {}".format(*photograph.shape[:2], rule))
    eye = estimate(photograph)
    width, usual = diameter(eye), about["diameter"]
    if eye.all():
        notes.append(f"no dark surround, so its field of view is taken to be as wide as the frame, {width} pixels")
    factor = wanted or usual / width
    if wanted is None and 1 / ALIKE <= factor <= ALIKE:
        factor = 1.0
    frame = (slice(None), slice(None))
    if max(eye.shape) > FRAME * width:
        frame = box(eye, rim=round(RIM * width))
    shown, fov = photograph[frame], eye[frame]
    size = tuple(round(side * factor) for side in shown.shape[:2])
    most = MOST_AT_ONCE if getattr(network, "whole_images", False) else MOST
    if min(size) < LEAST_SIDE or max(size) > MOST_SIDE or math.prod(size) > most:
        scaled = f"scaled by {factor:.3g} it is {size[0]} x {size[1]} (rows x columns)"
        rule = f"a network is shown sides of {LEAST_SIDE} to {MOST_SIDE} pixels, at most {most / 1e6:.0f} megapixels"
        raise UserError(f"{scaled}; {rule}; choose another --scale")
    if not 1 / UNLIKE <= width * factor / usual <= UNLIKE:
        learned = f"those of the eyes learned from are {usual:.0f}, and vessels of another width are missed"
        notes.append(f"its field of view is shown {width * factor:.0f} pixels wide; {learned}: leave --scale out")
    if factor != 1:
        shown = cv2.resize(shown, size[::-1], interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
        fov = cv2.resize(fov.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST_EXACT).astype(bool)
    try:
        pixels = fit_image(recipe["fit"], preprocess(recipe["input"], shown), fov)
    except ValueError as error:
        raise UserError(f"{error}, as the network needs it; choose a smaller --scale") from error
    return Prepared(pixels, fov, factor, eye, frame, notes)


def _predict(
    network: nn.Module, about: Mapping[str, Any], prepared: Prepared, stride: int, device: Device
) -> Iterator[tuple[str, np.ndarray]]:
    """Predict what is scored of a network, see ``vesselbench.data.task``, one by one: name and float32 (H, W)."""
    fit, task = about["recipe"]["fit"], find_task(about["task"])
    image = torch.from_numpy(prepared.pixels).to(device).permute(2, 0, 1)
    prepared.pixels = None
    if stride:
        patch = PATCH * about["recipe"].get("scale", 1)
        batch = find_batch(network, image.new_zeros(len(image), patch, patch))
        maps = patched(network, image, patch, stride, batch)
    else:
        maps = windowed(network, image, network.multiple)
    maps = dict(zip(task.channels, unfit_maps(fit, maps, prepared.fov).cpu().numpy(), strict=True))
    del image  # nothing that is done with stays in memory
    if task.field == "artery_vein":
        levels = scored_levels(task, {channel: _to_levels(map_) for channel, map_ in maps.items()})
        maps = {name: own / np.float32(LEVELS - 1) for name, own in levels.items()}
    for name in [*maps]:
        map_ = maps.pop(name)
        if prepared.factor != 1:
            map_ = cv2.resize(map_, prepared.eye[prepared.frame].shape[::-1])
        if map_.shape != prepared.eye.shape:
            framed = np.zeros(prepared.eye.shape, np.float32)
            framed[prepared.frame] = map_
            map_ = framed
        yield name, map_


def _to_levels(probability: np.ndarray) -> np.ndarray:
    parts = np.array_split(probability, 64)  # floats of double precision are much memory
    return np.concatenate([to_levels(part, rounded=False) for part in parts])


def _read_scale(scale: str | float) -> float | None:
    """Turn what --scale says into a factor, None for auto; UserError where it is none."""
    words = {"auto": None, "none": 1.0}
    with suppress(ValueError):
        factor = words[scale] if scale in words else float(scale)
        if factor is None or 0.01 <= factor <= 100:
            return factor
    raise UserError(f"--scale is {scale}; it must be auto, none, or a factor from 0.01 to 100")


def _find_photographs(given: Sequence[Path], out: Path) -> dict[Path, Path]:
    """Find the photographs that were named and those in folders that were: each with the folder its maps go to.

    Hidden files are passed over, and maps that were written into a folder within. UserError where there is none.
    """
    found = {}
    for path in given:
        if not path.is_dir():
            found.setdefault(path, out)
            continue
        maps = out.resolve() if path.resolve() in out.resolve().parents else None
        files = [file for file in sorted(path.rglob("*")) if file.name.lower().endswith(ENDINGS) and file.is_file()]
        files = [file for file in files if maps not in file.resolve().parents]
        files = [file for file in files if "/." not in f"/{file.relative_to(path).as_posix()}"]
        if not files:
            raise UserError(f"{path}: no photograph in this folder; it takes files that end in {', '.join(ENDINGS)}")
        for file in files:
            found.setdefault(file, out / file.relative_to(path).parent)
    return found


def _plan_files(photographs: Mapping[Path, Path], out: Path, ends: Mapping[str, Sequence[str]], binary: bool) -> Plan:
    """Say which files each photograph becomes in its folder, by one of ``FILES``: with ``binary`` the masks too.

    UserError if a photograph is missing or would be replaced, two would become one file, or ``out`` is a file.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"--out is {out}, which is a file; name a folder")
    given, makers, plan = {photograph.resolve() for photograph in photographs}, {}, {}
    for photograph, folder in photographs.items():
        if not photograph.is_file():
            raise UserError(f"{photograph}: no such file or folder; check the path")
        base = folder / stem_of(photograph)
        plan[photograph] = {name: [Path(f"{base}{end}") for end in own[: 1 + binary]] for name, own in ends.items()}
        for target in chain(*plan[photograph].values()):
            if target in makers:
                fix = "rename one, or give each a call and an --out of its own"
                raise UserError(f"{makers[target]} and {photograph} would both become {target}; {fix}")
            if target.resolve() in given:
                raise UserError(f"{target}: would replace a photograph; choose another folder by --out")
            makers[target] = photograph
    return plan
