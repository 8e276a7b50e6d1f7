"""Photographs in the formats in which cameras and people store them, and what is answered to others."""

import gzip
import io
import re
import sys
import tarfile
import zipfile

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from test_foreign import write_png
from vesselbench.config import UserError
from vesselbench.data.images import read_image
from vesselbench.photograph import ENDINGS, EXPORT, read_photograph

COLOUR = np.array((190, 110, 60))
NO_COLOUR = "it has no colour, but the network learned from colour photographs"
BRIGHT = "; its vessels look bright, as in an angiogram, but it learned dark ones: invert it"
ODD = f"not an image of a kind that is read, or not the whole of one; fetch it again, or {EXPORT}"


def eye(surround=0, rows=120, columns=160):
    """Draw a disc of grain with dark vessels on a surround: uint8 (rows, columns, 3)."""
    y, x = np.ogrid[:rows, :columns]
    disc = np.hypot(y - rows / 2, x - columns / 2) < 0.45 * rows
    light = np.random.default_rng(4).normal(1, 0.02, (rows, columns)) - 0.4 * ((x + y // 3) % 20 < 2)
    return np.where(disc[..., None], (light[..., None] * COLOUR).clip(0, 255), surround).astype(np.uint8), disc


def saved(path, pixels, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


def agree(path, expected, *notes, within=0):
    pixels, said = read_photograph(path)
    assert (pixels.dtype, pixels.shape, said) == (np.uint8, expected.shape, list(notes))
    assert np.abs(pixels.astype(int) - expected).max() <= within


def refused(path, message):
    with pytest.raises(UserError) as error:
        read_photograph(path)
    assert str(error.value) == f"{path}: {message}"


@pytest.mark.parametrize("orientation", range(10))
def test_the_orientation_in_exif_is_obeyed(tmp_path, orientation):
    upright, across = eye()[0], (1, 0, 2)
    stored = {  # where EXIF says that the first row and the first column of the upright picture lie
        2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.transpose(across),
        6: upright.transpose(across)[::-1], 7: upright.transpose(across)[::-1, ::-1],
        8: upright.transpose(across)[:, ::-1],
    }.get(orientation, upright)  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    agree(saved(tmp_path / "eye.png", stored, exif=exif), upright)
    agree(saved(tmp_path / "eye.webp", stored, exif=exif, lossless=True), upright)
    tag = [(274, "H", 1, orientation, True)]
    tifffile.imwrite(tmp_path / "deep.tif", stored.astype(np.uint16) * 257, photometric="rgb", extratags=tag)
    agree(tmp_path / "deep.tif", upright)
    deep = saved(tmp_path / "deep.png", stored[..., 1].astype(np.uint16) * 257, exif=exif)
    agree(deep, np.dstack([upright[..., 1]] * 3), NO_COLOUR)
    agree(saved(tmp_path / "eye.tif", stored, exif=exif), upright)


def test_what_pillow_knows_in_8_bits_is_read_as_it_has_it_and_a_packed_pixmap(tmp_path):
    pixels = eye()[0]
    for mode, name in (("P", "eye.gif"), ("CMYK", "eye.tif"), ("CMYK", "eye.jpg"), ("RGB", "eye.bmp")):
        Image.fromarray(pixels).convert(mode).save(tmp_path / name)
        agree(tmp_path / name, read_image(tmp_path / name))
    packed = tmp_path / "im0001.ppm.gz"  # as STARE's owner has it
    packed.write_bytes(gzip.compress(saved(tmp_path / "im0001.ppm", pixels).read_bytes()))
    agree(packed, pixels)
    packed.write_bytes(packed.read_bytes()[:-9])
    refused(packed, ODD)


@pytest.mark.parametrize(("bits", "notes"), [
    (16, []), (14, ["values up to 16383: taken as 14 bits"]), (12, ["values up to 4095: taken as 12 bits"]),
    (10, ["values up to 1023: taken as 10 bits"]), (8, ["values up to 255: taken as 8 bits"]),
])  # fmt: skip
def test_more_than_8_bits_are_read_by_their_depth(tmp_path, bits, notes):
    pixels = eye()[0]
    pixels[60, 80] = 255
    deep, grey = (np.rint(values / 255 * (2**bits - 1)).astype(np.uint16) for values in (pixels, pixels[..., 1]))
    cv2.imwrite(str(tmp_path / "deep.png"), deep[..., ::-1])
    lzw = [cv2.IMWRITE_TIFF_COMPRESSION, 5]
    cv2.imwrite(str(tmp_path / "lzw.tif"), deep[..., ::-1], lzw)
    tifffile.imwrite(tmp_path / "big.tif", deep, photometric="rgb", bigtiff=True, compression="zlib")
    tifffile.imwrite(tmp_path / "motorola.tif", deep, photometric="rgb", byteorder=">")
    for name in ("deep.png", "lzw.tif", "big.tif", "motorola.tif"):
        agree(tmp_path / name, pixels, *notes)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    cv2.imwrite(str(tmp_path / "grey.tif"), grey, lzw)
    tifffile.imwrite(tmp_path / "white.tif", 2**bits - 1 - grey, photometric="miniswhite")
    for name in ("grey.png", "grey.tif", "white.tif"):
        agree(tmp_path / name, np.dstack([pixels[..., 1]] * 3), *notes, NO_COLOUR)


def test_deep_tiffs_of_rare_layouts_are_refused(tmp_path):
    pixels, path = eye()[0].astype(np.uint16), tmp_path / "eye.tif"
    tifffile.imwrite(path, np.moveaxis(pixels, 2, 0), photometric="rgb", planarconfig="separate")
    refused(path, f"more than 8 bits in a plane for each colour, which is not read; {EXPORT}")
    for kind in (np.int16, np.int32, np.float32):
        tifffile.imwrite(path, pixels[..., 1].astype(kind))
        refused(path, f"values of {np.dtype(kind)}, not of 8 or 16 bits without a sign; {EXPORT}")
    for kind in (np.float16, np.float32, np.float64):
        tifffile.imwrite(path, pixels.astype(kind), photometric="rgb")
        refused(path, ODD)


def test_a_photograph_without_colour_is_noted_and_so_are_bright_vessels(tmp_path):
    pixels, disc = eye()
    green, empty = pixels[..., 1], np.zeros_like(pixels[..., 1])
    turned = np.where(disc, 255 - green, 0).astype(np.uint8)
    for channel, more in ((green, ""), (turned, BRIGHT)):
        agree(saved(tmp_path / "grey.png", channel), np.dstack([channel] * 3), NO_COLOUR + more)
        green_alone = saved(tmp_path / "green.png", np.dstack([empty, channel, empty]))
        agree(green_alone, np.dstack([channel] * 3), NO_COLOUR + more)
        red_free = np.dstack([empty, channel, channel // 2])
        agree(saved(tmp_path / "red_free.png", red_free), red_free, NO_COLOUR + more)


@pytest.mark.parametrize("colour", [(255, 255, 255), (200, 200, 200), (0, 200, 0)])
def test_a_surround_of_one_colour_becomes_black(tmp_path, colour):
    (pixels, disc), black = eye(colour), eye()[0]
    core = cv2.erode(disc.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    note = f"its surround of the colour {', '.join(map(str, colour))} (RGB) is taken as black"
    agree(saved(tmp_path / "eye.png", pixels), black * core[..., None], note)
    found, notes = read_photograph(saved(tmp_path / "eye.jpg", pixels, quality=90))
    assert len(notes) == 1
    far = cv2.dilate(disc.astype(np.uint8), np.ones((17, 17), np.uint8)) == 0  # beyond JPEG's blocks at the rim
    assert found[far].max() == 0
    assert np.median(found[core].astype(int) - black[core]) == 0


def test_what_is_transparent_becomes_black(tmp_path):
    (pixels, disc), black = eye((255, 0, 255)), eye()[0]
    note = f"{100 * (~disc).mean():.0f} % of it is transparent: taken as black"
    layers = np.dstack([pixels, np.where(disc, 255, 0).astype(np.uint8)])
    agree(saved(tmp_path / "eye.png", layers), black, note)
    agree(saved(tmp_path / "opaque.png", np.dstack([black, np.full_like(layers[..., 3], 255)])), black)
    cv2.imwrite(str(tmp_path / "deep.png"), layers[..., [2, 1, 0, 3]].astype(np.uint16) * 257)
    agree(tmp_path / "deep.png", black, note)
    grey = write_png(tmp_path / "grey.png", layers[..., [1, 3]].astype(np.uint16) * 257, 4)  # and transparency
    agree(grey, np.dstack([black[..., 1]] * 3), note, NO_COLOUR)
    infrared = np.dstack([black, np.zeros_like(layers[..., 3])]).astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "infrared.tif", infrared, photometric="rgb", extrasamples=["unspecified"])
    agree(tmp_path / "infrared.tif", black)


def test_several_pages_are_counted_but_for_reduced_ones(tmp_path):
    image = Image.fromarray(eye()[0])
    many = {"save_all": True, "append_images": [image.rotate(90), image.rotate(180)]}
    for name in ("eye.tif", "eye.png", "eye.webp", "eye.gif"):
        image.save(tmp_path / name, **many)
        refused(tmp_path / name, "3 pictures, but a photograph is one; save each as a file of its own")
    for kind, scale in ((np.uint8, 1), (np.uint16, 257)):
        for step, reduced in ((1, 0), (4, 1)):  # the whole, then a thumbnail
            level = eye()[0][::step, ::step].astype(kind) * scale
            tifffile.imwrite(tmp_path / "eye.tif", level, photometric="rgb", subfiletype=reduced, append=step > 1)
        agree(tmp_path / "eye.tif", eye()[0])
    image.save(tmp_path / "eye.mpo", **many)
    assert read_photograph(tmp_path / "eye.mpo")[1] == ["3 pictures in one file: taken is the first"]


def dicom(path, values, photometric, bits=8, syntax="1.2.840.10008.1.2.1", **elements):
    pydicom = pytest.importorskip("pydicom")
    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.SOPClassUID, data.SOPInstanceUID = pydicom.uid.OphthalmicPhotography8BitImageStorage, "1.2.3"
    (data.Rows, data.Columns), data.SamplesPerPixel, data.PlanarConfiguration = values.shape[:2], values[0, 0].size, 0
    data.BitsStored, data.HighBit, data.BitsAllocated, data.PixelRepresentation = bits, bits - 1, 8 + 8 * (bits > 8), 0
    data.PhotometricInterpretation, data.PixelData = photometric, values.tobytes()
    for name, value in elements.items():
        setattr(data, name, value)
    data.save_as(path, enforce_file_format=True)
    return path


def test_dicom_is_read_by_its_own_rules(tmp_path, monkeypatch):
    pydicom = pytest.importorskip("pydicom")
    pixels, path = eye()[0], tmp_path / "without_ending"
    agree(dicom(path, pixels, "RGB"), pixels)
    agree(dicom(path, np.array(Image.fromarray(pixels).convert("YCbCr")), "YBR_FULL"), pixels, within=3)
    jpeg = io.BytesIO()
    Image.fromarray(pixels).save(jpeg, "JPEG", quality=95, subsampling=0)
    coded = {"syntax": pydicom.uid.JPEGBaseline8Bit, "PixelData": pydicom.encaps.encapsulate([jpeg.getvalue()])}
    agree(dicom(path, pixels, "YBR_FULL_422", **coded), np.array(Image.open(jpeg)), within=2)
    green = np.dstack([pixels[..., 1]] * 3)
    deep = np.rint(pixels[..., 1] / 255 * 4095).astype(np.uint16)
    agree(dicom(path, deep, "MONOCHROME2", 12), green, NO_COLOUR)
    agree(dicom(path, 4095 - deep, "MONOCHROME1", 12), green, NO_COLOUR)
    palette = dicom(path, pixels[..., 1], "PALETTE COLOR")
    refused(palette, f"a DICOM file of PALETTE COLOR, which is not read; {EXPORT}")
    frames = dicom(path, pixels, "RGB", NumberOfFrames=4)
    refused(frames, "4 pictures, but a photograph is one; save each as a file of its own")
    lossless = {"syntax": pydicom.uid.JPEGLossless, "PixelData": pydicom.encaps.encapsulate([b"\xff\xd8abcdef"])}
    with pytest.raises(UserError, match=r"^[^\n]*: no library decodes JPEG Lossless, [^\n]*; export it as JPEG"):
        read_photograph(dicom(path, pixels, "RGB", **lossless))
    data = pydicom.dcmread(dicom(path, pixels, "RGB"))
    del data.PixelData
    data.save_as(path)
    refused(path, f"a DICOM file without a picture; {EXPORT} what you want segmented")
    monkeypatch.setitem(sys.modules, "pydicom", None)
    refused(path, "a DICOM file; to read it, run pip install 'vesselbench[dicom]'")


def test_what_is_no_photograph_is_named(tmp_path, monkeypatch):
    export = f"which is not read; {EXPORT}"
    whole = saved(tmp_path / "whole.png", eye()[0])
    contents = {
        "eye.jpg": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", f"is HEIC, {export}"), "empty.png": (b"", ODD),
        "eye.NEF": (b"II*\0", f"is a camera's raw file, {export}"),
        "cut.png": (whole.read_bytes()[:9000], ODD), "head.tif": (b"II*\0\x08\0\0\0", ODD), "no.tif": (b"hello", ODD),
    }  # fmt: skip
    for name, (content, message) in contents.items():
        (tmp_path / name).write_bytes(content)
        refused(tmp_path / name, message)
        assert (tmp_path / name).suffix.lower() in ENDINGS
    refused(tmp_path / "lost.png", "No such file or directory")
    for mask in (eye()[1], np.where(eye()[1], 255, 0).astype(np.uint8)):
        refused(saved(tmp_path / "mask.png", mask), "two levels at most, as in a mask; give a photograph")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", eye()[1].size - 1)  # above it Pillow warns, above twice it raises
    agree(whole, eye()[0])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9500)
    tifffile.imwrite(tmp_path / "deep.tif", eye()[0].astype(np.uint16), photometric="rgb")
    for path in (whole, tmp_path / "deep.tif"):
        refused(path, "above 19,000 pixels, the limit; make it smaller")


@pytest.mark.archives
@pytest.mark.slow
def test_ordinary_photographs_are_left_as_they_are(archives, tmp_path):
    zips = {"DRIVE.zip": r"/images/", "CHASEDB1.zip": r"\.jpg$", "LES-AV.zip": r"/images/(12|224|34)\."}
    for name, wanted in zips.items():
        with zipfile.ZipFile(archives / name) as file:
            file.extractall(tmp_path, [member for member in file.namelist() if re.search(wanted, member)])
    with tarfile.open(archives / "stare-images.tar") as file:
        for member in filter(tarfile.TarInfo.isfile, file):
            (tmp_path / member.name.rpartition("/")[2]).write_bytes(file.extractfile(member).read())
    for packed in tmp_path.glob("*.gz"):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    paths = [path for path in tmp_path.rglob("*") if path.suffix.lower() in ENDINGS]
    assert len(paths) == 40 + 28 + 20 + 3
    for path in paths:
        agree(path, read_image(path))
