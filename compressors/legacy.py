"""Recipe 1.0's semantic methods, decoded only: what was written stays readable, nothing new is written so.

semantic_text_v1 gzipped the bytes. semantic_image_v1 gzipped the pixels of a decoded image: what comes back
is those pixels, encoded again by Pillow in the format named. That file shows the same picture but is hardly
ever the original byte for byte; callers compare hashes and say so.
"""

import io
import math
from collections.abc import Mapping
from typing import NoReturn

from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import NotApplicable, PayloadDamaged
from panini_daemon.compressors.generic_gzip import gunzip
from panini_daemon.compressors.parameters import check_claim, check_size
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json

_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP", "PPM")
_DTYPES = ("uint8", "uint16", "int32", "float32", "bool")
_PIXELS = 178_956_970  # Pillow, which recipe 1.0's writer read images with, refuses larger ones
_DEFLATE_RATIO = 1032  # deflate expands no further, so a longer claim is a lie


class SemanticText(Compressor):
    """Recipe 1.0's text method: gzip with a remark about the encoding."""

    method = "semantic_text_v1"
    reconstruction = "gzip_decompress"
    family = "legacy"

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Refuse: superseded by text_ppmd_v1. Raises NotApplicable."""
        del data, context
        _refuse(self.method, "text_ppmd_v1")

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Decode the gzip stream. Raises PayloadDamaged."""
        del parameters, device
        return check_size(gunzip(payload, size), size)


class SemanticImage(Compressor):
    """Recipe 1.0's image method: gzipped pixels, or a gzipped file where no shape is given."""

    method = "semantic_image_v1"
    reconstruction = "image_array_reconstruct"
    family = "legacy"
    exact_size = False

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Refuse: superseded by image_jxl_v1 and image_pixels_v1. Raises NotApplicable."""
        del data, context
        _refuse(self.method, "image")

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Decode the pixels and write them as a file in `format`; `size` is no more than a hint.

        Raises PayloadDamaged.
        """
        del device
        if parameters.get("shape") is None:
            return check_size(gunzip(payload, size), size)
        shape, dtype = _read_shape(parameters["shape"]), _read_word(parameters, "dtype", _DTYPES)
        name = _read_word(parameters, "format", _FORMATS)
        length = math.prod(shape) * {"uint16": 2, "int32": 4, "float32": 4}.get(dtype, 1)
        check_claim(length)
        if math.prod(shape[:2]) > _PIXELS:
            raise PayloadDamaged(f"shape {list(shape)} has more pixels than its writer could read, {_PIXELS}")
        if length > _DEFLATE_RATIO * len(payload):
            raise PayloadDamaged(f"shape {list(shape)} needs {length} bytes; {len(payload)} cannot hold them")
        return _encode(check_size(gunzip(payload, length), length), shape, dtype, name)


def _refuse(method: str, successor: str) -> NoReturn:
    raise NotApplicable(f"{method} is decoded but no longer written; ask for {successor!r} or 'auto'")


def _read_shape(value: Json) -> tuple[int, ...]:
    if isinstance(value, list | tuple) and 2 <= len(value) <= 3:
        sides = [side for side in value if isinstance(side, int) and not isinstance(side, bool) and 0 < side < 1 << 20]
        if len(sides) == len(value):
            return tuple(sides)
    raise PayloadDamaged(f"parameter 'shape' is {value!r:.60}; expected [height, width] or [height, width, channels]")


def _read_word(parameters: Mapping[str, Json], name: str, choices: tuple[str, ...]) -> str:
    value = parameters.get(name, choices[0])
    for choice in choices:
        if isinstance(value, str) and value.lower() in (choice.lower(), f"<{choice}", f"|{choice}"):
            return choice
    if name == "format" and isinstance(value, str) and value.lower() in ("jpg", "tif"):
        return {"jpg": "JPEG", "tif": "TIFF"}[value.lower()]
    raise PayloadDamaged(f"parameter {name!r} is {value!r:.60}; expected one of {', '.join(choices)}")


def _encode(pixels: bytes, shape: tuple[int, ...], dtype: str, name: str) -> bytes:
    import numpy as np  # noqa: PLC0415  large; only such a chunk should pay for it
    from PIL import Image  # noqa: PLC0415

    array = np.frombuffer(pixels, np.dtype(dtype).newbyteorder("<")).reshape(shape)
    out = io.BytesIO()
    try:
        Image.fromarray(array).save(out, name)
    except (OSError, TypeError, ValueError, KeyError) as error:
        raise PayloadDamaged(
            f"pixels of shape {list(shape)} and type {dtype} cannot be written as {name} ({error})"
        ) from error
    return out.getvalue()
