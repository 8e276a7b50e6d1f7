"""What the project wants to reach, by device."""

from __future__ import annotations

import operator
from typing import Any

COMPARE = {">=": operator.ge, "<=": operator.le, "<": operator.lt}
EVERYWHERE = {
    "drawing_percent": ("<", 5, " %"),
    "evaluation_seconds": ("<=", 30, " s"),
    "evaluation_megabytes": ("<=", 1000, " MB"),
}
TARGETS: dict[str, dict[str, tuple[str, float, str]]] = {
    "cpu": {
        "training_ratio": (">=", 2.5, ""),
        "prediction_ratio": (">=", 2.5, ""),
        "memory_megabytes": ("<=", 700, " MB"),
    },
    "nvidia_h200": {
        "training_patches_per_second": (">=", 2500, " patches/s"),
        "prediction_patches_per_second": (">=", 8000, " patches/s"),
        "image_seconds": ("<=", 3, " s"),
    },
}


def judge(results: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Hold measured figures to the targets of their device.

    Returns
    -------
    dict
        ``figure``, ``target`` (such as ``"<= 3 s"``) and ``met`` of each target. Nothing after a quick run, whose
        figures mean nothing; no target where a figure was computed or could not be measured.
    """
    if results["quick"]:
        return {}
    step, prediction, memory = results["training"]["steps"][-1], results["prediction"], results["memory"]
    image = prediction["images"][0]
    evaluation = results["evaluation"]
    figures = {
        "evaluation_seconds": evaluation["seconds"]["all"],
        "evaluation_megabytes": evaluation["bytes"] / 1e6 if evaluation["bytes"] else None,
        "drawing_percent": 100 * results["training"]["drawing"]["share"],
        "training_ratio": step["ratio"],
        "training_patches_per_second": step["patches_per_second"],
        "prediction_ratio": prediction["ratio"],
        "prediction_patches_per_second": prediction["product"]["patches_per_second"],
        "memory_megabytes": memory["bytes"] / 1e6 if memory else None,
        "image_seconds": None if image["computed"] else image["seconds"],
    }
    wanted = EVERYWHERE | TARGETS.get(results["settings"]["slug"], {})
    return {
        name: {
            "figure": figures[name],
            "target": f"{sign} {bound:,g}{unit}",
            "met": COMPARE[sign](figures[name], bound),
        }
        for name, (sign, bound, unit) in wanted.items()
        if figures[name] is not None
    }
