"""The table for a paper."""

from vesselbench.reports.latex import latex


def test_the_tabular_has_ours_with_intervals_and_the_claims(one_seed, second_observer):
    lines = latex("drive", one_seed, second_observer, ["Training: 5 steps."]).splitlines()
    assert lines[0] == "% DRIVE; needs \\usepackage{booktabs}"
    assert lines[5] == "% Training: 5 steps."
    assert lines[6:8] == ["\\begin{tabular}{lllrrrrrr}", "\\toprule"]
    assert "IterNet & patched & ours & 0.5000 & 0.8000 & 0.7000 & 0.9800 & 0.9500 & 0.9000 \\\\" in lines
    at = lines.index("Second observer &  & labels & 0.5000 & 0.7900 & 0.7000 & 0.9800 & 0.9500 & - \\\\")
    assert lines[at + 1].startswith("95 \\% interval &  &  & .4620 to .5380 & .7520 to .8280 & ")
    assert "UNet &  & paper, rerun & 0.7948 & 0.8174 & 0.7822 & 0.9808 & 0.9555 & 0.9752 \\\\" in lines
    assert lines[-1] == "\\end{tabular}"


def test_every_row_has_nine_cells(one_seed, second_observer):
    rows = [line for line in latex("stare", one_seed, second_observer, []).splitlines() if " & " in line]
    assert {line.count("&") for line in rows} == {8}


def test_what_latex_would_misread_is_escaped(one_seed, two_seeds):
    assert "my\\_net & patched & ours & " in latex("phantom", {"my_net": one_seed["unet"]}, None, [])
    assert " & 0.7200 $\\pm$ 0.0283 & " in latex("phantom", two_seeds, None, [])
