"""The phantom: geometry by hand, and what makes its images like fundus photographs and its labels like observers'."""

from math import degrees

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.filters import sato
from sklearn.metrics import f1_score, roc_auc_score

from vesselbench.config import UserError, parse
from vesselbench.data.images import read_image, read_label, read_pixels
from vesselbench.datasets.phantom.eye import draw, photograph
from vesselbench.datasets.phantom.source import PhantomParameters, draw_dataset
from vesselbench.datasets.phantom.stamping import View, stamp
from vesselbench.datasets.phantom.vessels import Retina, bifurcation, grow_tree


def draw_seed(size, seed, k):
    return draw(size, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(k,))))


@pytest.fixture(scope="module")
def phantoms():
    return [draw_seed(256, 7, k) for k in range(6)]


def test_daughters_follow_murrays_law():
    wide, thin, wide_angle, thin_angle = bifurcation(1.0, 1.0)
    assert wide == thin == pytest.approx(0.5 ** (1 / 3))
    assert degrees(wide_angle) == degrees(thin_angle) == pytest.approx(37.467, abs=1e-3)  # cos = 2^(2/3) / 2
    wide, thin, wide_angle, thin_angle = bifurcation(2.0, 0.5)
    assert wide**3 + thin**3 == pytest.approx(8)
    assert thin == wide / 2
    assert degrees(wide_angle) < 15 < 60 < degrees(thin_angle)
    assert np.cos(thin_angle) == pytest.approx((16 + thin**4 - wide**4) / (8 * thin**2))


def test_stamp_takes_the_nearest_point_of_a_line():
    assert View(4, 1.5 + 1.5j, 2.0).finer() == View(8, 3.5 + 3.5j, 4.0)  # the middles of 4 and of 8 pixels
    line = np.array([[-2.0, 0.0, 1.0], [2.0, 0.0, 1.0]])
    inside = stamp([line], View(9, 4 + 4j, 1.0), lambda distance, radius: radius - distance, -9.0)
    # Points lie at most half a pixel apart, so the nearest one is within a quarter.
    np.testing.assert_allclose(inside[:, 4], [-9, -2, -1, 0, 1, 0, -1, -2, -9], atol=0.25)
    np.testing.assert_allclose(inside[4], [-1, 0, 1, 1, 1, 1, 1, 0, -1], atol=0.25)
    covered = stamp([line * [4.5, 1, 1]], View(5, 2 + 2j, 1.0), lambda distance, radius: distance <= 0.5, 0.0)
    assert covered.tolist() == [[0] * 5, [0] * 5, [1] * 5, [0] * 5, [0] * 5]


def test_trees_taper_reach_both_halves_and_spare_the_fovea():
    lines = grow_tree(Retina(-0.7 + 0j, 0.05j), 0.02, 0.6, np.random.default_rng(0))
    assert all((np.diff(line[:, 2]) <= 0).all() for line in lines)
    x, y, _ = np.concatenate(lines).T
    assert y.min() < -0.5 < 0.5 < y.max()
    assert np.hypot(x, y - 0.05).min() > 0.11


def test_photograph_is_dark_outside_the_window_and_does_not_wrap():
    window = np.repeat([[1.0, 0.0]], 16, axis=1).repeat(32, axis=0)
    image = photograph(np.full((32, 32, 3), 400.0), window, np.random.default_rng(0))
    assert (image[:, :14] == 255).all()
    assert 3 < image[:, 18:].mean() < 11


