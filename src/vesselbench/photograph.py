"""Photographs as people have them: any camera's file becomes 8-bit RGB, upright, its surround black."""

import gzip
import io
import warnings
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image
from PIL.Image import Transpose

from vesselbench.config import UserError
from vesselbench.data.fov import diameter, estimate

RAW = (".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf")
ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".pgm", ".webp", ".avif", ".jp2", ".mpo")
ENDINGS += (
    ".ppm.gz",
    ".pgm.gz",
    ".dcm",
    ".dicom",
    ".heic",
    ".heif",
    *RAW,
)  # the last are named, not read
EXPORT = "export it as JPEG, PNG or TIFF"
TURNS = {  # by the orientation in EXIF
    2: Transpose.FLIP_LEFT_RIGHT, 3: Transpose.ROTATE_180, 4: Transpose.FLIP_TOP_BOTTOM, 5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270, 7: Transpose.TRANSVERSE, 8: Transpose.ROTATE_90,
}  # fmt: skip
TOLERANCE = 16  # levels by which JPEG changes equal ones
DARK = 60  # the brightest level of black, or of film
RINGING = np.ones((3, 3), np.uint8)  # one pixel more: wider cuts vessels at the rim, narrower leaves JPEG's blur
cv2.utils.logging.setLogLevel(0)  # errors are told by UserError alone


