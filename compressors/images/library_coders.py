"""Coders of libraries: JPEG XL through imagecodecs, lossless WebP through Pillow."""

import io
from typing import TYPE_CHECKING

from panini_daemon.compressors import jxl
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.images.layout import Layout, pack_samples, unpack_samples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WEBP_SIDE, _WEBP_PIXELS = 16383, 1 << 25


def suits_jxl(layout: Layout) -> bool:
    """Tell whether JPEG XL carries such samples; two channels the library would take for two pictures."""
    return layout.bits >= 8 and layout.channels != 2


def suits_webp(layout: Layout) -> bool:
    """Tell whether WebP carries such samples: 8 bits of red, green, blue and perhaps alpha."""
    small = max(layout.width, layout.height) <= _WEBP_SIDE and layout.width * layout.height <= _WEBP_PIXELS
    return small and layout.bits == 8 and layout.channels >= 3


def encode_jxl(rows: bytes, layout: Layout, effort: int) -> bytes | None:
    """Encode as JPEG XL; None where the library does not take the pixels."""
    import imagecodecs  # noqa: PLC0415  large; only image chunks should pay for it

    samples = unpack_samples(rows, layout).reshape(_shape(layout))
    try:
        stream = imagecodecs.jpegxl_encode(samples, lossless=True, effort=effort, usecontainer=False, numthreads=1)
    except (imagecodecs.JpegxlError, RuntimeError, ValueError):
        return None
    return bytes(stream)


def decode_jxl(stream: bytes, layout: Layout) -> bytes:
    """Decode a JPEG XL stream of exactly this layout. Raises PayloadDamaged."""
    _require(suits_jxl(layout), "JPEG XL")
    _check_sides(jxl.read_dimensions(stream), layout)
    import imagecodecs  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    out = np.empty(_shape(layout), f"u{layout.bits // 8}")
    try:
        found = np.asarray(imagecodecs.jpegxl_decode(stream, numthreads=1, keeporientation=True, out=out))
    except (imagecodecs.JpegxlError, RuntimeError, ValueError) as error:
        raise PayloadDamaged(f"the JPEG XL stream is damaged ({error}); restore compressed.bin from a copy") from error
    return _pack(found, layout)


def encode_webp(rows: bytes, layout: Layout, effort: int) -> bytes | None:
    """Encode as lossless WebP, `effort` 0 to 6."""
    from PIL import Image  # noqa: PLC0415

    out = io.BytesIO()
    image = Image.frombytes(_mode(layout), (layout.width, layout.height), rows)
    image.save(out, "WEBP", lossless=True, quality=100 if effort > 4 else 50, method=effort, exact=True)
    return out.getvalue()


def decode_webp(stream: bytes, layout: Layout) -> bytes:
    """Decode a WebP file of exactly this layout. Raises PayloadDamaged."""
    _require(suits_webp(layout), "WebP")
    import numpy as np  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    try:
        with Image.open(io.BytesIO(stream), formats=("WEBP",)) as image:
            _check_sides(image.size, layout)
            return _pack(np.asarray(image.convert(_mode(layout))), layout)
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise PayloadDamaged(f"the WebP stream is damaged ({error}); restore compressed.bin from a copy") from error


def _shape(layout: Layout) -> tuple[int, ...]:
    flat = (layout.height, layout.width)
    return flat if layout.channels == 1 else (*flat, layout.channels)


def _mode(layout: Layout) -> str:
    return "RGB" if layout.channels == 3 else "RGBA"


def _require(suits: bool, name: str) -> None:  # noqa: FBT001  one fact, said where it is asked for
    if not suits:
        raise PayloadDamaged(
            f"the stream is {name}, which cannot hold these pixels; restore compressed.bin from a copy"
        )


def _check_sides(found: tuple[int, int], layout: Layout) -> None:
    if found != (layout.width, layout.height):
        raise PayloadDamaged(
            f"the image stream claims {found[0]} x {found[1]} pixels; expected {layout.width} x {layout.height}"
        )


def _pack(found: "NDArray[np.generic]", layout: Layout) -> bytes:
    if found.shape != _shape(layout) or found.dtype.itemsize * 8 != layout.bits:
        raise PayloadDamaged(
            f"the image stream holds {found.dtype} of shape {found.shape}; expected {layout.bits} bits of shape "
            f"{_shape(layout)}; restore compressed.bin from a copy"
        )
    return pack_samples(found, layout)
