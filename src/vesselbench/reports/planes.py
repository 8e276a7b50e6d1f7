"""The two planes in which a curve over all thresholds is drawn: ROC, and precision against recall."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plane:
    """Two rates against each other, for all thresholds.

    Attributes
    ----------
    title, x_label, y_label
        In words.
    x, y
        Columns of the curves.
    score, area
        The area below the curve: its key in scores.json, and its name.
    zoom
        The corner that matters: from and to in x, from and to in y.
    inset
        Where it is drawn enlarged: left, bottom, width, height as shares of the axes.
    """

    title: str
    x: str
    y: str
    x_label: str
    y_label: str
    score: str
    area: str
    zoom: tuple[float, float, float, float]
    inset: tuple[float, float, float, float]


ROC = Plane(
    title="ROC",
    x="fpr",
    y="tpr",
    x_label="False positive rate (1 - specificity)",
    y_label="True positive rate (sensitivity)",
    score="auc",
    area="AUC",
    zoom=(0.0, 0.3, 0.7, 1.0),
    inset=(0.34, 0.1, 0.56, 0.56),
)
PRECISION_RECALL = Plane(
    title="precision and recall",
    x="recall",
    y="precision",
    x_label="Recall (sensitivity)",
    y_label="Precision",
    score="auc_pr",
    area="Average precision",
    zoom=(0.6, 1.0, 0.6, 1.0),
    inset=(0.1, 0.1, 0.46, 0.46),
)
