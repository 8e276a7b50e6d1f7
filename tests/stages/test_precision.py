"""bfloat16 against float32, the reference: the same training on the phantom, and the maps that follow."""

from pathlib import Path

import numpy as np
import pandas as pd
from tiny_project import run_stage, write_params

from vesselbench.data.levels import read_levels


def test_bf16_agrees_with_float32(project):
    logs, maps = [], []
    recipe = {"steps": 150, "epoch": 25, "batch": 4, "patch": 48, "learning_rate": 3e-3, "schedule": "cosine"}
    for precision in ("32-true", "bf16-mixed"):
        hardware = {"hardware": {"precision": precision}}
        write_params(
            project,
            {"train": {"default": hardware, "phantom": recipe}, "predict": {"default": hardware}},
            {"models": {"iternet": {"width": 8}}},
        )
        for command in ("network iternet", "train phantom iternet 0", "predict phantom iternet 0 whole data"):
            run_stage(project, command)
        logs.append(pd.read_csv("data/models/phantom/iternet/0/log.csv"))
        folder = Path("data/predictions/phantom/iternet/0/whole/test")
        maps.append(np.stack([read_levels(path) / 65535 for path in sorted(folder.iterdir())]))
    exact, rounded = logs
    np.testing.assert_allclose(rounded.loss, exact.loss, rtol=0.05)
    np.testing.assert_allclose(rounded.loss.iloc[-1], exact.loss.iloc[-1], rtol=0.01)
    assert exact.loss.iloc[-1] < 0.5 * exact.loss.iloc[0]
    assert np.abs(maps[1] - maps[0]).mean() < 0.01
    assert np.corrcoef(maps[0].ravel(), maps[1].ravel())[0, 1] > 0.97
