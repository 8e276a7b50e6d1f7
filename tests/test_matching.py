"""Which files belong together, by their names, and what is refused."""

import pytest

from vesselbench.config import UserError
from vesselbench.matching import match

RENAME = "rename them, or give --pattern, a regular expression whose one group is the id, such as '(\\d+[LR])'"
OBSERVERS = r"; of two observers choose one by --truth-pattern, such as '(\d+[LR])_1stHO'"
BOTH = "both have the id {}; an image has one prediction and one {}; remove one, or {}"
NEITHER = "; names, leading ids or what the pattern finds must be equal; add what is missing, remove the predictions, "


def make_folders(root, names):
    """Make folders of empty files, ``"1.png a/2.png / 1.gif"``, called maps, truth and fov in this order."""
    names = f" {names} ".split(" / ")
    folders = [root / folder for folder in ("maps", "truth", "fov")[: len(names)]]
    for folder, own in zip(folders, names, strict=True):
        folder.mkdir()
        for name in own.split():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
    return folders


OWN = (
    "Image_1L.png Image_1R.png / Image_1L.jpg Image_1L_1stHO.png Image_1L_2ndHO.png "
    "Image_1R.jpg Image_1R_1stHO.png Image_1R_2ndHO.png"
)  # as CHASE_DB1 comes


@pytest.mark.parametrize(("names", "pattern", "expected", "notes"), [  # names in: maps / truth / fov
    ("02.npy 01.png / 01.gif 02.TIF", "", "01 01.png 01.gif; 02 02.npy 02.TIF", ""),
    ("2.npy 1.png / 1.gif 2.TIF / 2.png 1.bmp", "", "1 1.png 1.gif 1.bmp; 2 2.npy 2.TIF 2.png", ""),
    ("2_t.png 1_t.png / 1_n.gif 2_n.gif / 1_m.gif 2_m.gif", "", "1 1_t.png 1_n.gif 1_m.gif; 2 2_t.png 2_n.gif 2_m.gif",
     "truths matched by leading id, as 1_t.png with 1_n.gif; masks matched by leading id, as 1_t.png with 1_m.gif"),
    ("1_d.png 1_g.png / 1_d.tif 1_g.tif", "", "1_d 1_d.png 1_d.tif; 1_g 1_g.png 1_g.tif", ""),
    ("1_d.png 1_g.png / 1_d.tif 1_g.tif / 1_d_m.tif 1_g_m.tif", r"^(\d+_[a-z])",
     "1_d 1_d.png 1_d.tif 1_d_m.tif; 1_g 1_g.png 1_g.tif 1_g_m.tif", ""),
    ("1_m.png 2_m.png / 1_m.gif 2_m.gif", "", "1 1_m.png 1_m.gif; 2 2_m.png 2_m.gif", ""),  # as of 1_t.png above
    ("01.png Thumbs.db notes.txt .01.png ._01.png 01.jpg / 01.png .DS_Store", "", "01 01.png 01.png", ""),
    ("3.png / 1.png 2.png 3.png 4.png 5.png / 2.png 3.png", "", "3 3.png 3.png 3.png",
     "4 of 5 truths have no prediction: 1.png, 2.png, 4.png, ...; 1 of 2 masks have no prediction: 2.png"),
    ("I_1L.png I_1R.png / I_1L_1H.png I_1L_2H.png I_1R_1H.png I_1R_2H.png", r"^I_(\d+[LR])(?:_1H)?$",
     "1L I_1L.png I_1L_1H.png; 1R I_1R.png I_1R_1H.png", "2 of 4 truths have no prediction: I_1L_2H.png, I_1R_2H.png"),
    ("1_2.png 2_1.png / 1_2.png 2_1.png", r"_(\d)|^9", "1 2_1.png 2_1.png; 2 1_2.png 1_2.png", ""),
    ("1_2.png 2_1.png / 1.png 2.png", r"(\d)$", "1 2_1.png 1.png; 2 1_2.png 2.png", ""),
    *((f"{name}.png / im0001.vk.ppm", "", f"im0001 {name}.png im0001.vk.ppm",
       f"truths matched by leading id, as {name}.png with im0001.vk.ppm")
      for name in ("im0001", "im0001.ah", "im0001_prob", "im0001-prob", "im0001(copy)")),
    ("a/1.png b/2.png / 1.png c/d/2.gif __MACOSX/2.gif .git/1.png", "", "1 1.png 1.png; 2 2.png 2.gif", ""),
    ("im1.png / im1.ah.ppm.gz", "", "im1 im1.png im1.ah.ppm.gz",
     "truths matched by leading id, as im1.png with im1.ah.ppm.gz"),
    ("I_1L_p.png / I_1L_1H.png I_1L_2H.png", (r"(\d+[LR])", r"(\d+[LR])_2H"), "1L I_1L_p.png I_1L_2H.png", ""),
    (OWN, (r"(\d+[LR])", r"(\d+[LR])_1stHO"),
     "1L Image_1L.png Image_1L_1stHO.png; 1R Image_1R.png Image_1R_1stHO.png", ""),
    (OWN, (None, "^(.+)_2ndHO$"),
     "Image_1L Image_1L.png Image_1L_2ndHO.png; Image_1R Image_1R.png Image_1R_2ndHO.png", ""),
])  # fmt: skip
def test_files_that_match(tmp_path, names, pattern, expected, notes):
    folders, patterns = make_folders(tmp_path, names), pattern if isinstance(pattern, tuple) else (pattern or None,)
    (folders[0] / "02.png").mkdir()
    pairs, found = match(*folders, *[None] * (3 - len(folders)), *patterns)
    assert "; ".join(" ".join([pair.id, *(path.name for path in pair[1:] if path)]) for pair in pairs) == expected
    assert "; ".join(found) == notes
    assert all(folder in path.parents for folder, path in zip(folders, filter(None, pairs[0][1:]), strict=True))


