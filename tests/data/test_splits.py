from pathlib import Path

import pytest

from vesselbench.config import UserError
from vesselbench.data.sample import Sample
from vesselbench.data.splits import SplitScheme, read_split, split_samples, write_split


def sample(name, group=None, subset=""):
    return Sample(name, group or name, subset, Path(f"{name}.png"), Path(f"{name}_label.png"))


EYES = [sample(f"{child}{eye}", child) for child in ("3", "1", "2") for eye in "RL"]


def held_out(samples, **scheme):
    return [name for name, subset in split_samples(samples, SplitScheme(**scheme)).items() if subset == "test"]


def test_official():
    samples = [sample("b", subset="test"), sample("a", subset="train")]
    assert split_samples(samples, SplitScheme("official")) == {"a": "train", "b": "test"}


def test_no_official_subset():
    with pytest.raises(UserError) as error:
        split_samples([sample("a")], SplitScheme("official"))
    assert str(error.value) == "split: sample a is in no official subset; use first_n, kfold or leave_one_out"


def test_first_n_takes_name_order():
    assert held_out(EYES, scheme="first_n", train=4) == ["3L", "3R"]


def test_first_n_cutting_a_group():
    with pytest.raises(UserError) as error:
        held_out(EYES, scheme="first_n", train=3)
    assert str(error.value) == (
        "split: first_n with train 3 puts group 2 on both sides (2L | 2R); choose a number that ends a group"
    )


def test_first_n_leaving_nothing():
    with pytest.raises(UserError, match="first_n with train 6 leaves no test sample of 6; use a smaller number"):
        held_out(EYES, scheme="first_n", train=6)


def test_kfold_keeps_groups_together_and_tests_each_once():
    folds = [held_out(EYES, scheme="kfold", k=2, fold=fold) for fold in (0, 1)]
    assert folds == [["1L", "1R", "2L", "2R"], ["3L", "3R"]]


def test_leave_one_out_leaves_one_group():
    folds = [held_out(EYES, scheme="leave_one_out", fold=fold) for fold in range(3)]
    assert folds == [["1L", "1R"], ["2L", "2R"], ["3L", "3R"]]
    assert held_out(EYES, scheme="leave_one_out", k=9, fold=0) == ["1L", "1R"]  # k plays no part


@pytest.mark.parametrize(
    ("scheme", "text"),
    [
        ({"scheme": "kfold", "k": 4}, "split: kfold with k 4, but there are only 3 groups; use less"),
        (
            {"scheme": "leave_one_out", "fold": 3},
            "split: leave_one_out with fold 3, but there are only 3 groups",
        ),
    ],
)
def test_too_few_groups(scheme, text):
    with pytest.raises(UserError, match=text):
        held_out(EYES, **scheme)


@pytest.mark.parametrize(
    ("scheme", "text"),
    [
        (
            {"scheme": "random"},
            "scheme is 'random'; it must be one of official, first_n, kfold, leave_one_out",
        ),
        ({"scheme": "first_n"}, "train is 0; first_n needs at least 1 training sample"),
        ({"scheme": "kfold", "k": 1}, "k is 1; kfold needs at least 2 folds"),
        ({"scheme": "kfold", "k": 3, "fold": 3}, "fold is 3; it counts from 0 to k - 1 = 2"),
        ({"scheme": "leave_one_out", "fold": -1}, "fold is -1; it counts from 0 to the number of groups - 1"),
    ],
)
def test_scheme_is_checked(scheme, text):
    with pytest.raises(ValueError, match=f"^{text}$"):
        SplitScheme(**scheme)


def test_write_then_read(tmp_path):
    path = tmp_path / "toy.csv"
    write_split(path, {"b": "test", "a": "train"})
    assert path.read_text() == "id,subset\na,train\nb,test\n"
    parts = read_split(path, [sample("b"), sample("a")])
    assert {subset: [x.id for x in samples] for subset, samples in parts.items()} == {
        "train": ["a"],
        "test": ["b"],
    }


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ("a,train\na,test\nb,test", "a is in both train and test; list every id once"),
        ("a,train\na,train\nb,test", "a is in train twice; list every id once"),
        (
            "a,train\nb,test\nc,test",
            "c is no sample of the data set; write the split anew with the split stage",
        ),
        ("a,train", "b is in no subset; list every id of the data set, or write the split anew"),
        ("a,train\nb,train", "no sample in test; both subsets need at least one"),
        ("a,train\nb,validation", "b is in subset 'validation'; it must be train or test"),
    ],
)
def test_edited_split(tmp_path, rows, text):
    path = tmp_path / "toy.csv"
    path.write_text(f"id,subset\n{rows}\n")
    with pytest.raises(UserError) as error:
        read_split(path, [sample("a"), sample("b")])
    assert str(error.value) == f"{path}: {text}"


def test_split_that_is_not_there_or_not_a_split(tmp_path):
    path = tmp_path / "toy.csv"
    with pytest.raises(UserError, match=r"toy.csv: no such file; run 'dvc repro split@toy' first"):
        read_split(path, [])
    path.write_text("name,part\n")
    with pytest.raises(UserError, match="columns name, part; they must be id, subset"):
        read_split(path, [])
