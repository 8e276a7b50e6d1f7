from dataclasses import replace
from math import acos, degrees

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.filters import frangi, sato
from skimage.morphology import black_tophat, disk
from sklearn.metrics import f1_score, roc_auc_score

from vesselbench.config import UserError, build
from vesselbench.data.images import read_classes, read_image, read_label, read_mask
from vesselbench.data.sample import read_samples, write_samples
from vesselbench.data.sources.phantom.anatomy import Retina, bifurcation
from vesselbench.data.sources.phantom.camera import photograph
from vesselbench.data.sources.phantom.drawing import PhantomParameters, draw_dataset
from vesselbench.data.sources.phantom.eye import Phantom, draw
from vesselbench.data.sources.phantom.fundus import cloud
from vesselbench.data.sources.phantom.stamping import View, stamp
from vesselbench.data.sources.phantom.vessels import grow_tree

SMALL = PhantomParameters(size=128, train=2, test=1, seed=3)


@pytest.fixture(scope="module")
def phantoms() -> list[Phantom]:
    seeds = [np.random.SeedSequence(7, spawn_key=(k,)) for k in range(6)]
    return [draw(256, np.random.default_rng(seed)) for seed in seeds]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw") / "phantom"
    write_samples(draw_dataset(SMALL, folder), folder)
    return folder


def test_equal_daughters_follow_murrays_law():
    wide, thin, wide_angle, thin_angle = bifurcation(1.0, 1.0)
    assert wide == thin == pytest.approx(0.5 ** (1 / 3))
    # cos = r0^4 / (2 r0^2 r1^2) = 2^(2/3) / 2
    assert degrees(wide_angle) == pytest.approx(37.467, abs=1e-3)
    assert wide_angle == thin_angle


def test_a_thin_daughter_leaves_steeply_and_hardly_turns_its_parent():
    wide, thin, wide_angle, thin_angle = bifurcation(2.0, 0.5)
    assert thin == wide / 2
    assert wide**3 + thin**3 == pytest.approx(8)
    assert thin_angle == pytest.approx(acos((16 + thin**4 - wide**4) / (8 * thin**2)))
    assert degrees(wide_angle) < 15 < 60 < degrees(thin_angle)


def test_finer_view_keeps_places():
    view = View(4, 1.5 + 1.5j, 2.0).finer()
    # The middle of 4 pixels is 1.5, that of 8 is 3.5.
    assert view == View(8, 3.5 + 3.5j, 4.0)


def test_stamp_takes_the_nearest_point_of_a_line():
    line = np.array([[-2.0, 0.0, 1.0], [2.0, 0.0, 1.0]])
    inside = stamp([line], View(9, 4 + 4j, 1.0), lambda distance, radius: radius - distance, -9.0)
    # Points lie at most half a pixel apart, so the nearest one is within a quarter.
    np.testing.assert_allclose(inside[:, 4], [-9, -2, -1, 0, 1, 0, -1, -2, -9], atol=0.25)
    np.testing.assert_allclose(inside[4], [-1, 0, 1, 1, 1, 1, 1, 0, -1], atol=0.25)


def test_stamp_leaves_out_what_lies_outside_the_grid():
    line = np.array([[-9.0, 0.0, 1.0], [9.0, 0.0, 1.0]])
    covered = stamp([line], View(5, 2 + 2j, 1.0), lambda distance, radius: distance <= 0.5, 0.0)
    assert covered.tolist() == [[0] * 5, [0] * 5, [1] * 5, [0] * 5, [0] * 5]


def test_trees_taper_reach_both_halves_and_spare_the_fovea():
    retina = Retina(-0.7 + 0j, 0.05j)
    lines = grow_tree(retina, 0.02, 0.6, np.random.default_rng(0))
    assert all((np.diff(line[:, 2]) <= 0).all() for line in lines)
    points = np.concatenate(lines)
    assert points[:, 1].min() < -0.5
    assert points[:, 1].max() > 0.5
    assert np.hypot(points[:, 0], points[:, 1] - 0.05).min() > 0.11


def test_clouds_look_alike_at_all_sizes():
    coarse, fine = (cloud(np.random.default_rng(0), (n, n), 6) for n in (64, 128))
    halved = fine.reshape(64, 2, 64, 2).mean(axis=(1, 3))
    assert np.corrcoef(coarse.ravel(), halved.ravel())[0, 1] > 0.99


def test_photograph_is_dark_outside_the_window_and_does_not_wrap():
    colour = np.full((32, 32, 3), 400.0)
    window = np.zeros((32, 32))
    window[:, :16] = 1
    image = photograph(colour, window, np.random.default_rng(0))
    assert (image[:, :14] == 255).all()
    assert 3 < image[:, 18:].mean() < 11
    assert image[:, 18:].std() > 0


def test_arrays(phantoms):
    for phantom in phantoms:
        assert phantom.image.shape == (256, 256, 3)
        for name in ("image", "truth", "second_observer", "artery_vein"):
            assert getattr(phantom, name).dtype == np.uint8
        assert phantom.fov.dtype == bool
        assert set(np.unique(phantom.truth)) == set(np.unique(phantom.second_observer)) == {0, 1}
        assert set(np.unique(phantom.artery_vein)) == {0, 1, 2, 3}
        assert ((phantom.artery_vein > 0) == phantom.truth).all()
        assert not phantom.truth[~phantom.fov].any()
        assert not phantom.second_observer[~phantom.fov].any()


def test_images_are_those_of_the_committed_results(phantoms):
    """Change the generator and the committed tables of the phantom no longer belong to it: run them again."""
    assert [int(phantoms[k].truth.sum()) for k in (0, 5)] == [4798, 5340]
    assert [phantoms[k].image.mean() for k in (0, 5)] == pytest.approx([65.57, 60.04], abs=0.01)


