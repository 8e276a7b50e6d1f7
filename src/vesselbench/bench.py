"""Speed and memory on this machine, against plain baselines: ``python -m vesselbench.bench`` (``make bench``).

Every ratio is of two measurements in one run. Weights are random and eyes are drawn. No stage reads the results.
"""

import resource
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from skimage.measure import label
from tabulate import tabulate
from torch import Tensor, nn
from torch.utils.benchmark import Timer

from vesselbench.config import parse, read_params
from vesselbench.data.maps import to_levels
from vesselbench.datasets.phantom.eye import draw
from vesselbench.device import prepare_network, start_fabric
from vesselbench.metrics.connectivity import segments
from vesselbench.metrics.evaluation import Evaluation, evaluate
from vesselbench.metrics.image import score_image
from vesselbench.models.build import build_network, split_entry
from vesselbench.models.iternet import Dropout
from vesselbench.prediction.predict import find_batch, pad_to_grid, patched
from vesselbench.training.loop import seed_everything
from vesselbench.training.method import Supervised, output_losses
from vesselbench.training.patches import PatchSampler
from vesselbench.training.recipe import Recipe

PEAK = Path("/proc/self/clear_refs")  # Linux: a 5 written to it sets a process's peak of memory to what it takes now
NOTES = """
- {} threads, torch {}, {}. Seconds are medians; ratio: plain over ours.
- Plain: a step in float32 with torch's own dropout, Adam one tensor at a time, patches given; prediction in float32,
  patch by patch; segments by labelling the map at each threshold.
- Peak memory of ours: on a GPU what torch allocates, on a CPU what the process takes, libraries included.
"""
Work = Callable[[], Any]


def measure(device: torch.device, least: float, what: str, ours: Work, plain: Work | None, count: int) -> dict:
    """Measure our way and a plain one for ``least`` seconds each: a row. A call of ours makes ``count`` things."""
    print(f"bench: {what}", flush=True)
    on_gpu, on_linux = device.type == "cuda", PEAK.exists()
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    elif on_linux:
        PEAK.write_text("5")
    row = {"what": what, "seconds": _seconds(ours, least)}
    row["per second"] = count / row["seconds"]
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 if on_linux else float("nan")
    row["peak MB"] = (torch.cuda.max_memory_allocated(device) if on_gpu else used) / 1e6
    if plain:
        row["plain seconds"] = _seconds(plain, least)
        row["ratio"] = row["plain seconds"] / row["seconds"]
    return row


def _seconds(work: Work, least: float) -> float:
    timer = Timer("work()", globals={"work": work}, num_threads=torch.get_num_threads())  # waits for a GPU
    return timer.blocked_autorange(min_run_time=least).median


def plain_step(network: nn.Module, image: Tensor, truth: Tensor) -> Work:
    """Make a function that takes a training step as plain PyTorch does."""
    for module in network.modules():
        if isinstance(module, Dropout):
            module.forward = partial(nn.Dropout.forward, module)  # torch's own
    optimizer = torch.optim.Adam(network.parameters(), foreach=False)

    def step() -> None:
        optimizer.zero_grad()
        output_losses(network(image), truth).sum().backward()
        optimizer.step()

    return step


@torch.inference_mode()
def patched_plainly(network: nn.Module, image: Tensor, patch: int, stride: int) -> Tensor:
    """Do what ``patched`` does, one patch after the other: float32 (1, H, W)."""
    padded = pad_to_grid(image, patch, stride)
    total, count = torch.zeros(2, *padded.shape[1:], device=image.device)
    for row in range(0, padded.shape[1] - patch + 1, stride):
        for column in range(0, padded.shape[2] - patch + 1, stride):
            place = (slice(row, row + patch), slice(column, column + patch))
            total[place] += network(padded[None, :, *place].contiguous() / 255)[-1][0, 0].sigmoid()
            count[place] += 1
    return (total / count)[None, : image.shape[1], : image.shape[2]]


