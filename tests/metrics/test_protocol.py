"""The protocol as data: its names, and what is none."""

import re

import pytest

from vesselbench.metrics.protocol import PROTOCOLS, Protocol


def test_every_protocol_has_a_name_of_its_own_that_is_read_back_and_words():
    names = [str(protocol) for protocol in PROTOCOLS]
    assert len(set(names)) == 2**3 * 3
    assert names[0] == "fov-pooled-native-fixed"
    assert [Protocol.parse(name) for name in names] == list(PROTOCOLS)
    assert Protocol("frame", "mean", "round_trip", "training").description == (
        "pixels of the whole frame image by image, then the mean over images; "
        "truth and map taken through the IterNet code's resize to a square and back; "
        "the threshold chosen on training images"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"mask": "disc"}, "mask is 'disc'; it must be one of fov, frame"),
        ({"pooling": "median"}, "pooling is 'median'; it must be one of pooled, mean"),
        ({"size": "half"}, "size is 'half'; it must be one of native, round_trip, square"),
        ({"threshold": "test"}, "threshold is 'test'; it must be one of fixed, training"),
        ("fov", "protocol is 'fov'; it must be fov|frame-pooled|mean-native|round_trip|square-fixed|training"),
    ],
)
def test_another_word_or_name_is_refused(words, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Protocol(**words) if isinstance(words, dict) else Protocol.parse(words)
