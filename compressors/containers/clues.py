"""What the bytes before a stream say of its content: a PDF dictionary's picture or predictor."""

import re

from panini_daemon.compressors.containers.nodes import Picture

_LOOK = 1024
_STREAM = re.compile(rb"stream\r?\n$")
_NUMBERS = {
    name: re.compile(rb"/" + name + rb"\s+(\d{1,6})\b")
    for name in (b"Width", b"Height", b"BitsPerComponent", b"Predictor", b"Columns", b"Colors")
}
_COLOURS = {1: 0, 3: 2, 4: 6}
"""Channels to PNG's colour types; four channels are four, whatever they mean."""


def read_clue(data: bytes, start: int, length: int) -> tuple[Picture, bool] | None:
    """Read how `length` bytes that the stream at `start` holds lie as rows of a picture; None where nothing says so.

    With it comes whether each row begins with a PNG filter (ISO 32000-1, 7.4.4.4, and 8.9.5 for images).
    """
    before = data[max(0, start - _LOOK) : start]
    if not _STREAM.search(before):
        return None
    before = before[max(before.rfind(b"obj"), 0) :]
    told = {name: int(found.group(1)) for name, sign in _NUMBERS.items() if (found := sign.search(before))}
    bits = told.get(b"BitsPerComponent", 8)
    if bits not in (1, 2, 4, 8, 16):
        return None
    if told.get(b"Predictor", 1) >= 10:
        return _read_rows(told, bits, length)
    width, height = told.get(b"Width", 0), told.get(b"Height", 0)
    for channels, colour in _COLOURS.items():
        if width and height and length // height == (width * channels * bits + 7) // 8:
            return Picture(width, height, bits, colour), False
    return None


def _read_rows(told: dict[bytes, int], bits: int, length: int) -> tuple[Picture, bool] | None:
    width, channels = told.get(b"Columns", 1), told.get(b"Colors", 1)
    if channels not in _COLOURS or not width:
        return None
    picture = Picture(width, 1, bits, _COLOURS[channels])
    height = length // (picture.stride + 1)
    return (Picture(width, height, bits, _COLOURS[channels]), True) if height else None
