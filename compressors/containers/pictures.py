"""The pixels of a picture inside a container, by the image coders."""

from panini_daemon.compressors.containers.nodes import Picture
from panini_daemon.compressors.images import Layout, decode_pixels, encode_pixels
from panini_daemon.compressors.protocol import Level


def encode_picture(pixels: bytes, picture: Picture, level: Level) -> bytes:
    """Code packed rows of pixels with whatever makes them smallest."""
    return encode_pixels(pixels, _lay_out(picture), level)


def decode_picture(stream: bytes, picture: Picture) -> bytes:
    """Decode the rows. Raises PayloadDamaged."""
    return decode_pixels(stream, _lay_out(picture))


def _lay_out(picture: Picture) -> Layout:
    return Layout(picture.width, picture.height, picture.channels, picture.bits)
