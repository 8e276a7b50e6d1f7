"""Evaluation: seconds and memory of scoring one model's maps of a test set, in a process of its own, on one core."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.measure import label

from vesselbench.metrics import connectivity
from vesselbench.metrics.evaluation import Evaluation, evaluate
from vesselbench.metrics.levels import LEVELS
from vesselbench.metrics.record import score_image
from vesselbench.metrics.threshold import ChosenThreshold

STATUS = Path("/proc/self/status")  # Linux
THRESHOLDS = {"fixed": LEVELS // 2, "training": LEVELS * 2 // 5}
ELSEWHERE = ChosenThreshold(THRESHOLDS["training"], 0.8, ("of no test image",))


def map_around(truth: np.ndarray, seed: int) -> np.ndarray:
    """Make a map uint16 (H, W) that looks predicted: sure of most pixels, with thin vessels broken and false ones."""
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(truth.shape), 1.5)
    logits = 12 * gaussian_filter(truth.astype(float), 1.0) - 7 + 1.5 * noise / noise.std()
    return np.rint((LEVELS - 1) / (1 + np.exp(-logits))).astype(np.uint16)


def measure_evaluation(truth: np.ndarray, fov: np.ndarray, images: int, draws: int) -> dict[str, Any]:
    """Measure the evaluation of ``images`` maps under all protocols, with ``draws`` bootstrap samples.

    Parameters
    ----------
    truth, fov
        (H, W), 0 and 1; bool (H, W): every image has these, and a map of its own.

    Returns
    -------
    dict
        ``images``, ``draws``; ``seconds``: of ``looking`` at the images, of ``scoring`` them, of ``all``; ``bytes``:
        most of resident memory, libraries included, None where the system does not tell; ``segments``: seconds of one
        map's ``sweep`` over 256 thresholds, of ``labelling`` it at each, and their ``ratio``.
    """
    print(f"evaluation: {images} maps of {truth.shape[0]} x {truth.shape[1]} in a process of its own", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        eye = Path(folder, "eye.npz")
        np.savez(eye, truth=truth, fov=fov)
        command = [sys.executable, "-m", "vesselbench.bench.evaluation", str(eye), str(images), str(draws)]
        one_core = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        answer = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | one_core
        ).stdout
    return {"images": images, "draws": draws} | json.loads(answer)


def main(eye: str, images: str, draws: str) -> None:
    with np.load(eye) as arrays:
        truth, fov = arrays["truth"], arrays["fov"]
    maps = [map_around(truth, seed) for seed in range(int(images))]
    clock = [time.perf_counter()]
    records = [score_image(str(at), truth, levels, fov, THRESHOLDS) for at, levels in enumerate(maps)]
    clock.append(time.perf_counter())
    evaluate(records, THRESHOLDS, Evaluation(draws=int(draws)), ELSEWHERE)
    clock.append(time.perf_counter())
    peak = re.search(r"^VmHWM:\s*(\d+) kB$", STATUS.read_text(), re.MULTILINE) if STATUS.exists() else None
    seconds = dict(zip(("looking", "scoring"), np.diff(clock).tolist(), strict=True))
    print(
        json.dumps(
            {
                "seconds": seconds | {"all": clock[-1] - clock[0]},
                "bytes": 1024 * int(peak[1]) if peak else None,
                "segments": count_segments(maps[0]),
            }
        )
    )


def count_segments(levels: np.ndarray) -> dict[str, float]:
    """Count segments at 256 thresholds by one sweep, and by labelling at each; they must agree."""
    clock = [time.perf_counter()]
    swept = connectivity.segments(levels)
    clock.append(time.perf_counter())
    labelled = [label(levels >= 257 * k, connectivity=2, return_num=True)[1] for k in range(256)]
    clock.append(time.perf_counter())
    if swept.tolist() != labelled:
        raise RuntimeError("one sweep and labelling count different segments")
    sweep, labelling = np.diff(clock).tolist()
    return {"sweep": sweep, "labelling": labelling, "ratio": labelling / sweep}


if __name__ == "__main__":
    main(*sys.argv[1:])