def draw_map(truth: np.ndarray, seed: int) -> np.ndarray:
    """Make levels, uint16 (H, W), that look predicted: sure of most pixels, with thin vessels broken and false ones."""
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(truth.shape), 1.5)
    return to_levels(1 / (1 + np.exp(7 - 12 * gaussian_filter(truth.astype(float), 1.0) - 8 * noise)))


@click.command()
@click.option("--quick", is_flag=True, help="Tiny sizes, seconds: shows that it works, not how fast.")
@click.option("--folder", type=click.Path(file_okay=False, writable=True, path_type=Path), default="metrics/bench")
def main(quick: bool, folder: Path) -> None:
    """Measure speed and memory of this machine, print a table and write it into FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    mapping, entry = read_params("train.paper", "models.iternet")
    recipe, (network, arguments) = parse(Recipe, mapping, "train.paper"), split_entry(entry, "models.iternet")
    fabric = start_fabric(recipe.precision, threads=0)
    device, on_gpu = fabric.device, fabric.device.type == "cuda"
    size, images, patch, stride, draws, least = (128, 2, 32, 8, 100, 0.01) if quick else (584, 20, 128, 3, 2000, 2.0)
    recipe = recipe.model_copy(update={"batch": 32 if on_gpu else 8, "patch": patch})
    build = partial(build_network, network, arguments | ({"width": 4, "iterations": 2} if quick else {}))
    eye, compare = draw(size, np.random.default_rng(0)), partial(measure, device, least)
    image, truth = torch.from_numpy(eye.image).to(device).permute(2, 0, 1), torch.from_numpy(eye.truth).to(device)

    generator = seed_everything(0)  # deterministic kernels, as the stage train asks for
    sampler = PatchSampler(image.repeat(images, 1, 1, 1), truth.repeat(images, 1, 1, 1), recipe.augmentation)
    patches = partial(sampler.draw, recipe.batch, recipe.crops_per_image, patch, generator)
    method, plain = Supervised(build(), recipe, fabric), plain_step(build().to(device), *patches()[:2])
    what = f"Training step, {recipe.batch} patches of {patch} x {patch}"
    rows = [compare(what, lambda: method.step(0, *patches()[:2]), plain, recipe.batch)]
    torch.use_deterministic_algorithms(False)

    plain, network = build().eval().to(device), fabric.setup_module(prepare_network(build())).eval()
    grid = (image[:, :patch], patch, stride)  # of one row of patches
    batch, count = find_batch(network, grid[0][..., :patch]), (pad_to_grid(*grid).shape[2] - patch) // stride + 1
    what = f"Patched prediction, {count} patches at stride {stride}, {batch} at a time"
    rows += [compare(what, lambda: patched(network, *grid, batch), lambda: patched_plainly(plain, *grid), count)]

    maps, levels = [draw_map(eye.truth, seed) for seed in range(images)], {"fixed": 32768, "training": 26214}
    look, how = partial(score_image, "", eye.truth, fov=eye.fov, thresholds=levels), Evaluation(draws=draws)
    what = f"Scoring {images} maps, all protocols, {draws:,} draws"
    rows += [compare(what, lambda: evaluate([look(levels=own) for own in maps], levels, how), None, images)]
    what, one, plain = "Segments of a map at 256 thresholds, in one sweep", maps[0], partial(label, connectivity=2)
    rows += [compare(what, lambda: segments(one), lambda: [plain(one >= k) for k in range(0, 65536, 257)], 1)]

    name = torch.cuda.get_device_name(device) if on_gpu else "CPU"
    table = tabulate(rows, headers="keys", tablefmt="pipe", floatfmt=",.4g")
    title = f"# Speed on {name}" + ", quick run: the figures mean nothing" * quick
    text = f"{title}\n\n{table}\n{NOTES.format(torch.get_num_threads(), torch.__version__, recipe.precision)}"
    path = folder / f"{name.lower().replace(' ', '_')}{'_quick' * quick}.md"
    path.write_text(text)
    print(f"{text}\n{path}")


if __name__ == "__main__":
    main()