def test_proportions_are_those_of_fundus_photographs(phantoms):
    shares = [phantom.truth[phantom.fov].mean() for phantom in phantoms]
    assert 0.09 <= np.mean(shares) <= 0.13
    assert 0.07 < min(shares) < max(shares) < 0.15
    for phantom in phantoms:
        assert phantom.fov.mean() == pytest.approx(0.685, abs=0.02)
        red, green, blue = phantom.image[phantom.fov].mean(axis=0)
        assert red > 1.5 * green > 2 * blue
        assert phantom.image[~phantom.fov].mean() < 12


def test_green_shows_vessels_best_and_veins_darkest(phantoms):
    for phantom in phantoms:
        inside = phantom.fov.astype(float)
        contrast = {}
        for channel in (0, 1):
            level = phantom.image[..., channel] * inside
            ratio = level / np.maximum(gaussian_filter(level, 8) / np.maximum(gaussian_filter(inside, 8), 0.1), 1)
            contrast[channel] = [1 - ratio[phantom.artery_vein == kind].mean() for kind in (1, 2)]
        artery, vein = contrast[1]
        assert 0 < contrast[0][1] < vein
        assert 0 < artery < vein


def test_second_observer_agrees_as_people_do(phantoms):
    scores = [f1_score(p.truth[p.fov], p.second_observer[p.fov]) for p in phantoms]
    assert 0.75 < np.mean(scores) < 0.87
    found = [p.second_observer[p.truth == 1].mean() for p in phantoms]
    assert 0.6 < np.mean(found) < 0.9


def test_a_plain_filter_finds_the_vessels_but_not_well(phantoms):
    """What a trained network has to beat: the best filter's pooled AUC inside the field of view."""
    truth = np.concatenate([p.truth[p.fov] for p in phantoms])
    filters = {
        "frangi": lambda green: frangi(green, sigmas=(1, 1.5, 2, 2.5)),
        "sato": lambda green: sato(green, sigmas=(1, 1.5, 2)),
        "top-hat": lambda green: black_tophat(green, disk(5)),
    }
    scores = {name: [] for name in filters}
    for phantom in phantoms:
        green = phantom.image[..., 1].astype(float)
        green[~phantom.fov] = green[phantom.fov].mean()
        for name, response in filters.items():
            scores[name].append(response(green)[phantom.fov])
    best = max(roc_auc_score(truth, np.concatenate(values)) for values in scores.values())
    assert 0.85 < best < 0.96


def test_both_sides_and_sizes():
    eyes = [draw(128, np.random.default_rng(k)) for k in range(8)]
    # The disc is the brightest patch: on the left in a left eye, on the right in a right one.
    sides = {int(gaussian_filter(eye.image[..., 1].astype(float), 4).max(axis=0).argmax() > 64) for eye in eyes}
    assert sides == {0, 1}
    small, large = (draw(size, np.random.default_rng(5)) for size in (128, 384))
    assert small.truth.shape == (128, 128)
    shrunk = large.fov[1::3, 1::3]
    assert (shrunk == small.fov).mean() > 0.99
    both = small.truth & large.truth.reshape(128, 3, 128, 3).max(axis=(1, 3))
    assert both.sum() > 0.9 * small.truth.sum()


def test_same_seed_same_bytes_whatever_the_numbers(folder, tmp_path):
    more = draw_dataset(replace(SMALL, train=1, test=1), tmp_path)
    assert [sample.subset for sample in more] == ["train", "test"]
    for sample in more:
        for path in (sample.image, sample.truth, sample.second_observer, sample.fov, sample.artery_vein):
            assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes()


def test_seeds_and_images_differ(folder, tmp_path):
    other = draw_dataset(replace(SMALL, seed=4, train=1, test=1), tmp_path)
    first, second = (read_label(sample.truth) for sample in other)
    assert (first != second).any()
    assert (first != read_label(folder / "labels" / "p01.png")).any()


def test_files_read_back(folder):
    samples = read_samples(folder)
    assert [(s.id, s.group, s.subset) for s in samples] == [
        ("p01", "p01", "train"),
        ("p02", "p02", "train"),
        ("p03", "p03", "test"),
    ]
    seed = np.random.SeedSequence(3, spawn_key=(2,))
    phantom = draw(128, np.random.default_rng(seed))
    np.testing.assert_array_equal(read_image(samples[2].image), phantom.image)
    np.testing.assert_array_equal(read_label(samples[2].truth), phantom.truth)
    np.testing.assert_array_equal(read_label(samples[2].second_observer), phantom.second_observer)
    np.testing.assert_array_equal(read_mask(samples[2].fov), phantom.fov)
    np.testing.assert_array_equal(read_classes(samples[2].artery_vein, 4), phantom.artery_vein)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": 127}, "size is 127; it must be 128 to 1024 pixels; 256 is quick"),
        ({"size": 1025}, "size is 1025; it must be 128 to 1024 pixels; 256 is quick"),
        ({"train": 0}, "train is 0; each subset needs an image; make it 1 or more"),
        ({"test": -1}, "test is -1; each subset needs an image; make it 1 or more"),
        ({"train": 90, "test": 10}, "train + test is 100; ids end at p99; make them 99 at most"),
        ({"seed": -1}, "seed is -1; it must not be negative; make it 0 or more"),
    ],
)
def test_parameters_refuse(values, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        PhantomParameters(**values)
    assert str(error.value) == message
    with pytest.raises(UserError) as error:
        build(PhantomParameters, values, "datasets.phantom.source")
    assert str(error.value) == f"params.yaml: datasets.phantom.source: {message}"
