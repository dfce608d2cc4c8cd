"""Small pictures, and files of all kinds that hold them."""

import io
import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROW, COLUMN = np.mgrid[0:13, 0:18]
COLOUR = np.stack([ROW * 9, COLUMN * 11, ROW * COLUMN], axis=-1).astype(np.uint8)
SHAPES = ((ROW // 4 + COLUMN // 5) % 7).astype(np.uint8)
TALL = np.vstack([SHAPES, SHAPES[::-1]])
"""Of 26 rows: Pillow does not interlace a GIF of fewer than 16."""


def save(image: Image.Image, name: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, name, **options)
    return out.getvalue()


def drawing(shapes: NDArray[np.uint8] = SHAPES) -> Image.Image:
    """A picture of seven colours."""
    image = Image.fromarray(shapes, "L").convert("P")
    image.putdata(shapes.reshape(-1).tolist())
    return image


def pam(depth: int, top: int) -> bytes:
    head = f"P7\nWIDTH 18\nHEIGHT 13\n# a remark\nDEPTH {depth}\nMAXVAL {top}\nTUPLTYPE X\nENDHDR\n".encode()
    size = 18 * 13 * depth * (2 if top > 255 else 1)
    return head + bytes(at * 7 % 256 for at in range(size))


def tiff(order: str, bits: int, channels: int, *, planes: bool = False) -> bytes:
    """Pixels behind a header with eight entries."""
    width, height = 18, 13
    row = (width * (1 if planes else channels) * bits + 7) // 8
    size = row * height * (channels if planes else 1)
    entries = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 1, bits), (259, 3, 1, 1), (273, 4, 1, 110)]
    entries += [(277, 3, 1, channels), (279, 4, 1, size), (284, 3, 1, 2 if planes else 1)]
    out = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(entries))
    for tag, kind, count, value in entries:
        code = {3: "HHIHxx", 4: "HHII"}[kind]
        out += struct.pack(order + code, tag, kind, count, value)
    return out + bytes(4) + bytes(at // 3 * 5 % 256 for at in range(size))


def tga(depth: int, kind: int) -> bytes:
    mapped = kind == 1
    head = struct.pack(
        "<BBBHHBHHHHBB", 3, mapped, kind, 0, 4 if mapped else 0, 24 if mapped else 0, 0, 0, 18, 13, depth, 0
    )
    return head + b"abc" + bytes(12 if mapped else 0) + bytes(at % 251 for at in range(18 * 13 * depth // 8)) + b"tail"


def animation() -> bytes:
    """A GIF of four frames, one of another size."""
    frames = [Image.fromarray(np.roll(SHAPES * 30, at, 1)).convert("P") for at in range(3)]
    return save(frames[0], "GIF", save_all=True, append_images=frames[1:], loop=0) + b"behind the end"


FILES: dict[str, Callable[[], bytes]] = {
    "bmp": lambda: save(Image.fromarray(COLOUR), "BMP"),
    "bmp-1": lambda: save(Image.fromarray(COLOUR[..., 1]).convert("1"), "BMP"),
    "bmp-8": lambda: save(drawing(), "BMP"),
    "bmp-32": lambda: save(Image.fromarray(np.dstack([COLOUR, SHAPES * 9])), "BMP"),
    "pbm": lambda: b"P4 # bits\n18 13\n" + bytes(range(39)),
    "pgm": lambda: b"P5\n18 13\n200\n" + COLOUR[..., 0].tobytes(),
    "pgm-16": lambda: b"P5 18 13 65535 " + (ROW * 2000 + COLUMN).astype(">u2").tobytes(),
    "ppm": lambda: save(Image.fromarray(COLOUR), "PPM"),
    "pam": lambda: pam(4, 255),
    "pam-2": lambda: pam(2, 65535),
    "tiff": lambda: save(Image.fromarray(COLOUR), "TIFF"),
    "tiff-16": lambda: tiff("<", 16, 3),
    "tiff-16-big": lambda: tiff(">", 16, 1),
    "tiff-1": lambda: tiff(">", 1, 1),
    "tiff-4": lambda: tiff("<", 4, 1),
    "tiff-cmyk": lambda: tiff("<", 8, 4),
    "tiff-planes": lambda: tiff("<", 8, 3, planes=True),
    "tga-24": lambda: tga(24, 2),
    "tga-16": lambda: tga(16, 2),
    "tga-map": lambda: tga(8, 1),
    "gif": lambda: save(drawing(), "GIF", interlace=0),
    "gif-interlaced-tall": lambda: save(drawing(TALL), "GIF", interlace=1),
    "gif-animation": animation,
}
"""By a name, what makes the file."""
