"""Coding pixels without loss: several coders behind one pair of functions, the smallest stream wins."""

from panini_daemon.compressors.images.layout import Layout
from panini_daemon.compressors.images.streams import decode_pixels, encode_pixels

__all__ = ["Layout", "decode_pixels", "encode_pixels"]
