import pytest

from vesselbench.config import UserError
from vesselbench.data.matching import Match, match

RENAME = (
    r"rename them, or give --pattern, a regular expression whose one group is the id, such as '^(\d+)_(?:test|manual1)'"
)


def folder(path, *names):
    path.mkdir()
    for name in names:
        (path / name).touch()
    return path


def files(matches):
    return [(pair.id, pair.prediction.name, pair.truth.name, pair.fov and pair.fov.name) for pair in matches.pairs]


def message(*arguments):
    with pytest.raises(UserError) as error:
        match(*arguments)
    return str(error.value)


def test_equal_names(tmp_path):
    maps = folder(tmp_path / "maps", "02.npy", "01.png")
    truth = folder(tmp_path / "truth", "01.gif", "02.TIF")
    fov = folder(tmp_path / "fov", "02.png", "01.bmp")
    found = match(maps, truth, fov)
    assert found.pairs == [
        Match("01", maps / "01.png", truth / "01.gif", fov / "01.bmp"),
        Match("02", maps / "02.npy", truth / "02.TIF", fov / "02.png"),
    ]
    assert found.notes == []
    assert files(match(maps, truth)) == [("01", "01.png", "01.gif", None), ("02", "02.npy", "02.TIF", None)]


def test_leading_ids(tmp_path):
    maps = folder(tmp_path / "maps", "02_test.png", "01_test.png")
    truth = folder(tmp_path / "truth", "01_manual1.gif", "02_manual1.gif")
    fov = folder(tmp_path / "fov", "01_test_mask.gif", "02_test_mask.gif")
    found = match(maps, truth, fov)
    assert files(found) == [
        ("01", "01_test.png", "01_manual1.gif", "01_test_mask.gif"),
        ("02", "02_test.png", "02_manual1.gif", "02_test_mask.gif"),
    ]
    assert found.notes == [
        "truths matched by leading id, as 01_test.png with 01_manual1.gif",
        "masks matched by leading id, as 01_test.png with 01_test_mask.gif",
    ]


@pytest.mark.parametrize("name", ["im0001", "im0001.ah", "im0001_prob", "im0001-prob", "im0001 (copy)"])
def test_what_ends_a_leading_id(tmp_path, name):
    maps = folder(tmp_path / "maps", f"{name}.png")
    truth = folder(tmp_path / "truth", "im0001.vk.ppm")
    assert files(match(maps, truth)) == [("im0001", f"{name}.png", "im0001.vk.ppm", None)]


def test_each_pair_of_folders_has_its_own_rule(tmp_path):
    maps = folder(tmp_path / "maps", "01_dr.png", "01_g.png")
    truth = folder(tmp_path / "truth", "01_dr.tif", "01_g.tif")
    fov = folder(tmp_path / "fov", "01_dr_mask.tif", "01_g_mask.tif")
    assert files(match(maps, truth)) == [
        ("01_dr", "01_dr.png", "01_dr.tif", None),
        ("01_g", "01_g.png", "01_g.tif", None),
    ]
    assert message(maps, truth, fov) == (
        f"{maps}/01_dr.png and 01_g.png both have the id 01; an image has one prediction and one mask; {RENAME}"
    )
    found = match(maps, truth, fov, r"^(\d+_[a-z]+)")
    assert files(found) == [
        ("01_dr", "01_dr.png", "01_dr.tif", "01_dr_mask.tif"),
        ("01_g", "01_g.png", "01_g.tif", "01_g_mask.tif"),
    ]
    assert found.notes == []


def test_ids_do_not_depend_on_the_names_of_the_maps(tmp_path):
    truth = folder(tmp_path / "truth", "01_manual1.gif", "02_manual1.gif")
    same = match(folder(tmp_path / "same", "01_manual1.png", "02_manual1.png"), truth)
    other = match(folder(tmp_path / "other", "01.png", "02.png"), truth)
    assert [pair.id for pair in same.pairs] == [pair.id for pair in other.pairs] == ["01", "02"]
    assert same.notes == []


