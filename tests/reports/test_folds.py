"""Folds put together, and what cannot be put together."""

import math

import pandas as pd
import pytest

from vesselbench.config import UserError
from vesselbench.reports.folds import fold_lines
from vesselbench.reports.layout import COLUMNS


def fold(model="unet", **f1):
    rows = [dict.fromkeys(COLUMNS, value) | {"id": name, "f1": value} for name, value in f1.items()]
    return pd.DataFrame(rows).assign(model=model, mode="whole", seed=0)


def cells(lines, score):
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return next(row for row in rows if row[3] == score)


def test_mean_interval_and_spread_by_hand():
    folds = {"0": fold(a=0.7, b=0.8), "1": fold(c=0.9, d=0.9), "2": fold(e=0.6, f=0.6)}
    row = cells(fold_lines(folds), "F1")
    assert row[:3] == ["UNet", "whole", "0"]
    assert row[4] == ".7500"  # of six images
    low, high = (float(end) for end in row[5].split(" to "))
    assert 0.6 < low < 0.75 < high < 0.9
    assert row[6] == ".1500"  # of .75, .90, .60


def test_an_undefined_score_leaves_its_row_undefined():
    row = cells(fold_lines({"0": fold(a=math.nan, b=0.8), "1": fold(c=0.9)}), "F1")
    assert row[4:] == ["-", "-", "-"]


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ({"0": fold(a=0.7)}, "0: one fold has no spread; give the files of two or more"),
        ({"0": fold(a=0.7), "1": fold(a=0.8)}, "image a is tested in 0 and in 1; folds share no test image"),
        (
            {"0": fold(a=0.7), "1": fold("iternet", b=0.8)},
            "1: models, modes or seeds differ from those of 0; run all folds alike",
        ),
    ],
)
def test_what_cannot_be_put_together(folds, message):
    with pytest.raises(UserError) as error:
        fold_lines(folds)
    assert str(error.value) == message
