"""What the IterNet paper and BF-Net's authors claim, cell by cell, beside ours, with a verdict.

The claims stand in ``reported.csv`` beside this file, with figures of other publications. Each row says where its
figure was printed (source, table), for which pixels (fov), and how its printer came by it (how): ``own`` method, a
rival ``rerun`` by the authors, or ``quoted`` from the rival's own paper, which may have used another protocol. Of kinds
of vessel it says which class, or which average of classes (of), and what its printer wrote behind "+-" (spread).
"""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import pandas as pd

from vesselbench.files import read_table
from vesselbench.metrics.protocol import HEADLINE, Protocol
from vesselbench.reports.style import SCORES

PAPER = "IterNet paper (WACV 2020)"
TABLES = ("table 1", "table 2", "table 3")
BFNET = "BF-Net"  # how its sources begin: the README and the repository
RELEASED = Protocol(pooling="mean")  # how BF-Net's code scores the kinds of vessel
MASKS = {"fov": "fov", "none": "frame", "unknown": "unknown"}  # their pixels -> our mask; quoted figures may lack one
REPRODUCED, NOT_REPRODUCED, NOT_RUN = "reproduced", "not reproduced", "not run"
NOT_COMPARABLE = "not comparable"  # the paper does not say for which pixels, or our score is undefined
VERDICTS = (REPRODUCED, NOT_REPRODUCED, NOT_RUN, NOT_COMPARABLE)
PREFERRED = "patched"  # the mode held against a claim that names none
ROW = ["table", "method", "mode", "how", "mask"]  # what the cells of one row of the paper share
OURS = ["verdict", "ours", "difference", "low", "high", "ours_mode", "protocol"]
AGAIN = ["implied_verdict", "implied_ours", "implied_low", "implied_high", "implied_protocol"]
RESIZED = ["resized_ours", "resized_low", "resized_high"]
TELL = ("accuracy", "sensitivity", "specificity")  # of one row: together they tell its share of vessel
ROUNDING = 0.00005  # of a claimed figure


def read_reported() -> pd.DataFrame:
    """Read all reported figures: source, table, dataset, fov, method, year, how, metric, value, of, spread."""
    columns = ["source", "table", "dataset", "fov", "method", "year", "how", "metric", "value", "of", "spread"]
    return read_table(Path(__file__).with_name("reported.csv"), columns, "restore it: git checkout -- src")


def paper_claims(dataset: str, tables: Sequence[str] = TABLES) -> pd.DataFrame:
    """List the cells of the paper's tables for one data set, in its order; none for a data set that is not its own.

    Columns ``ROW`` (mode is empty where the paper does not tell; mask is ``fov``, ``frame``, or ``unknown`` where it
    does not say which pixels it counts), score, claimed.
    """
    reported = read_reported().rename(columns={"metric": "score", "value": "claimed"})
    wanted = (reported["source"] == PAPER) & reported["table"].isin(tables) & (reported["dataset"] == dataset)
    cells = reported[wanted]
    names = cells["method"].str.extract(r"^(?P<method>.+?)(?:_(?P<mode>whole|patched))?$").fillna("")
    cells = cells.assign(**names, mask=cells["fov"].map(MASKS))
    order = cells.groupby(ROW, sort=False).ngroup() * len(SCORES) + cells["score"].map(SCORES.index)
    return cells.loc[order.sort_values().index, [*ROW, "score", "claimed"]].reset_index(drop=True)


def bfnet_claims(dataset: str) -> pd.DataFrame:
    """List what BF-Net's authors claim of a data set, in their order; none for one that is not theirs.

    Columns source, ``ROW``, score (such as ``weighted_f1``), claimed, spread (over ten checkpoints of one run).
    """
    reported = read_reported().rename(columns={"value": "claimed"})
    cells = reported[reported["source"].str.startswith(BFNET) & (reported["dataset"] == dataset)]
    cells = cells.assign(score=cells["of"].str.split().str[0] + "_" + cells["metric"], mask=cells["fov"].map(MASKS))
    return cells.assign(mode="")[["source", *ROW, "score", "claimed", "spread"]].reset_index(drop=True)