def test_other_files_are_passed_over(tmp_path):
    maps = folder(tmp_path / "maps", "01.png", "Thumbs.db", "notes.txt", ".01.png", "._01.png", "01.jpg")
    folder(maps / "02.png")
    truth = folder(tmp_path / "truth", "01.png", "01.npy", ".DS_Store")
    assert files(match(maps, truth)) == [("01", "01.png", "01.png", None)]


def test_truths_and_masks_without_prediction_are_noted(tmp_path):
    maps = folder(tmp_path / "maps", "03.png")
    truth = folder(tmp_path / "truth", *(f"0{n}.png" for n in range(1, 6)))
    fov = folder(tmp_path / "fov", "02.png", "03.png")
    found = match(maps, truth, fov)
    assert files(found) == [("03", "03.png", "03.png", "03.png")]
    assert found.notes == [
        "4 of 5 truths have no prediction: 01.png, 02.png, 04.png, ...",
        "1 of 2 masks have no prediction: 02.png",
    ]


def test_pattern(tmp_path):
    maps = folder(tmp_path / "maps", "Image_01L.png", "Image_01R.png")
    truth = folder(tmp_path / "truth", *(f"Image_01{side}_{n}HO.png" for side in "LR" for n in ("1st", "2nd")))
    found = match(maps, truth, None, r"^Image_(\d+[LR])(?:_1stHO)?$")
    assert files(found) == [
        ("01L", "Image_01L.png", "Image_01L_1stHO.png", None),
        ("01R", "Image_01R.png", "Image_01R_1stHO.png", None),
    ]
    assert found.notes == ["2 of 4 truths have no prediction: Image_01L_2ndHO.png, Image_01R_2ndHO.png"]


def test_pattern_goes_before_equal_names(tmp_path):
    maps = folder(tmp_path / "maps", "1_2.png", "2_1.png")
    truth = folder(tmp_path / "truth", "1_2.png", "2_1.png")
    assert files(match(maps, truth, None, r"_(\d)|^9")) == [
        ("1", "2_1.png", "2_1.png", None),
        ("2", "1_2.png", "1_2.png", None),
    ]
    turned = folder(tmp_path / "turned", "1.png", "2.png")
    assert files(match(maps, turned, None, r"(\d)$")) == [
        ("1", "2_1.png", "1.png", None),
        ("2", "1_2.png", "2.png", None),
    ]


def test_predictions_in_which_the_pattern_is_not_found(tmp_path):
    maps = folder(tmp_path / "maps", "a1.png", "b2.png", "c3.png")
    truth = folder(tmp_path / "truth", "a1.png", "a2.png", "b2.png")
    assert message(maps, truth, None, r"a(\d)|b") == (
        f"{maps}: 2 of 3 predictions have no truth in {truth}: b2.png, c3.png; "
        "truths without prediction: a2.png, b2.png; "
        "each needs one; add it, remove the prediction, or correct the pattern"
    )


def test_a_pattern_that_matches_nothing(tmp_path):
    maps = folder(tmp_path / "maps", "1.png")
    truth = folder(tmp_path / "truth", "1.png")
    for pattern in (r"x(\d)", r"(x*)"):
        assert message(maps, truth, None, pattern) == (
            f"no truth in {truth} (1.png) matches a map in {maps} (1.png); "
            "the pattern must find one id in both; correct the pattern"
        )


def test_patterns_that_are_none(tmp_path):
    maps = folder(tmp_path / "maps", "1.png")
    truth = folder(tmp_path / "truth", "1.png")
    assert message(maps, truth, None, r"(\d") == (
        r"pattern is '(\\d', no regular expression: missing ), unterminated subpattern at position 0; correct it"
    )
    for pattern, groups in ((r"\d", 0), (r"(\d)(\d)", 2), ("", 0)):
        assert message(maps, truth, None, pattern) == (
            rf"pattern is {pattern!r}, with {groups} groups; it needs one, the id, as in '^(\d+)_'; "
            "write other groups as (?:...)"
        )


def test_a_map_without_truth(tmp_path):
    maps = folder(tmp_path / "maps", *(f"0{n}.png" for n in range(1, 7)))
    truth = folder(tmp_path / "truth", "01.png", "02.png", "07.png")
    assert message(maps, truth) == (
        f"{maps}: 4 of 6 predictions have no truth in {truth}: 03.png, 04.png, 05.png, ...; "
        "truths without prediction: 07.png; "
        f"each needs one; add it, remove the prediction, or {RENAME}"
    )


