import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from vesselbench.config import UserError
from vesselbench.data.levels import read_levels, write_levels
from vesselbench.data.maps import read_map

EIGHT = np.array([[0, 7, 128], [200, 254, 255]], np.uint8)
SIXTEEN = np.array([[0, 7, 300], [32768, 65534, 65535]], np.uint16)
THIRD = np.array([[0, 1 / 3, 0.5], [2 / 3, 1 - 1e-7, 1]])
REPEATED = np.tile(np.arange(0, 1, 1 / 64), (64, 1))  # large enough to be cut


def png16(path, colour_type, pixel):
    """Write a 16-bit PNG of one pixel, of kinds that Pillow does not write."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 16, colour_type, 0, 0, 0)
    body = zlib.compress(b"\0" + struct.pack(f">{len(pixel)}H", *pixel))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))
    return path


def npy(path, values):
    np.save(path, values)
    return path


def mode_of(path):
    with Image.open(path) as image:
        return image.mode


def message(path):
    with pytest.raises(UserError) as error:
        read_map(path)
    return str(error.value)


def same(path, values):
    found = read_map(path)
    assert found.dtype == values.dtype
    assert found.dtype.isnative
    assert np.array_equal(found, values)


@pytest.mark.parametrize("ending", ["png", "tif", "tiff", "gif", "bmp", "pgm", "npy", "PNG", "NPY"])
def test_eight_bits(tmp_path, ending):
    path = tmp_path / f"map.{ending}"
    if ending.lower() == "npy":
        with path.open("wb") as file:
            np.save(file, EIGHT)
    else:
        Image.fromarray(EIGHT).save(path)
    same(path, EIGHT)


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_sixteen_bits(tmp_path, ending):
    Image.fromarray(SIXTEEN).save(tmp_path / f"map.{ending}")
    same(tmp_path / f"map.{ending}", SIXTEEN)


@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bits_of_either_byte_order(tmp_path, order):
    tifffile.imwrite(tmp_path / "map.tif", SIXTEEN, byteorder=order)
    same(tmp_path / "map.tif", SIXTEEN)
    same(npy(tmp_path / "map.npy", SIXTEEN.astype(f"{order}u2")), SIXTEEN)


def test_integers_of_32_bits_that_fit_16(tmp_path):
    Image.fromarray(SIXTEEN.astype(np.int32)).save(tmp_path / "map.tif")
    assert mode_of(tmp_path / "map.tif") == "I"
    same(tmp_path / "map.tif", SIXTEEN)


@pytest.mark.parametrize(("low", "high"), [(-1, 9), (0, 65536)])
def test_integers_of_32_bits_that_do_not(tmp_path, low, high):
    path = tmp_path / "map.tif"
    Image.fromarray(np.array([[low, high]], np.int32)).save(path)
    assert message(path) == (
        f"{path}: 32-bit integers from {low} to {high}, whose scale is unknown; 8-bit maps go to 255, 16-bit ones to "
        "65535; store it as one of these, or as floating point"
    )


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f4", ">f8"])
@pytest.mark.parametrize("ending", ["tif", "npy"])
def test_floating_point(tmp_path, ending, kind):
    values = THIRD.astype(kind)
    path = tmp_path / f"map.{ending}"
    if ending == "npy":
        np.save(path, values)
    else:
        tifffile.imwrite(path, values, byteorder=">" if kind.startswith(">") else "<")
    same(path, values.astype(np.float32 if kind == "f2" else kind.strip(">")))


def test_floating_point_that_pillow_wrote(tmp_path):
    values = THIRD.astype(np.float32)
    Image.fromarray(values).save(tmp_path / "map.tif", compression="tiff_lzw")
    same(tmp_path / "map.tif", values)


@pytest.mark.parametrize("options", [{"tile": (16, 16)}, {"compression": "zlib"}, {"rowsperstrip": 8}], ids=str)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32, np.float64])
def test_tiff_in_tiles_strips_and_compressed(tmp_path, options, kind):
    whole = np.issubdtype(kind, np.integer)
    values = (REPEATED * np.iinfo(kind).max).astype(kind) if whole else REPEATED.astype(kind)
    tifffile.imwrite(tmp_path / "map.tif", values, **options)
    same(tmp_path / "map.tif", values)


@pytest.mark.parametrize("ending", ["png", "tif", "bmp", "npy"])
def test_one_bit(tmp_path, ending):
    values = np.array([[False, True], [True, True]])
    path = tmp_path / f"map.{ending}"
    np.save(path, values) if ending == "npy" else Image.fromarray(values).save(path)
    same(path, np.array([[0, 255], [255, 255]], np.uint8))


def test_labels_of_0_and_1(tmp_path):
    Image.fromarray(np.array([[0, 1]], np.uint8)).save(tmp_path / "map.png")
    same(tmp_path / "map.png", np.array([[0, 255]], np.uint8))
    Image.fromarray(np.array([[0, 1]], np.uint16)).save(tmp_path / "deep.png")
    same(tmp_path / "deep.png", np.array([[0, 65535]], np.uint16))
    same(npy(tmp_path / "float.npy", np.array([[0.0, 1.0]])), np.array([[0.0, 1.0]]))


def test_two_levels_stay_as_they_are(tmp_path):
    values = np.array([[3, 253]], np.uint8)
    Image.fromarray(values).save(tmp_path / "map.png")
    same(tmp_path / "map.png", values)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_equal_channels(tmp_path, mode):
    Image.fromarray(EIGHT).convert(mode).save(tmp_path / "map.png")
    assert mode_of(tmp_path / "map.png") == mode
    same(tmp_path / "map.png", EIGHT)


@pytest.mark.parametrize("ending", ["png", "gif"])
def test_grey_palette_is_read_by_grey_not_by_index(tmp_path, ending):
    image = Image.frombytes("P", (2, 1), bytes([0, 1]))
    image.putpalette([253] * 3 + [3] * 3)
    image.save(tmp_path / f"map.{ending}", transparency=bytes([0, 255]) if ending == "png" else 1)
    same(tmp_path / f"map.{ending}", np.array([[253, 3]], np.uint8))


def test_colour(tmp_path):
    path = tmp_path / "map.png"
    Image.fromarray(np.array([[[0, 0, 0], [9, 9, 8], [9, 8, 9], [255, 255, 255]]], np.uint8)).save(path)
    assert message(path) == (
        f"{path}: a colour image, channels differ at 2 of 4 pixels; a map is grey; store the vessel probability alone"
    )
    palette = Image.frombytes("P", (2, 1), bytes([0, 1]))
    palette.putpalette([0, 0, 0, 255, 0, 0])
    palette.save(tmp_path / "map.gif")
    assert "map.gif: a colour image, channels differ at 1 of 2 pixels" in message(tmp_path / "map.gif")


@pytest.mark.parametrize(("colour_type", "pixel"), [(2, (5, 5, 5)), (4, (5, 65535)), (6, (5, 5, 5, 65535))])
def test_sixteen_bits_a_channel_are_not_cut_to_eight(tmp_path, colour_type, pixel):
    path = png16(tmp_path / "map.png", colour_type, pixel)
    assert message(path) == (f"{path}: 16-bit image with more than one channel; a map has one; store it as 16-bit grey")


def test_other_colour_spaces(tmp_path):
    path = tmp_path / "map.tif"
    Image.new("CMYK", (2, 2)).save(path)
    assert message(path) == (
        f"{path}: an array of shape (2, 2, 4); a map has two axes, rows and columns; "
        "store the vessel probability of one image alone"
    )


def test_pages_and_frames(tmp_path):
    one, other = Image.fromarray(EIGHT), Image.fromarray(255 - EIGHT)
    for name in ("map.tif", "map.gif"):
        path = tmp_path / name
        one.save(path, save_all=True, append_images=[other])
        assert message(path) == (f"{path}: 2 pages or frames; a map is one; store the vessel probability alone")


@pytest.mark.parametrize("shape", [(1, 2, 3), (2, 3, 1), (1, 2, 3, 1), (1, 1, 2, 3)])
def test_axes_of_length_1(tmp_path, shape):
    same(npy(tmp_path / "map.npy", THIRD.reshape(shape)), THIRD)


def test_an_image_of_one_row_keeps_it(tmp_path):
    same(npy(tmp_path / "map.npy", THIRD.reshape(1, 1, 6)), THIRD.reshape(1, 6))


@pytest.mark.parametrize("shape", [(6,), (2, 2, 2), (2, 1, 2), (0, 3)])
def test_wrong_axes(tmp_path, shape):
    path = npy(tmp_path / "map.npy", np.zeros(shape))
    assert message(path) == (
        f"{path}: an array of shape {shape}; a map has two axes, rows and columns; "
        "store the vessel probability of one image alone"
    )


def test_wrong_axes_of_a_tiff(tmp_path):
    tifffile.imwrite(tmp_path / "map.tif", np.zeros((3, 4, 5)), photometric="minisblack")
    assert "an array of shape (3, 4, 5); a map has two axes" in message(tmp_path / "map.tif")


@pytest.mark.parametrize("kind", ["int8", "int32", "int64", "uint32", "complex64"])
def test_wrong_types(tmp_path, kind):
    path = npy(tmp_path / "map.npy", np.array([[0, 1]], kind))
    assert message(path) == (
        f"{path}: numbers of type {kind}, whose scale is unknown; "
        "a map is of bool, uint8, uint16, float16, float32, float64; convert it to floating point from 0 to 1"
    )


@pytest.mark.parametrize("ending", ["npy", "tif"])
def test_values_that_are_no_numbers(tmp_path, ending):
    values = np.array([[0.5, 0.5, 0.5], [0.5, np.nan, -np.inf]], np.float32)
    path = tmp_path / f"map.{ending}"
    np.save(path, values) if ending == "npy" else Image.fromarray(values).save(path)
    assert message(path) == (
        f"{path}: 2 of 6 values are NaN or infinite, the first at row 1, column 1; "
        "every pixel needs a probability; predict this image again"
    )


@pytest.mark.parametrize(("low", "high"), [(-2.5, 4.0), (0.0, 255.0), (-0.001, 1.0), (0.0, 1.0000001)])
def test_values_outside_0_to_1(tmp_path, low, high):
    path = npy(tmp_path / "map.npy", np.array([[low, 0.5, high]]))
    assert message(path) == (
        f"{path}: values from {low} to {high}; probabilities lie in [0, 1]; "
        "if these are logits, apply a sigmoid; if grey levels, divide by the one that stands for 1"
    )


@pytest.mark.parametrize(("value", "kind"), [(0, "u1"), (1, "u1"), (255, "u1"), (65535, "u2"), (0.5, "f4")])
def test_constant(tmp_path, value, kind):
    path = npy(tmp_path / "map.npy", np.full((2, 2), value, kind))
    assert message(path) == (
        f"{path}: constant, every pixel is {value}; a map tells pixels apart; predict this image again"
    )


def test_eight_bits_stored_in_sixteen(tmp_path):
    path = tmp_path / "map.png"
    Image.fromarray(EIGHT.astype(np.uint16)).save(path)
    assert message(path) == (
        f"{path}: a 16-bit map with no value above 255, a probability of 0.0039; 65535 stands for 1; "
        "if these are 8-bit values, store them in 8 bits"
    )
    Image.fromarray(np.array([[0, 256]], np.uint16)).save(path)
    same(path, np.array([[0, 256]], np.uint16))


@pytest.mark.parametrize("ending", ["png", "gif", "bmp", "pgm"])
def test_broken_images(tmp_path, ending):
    path = tmp_path / f"map.{ending}"
    Image.fromarray((REPEATED * 255).astype(np.uint8)).save(path)
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], whole[:12], b"hello", b""):
        path.write_bytes(broken)
        assert message(path) == (
            f"{path}: not a whole PNG, TIFF, GIF, BMP, PGM or NPY file; write it again in one of these formats"
        )


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"tile": (16, 16)}], ids=str)
def test_broken_tiffs(tmp_path, kind, options):
    path = tmp_path / "map.tif"
    tifffile.imwrite(path, REPEATED.astype(kind), **options)
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], whole[:12], b"hello", b""):
        path.write_bytes(broken)
        assert message(path) == (
            f"{path}: not a whole TIFF file, or of a compression that cannot be read; "
            "write it again without compression, or as NPY"
        )


def test_broken_arrays(tmp_path):
    path = npy(tmp_path / "map.npy", REPEATED)
    whole = path.read_bytes()
    npz = tmp_path / "arrays.npz"
    np.savez(npz, REPEATED)
    objects = npy(tmp_path / "objects.npy", np.array([[{}, 1]], object)).read_bytes()
    for broken in (whole[: len(whole) // 2], whole[:7], b"hello", b"", npz.read_bytes(), objects):
        path.write_bytes(broken)
        assert message(path) == f"{path}: not a whole NPY array of numbers; write it again with numpy.save"


def test_jpeg_is_refused(tmp_path):
    path = tmp_path / "map.jpg"
    Image.fromarray(EIGHT).save(path)
    assert message(path) == (
        f"{path}: not a whole PNG, TIFF, GIF, BMP, PGM or NPY file; write it again in one of these formats"
    )


def test_no_such_file(tmp_path):
    for name in ("map.png", "map.npy"):
        assert message(tmp_path / name) == f"{tmp_path / name}: no such file; correct the path"


def test_odd_metadata_does_not_warn(tmp_path):
    path = tmp_path / "map.tif"
    Image.fromarray(EIGHT).save(path, tiffinfo={65000: "x" * 40})
    data = bytearray(path.read_bytes())
    at = data.index(struct.pack("<HHI", 65000, 2, 41)) + 8
    data[at : at + 4] = struct.pack("<I", 10**6)  # the description now lies behind the file's end
    path.write_bytes(data)
    same(path, EIGHT)  # warnings are errors here


def test_a_map_with_levels_of_its_own_is_read_as_the_pipeline_reads_it(tmp_path):
    write_levels(tmp_path / "map.png", np.random.default_rng(0).random((300, 301)) ** 4, bits=8)
    assert np.array_equal(read_map(tmp_path / "map.png"), read_levels(tmp_path / "map.png"))