def implied_protocols(claims: pd.DataFrame, pixels: Mapping[str, Mapping[str, Mapping[str, int]]]) -> pd.Series:
    """Name the protocol that the paper's rows imply by their share of vessel; NaN where they imply none.

    Accuracy is sensitivity x share + specificity x (1 - share). A row whose share is that of the truth after the
    released code's resize to a square and back implies that, and connectivity at the square; one that only fits the
    native truth implies that. ``pixels`` are ours: mask -> size -> vessel and background.
    """
    names = pd.Series(index=claims.index, dtype=object)
    for row, own in claims.groupby(ROW, sort=False):
        mask, claimed = row[ROW.index("mask")], own.set_index("score")["claimed"]
        if mask not in pixels or not {*TELL} <= {*claimed.index}:
            continue
        ends = product(*((claimed[score] - ROUNDING, claimed[score] + ROUNDING) for score in TELL))
        shares = [(accuracy - specificity) / (sensitivity - specificity) for accuracy, sensitivity, specificity in ends]
        for size in ("native", "round_trip"):  # the latter where both fit: it is what the code does
            counted = pixels[mask][size]
            if min(shares) <= counted["vessel"] / sum(counted.values()) <= max(shares):
                names[own.index] = str(Protocol(mask, size=size))
                if size == "round_trip":
                    names[own.index[own["score"] == "connectivity"]] = str(Protocol(mask, size="square"))
    return names


def verdicts_twice(claims: pd.DataFrame, averages: pd.DataFrame, implied: pd.Series) -> pd.DataFrame:
    """Hold ours against each claim under the headline protocol, and under the one that is ``implied``, if any.

    Adds the columns ``OURS``, of the latter ``AGAIN``, and ``RESIZED``: ours after the released code's resize to a
    square and back, connectivity at the square, whatever the row implies.
    """
    sizes = claims["score"].map({"connectivity": "square"}).fillna("round_trip")
    alike = claims["mask"] + "-pooled-" + sizes + "-fixed"
    again = verdicts(claims, averages, implied)[[name.removeprefix("implied_") for name in AGAIN]]
    resized = verdicts(claims, averages, alike)[["ours", "low", "high"]]
    both = again.set_axis(AGAIN, axis=1).where(implied.notna()).join(resized.set_axis(RESIZED, axis=1))
    return verdicts(claims, averages).join(both)


def verdicts(claims: pd.DataFrame, averages: pd.DataFrame, protocols: pd.Series | None = None) -> pd.DataFrame:
    """Hold ours against each claim: the mean over seeds under its protocol, or the headline one of its mask.

    The claim's method is the label of ours in ``averages`` (see ``Results``); its mode is ours, or where it has none
    the patched run, or the first. Adds the columns ``OURS``, NaN where there is nothing of ours to compare.
    """
    protocols = claims["mask"].map(HEADLINE) if protocols is None else protocols
    ran = averages.index.droplevel(["protocol", "score"]).unique()
    rows = []
    for claim, protocol in zip(claims.itertuples(), protocols.map(str), strict=True):
        modes = [mode for label, mode in ran if label == claim.method]
        mode = claim.mode or (PREFERRED if PREFERRED in modes else next(iter(modes), ""))
        key = (claim.method, mode, protocol, claim.score)
        value, low, high = averages.loc[key, ["value", "low", "high"]] if key in averages.index else [math.nan] * 3
        sign = -1 if claim.score.endswith("_error") else 1  # lower is better
        verdict = judge(*(sign * number for number in (claim.claimed, value, low, high))) if mode in modes else NOT_RUN
        how = (mode, protocol) if value == value else (None, None)
        rows.append((verdict, value, value - claim.claimed, low, high, *how))
    return claims.join(pd.DataFrame(rows, columns=OURS, index=claims.index))


def judge(claimed: float, value: float, low: float, high: float) -> str:
    """Say what ours, with its interval's ends, makes of a claim: reproduced where it is in it or below us."""
    if value != value:
        return NOT_COMPARABLE
    return REPRODUCED if min(low, high) <= claimed <= max(low, high) or value >= claimed else NOT_REPRODUCED
