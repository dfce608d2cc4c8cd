"""image_pixels_v2: an image file whose pixels can be laid open (BMP, PNM, PAM, TIFF, TGA, GIF) and the rest of it.

The payload is a length and what `others.pack` makes of the head and of the file's other bytes, then one stream of
pixels after the other, each behind its length (but the last). docs/pixels.md has the whole format.
"""

from collections.abc import Mapping

from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import NotApplicable, PayloadDamaged
from panini_daemon.compressors.images.gif_payload import read_gif, write_gif
from panini_daemon.compressors.images.gifs import find_frames
from panini_daemon.compressors.images.open_rasters import find_open_raster
from panini_daemon.compressors.images.raster_payload import read_raster, write_raster
from panini_daemon.compressors.parameters import check_size
from panini_daemon.compressors.patience import Patience
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Kind, Level, Offer

_OFFERS = {
    Level.FAST: Offer(saving=0.91, seconds=0.02),
    Level.BALANCED: Offer(saving=0.91, seconds=0.8),
    Level.BEST: Offer(saving=0.91, seconds=12.0),
    Level.MAX: Offer(saving=0.91, seconds=30.0),
}
_RASTER, _GIF = 0, 1
_PIXELS, _MORE_PIXELS = 12, 1 << 22
"""Pixels that a GIF file may have: so many a byte, and some more. Frames beyond stay as they are."""


class ImagePixelsV2(Compressor):
    """Pixels of plain image files and of GIF, by the coder that makes them smallest."""

    method = "image_pixels_v2"
    reconstruction = "open_pixels_into_file"
    family = "image"

    def offer(self, context: Context) -> Offer | None:
        """Offer itself for images, and where there is time for what may be a TGA file, which has no signature."""
        slow = context.level in (Level.BEST, Level.MAX)
        wanted = context.kind is Kind.IMAGE or (slow and context.kind is Kind.BINARY)
        return _OFFERS[context.level] if wanted else None

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Lay the pixels open and code them. Raises NotApplicable."""
        if not data:
            return Encoded(b"")
        raster = find_open_raster(data)
        if raster is not None:
            return Encoded(bytes([_RASTER]) + write_raster(data, raster, context.level))
        frames = find_frames(data, _PIXELS * len(data) + _MORE_PIXELS)
        if not frames:
            raise NotApplicable("the chunk is no plain BMP, PNM, PAM, TIFF, TGA or GIF file")
        pixels = sum(frame.width * frame.height for frame in frames)
        return Encoded(bytes([_GIF]) + write_gif(data, frames, Patience(len(data)).choose(context.level, pixels)))

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Rebuild the file. Raises PayloadDamaged."""
        del parameters, device
        if not size:
            return check_size(payload, 0)
        if payload[:1] == bytes([_RASTER]):
            return check_size(read_raster(payload[1:], size), size)
        if payload[:1] == bytes([_GIF]):
            return check_size(read_gif(payload[1:], size, _PIXELS * size + _MORE_PIXELS), size)
        raise PayloadDamaged(
            f"the payload begins with {payload[:1].hex() or 'nothing'}; expected 00 (raster) or 01 (GIF)"
        )

    def memory(self, size: int, level: Level) -> int:
        """Count the coders' planes of floats and contexts, and the mixing coders' tables."""
        return 120 * size + ((320 if level in (Level.BEST, Level.MAX) else 96) << 20)
