"""image_jpeg_v1: a JPEG file as its coefficients, mixed from many contexts, from which the exact file comes back.

The payload is the size of the notes and of the notes coded (each in base 128, lowest digit first), the notes coded as
a Brotli stream, and the coefficients' stream.
"""

from collections.abc import Mapping

from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import NotApplicable, PayloadDamaged
from panini_daemon.compressors.generic_brotli import GenericBrotli
from panini_daemon.compressors.numbers import Cursor, number
from panini_daemon.compressors.parameters import check_size
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Kind, Level, Offer

_JPEG = b"\xff\xd8\xff"
_BLOCKS_PER_BYTE, _SOME_BLOCKS = 12, 4096
"""Blocks that a file may have for each of its bytes: bounds what a damaged payload can make allocate."""
_NOTES_PER_BYTE, _SOME_NOTES = 4, 4096


class ImageJpeg(Compressor):
    """Lossless recompression of JPEG files, in whole numbers, on any machine; decoding is as slow as encoding."""

    method = "image_jpeg_v1"
    reconstruction = "coefficients_into_jpeg"
    family = "image"

    def offer(self, context: Context) -> Offer | None:
        """Offer itself for images at the upper levels; it turns down what is no JPEG at once."""
        if context.level not in (Level.BEST, Level.MAX) or context.kind is not Kind.IMAGE:
            return None
        return Offer(saving=0.85, seconds=6.0)

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Take the file apart; what does not come together again to its bytes raises NotApplicable."""
        if not data:
            return Encoded(b"")
        if not data.startswith(_JPEG):
            raise NotApplicable(f"the chunk begins with {data[:3].hex()}; expected a JPEG file (ffd8ff)")
        from panini_daemon.compressors.jpeg.layout import Unreadable  # noqa: PLC0415  compiles kernels
        from panini_daemon.compressors.jpeg.notes import format_notes  # noqa: PLC0415
        from panini_daemon.compressors.jpeg.picture import put_together, take_apart  # noqa: PLC0415
        from panini_daemon.compressors.jpeg.stream import encode_coefficients  # noqa: PLC0415

        try:
            picture = take_apart(data, _most_blocks(len(data)))
            if put_together(picture, len(data)) != data:
                raise NotApplicable("the JPEG file does not come together again to the same bytes")
            notes = format_notes(picture)
            if len(notes) > _most_notes(len(data)):
                raise NotApplicable(f"the JPEG file needs {len(notes)} bytes of notes; expected fewer")
            stream = encode_coefficients(picture.layout, picture.coefficients)
        except (Unreadable, IndexError, ValueError) as error:
            raise NotApplicable(f"this JPEG file cannot be taken apart: {error}") from error
        coded = GenericBrotli().compress(notes, Context(Level.BEST)).payload
        del context
        return Encoded(number(len(notes)) + number(len(coded)) + coded + stream)

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Rebuild the JPEG file. Raises PayloadDamaged."""
        del parameters, device
        if not size:
            return check_size(payload, 0)
        cursor = Cursor(payload)
        length = cursor.number(_most_notes(size))
        coded = cursor.take(cursor.number(len(payload)))
        from dataclasses import replace  # noqa: PLC0415

        from panini_daemon.compressors.jpeg.layout import Unreadable  # noqa: PLC0415
        from panini_daemon.compressors.jpeg.notes import parse_notes  # noqa: PLC0415
        from panini_daemon.compressors.jpeg.picture import put_together  # noqa: PLC0415
        from panini_daemon.compressors.jpeg.stream import decode_coefficients  # noqa: PLC0415

        notes = GenericBrotli().decompress(coded, {}, length, Device())
        try:
            picture = parse_notes(notes, _most_blocks(size))
            found = decode_coefficients(picture.layout, payload[cursor.at :])
            return check_size(put_together(replace(picture, coefficients=found), size), size)
        except (Unreadable, IndexError, ValueError) as error:
            raise PayloadDamaged(f"the JPEG file is damaged ({error}); restore compressed.bin from a copy") from error

    def memory(self, size: int, level: Level) -> int:
        """Count coefficients for ten pixels a byte of file, and the model."""
        del level
        return 60 * size + (256 << 20)


def _most_blocks(size: int) -> int:
    return _BLOCKS_PER_BYTE * size + _SOME_BLOCKS


def _most_notes(size: int) -> int:
    return _NOTES_PER_BYTE * size + _SOME_NOTES
