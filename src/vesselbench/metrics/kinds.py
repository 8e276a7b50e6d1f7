"""Are arteries and veins told apart? Kind of vessel on true vessels, mixed segments, and BF-Net's released protocol."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.ndimage import binary_dilation, convolve
from skimage.measure import label
from skimage.morphology import skeletonize

from vesselbench.data.maps import Levels, Threshold, scored_levels
from vesselbench.data.task import KINDS, Task, scored_truths
from vesselbench.metrics import counts
from vesselbench.metrics.bootstrap import image_weights
from vesselbench.metrics.counts import Counts, ratio
from vesselbench.metrics.evaluation import INTERVAL, Evaluated, Evaluation, bounded, evaluate
from vesselbench.metrics.histograms import histogram
from vesselbench.metrics.image import score_image
from vesselbench.metrics.protocol import Protocol

ARTERY, VEIN, CROSSING = (KINDS.index(name) for name in ("artery", "vein", "crossing"))
DECISIONS = KINDS[: CROSSING + 1]
OF = ("artery", "vein", "uncertain")  # the released protocol's classes; its uncertain is crossing and uncertain
SHORTEST = 10  # pixels of a segment; shorter ones are what junctions leave of a skeleton
KIND = ("sensitivity", "specificity", "balanced_accuracy", "accuracy")
RATIOS = ("sensitivity", "specificity", "precision", "f1", "accuracy", "iou")
Images = Iterable[tuple[Any, np.ndarray, np.ndarray]]  # what has an id; label, uint8 (H, W); field of view, bool (H, W)
Thresholds, Chosen = Mapping[str, Mapping[str, int]], Mapping[str, Threshold]
WORDS = {
    "all": "kind on every true artery or vein pixel, arteries positive: the larger of the two maps, vein on a tie",
    "found": "the same where a map reaches the threshold; found: the share of these pixels where one does",
    "segments": f"true skeleton between branchings and crossings, of one kind, at least {SHORTEST} pixels; mixed: both "
    "kinds are found along it; minority share: of the rarer kind, mean over segments with a found pixel",
    "weighted": "as BF-Net's code: artery alone, vein alone, uncertain (crossings too), each against the rest, image "
    "by image, weighted by their true pixels; all scores of uncertain are 0 where none of it is rightly found",
    "mended": "the same without these zeros; a score that is undefined is left out of the average",
}


@dataclass(frozen=True)
class KindsRecord:
    """All that is kept of one image to score kinds; pixels inside the field of view unless told."""

    id: str
    confusion: np.ndarray  # (5, 4): true class, ``KINDS``, by decision, ``DECISIONS``
    kinds: np.ndarray  # (2, 4): all true artery or vein pixels, those found, by ``Counts``; arteries are positive
    ties: int  # of all these: called vein since both maps are equal
    released: np.ndarray  # (3, 4): ``OF`` by ``Counts``
    sizes: np.ndarray  # (3,): of ``OF`` in the truth, in the whole frame
    segments: np.ndarray  # (4,): segments, with a found pixel, with both kinds; sum of the rarer kind's shares


def score_kinds(id: str, classes: np.ndarray, levels: Levels, task: Task, fov: np.ndarray, level: int) -> KindsRecord:
    """Look at the maps of one image, uint16 (H, W) for each channel of ``task``, and keep what scores of kinds need.

    ``classes`` is the label, uint8 (H, W), numbered as ``KINDS``; a map shows its kind where it reaches ``level``.
    """
    scored = scored_levels(task, levels)
    artery, vein = (scored[kind] >= level for kind in ("artery", "vein"))
    found, called_artery = artery | vein, scored["artery"] > scored["vein"]
    truths = [classes == ARTERY, classes == VEIN, classes >= CROSSING]
    known = fov & (truths[0] | truths[1])
    planes = find_planes(task, levels, level)
    joint = classes[fov] * len(DECISIONS) + (artery * ARTERY + vein * VEIN)[fov]
    return KindsRecord(
        id,
        confusion=np.bincount(joint, minlength=len(KINDS) * len(DECISIONS)).reshape(len(KINDS), -1),
        kinds=np.array([_count(truths[0], called_artery, where) for where in (known, known & found)]),
        ties=np.count_nonzero(known & (scored["artery"] == scored["vein"])),
        released=np.array([_count(*pair, fov) for pair in zip(truths, planes, strict=True)]),
        sizes=np.array([np.count_nonzero(truth) for truth in truths]),
        segments=np.array(_look_along(classes, fov, found & called_artery, found & ~called_artery)),
    )


def find_planes(task: Task, levels: Levels, level: int) -> list[np.ndarray]:
    """Decide as BF-Net's released code which pixels are artery alone, vein alone and uncertain: bool (H, W) each.

    Of a softmax the largest channel. Else by ``level``: uncertain is the channel of crossings, so that a pixel of both
    others alone is artery and vein; or, without such a channel, where both kinds are.
    """
    if task.exclusive:
        largest = np.argmax([levels[channel] for channel in task.channels], axis=0)
        return [largest == [*task.channels].index(channel) for channel in ("artery", "vein", "crossing")]
    artery, vein = levels["artery"] >= level, levels["vein"] >= level
    crossing = levels["crossing"] >= level if "crossing" in levels else artery & vein
    return [artery & ~crossing, vein & ~crossing, crossing]


def _count(truth: np.ndarray, found: np.ndarray, where: np.ndarray) -> list[int]:
    return [*vars(histogram(truth, found.astype(np.uint16), where).counts(1)).values()]


def _look_along(classes: np.ndarray, fov: np.ndarray, artery: np.ndarray, vein: np.ndarray) -> list[float]:
    """Count the true segments by the kinds found along them, bool (H, W) each: see ``KindsRecord``.

    They are 8-connected pieces of Zhang's skeleton, of artery alone or vein alone, of at least ``SHORTEST`` pixels.
    Taken out are pixels with three or more neighbours on the skeleton, and what touches them; crossings; uncertain
    pixels; and what lies outside the field of view.
    """
    square = np.ones((3, 3), np.uint8)
    skeleton = skeletonize(classes > 0, method="zhang")
    branching = skeleton & (convolve(skeleton.astype(np.uint8), square, mode="constant") > 3)  # itself is counted
    kept = skeleton & ~binary_dilation(branching, square) & fov & (classes < CROSSING)
    pieces = label(np.where(kept, classes, 0), connectivity=2)  # joins pixels of one value only
    parts, number = (kept, kept & artery, kept & vein), pieces.max() + 1
    size, *kinds = (np.bincount(pieces[part], minlength=number) for part in parts)
    long = size >= SHORTEST
    found, rarer = np.sum(kinds, axis=0)[long], np.min(kinds, axis=0)[long]
    return [*map(np.count_nonzero, (long, found, rarer)), np.sum(rarer / np.maximum(found, 1))]


def evaluate_maps(
    images: Images, maps: Iterable[Levels], task: Task, thresholds: Thresholds, evaluation: Evaluation, chosen: Chosen
) -> dict[str, Evaluated]:
    """Score all that a task tells apart: ``vessel``; or ``artery``, ``vein``, ``vessel`` and ``kinds``.

    ``maps`` are those of the images, see ``score_kinds``. Of all that is scored but the last come the ``thresholds`` of
    ``evaluate``, and where that for training was ``chosen``, by name.
    """
    records, kinds = defaultdict(list), []
    for (own, classes, fov), levels in zip(images, maps, strict=True):
        found = scored_levels(task, levels)
        for name, (truth, where) in scored_truths(task, classes).items():
            records[name].append(score_image(own.id, truth, found[name], fov, thresholds[name], where))
        if task.field == "artery_vein":
            kinds.append(score_kinds(own.id, classes, levels, task, fov, thresholds["vessel"]["fixed"]))
    scored = {name: evaluate(own, thresholds[name], evaluation, chosen.get(name)) for name, own in records.items()}
    return scored | ({"kinds": evaluate_kinds(kinds, thresholds["vessel"]["fixed"], evaluation)} if kinds else {})


def evaluate_kinds(records: Sequence[KindsRecord], level: int, evaluation: Evaluation) -> Evaluated:
    """Score how kinds are told apart, with intervals: pooled, and by BF-Net's released protocol, the mean of images.

    ``records`` are one an image, looked at with the same ``level``, that of ``evaluation.threshold``.
    """
    weights, released = image_weights(len(records), evaluation.draws), _released(records)
    means = {name: weights @ values / len(records) for name, values in released.items()}
    samples = {Protocol(): _pooled(records, weights), Protocol(pooling="mean"): means}
    confusion, ids = sum(record.confusion for record in records), [record.id for record in records]
    summary = {
        "images": ids,
        "draws": evaluation.draws,
        "thresholds": {"fixed": {"threshold": evaluation.threshold, "level": level}},
        "pixels": {"fov": {"native": dict(zip(KINDS, confusion.sum(axis=1).tolist(), strict=True))}},
        "protocol": WORDS | {"interval": INTERVAL.format(evaluation.draws)},
        "withheld": {},
        "scores": {str(p): {name: bounded(draws) for name, draws in own.items()} for p, own in samples.items()},
    }
    draws = {p: {name: values[1:] for name, values in own.items()} for p, own in samples.items()}
    images = {"id": ids, "mask": "fov", "size": "native", "threshold": "fixed"}
    images = pd.DataFrame(images | _pooled(records, np.eye(len(records))) | released)
    table = pd.DataFrame(confusion, KINDS, DECISIONS).rename_axis("truth").reset_index()
    return Evaluated(summary, draws, images, {"confusion.csv": table}, {Protocol(): [*draws[Protocol()]]})


def _pooled(records: Sequence[KindsRecord], weights: np.ndarray) -> dict[str, np.ndarray]:
    """Score the images pooled, taken as often as ``weights`` (samples, images) say: score -> (samples,)."""
    scores = {}
    every, found = np.einsum("si,ikc->kcs", weights, [record.kinds for record in records])
    for on, own in (("all", every), ("found", found)):
        scores |= {f"{on}_{name}": values for name, values in _scores(Counts(*own)).items() if name in KIND}
    ties = weights @ [record.ties for record in records]
    scores |= {"found_share": ratio(found.sum(axis=0), every.sum(axis=0)), "ties": ratio(ties, every.sum(axis=0))}
    segments, seen, mixed, shares = (weights @ [record.segments for record in records]).T
    return scores | {"mixed_segments": ratio(mixed, segments), "minority_share": ratio(shares, seen)}


def _scores(found: Counts) -> dict[str, np.ndarray]:
    scores = {name: getattr(counts, name)(found) for name in RATIOS}
    recall, left, right = (scores[name] for name in RATIOS[:3])
    prevalence = ratio(found.tp + found.fn, sum(vars(found).values()))
    scores["gmean"], scores["balanced_accuracy"] = np.sqrt(recall * left), (recall + left) / 2
    scores["error"] = 1 - scores["accuracy"]
    # the area below lines that join (0, 1), (recall, precision) and (1, prevalence)
    scores["pr_two_point"] = recall * (1 + right) / 2 + (1 - recall) * (right + prevalence) / 2
    return scores


def _released(records: Sequence[KindsRecord]) -> dict[str, np.ndarray]:
    """Score each image as BF-Net's released code, and mended: score -> (images,).

    A class of which no pixel is rightly found has no F1 there, which is 2 Pr Se / (Pr + Se): the average has none
    either, but for uncertain, all of whose scores become 0.
    """
    found = Counts(*np.array([record.released for record in records]).transpose(2, 0, 1))  # (images, 3) each
    sizes, missed = np.array([record.sizes for record in records]), found.tp == 0
    zero, scores = missed & (np.array(OF) == "uncertain"), {}
    for name, values in _scores(found).items():
        defined = sizes * ~np.isnan(values)
        scores[f"mended_{name}"] = ratio(np.sum(defined * np.nan_to_num(values), axis=1), defined.sum(axis=1))
        released = np.where(zero, 0, np.where(missed & (name == "f1"), np.nan, values))
        scores |= {f"{of}_{name}": own for of, own in zip(OF, released.T, strict=True)}
        scores[f"weighted_{name}"] = ratio(np.sum(sizes * released, axis=1), sizes.sum(axis=1))
    return scores