def test_a_map_without_mask(tmp_path):
    maps = folder(tmp_path / "maps", "01.png", "02.png")
    truth = folder(tmp_path / "truth", "01.png", "02.png")
    fov = folder(tmp_path / "fov", "01_mask.png")
    assert message(maps, truth, fov) == (
        f"{maps}: 1 of 2 predictions have no mask in {fov}: 02.png; "
        f"each needs one; add it, remove the prediction, or {RENAME}"
    )


def test_nothing_matches(tmp_path):
    maps = folder(tmp_path / "maps", "1.png", "2.png", "3.png", "4.png")
    truth = folder(tmp_path / "truth", "01.gif", "02.gif")
    assert message(maps, truth) == (
        f"no truth in {truth} (01.gif, 02.gif) matches a map in {maps} (1.png, 2.png, 3.png, ...); "
        f"names or leading ids must be equal; {RENAME}"
    )


def test_a_leading_word_without_digit_is_no_id(tmp_path):
    maps = folder(tmp_path / "maps", "Image_05.png")
    truth = folder(tmp_path / "truth", "Image_07.png")
    assert message(maps, truth).startswith(
        f"no truth in {truth} (Image_07.png) matches a map in {maps} (Image_05.png); "
    )


def test_two_truths_of_one_id(tmp_path):
    maps = folder(tmp_path / "maps", "01_test.png", "02_test.png")
    truth = folder(tmp_path / "truth", "01_manual1.gif", "02_manual1.gif", "02_manual2.gif")
    assert message(maps, truth) == (
        f"{truth}/02_manual1.gif and 02_manual2.gif both have the id 02; "
        f"an image has one prediction and one truth; {RENAME}"
    )
    assert files(match(maps, truth, None, r"^(\d+)_(?:test|manual1)")) == [
        ("01", "01_test.png", "01_manual1.gif", None),
        ("02", "02_test.png", "02_manual1.gif", None),
    ]


def test_two_maps_of_one_id(tmp_path):
    maps = folder(tmp_path / "maps", "01.npy", "01.png")
    truth = folder(tmp_path / "truth", "01.png")
    double = f"{maps}/01.npy and 01.png both have the id 01; an image has one prediction and one truth; "
    assert message(maps, truth) == double + RENAME
    assert message(maps, truth, None, "(01)") == double + "correct the pattern"


def test_a_missing_truth_is_told_rather_than_an_id_that_is_no_use(tmp_path):
    maps = folder(tmp_path / "maps", "01_dr.png", "01_g.png", "01_h.png")
    truth = folder(tmp_path / "truth", "01_dr.png", "01_g.png")
    assert message(maps, truth).startswith(f"{maps}: 1 of 3 predictions have no truth in {truth}: 01_h.png; ")


def test_no_folder(tmp_path):
    maps = folder(tmp_path / "maps", "01.png")
    assert message(tmp_path / "none", maps) == f"{tmp_path}/none: no such folder; correct the path"
    assert message(maps, maps / "01.png") == f"{maps}/01.png: no such folder; correct the path"


def test_a_folder_without_images(tmp_path):
    maps = folder(tmp_path / "maps", "01.png")
    endings = ".png, .tif, .tiff, .gif, .bmp, .pgm, .ppm"
    fix = "correct the path, or store the images in one of these formats"
    truth = folder(tmp_path / "truth", "01.jpg", "02.npy")
    assert message(maps, truth) == f"{truth}: none of its files (01.jpg, 02.npy) ends in {endings}; {fix}"
    empty = folder(tmp_path / "empty")
    assert message(empty, maps) == f"{empty}: none of its files (it has none) ends in {endings}, .npy; {fix}"


def test_one_folder_given_twice(tmp_path):
    maps = folder(tmp_path / "maps", "01.png")
    truth = folder(tmp_path / "truth", "01.png")
    again = tmp_path / "truth" / ".." / "maps"
    assert message(maps, again) == (
        f"{again}: given twice; predictions, truth and masks each need a folder of their own"
    )
    assert message(maps, truth, truth).startswith(f"{truth}: given twice; ")
