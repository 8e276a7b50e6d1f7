"""Maps of any program: what their pixels become, and what is refused."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image
from sklearn.metrics import roc_auc_score

from vesselbench.config import UserError
from vesselbench.data.maps import level_of
from vesselbench.foreign import read_foreign_maps, share_levels

EIGHT = np.array([[0, 7, 128], [200, 254, 255]], np.uint8)
SIXTEEN = np.array([[0, 7, 300], [32768, 65534, 65535]], np.uint16)
THIRD = np.array([[0, 1 / 3, 0.5], [2 / 3, 0.75, 1]])
THIRD_LEVELS = np.array([[0, 21845, 32768], [43690, 49151, 65535]])
RAMP = np.tile(np.arange(0, 1, 1 / 64), (64, 1))  # large enough to be cut
BIT = np.array([[False, True]])
ENDINGS = ("png", "tif", "tiff", "gif", "bmp", "pgm", "npy", "PNG", "NPY")
NO_NUMBERS = np.array([[0.5, 0.5, 0.5], [0.5, np.nan, -np.inf]], np.float32)
COLOURS = np.array([[[0, 0, 0], [9, 9, 8], [9, 8, 9], [255, 255, 255]]], np.uint8)
BROKEN = "not a whole PNG, TIFF, GIF, BMP, PGM, NPY or NPZ file of one image of at most 178,956,970 pixels, or of a"
TIFF_OPTIONS = ({"tile": (16, 16)}, {"compression": "zlib"}, {"rowsperstrip": 8})


def write(path, values, **options):
    if path.suffix.lower() == ".npy":
        with path.open("wb") as file:
            np.save(file, values)
    elif path.suffix == ".npz":
        np.savez(path, values)
    elif options or values.dtype.kind == "f":
        tifffile.imwrite(path, values, **options)
    else:
        Image.fromarray(values).save(path)
    return path


def write_png(path, values, colour_type):
    """Write uint16 (H, W, channels) as a PNG of a colour type of which Pillow writes 8 bits alone."""
    header = struct.pack(">IIBBBBB", *values.shape[1::-1], 16, colour_type, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row.astype(">u2").tobytes() for row in values))
    chunks = (b"IHDR" + header, b"IDAT" + body, b"IEND")
    chunks = (struct.pack(">I", len(own) - 4) + own + struct.pack(">I", zlib.crc32(own)) for own in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


def becomes(path, levels):
    (found,) = share_levels(read_foreign_maps([path])[0], [0.5])
    assert found.dtype == np.uint16, "of this machine's byte order"
    np.testing.assert_array_equal(found, levels)


def refused(path, fault):
    with pytest.raises(UserError) as error:
        read_foreign_maps([path])
    assert str(error.value).startswith(f"{path}: {fault}")


@pytest.mark.parametrize(("ending", "values", "options", "levels"), [  # options of a TIFF
    *((ending, EIGHT, {}, 257 * EIGHT.astype(int)) for ending in ENDINGS),
    *((ending, SIXTEEN, {}, SIXTEEN) for ending in ("png", "tif", "pgm", "npy")),
    ("tif", SIXTEEN.astype(">u2"), {"byteorder": ">"}, SIXTEEN),
    *((ending, SIXTEEN.astype(kind), {}, SIXTEEN) for ending, kind in (("npy", ">u2"), ("tif", "i4"))),
    *((end, THIRD.astype(kind), {}, THIRD_LEVELS) for kind in ("f4", "f8", ">f4", ">f8") for end in ("tif", "npy")),
    *((ending, THIRD.astype("f2"), {}, np.rint(65535 * THIRD.astype("f2").astype(float))) for ending in ("tif", "npy")),
    *(("tif", (RAMP * white).astype(kind), options, np.rint((RAMP * white).astype(kind) * (65535 / white)))
      for kind, white in (("u1", 255), ("u2", 65535), ("f4", 1), ("f8", 1)) for options in TIFF_OPTIONS),
    *((ending, BIT, {}, [[0, 65535]]) for ending in ("png", "tif", "bmp", "npy")),
    *((ending, BIT.astype(kind), {}, [[0, 65535]]) for ending, kind in (("png", "u1"), ("png", "u2"), ("npy", "f8"))),
    *(("png", np.array([[0, 3, high]], kind), {}, [[0, 3 * by, high * by]])
      for kind, high, by in (("u1", 253, 257), ("u2", 256, 1))),
    *(("npy", THIRD.reshape(shape), {}, THIRD_LEVELS) for shape in ((1, 2, 3), (2, 3, 1), (1, 2, 3, 1), (1, 1, 2, 3))),
    ("npy", THIRD.reshape(1, 1, 6), {}, THIRD_LEVELS.reshape(1, 6)),
])  # fmt: skip
def test_what_pixels_become(tmp_path, ending, values, options, levels):
    becomes(write(tmp_path / f"map.{ending}", values, **options), levels)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_one_half_is_vessel_in_floating_point_as_in_16_bits(tmp_path, kind):
    near = np.array([[0, np.nextafter(kind(0.5), kind(0)), 0.5, np.nextafter(kind(0.5), kind(1)), 1]], kind)
    (levels,) = share_levels(read_foreign_maps([write(tmp_path / "map.npy", near)])[0], [0.5])
    assert level_of(0.5) == 32768
    assert np.array_equal(levels >= 32768, near >= 0.5)


@pytest.mark.parametrize(("sharpness", "shift"), [(1, 0), (4, 0), (8, -6)])  # the last: 60 % of pixels below 1e-5
def test_16_bits_keep_the_area_under_the_roc_curve_and_all_counts_of_floating_point(sharpness, shift):
    generator = np.random.default_rng(0)
    truth = generator.random((2, 500, 500)) < 0.12
    logits = sharpness * (generator.normal(size=truth.shape) + np.where(truth, 1.2, -1.2)) + shift
    values = (1 / (1 + np.exp(-logits))).astype(np.float32)
    levels = np.stack(share_levels([*values], [0.5, 0.37]))
    assert abs(roc_auc_score(truth.ravel(), levels.ravel()) - roc_auc_score(truth.ravel(), values.ravel())) < 3e-6
    for threshold in (0.5, 0.37, *np.arange(256) / 255):
        assert np.array_equal(levels >= level_of(threshold), values >= np.float32(threshold))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_equal_channels_and_what_pillow_writes(tmp_path, mode):
    Image.fromarray(EIGHT).convert(mode).save(tmp_path / "map.png")
    becomes(tmp_path / "map.png", 257 * EIGHT.astype(int))
    Image.fromarray(THIRD.astype(np.float32)).save(tmp_path / "map.tif", compression="tiff_lzw")  # not by tifffile
    becomes(tmp_path / "map.tif", THIRD_LEVELS)


@pytest.mark.parametrize("ending", ["png", "gif"])
def test_a_palette_is_read_by_grey_not_by_index_and_refused_if_coloured(tmp_path, ending):
    image, path = Image.frombytes("P", (2, 1), bytes([0, 1])), tmp_path / f"map.{ending}"
    image.putpalette([253] * 3 + [3] * 3)
    image.save(path, transparency=bytes([0, 255]) if ending == "png" else 1)
    becomes(path, [[253 * 257, 3 * 257]])
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.save(path)
    refused(path, "a colour image, channels differ at 1 of 2 pixels; ")


@pytest.mark.parametrize(("ending", "values", "message"), [  # ending, what is written, how the answer starts
    ("png", COLOURS, "a colour image, channels differ at 2 of 4 pixels; a map is grey; store the vessel probability "),
    *(("npy", np.zeros(n), f"an array of shape {n} and type float64; an")
      for n in ((6,), (2, 2, 2), (2, 1, 2), (0, 3))),
    ("tif", np.zeros((3, 4, 5)), "an array of shape (3, 4, 5) and type float64; an image has two axes, rows and"),
    ("npy", THIRD * 6.5 - 2.5, "values from -2.5 to 4.0; probabilities lie in [0, 1]; if these are logits, apply a "),
    ("npy", THIRD * 255, "values from 0.0 to 255.0; probabilities lie in [0, 1]; "),
    ("npy", np.array([[-0.001, 0.5, 1 + 1e-7]]), "values from -0.001 to 1.0000001; "),
    ("npy", np.array([[0, 0.5, 1.001]]), "values from 0.0 to 1.001; "),
    *((end, NO_NUMBERS, "2 of 6 values are NaN or infinite, the first at row 1, column 1; ") for end in ("npy", "tif")),
    *(("npy", np.full((2, 2), value, kind), f"constant, every pixel is {value}; a map tells pixels ")
      for value, kind in ((0, "u1"), (1, "u1"), (255, "u1"), (65535, "u2"), (0.5, "f4"))),
    ("png", EIGHT.astype(np.uint16), "no value above 255, a probability of 0.0039; in 16 bits 65535 stands for"),
    *(("npy", np.array([[0, 1]], kind), f"numbers of type {kind}, whose scale is unknown; a map is of bool, ")
      for kind in ("int8", "int32", "int64", "uint32")),
    ("npy", np.array([[0, 1]], "complex64"), "an array of shape (1, 2) and type complex64; an image has two axes"),
    *(("tif", np.array([n], np.int32), "numbers of type int32, whose scale is unknown") for n in ((-1, 9), (0, 65536))),
    ("jpg", EIGHT, BROKEN),
])  # fmt: skip
def test_what_is_no_map(tmp_path, ending, values, message):
    options = {"photometric": "minisblack"} if ending == "tif" and values.ndim == 3 else {}
    refused(write(tmp_path / f"map.{ending}", values, **options), message)


@pytest.mark.parametrize(("colour_type", "pixel"), [(2, (5, 5, 5)), (4, (5, 65535)), (6, (5, 5, 5, 65535))])
def test_sixteen_bits_a_channel_are_not_cut_to_eight(tmp_path, colour_type, pixel):
    path = write_png(tmp_path / "map.png", np.array([[pixel]], np.uint16), colour_type)
    refused(path, "16-bit image with more than one channel; a map or label has one; ")


def test_pages_frames_other_colour_spaces_and_missing_files(tmp_path):
    for path in (tmp_path / "map.tif", tmp_path / "map.gif"):
        Image.fromarray(EIGHT).save(path, save_all=True, append_images=[Image.fromarray(255 - EIGHT)])
        refused(path, "2 pages or frames; a map or label has one; store it alone, as grey")
    Image.new("CMYK", (2, 2)).save(tmp_path / "map.tif")
    refused(tmp_path / "map.tif", "constant, every pixel is 255; ")  # white
    for path in (tmp_path / "map.png", tmp_path / "map.npy"):
        refused(path, "no such file; correct the path")


@pytest.mark.parametrize(("ending", "kind", "options"), [
    *((ending, "u1", {}) for ending in ("png", "gif", "bmp", "pgm", "npy")),
    *(("tif", kind, options) for kind in ("f2", "f4", "f8") for options in ({}, *TIFF_OPTIONS[:2])),
])  # fmt: skip
def test_broken_files(tmp_path, ending, kind, options):
    path = write(tmp_path / f"map.{ending}", (RAMP * (255 if kind == "u1" else 1)).astype(kind), **options)
    whole = path.read_bytes()
    np.savez(tmp_path / "arrays.npz", RAMP, RAMP)
    write(tmp_path / "objects.npy", np.array([[{}, 1]], object))
    others = [(tmp_path / name).read_bytes() for name in ("arrays.npz", "objects.npy")]
    for broken in (whole[: len(whole) // 2], whole[:7], whole[:12], b"hello", b"", *others):
        path.write_bytes(broken)
        refused(path, BROKEN)


def test_odd_metadata_does_not_warn(tmp_path):
    path = tmp_path / "map.tif"
    Image.fromarray(EIGHT).save(path, tiffinfo={65000: "x" * 40})
    data = bytearray(path.read_bytes())
    at = data.index(struct.pack("<HHI", 65000, 2, 41)) + 8
    data[at : at + 4] = struct.pack("<I", 10**6)  # the description now lies behind the file's end
    path.write_bytes(data)
    becomes(path, 257 * EIGHT.astype(int))  # warnings are errors here


FLOATS = np.array([[0, 0.25], [0.5, 1]])


@pytest.mark.parametrize(("maps", "expected", "note"), [
    ([FLOATS * 100, FLOATS * 40], [FLOATS, FLOATS * 0.4], "floating point with values up to 100.0: taken as percent"),
    ([np.float32([[1.0000001, -1e-9]])], [[[1, 0]]], ""),
    ([np.uint8([[0, 97]]), np.uint8([[5, 40]])], [[[0, 97 / 255]], [[5 / 255, 40 / 255]]],
     "no 8-bit map exceeds 97, a probability of 0.3804: 255 is taken as probability 1; if these are percent, "),
    ([np.uint8([[0, 101]]), np.uint8([[5, 40]])], [[[0, 101 / 255]], [[5 / 255, 40 / 255]]], ""),
    ([np.uint8([[0, 1]])], [[[0, 1]]], ""),
])  # fmt: skip
@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_the_scale_of_a_folder_of_maps(tmp_path, maps, expected, note, ending):
    found, notes = read_foreign_maps([write(tmp_path / f"{at}.{ending}", own) for at, own in enumerate(maps)])
    for own, wanted in zip(found, expected, strict=True):
        levels = own / 65535 if own.dtype == np.uint16 else own
        np.testing.assert_allclose(levels, wanted, rtol=0, atol=1e-15)
    assert "; ".join(notes).startswith(note)
    assert bool(notes) == bool(note)


@pytest.mark.parametrize(("maps", "message"), [
    ([FLOATS * 100, FLOATS], "0.npy: values from 0.0 to 100.0; probabilities lie in [0, 1]"),
    ([FLOATS, FLOATS * 50], "1.npy: values from 0.0 to 50.0; probabilities lie in [0, 1]"),
    ([FLOATS * 300], "0.npy: values from 0.0 to 300.0"),
    ([FLOATS * 100 - 1], "0.npy: values from -1.0 to 99.0"),
])  # fmt: skip
def test_maps_of_no_known_scale(tmp_path, maps, message):
    with pytest.raises(UserError) as error:
        read_foreign_maps([write(tmp_path / f"{at}.npy", own) for at, own in enumerate(maps)])
    assert str(error.value).startswith(f"{tmp_path}/{message}")
