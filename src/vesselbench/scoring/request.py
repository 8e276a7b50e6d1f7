"""What ``vesselbench score`` is asked for, checked before any file is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vesselbench.config import UserError
from vesselbench.data.manifest import find_source
from vesselbench.metrics.evaluation import Evaluation
from vesselbench.metrics.protocol import HEADLINE, Protocol


@dataclass(frozen=True)
class Request:
    """One call of the command.

    Attributes
    ----------
    predictions, truth, fov
        Folders; without field of view the whole frame alone is scored.
    pattern
        See ``vesselbench.data.matching.match``.
    evaluation
        Fixed threshold, bootstrap draws.
    training_threshold
        One that was chosen on training images, elsewhere.
    protocol
        What is printed and compared.
    every
        Print every protocol, one a row.
    rival
        A second folder of maps of the same images.
    out
        JSON to write; the other files are named after it.
    split
        The project's own split of the data set; None where folders were given.
    """

    predictions: Path
    truth: Path
    fov: Path | None
    pattern: str | None
    evaluation: Evaluation
    training_threshold: float | None
    protocol: Protocol
    every: bool
    rival: Path | None
    out: Path
    split: Path | None = None

    @property
    def thresholds(self) -> dict[str, float]:
        """``fixed``, ``training`` -> probability."""
        training = {} if self.training_threshold is None else {"training": self.training_threshold}
        return {"fixed": self.evaluation.threshold} | training


def make_request(
    *,
    predictions: Path,
    truth: Path | None,
    dataset: str | None,
    fov: Path | None,
    pattern: str | None,
    threshold: float,
    training_threshold: float | None,
    draws: int,
    protocol: str | None,
    every: bool,
    rival: Path | None,
    out: Path,
) -> Request:
    """Check the words of the command line.

    Raises
    ------
    UserError
        Names the option, its value, the rule and the fix.
    """
    if dataset:
        find_source(dataset)
        truth, fov = Path("data/raw", dataset, "labels"), fov or Path("data/fov", dataset)
        for folder, stage in ((truth, "download"), (fov, "fov")):
            if not folder.is_dir():
                raise UserError(
                    f"{folder}: no such folder; run 'dvc repro {stage}@{dataset}' from the repository's root"
                )
    if training_threshold is not None and not 0 < training_threshold <= 1:
        raise UserError(f"--training-threshold is {training_threshold}; it must be above 0 and at most 1")
    if out.suffix != ".json":
        raise UserError(f"--out is {out}; it must end in .json: the other files are named after it")
    try:
        evaluation = Evaluation(threshold=threshold, draws=draws)
        shown = Protocol.parse(protocol) if protocol else HEADLINE["fov" if fov else "frame"]
    except ValueError as error:
        raise UserError(f"score: {error}") from error
    if shown.mask == "fov" and not fov:
        raise UserError(f"protocol {shown} needs the field of view: give --fov, or --protocol {HEADLINE['frame']}")
    if shown.threshold == "training" and training_threshold is None:
        raise UserError(
            f"protocol {shown} needs a threshold chosen on training images: give it by --training-threshold; this "
            "command sees the images that are scored, so it never chooses one"
        )
    return Request(
        predictions,
        truth,
        fov,
        pattern,
        evaluation,
        training_threshold,
        shown,
        every,
        rival,
        out,
        Path("data/splits", f"{dataset}.csv") if dataset else None,
    )
