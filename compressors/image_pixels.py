"""image_pixels_v1: an uncompressed image file (BMP, PGM, PPM, TIFF), its pixels through an image coder.

The payload is the length of the image stream (4 bytes, little-endian), the image stream (JPEG XL or WebP,
lossless), and the file's other bytes (header, padding of rows, trailer), deflated.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from panini_daemon.compressors import pixels
from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import NotApplicable, PayloadDamaged
from panini_daemon.compressors.parameters import check_size, read_choice, read_flag, read_int
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Level
from panini_daemon.compressors.rasters import Raster, find_raster
from panini_daemon.compressors.rest import deflate_rest, inflate_rest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PREFIX = 4


class ImagePixels(Compressor):
    """Lossless image coding of files whose pixels lie open; `image_pixels_v2` offers itself instead."""

    method = "image_pixels_v1"
    reconstruction = "pixels_into_file"
    family = "image"

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Code the pixels every way the level allows, keep the smallest that is exact.

        Raises NotApplicable.
        """
        if not data:
            return Encoded(b"")
        raster = find_raster(data)
        if raster is None:
            raise NotApplicable("the chunk is no uncompressed BMP, PGM, PPM or TIFF file of 8 or 16 bits a sample")
        image = pixels.view_pixels(data, raster)
        stream, coder = pixels.encode_smallest(image, raster, context.level)
        rest = deflate_rest(_take_rest(data, raster))
        payload = len(stream).to_bytes(_PREFIX, "little") + stream + rest
        return Encoded(payload, {"coder": coder, **asdict(raster)})

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Rebuild the file. Raises PayloadDamaged."""
        del device
        if not size:
            return check_size(payload, 0)
        raster = _read_raster(parameters, size)
        coder = read_choice(parameters, "coder", pixels.CODERS)
        end = _PREFIX + int.from_bytes(payload[:_PREFIX], "little")
        if end > len(payload):
            raise PayloadDamaged(f"the payload has {len(payload)} bytes; its image stream alone ends at {end}")
        rest = inflate_rest(payload[end:], size - raster.pixel_bytes)
        image = pixels.decode(payload[_PREFIX:end], coder, raster)
        return _rebuild(image, rest, raster, size)

    def memory(self, size: int, level: Level) -> int:
        """Count the coders' planes of floats and contexts."""
        return (60 if level in (Level.BEST, Level.MAX) else 40) * size + (64 << 20)


def _read_raster(parameters: Mapping[str, Json], size: int) -> Raster:
    raster = Raster(
        **{
            name: read_int(parameters, name, 0, max(size, 16))
            for name in ("offset", "width", "height", "channels", "bits", "stride")
        },
        big=read_flag(parameters, "big"),
        bgr=read_flag(parameters, "bgr"),
    )
    if not raster.fits(size):
        raise PayloadDamaged(
            f"the recipe's image ({raster.width} x {raster.height}, {raster.channels} x {raster.bits} bits, at "
            f"{raster.offset}) does not fit into {size} bytes; restore recipe.json from a copy"
        )
    return raster


def _take_rest(data: bytes, raster: Raster) -> bytes:
    end = raster.offset + raster.stride * (raster.height - 1) + raster.row
    parts = [data[: raster.offset]]
    if raster.stride > raster.row:
        starts = range(raster.offset + raster.row, end, raster.stride)
        parts += [data[at : at + raster.stride - raster.row] for at in starts[: raster.height - 1]]
    return b"".join([*parts, data[end:]])


def _rebuild(image: "NDArray[np.generic]", rest: bytes, raster: Raster, size: int) -> bytes:
    import numpy as np  # noqa: PLC0415

    file = np.empty(size, np.uint8)
    left = np.frombuffer(rest, np.uint8)
    gap = (raster.stride - raster.row) * (raster.height - 1)
    end = raster.offset + raster.stride * (raster.height - 1) + raster.row
    file[: raster.offset] = left[: raster.offset]
    file[end:] = left[raster.offset + gap :]
    rows = np.ascontiguousarray(image).view(np.uint8).reshape(raster.height, raster.row)
    body = file[raster.offset : end - raster.row].reshape(raster.height - 1, raster.stride)
    body[:, : raster.row] = rows[:-1]
    padding = (raster.height - 1, raster.stride - raster.row)
    body[:, raster.row :] = left[raster.offset : raster.offset + gap].reshape(padding)
    file[end - raster.row : end] = rows[-1]
    return file.tobytes()