def test_proportions_are_those_of_fundus_photographs(phantoms):
    # Those of the committed results: change how phantoms are drawn, and run them again.
    assert [int(phantoms[k].truth.sum()) for k in (0, 5)] == [4798, 5340]
    assert [phantoms[k].image.mean() for k in (0, 5)] == pytest.approx([65.57, 60.04], abs=0.01)
    shares = [p.truth[p.fov].mean() for p in phantoms]
    assert 0.09 <= np.mean(shares) <= 0.13
    assert 0.07 < min(shares) < max(shares) < 0.15
    for p in phantoms:
        assert p.fov.mean() == pytest.approx(0.685, abs=0.02)
        red, green, blue = p.image[p.fov].mean(axis=0)
        assert red > 1.5 * green > 2 * blue
        assert p.image[~p.fov].mean() < 12
        inside, contrast = p.fov.astype(float), {}
        for channel in (0, 1):
            level = p.image[..., channel] * inside
            ratio = level / np.maximum(gaussian_filter(level, 8) / np.maximum(gaussian_filter(inside, 8), 0.1), 1)
            contrast[channel] = [1 - ratio[p.artery_vein == kind].mean() for kind in (1, 2)]
        artery, vein = contrast[1]
        assert 0 < contrast[0][1] < vein  # green shows vessels best, and veins darkest
        assert 0 < artery < vein


def test_vessels_are_found_as_people_and_filters_find_them(phantoms):
    assert 0.75 < np.mean([f1_score(p.truth[p.fov], p.second_observer[p.fov]) for p in phantoms]) < 0.87
    assert 0.6 < np.mean([p.second_observer[p.truth == 1].mean() for p in phantoms]) < 0.9
    # What a trained network has to beat: the pooled AUC of the best of the usual filters, inside the field of view.
    greens = [np.where(p.fov, p.image[..., 1], p.image[..., 1][p.fov].mean()) for p in phantoms]
    found = [sato(green, sigmas=(1, 1.5, 2))[p.fov] for green, p in zip(greens, phantoms, strict=True)]
    truth = np.concatenate([p.truth[p.fov] for p in phantoms])
    assert 0.85 < roc_auc_score(truth, np.concatenate(found)) < 0.96


def test_both_sides_and_sizes():
    # The disc is the brightest patch: on the left in a left eye, on the right in a right one.
    greens = [draw(128, np.random.default_rng(k)).image[..., 1].astype(float) for k in range(8)]
    assert {int(gaussian_filter(green, 4).max(axis=0).argmax() > 64) for green in greens} == {0, 1}
    small, large = (draw(size, np.random.default_rng(5)) for size in (128, 384))
    assert (large.fov[1::3, 1::3] == small.fov).mean() > 0.99
    both = small.truth & large.truth.reshape(128, 3, 128, 3).max(axis=(1, 3))
    assert both.sum() > 0.9 * small.truth.sum()


def test_files_are_those_of_the_seed_whatever_the_numbers(tmp_path):
    base = PhantomParameters(fov="official", size=128, train=2, test=1, seed=3)
    changes = enumerate(({}, {"train": 1}, {"train": 1, "seed": 4}))
    more, fewer, other = (draw_dataset(base.model_copy(update=change), tmp_path / str(k)) for k, change in changes)
    assert [(s.id, s.group, s.subset) for s in more[1:]] == [("p02", "p02", "train"), ("p03", "p03", "test")]
    assert len({sample.truth.read_bytes() for sample in (*more, *other)}) == 5
    drawn = vars(draw_seed(128, 3, 1))
    for kind, expected in drawn.items():
        assert getattr(fewer[1], kind).read_bytes() == getattr(more[1], kind).read_bytes()
        read = {"image": read_image, "artery_vein": read_pixels}.get(kind, read_label)
        np.testing.assert_array_equal(read(getattr(more[1], kind)), expected)
    assert ((drawn["artery_vein"] > 0) == drawn["truth"]).all()
    assert set(np.unique(drawn["artery_vein"])) == {0, 1, 2, 3}
    assert not (drawn["truth"] | drawn["second_observer"])[~drawn["fov"]].any()


@pytest.mark.parametrize("wrong", ["size 127", "size 1025", "train 0", "test -1", "seed -1", "task 7"])
def test_parameters_refuse(wrong):
    name, value = wrong.split()
    with pytest.raises(UserError, match=f"params.yaml: sources.phantom.{name} is {value}: input should be "):
        parse(PhantomParameters, {"fov": "official", name: int(value)}, "sources.phantom")
    with pytest.raises(UserError, match=r"train \+ test is 100; ids end at p99; make them 99 at most"):
        parse(PhantomParameters, {"fov": "official", "train": 94}, "sources.phantom")
