"""Coding an array of pixels without loss: JPEG XL, or WebP where that is smaller."""

import io
from typing import TYPE_CHECKING

from panini_daemon.compressors import jxl
from panini_daemon.compressors.errors import NotApplicable, PayloadDamaged
from panini_daemon.compressors.protocol import Level
from panini_daemon.compressors.rasters import Raster

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CODERS = ("jxl", "webp")

_EFFORTS = {Level.FAST: (1,), Level.BALANCED: (5,), Level.BEST: (7,), Level.MAX: (7, 8, 9)}
_WEBP_SIDE, _WEBP_PIXELS = 16383, 1 << 25


def view_pixels(data: bytes, raster: Raster) -> "NDArray[np.generic]":
    """Copy a file's pixels into an array of height x width [x channels], red first, native byte order."""
    import numpy as np  # noqa: PLC0415  large; only image chunks should pay for it

    file = np.frombuffer(data, np.uint8)
    last = raster.offset + raster.stride * (raster.height - 1)
    rows = np.empty((raster.height, raster.row), np.uint8)
    rows[:-1] = file[raster.offset : last].reshape(raster.height - 1, raster.stride)[:, : raster.row]
    rows[-1] = file[last : last + raster.row]
    samples = rows.view(_stored_type(raster)).astype(f"=u{raster.bits // 8}")
    return _swap(samples.reshape(_shape(raster)), raster)


def encode_smallest(image: "NDArray[np.generic]", raster: Raster, level: Level) -> tuple[bytes, str]:
    """Encode every way the level allows; return the smallest stream that decodes exactly.

    Raises NotApplicable.
    """
    import imagecodecs  # noqa: PLC0415

    streams: list[tuple[bytes, str]] = []
    for effort in _EFFORTS[level]:
        try:
            stream = imagecodecs.jpegxl_encode(image, lossless=True, effort=effort, usecontainer=False, numthreads=1)
        except (imagecodecs.JpegxlError, RuntimeError, ValueError) as error:
            raise NotApplicable(f"JPEG XL cannot carry these pixels: {error}") from error
        streams.append((bytes(stream), "jxl"))
    if _suits_webp(raster) and (level is Level.MAX or (level is Level.BEST and _is_graphic(streams[-1][0], raster))):
        streams.append((_encode_webp(image), "webp"))
    for stream, coder in sorted(streams, key=lambda one: len(one[0])):
        if decode(stream, coder, raster).tobytes() == _stored(image, raster).tobytes():
            return stream, coder
    raise NotApplicable("no image coder gives these pixels back exactly")


def decode(stream: bytes, coder: str, raster: Raster) -> "NDArray[np.generic]":
    """Decode to pixels as the file stores them. Raises PayloadDamaged."""
    image = _decode_webp(stream, raster) if coder == "webp" else _decode_jxl(stream, raster)
    if image.shape != _shape(raster) or image.dtype.itemsize * 8 != raster.bits:
        raise PayloadDamaged(
            f"the image stream holds {image.dtype} of shape {image.shape}; expected {raster.bits} bits of shape "
            f"{_shape(raster)}; restore compressed.bin from a copy"
        )
    return _stored(image, raster)


def _is_graphic(stream: bytes, raster: Raster) -> bool:
    """Tell a drawing, where WebP may win, from a photograph, where it takes ten times JPEG XL's time to lose."""
    return 4 * len(stream) < raster.pixel_bytes


def _shape(raster: Raster) -> tuple[int, ...]:
    flat = (raster.height, raster.width)
    return flat if raster.channels == 1 else (*flat, raster.channels)


def _stored_type(raster: Raster) -> str:
    return "u1" if raster.bits == 8 else (">u2" if raster.big else "<u2")


def _stored(image: "NDArray[np.generic]", raster: Raster) -> "NDArray[np.generic]":
    return _swap(image, raster).astype(_stored_type(raster))


def _swap(image: "NDArray[np.generic]", raster: Raster) -> "NDArray[np.generic]":
    import numpy as np  # noqa: PLC0415

    if not raster.bgr or raster.channels < 3:
        return image
    return np.ascontiguousarray(image[..., [2, 1, 0, 3][: raster.channels]])


def _decode_jxl(stream: bytes, raster: Raster) -> "NDArray[np.generic]":
    found = jxl.read_dimensions(stream)
    if found != (raster.width, raster.height):
        raise PayloadDamaged(
            f"the image stream claims {found[0]} x {found[1]} pixels; expected {raster.width} x {raster.height}"
        )
    import imagecodecs  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    out = np.empty(_shape(raster), f"u{raster.bits // 8}")
    try:
        return np.asarray(imagecodecs.jpegxl_decode(stream, numthreads=1, keeporientation=True, out=out))
    except (imagecodecs.JpegxlError, RuntimeError, ValueError) as error:
        raise PayloadDamaged(f"the JPEG XL stream is damaged ({error}); restore compressed.bin from a copy") from error


def _suits_webp(raster: Raster) -> bool:
    small = max(raster.width, raster.height) <= _WEBP_SIDE and raster.width * raster.height <= _WEBP_PIXELS
    return small and raster.bits == 8 and raster.channels >= 3


def _encode_webp(image: "NDArray[np.generic]") -> bytes:
    from PIL import Image  # noqa: PLC0415

    out = io.BytesIO()
    Image.fromarray(image).save(out, "WEBP", lossless=True, quality=100, method=6, exact=True)
    return out.getvalue()


def _decode_webp(stream: bytes, raster: Raster) -> "NDArray[np.generic]":
    import numpy as np  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    mode = "RGB" if raster.channels == 3 else "RGBA"
    if not _suits_webp(raster):
        raise PayloadDamaged("the recipe names WebP for pixels that it cannot hold; restore recipe.json from a copy")
    try:
        with Image.open(io.BytesIO(stream), formats=("WEBP",)) as image:
            if image.size != (raster.width, raster.height):
                raise PayloadDamaged(
                    f"the image stream claims {image.size[0]} x {image.size[1]} pixels; expected "
                    f"{raster.width} x {raster.height}"
                )
            return np.asarray(image.convert(mode))
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise PayloadDamaged(f"the WebP stream is damaged ({error}); restore compressed.bin from a copy") from error