def unmatched(root, folders, *patterns):
    with pytest.raises(UserError) as error:
        match(*folders, *[None] * (3 - len(folders)), *(patterns or [None]))
    return str(error.value).replace(f"{root}/", "")


@pytest.mark.parametrize(("names", "pattern", "message"), [  # names as above; messages without the path
    ("1.png 2.png 3.png 4.png 6.png / 1.png 5.png", None, "maps: 4 of 5 predictions have no truth in truth: 2.png, "
     f"3.png, 4.png, ...; truths without prediction: 5.png{NEITHER}or {RENAME}{OBSERVERS}"),
    ("1.png / 1.png / 2.png", None, "maps: 1 of 1 predictions have no mask in fov: 1.png; masks without prediction: 2"),
    ("1.png 2.png 3.png 4.png / 01.gif", None, "maps: 4 of 4 predictions have no truth in truth: 1.png, 2.png, 3.png"),
    ("Image_05.png / Image_07.png", None, "maps: 1 of 1 predictions have no truth in truth: Image_05.png; "),
    ("1_a.png 1_b.png 1_c.png / 1_a.png 1_b.png", None, "maps: 1 of 3 predictions have no truth in truth: 1_c.png; "),
    ("2_t.png / 2_m.gif 2_n.gif", None,
     f"truth/2_m.gif and truth/2_n.gif {BOTH.format(2, 'truth', RENAME + OBSERVERS)}"),
    ("1_d.png 1_g.png / 1_d.tif 1_g.tif / 1.tif", None,
     f"maps/1_d.png and maps/1_g.png {BOTH.format(1, 'mask', RENAME)}"),
    ("1.npy 1.png / 1.png", None, f"maps/1.npy and maps/1.png {BOTH.format(1, 'truth', RENAME + OBSERVERS)}"),
    ("1.npy 1.png / 1.png", "(1)", f"maps/1.npy and maps/1.png {BOTH.format(1, 'truth', 'correct the pattern')}"),
    ("1a.png 2.png / 1a.png 2.png", r"(\d)a|2", "maps: 1 of 2 predictions have no truth in truth: 2.png; truths with"),
    *(("1.png / 1.png", pattern, "maps: 1 of 1 predictions have no truth in truth: 1.png; truths without prediction: "
       f"1.png{NEITHER}or correct the pattern{OBSERVERS}") for pattern in ("(x*)", r"x(\d)")),
    ("1.png / 1.png", r"(\d", r"--pattern is '(\\d', no regular expression: missing ), unterminated subpattern at"),
    *(("1.png / 1.png", pattern, f"--pattern is {pattern!r}, with {pattern.count('(')} groups; it needs one, the id")
      for pattern in (r"\d", r"(\d)(\d)", "")),
    ("1.png / 1.jpg 2.txt", None, "truth: none of its files (1.jpg, 2.txt) ends in .png, .tif, .tiff, .gif, .bmp, .pg"),
    (" / 1.png", None, "maps: none of its files (it has none) ends in .png, .tif, .tiff, .gif, .bmp, .pgm, .ppm, .np"),
    ("1.png / a/1.png b/1.png", None,
     f"truth/a/1.png and truth/b/1.png {BOTH.format(1, 'truth', RENAME + OBSERVERS)}"),
    (OWN, r"(\d+[LR])", "truth/Image_1L_1stHO.png and truth/Image_1L_2ndHO.png "
     + BOTH.format("1L", "truth", "correct the pattern" + OBSERVERS)),
    ("1.png / 1.png", (None, r"(\d)_1H"), r"truth: --truth-pattern '(\\d)_1H' finds no id in 1.png; correct it"),
    ("1.png / 1.png", (None, r"\d"), r"--truth-pattern is '\\d', with 0 groups; "),
])  # fmt: skip
def test_files_that_do_not_match(tmp_path, names, pattern, message):
    patterns = pattern if isinstance(pattern, tuple) else (pattern,)
    assert unmatched(tmp_path, make_folders(tmp_path, names), *patterns).startswith(message)


def test_folders_that_are_none_or_given_twice(tmp_path):
    maps, truth = make_folders(tmp_path, "01.png / 01.png")
    once = "given twice; predictions, truth and masks each need a folder of their own"
    assert unmatched(tmp_path, [tmp_path / "none", maps]) == "none: no such folder; correct the path"
    assert unmatched(tmp_path, [maps, maps / "01.png"]) == "maps/01.png: no such folder; correct the path"
    assert unmatched(tmp_path, [maps, truth / ".." / "maps"]) == f"maps: {once}"
    assert unmatched(tmp_path, [maps, truth, truth]) == f"truth: {once}"


def test_a_folder_within_another_is_its_own(tmp_path):
    maps, _ = make_folders(tmp_path, "1.png below/1.png / 1.png")
    ((_, own, other, _),), _ = match(maps, maps / "below", None, None)
    assert (own, other) == (maps / "1.png", maps / "below/1.png")
