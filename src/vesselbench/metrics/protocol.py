"""How a set of maps is scored, as data: which pixels, how pooled, at which size, at which threshold.

The same maps give other figures under each, and publications seldom say which they used. So every number that
is stored here stands under the name of its protocol: ``fov-pooled-native-fixed``.
"""

from dataclasses import astuple, dataclass
from itertools import product
from typing import Self

CHOICES = {
    "mask": {"fov": "pixels inside the field of view", "frame": "pixels of the whole frame"},
    "pooling": {"pooled": "of all images pooled", "mean": "image by image, then the mean over images"},
    "size": {
        "native": "truth and map at their native size",
        "round_trip": "truth and map taken through the IterNet code's resize to a square and back",
        "square": "truth and map at the IterNet code's square",
    },
    "threshold": {"fixed": "a threshold fixed in advance", "training": "the threshold chosen on training images"},
}
MASKS, POOLINGS, SIZES, THRESHOLDS = (tuple(choices) for choices in CHOICES.values())


@dataclass(frozen=True)
class Protocol:
    """One way to score, a word of each of ``CHOICES`` (ValueError for any other); ``str`` gives its name."""

    mask: str = "fov"
    pooling: str = "pooled"
    size: str = "native"
    threshold: str = "fixed"

    def __post_init__(self) -> None:
        for (name, choices), word in zip(CHOICES.items(), astuple(self), strict=True):
            if word not in choices:
                raise ValueError(f"{name} is {word!r}; it must be one of {', '.join(choices)}")

    def __str__(self) -> str:
        return "-".join(astuple(self))

    @classmethod
    def parse(cls, name: str) -> Self:
        """Turn ``fov-pooled-native-fixed`` back into a protocol; ValueError where it is none."""
        words = name.split("-")
        if len(words) != len(CHOICES):
            raise ValueError(f"protocol is {name!r}; it must be {'-'.join(map('|'.join, CHOICES.values()))}")
        return cls(*words)

    @property
    def description(self) -> str:
        """The protocol in words."""
        words = zip(CHOICES.values(), astuple(self), strict=True)
        mask, pooling, size, threshold = (choices[word] for choices, word in words)
        return f"{mask} {pooling}; {size}; {threshold}"


HEADLINE = {mask: Protocol(mask) for mask in MASKS}  # what the tables print first
PROTOCOLS = tuple(Protocol(*words) for words in product(MASKS, POOLINGS, SIZES, THRESHOLDS))
