"""How methods are called and coloured and how numbers are printed, alike in every table and figure."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from matplotlib.figure import Figure

from vesselbench.files import read_table, whole_file

SCORES = ("connectivity", "f1", "sensitivity", "specificity", "accuracy", "auc")  # the paper's, in its order
MORE_SCORES = ("cldice", "betti_0", "betti_1", "precision", "iou", "mcc", "kappa", "auc_pr")

# Okabe and Ito's palette, told apart by colour-blind readers too; the yellow, which is faint on white, comes last.
FIXED = {"iternet": "#D55E00", "unet": "#0072B2", "denseblock_unet": "#009E73", "deform_unet": "#CC79A7"}
REST = ("#56B4E9", "#E69F00", "#000000", "#7F4A1E", "#7F7F7F", "#8A8A00", "#F0E442")
FROM = "_of_"  # between a network and the data set that it learned from, in the label of a transfer


@cache
def read_names() -> dict[str, str]:
    """Read ``names.csv``: key of a label, mode, data set, score or mask -> its name as people write it."""
    table = read_table(Path(__file__).with_name("names.csv"), ["key", "name"], "restore it: git checkout -- src")
    return dict(table[["key", "name"]].itertuples(index=False, name=None))


def display_name(key: str) -> str:
    """Name a key as people write it: ``wnet_own`` is W-Net (own recipe); ``my_net``, which has no name, is itself."""
    network, of, learned = key.partition(FROM)
    if of:
        return f"{display_name(network)}, from {display_name(learned)}"
    names, (head, _, tail) = read_names(), key.rpartition("_")
    if key in names or not head or display_name(head) == head:
        return names.get(key, key)
    return f"{display_name(head)} ({'own recipe' if tail == 'own' else tail})"


def colours(labels: Sequence[str]) -> dict[str, str]:
    """Give each label its colour: a fixed one to the paper's networks, those left to others, in order."""
    others = [label for label in labels if label not in FIXED]
    return {label: FIXED[label] if label in FIXED else REST[others.index(label) % len(REST)] for label in labels}


def format_score(value: float, score: str = "", sign: str = "") -> str:
    """Print a score without a zero before the point, ``-`` where it is undefined; ``sign="+"`` prints a plus too.

    By the name of the ``score``, counts (the Betti errors) have one digit after the point, all else four.
    """
    if value != value:
        return "-"
    if score == "p_value" and value < 0.0001:
        return "< .0001"
    if score.startswith("betti"):
        return f"{value:{sign}.1f}"
    text = f"{value:{sign}.4f}"
    return text.replace("0.", ".", 1) if text.lstrip("+-").startswith("0.") else text


def format_interval(low: float, high: float, score: str = "", sign: str = "") -> str:
    """Print an interval; ``-`` where it is undefined."""
    ends = [format_score(end, score, sign) for end in (low, high)]
    return "-" if "-" in ends else " to ".join(ends)


def save(figure: Figure, path: Path, dpi: int = 150) -> None:
    """Write a figure as a PNG whose bytes depend on the figure alone."""
    with whole_file(path) as part:
        figure.savefig(part, dpi=dpi, metadata={"Software": None})