def read_photograph(path: Path) -> tuple[np.ndarray, list[str]]:
    """Read a photograph as uint8 (H, W, 3), RGB, upright, its surround black; beside it notes on what is doubtful.

    Above 8 bits, the smallest of 8, 10, 12, 14, 16 that holds all values is the depth. UserError if it is none.
    """
    notes = []
    try:
        with path.open("rb") as file:
            packed = path.suffix.lower() == ".gz"  # as STARE's owner has it
            content = io.BytesIO(gzip.decompress(file.read())) if packed else path
            head = content.getvalue()[:132] if packed else file.read(132)
        heic = head[4:8] == b"ftyp" and b"hei" in head
        if heic or path.suffix.lower() in RAW:
            kind = "HEIC" if heic else "a camera's raw file"
            raise UserError(f"{path}: is {kind}, which is not read; {EXPORT}")
        with warnings.catch_warnings(action="ignore"):  # of damaged metadata, and of sizes below the limit
            dicom = head[128:] == b"DICM"
            pixels = _to_rgb(_read_dicom(path, notes) if dicom else _read(path, content, head, notes), notes)
    except (UserError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise UserError(f"{path}: above {2 * Image.MAX_IMAGE_PIXELS:,} pixels, the limit; make it smaller") from error
    except Exception as error:  # decoders raise all kinds of them
        rule = f"not an image of a kind that is read, or not the whole of one; fetch it again, or {EXPORT}"
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or rule}") from error
    _blacken_surround(pixels, notes)
    if len(np.unique(pixels[:: 1 + len(pixels) // 1000, :: 1 + pixels.shape[1] // 1000])) < 3:
        raise UserError(f"{path}: two levels at most, as in a mask; give a photograph")
    _judge_colour(pixels, notes)
    return pixels, notes


def _read(path: Path, content: Path | io.BytesIO, head: bytes, notes: list[str]) -> Image.Image:
    """Read the one picture of a file, 8 bits a channel, upright by its orientation in EXIF."""
    with Image.open(content) as image:
        count, tags = getattr(image, "n_frames", 1), getattr(image, "tag_v2", {})
        if image.format == "TIFF":
            with tifffile.TiffFile(path) as tiff:
                count = 1 + sum(not page.is_reduced for page in tiff.pages[1:])  # thumbnails do not count
        if image.format == "MPO":
            notes.append(f"{count} pictures in one file: taken is the first")
        else:
            _check_single(path, count)
        image.load()  # turns a TIFF, as OpenCV does
        turn = image.getexif().get(274)
        order = [2, 1, 0] if image.mode == "RGB" else [2, 1, 0, 3]  # an infrared fourth is left out, transparency not
        if image.mode[0] in "IF" or (image.format == "PNG" and head[24] > 8) or tags.get(258, (8,))[0] > 8:
            image.close()  # frees its memory
            if tags.get(284) == 2:
                raise UserError(f"{path}: more than 8 bits in a plane for each colour, which is not read; {EXPORT}")
            levels = _to_8_bits(path, _read_deep(path), notes, inverted=tags.get(262) == 0)
            image = Image.fromarray(levels if levels.ndim == 2 else levels[..., order])
    return image.transpose(TURNS[turn]) if turn in TURNS else image


def _read_deep(path: Path) -> np.ndarray:
    """Read the values of a picture at full depth by OpenCV, its blue first: Pillow cuts colour to 8 bits."""
    return cv2.imreadmulti(str(path), start=0, count=1, flags=cv2.IMREAD_UNCHANGED)[1][0]


def _read_dicom(path: Path, notes: list[str]) -> Image.Image:
    """Read the one picture of a DICOM file, 8 bits a channel."""
    try:
        from pydicom import dcmread, pixels
    except ImportError as error:
        raise UserError(f"{path}: a DICOM file; to read it, run pip install 'vesselbench[dicom]'") from error
    dataset = dcmread(path)
    if "PixelData" not in dataset:
        raise UserError(f"{path}: a DICOM file without a picture; {EXPORT} what you want segmented")
    _check_single(path, int(dataset.get("NumberOfFrames") or 1))
    kind = dataset.PhotometricInterpretation
    if kind == "PALETTE COLOR":
        raise UserError(f"{path}: a DICOM file of {kind}, which is not read; {EXPORT}")
    try:
        values = pixels.pixel_array(dataset)  # in RGB where it is YBR
    except (RuntimeError, NotImplementedError) as error:
        fix = f"{EXPORT}, or pip install 'pylibjpeg[all]'"
        raise UserError(f"{path}: no library decodes {dataset.file_meta.TransferSyntaxUID.name}; {fix}") from error
    return Image.fromarray(_to_8_bits(path, values, notes, dataset.BitsStored, kind == "MONOCHROME1"))


def _check_single(path: Path, count: int) -> None:
    if count > 1:
        raise UserError(f"{path}: {count} pictures, but a photograph is one; save each as a file of its own")


def _to_8_bits(path: Path, values: np.ndarray, notes: list[str], bits: int = 16, inverted: bool = False) -> np.ndarray:
    """Scale values to 8 bits by their depth, which may be less than the ``bits`` that the file names."""
    if values.dtype not in (np.uint8, np.uint16):
        raise UserError(f"{path}: values of {values.dtype}, not of 8 or 16 bits without a sign; {EXPORT}")
    top = values.max()
    depth = next(depth for depth in sorted({8, 10, 12, 14, 16, bits}) if top < 2**depth)
    if depth != bits:
        notes.append(f"values up to {top}: taken as {depth} bits")
    levels = cv2.convertScaleAbs(np.ascontiguousarray(values), alpha=255 / (2**depth - 1))
    return 255 - levels if inverted else levels


def _to_rgb(image: Image.Image, notes: list[str]) -> np.ndarray:
    """Convert to RGB, black where transparent; in strips, to save memory."""
    pixels, clear = np.empty((image.height, image.width, 3), np.uint8), 0
    for top in range(0, image.height, 256):
        part = pixels[top : top + 256]
        strip = np.asarray(image.crop((0, top, image.width, top + len(part))).convert("RGBA"))
        seen = strip[..., 3] > 127
        np.multiply(strip[..., :3], seen[..., None], out=part)
        clear += np.count_nonzero(~seen)
    if clear:
        notes.append(f"{100 * clear / (image.height * image.width):.0f} % of it is transparent: taken as black")
    return pixels


def _blacken_surround(pixels: np.ndarray, notes: list[str]) -> None:
    """Make a surround black, in place: what is of one colour, not dark, in all corners, and connected with them."""
    ends, (rows, columns) = (slice(None, 8), slice(-8, None)), pixels.shape[:2]
    corners = np.concatenate([pixels[vertical, across].reshape(-1, 3) for vertical in ends for across in ends])
    colour = np.median(corners, axis=0).astype(int)
    if np.ptp(corners, axis=0).max() > TOLERANCE or colour.max() <= DARK:
        return
    found = np.zeros((rows + 2, columns + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE
    for seed in ((0, 0), (columns - 1, 0), (0, rows - 1), (columns - 1, rows - 1)):
        cv2.floodFill(pixels, found, seed, 0, (TOLERANCE,) * 3, (TOLERANCE,) * 3, flags)
    np.copyto(pixels, 0, where=cv2.dilate(found[1:-1, 1:-1], RINGING)[..., None] > 0)
    notes.append(f"its surround of the colour {', '.join(map(str, colour))} (RGB) is taken as black")


def _judge_colour(pixels: np.ndarray, notes: list[str]) -> None:
    """Note what has no colour, and which way its vessels look; repeat a single filled channel over all, in place."""
    shrink = min(1, 500 / max(pixels.shape))
    small = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    filled = np.percentile(small, 99, axis=(0, 1)) > TOLERANCE
    if filled.sum() == 1:
        pixels[:] = pixels[..., filled]
    elif filled[:2].all() and np.percentile(np.ptp(small, axis=2), 99) > TOLERANCE:
        return
    note = "it has no colour, but the network learned from colour photographs"
    grey, eye = small.max(axis=2), estimate(small)
    width = round(0.02 * diameter(eye)) | 1  # about that of the widest vessels
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    inside = cv2.erode(np.pad(eye, width).astype(np.uint8), disk, iterations=4)[width:-width, width:-width] > 0
    bright = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, disk)[inside].mean()  # what is narrower than the disk
    dark = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, disk)[inside].mean()
    if bright > dark:
        note += "; its vessels look bright, as in an angiogram, but it learned dark ones: invert it"
    notes.append(note)
