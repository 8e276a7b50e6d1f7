"""Splits: drawn by rule, groups on one side, and read back from files that people may have edited."""

import re
from pathlib import Path

import pytest

from vesselbench.config import UserError, parse
from vesselbench.data.sample import Sample
from vesselbench.data.splits import SplitScheme, read_split, split_samples, write_split


def sample(name, group=None, subset=""):
    return Sample(name, group or name, subset, Path(f"{name}.png"), Path(f"{name}_label.png"))


KIND = "empty, cut short or another file's content ("
EYES = [sample(f"{child}{eye}", child) for child in ("3", "1", "2") for eye in "RL"]


def scheme(**keys):
    return parse(SplitScheme, {"data": "toy", **keys}, "splits.toy")


def held_out(samples, **keys):
    return [name for name, subset in split_samples(samples, scheme(**keys)).items() if subset == "test"]


def test_official_is_the_owners_own_and_first_n_takes_the_order_of_ids():
    assert held_out(EYES, scheme="first_n", train=4) == ["3L", "3R"]
    samples = [sample("b", subset="test"), sample("a", subset="train")]
    assert split_samples(samples, scheme(scheme="official")) == {"a": "train", "b": "test"}
    with pytest.raises(UserError, match="^split: sample a is in no official subset; use scheme first_n or kfold$"):
        split_samples([sample("a")], scheme(scheme="official"))


@pytest.mark.parametrize(("k", "folds"), [(2, ["1L 1R 2L 2R", "3L 3R"]), (3, ["1L 1R", "2L 2R", "3L 3R"])])
def test_kfold_keeps_groups_together_and_tests_each_once(k, folds):
    # k = 3, the number of groups, leaves one out
    assert [" ".join(held_out(EYES, scheme="kfold", k=k, fold=fold)) for fold in range(k)] == folds


@pytest.mark.parametrize(("keys", "tested"), [
    ({"scheme": "official"}, ["2L", "3L"]),
    ({"scheme": "first_n", "train": 2}, ["2L", "3L"]),  # 1L 1R | 2L 3L, each pair whole
    ({"scheme": "kfold", "k": 3, "fold": 2}, ["3L"]),
])  # fmt: skip
def test_what_is_excluded_is_in_no_subset_whatever_the_scheme(keys, tested):
    samples = [sample(name, name[0], "train" if name[0] == "1" else "test") for name in ("3L", "2R", "1R", "2L", "1L")]
    assigned = split_samples(samples, scheme(exclude=["2R"], **keys))
    assert list(assigned) == ["1L", "1R", "2L", "2R", "3L"]
    assert assigned["2R"] == "unused"
    assert [name for name, subset in assigned.items() if subset == "test"] == tested
    with pytest.raises(UserError, match="^split: exclude has 34, 9R, no sample of toy; correct or remove it$"):
        split_samples(samples, scheme(exclude=["9R", "2R", "34"], **keys))


@pytest.mark.parametrize(("keys", "message"), [
    ({"scheme": "official", "exclude": [34]}, "splits.toy.exclude.0 is 34: input should be a valid string"),
    ({"scheme": "first_n", "train": 3}, "split: first_n with train 3 puts group 2 on both sides (2L | 2R); choose"),
    ({"scheme": "first_n", "train": 6}, "split: first_n with train 6 leaves no test sample of 6; use a smaller"),
    ({"scheme": "kfold", "k": 4, "fold": 0}, "split: kfold with k 4, but there are only 3 groups; use a smaller k"),
    ({"scheme": "random"}, "splits.toy.scheme is 'random': input should be 'official', 'first_n' or 'kfold'"),
    ({"scheme": "official", "train": 3}, "splits.toy: official takes no numbers, not train"),
    ({"scheme": "first_n"}, "splits.toy: first_n takes train, not none"),
    ({"scheme": "first_n", "train": 0}, "splits.toy.train is 0: input should be greater than or equal to 1"),
    ({"scheme": "kfold", "k": 3}, "splits.toy: kfold takes fold, k, not k"),
    ({"scheme": "kfold", "k": 1, "fold": 0}, "splits.toy.k is 1: input should be greater than or equal to 2"),
    ({"scheme": "kfold", "k": 3, "fold": 3}, "splits.toy: fold is 3; it counts from 0 to k - 1 = 2"),
    ({"scheme": "kfold", "k": 3, "fold": 0, "train": 2}, "splits.toy: kfold takes fold, k, not fold, k, train"),
])  # fmt: skip
def test_what_cannot_be_is_refused(keys, message):
    with pytest.raises(UserError, match=re.escape(message)):
        held_out(EYES, **keys)


def test_a_split_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "toy.csv"
    write_split(path, {"b": "test", "a_1": "train", "c": "unused"})
    assert path.read_text() == "id,subset\na_1,train\nb,test\nc,unused\n"
    samples = [sample(name) for name in ("b", "c", "a_1")]
    assert read_split(path, samples) == {"train": [sample("a_1")], "test": [sample("b")]}


@pytest.mark.parametrize(("text", "message"), [
    ("", KIND + "No columns to parse from file); run 'dvc repro split@toy' first"),
    (None, "no such file; run 'dvc repro split@toy' first"),
    ("name,part\n", KIND + "it must have id, subset; it has name, part); run 'dvc repro split@toy' first"),
    ("id;subset\na;train\n", KIND + "it must have id, subset; it has id;subset); run 'dvc repro split@toy' first"),
    ("id,subset\na,train\na,test\nb,test\n", "a is in both train and test; list every id once"),
    ("id,subset\na,train\na,train\nb,test\n", "a is in train twice; list every id once"),
    ("id,subset\na,train\nc,test\n", "c is no sample of the data set; write the split anew with the split stage"),
    ("id,subset\na,train\n", "b is in no subset; list every id of the data set, or write the split anew"),
    ("id,subset\na,train\nb,train\n", "no sample in test; both subsets need at least one"),
    ("id,subset\na,train\nb,validation\n", "b is in subset 'validation'; it must be train, test or unused"),
])  # fmt: skip
def test_an_edited_or_missing_split_is_told(tmp_path, text, message):
    path = tmp_path / "toy.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=re.escape(f"{path}: {message}") + "$"):
        read_split(path, [sample("a"), sample("b")])
