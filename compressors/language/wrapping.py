"""Hard-wrapped text unwrapped: models know paragraphs, and where lines were broken follows almost from their width.

A line break between two words becomes a space; for every single space between words one bit tells whether it was
a break. The bit's chance depends on how far the next word would stick out beyond the widest recent line.
"""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from panini_daemon.compressors.errors import PayloadDamaged

_BREAK = re.compile(rb"(?<=[^\s])\n(?=[^\s])")
_GAP = re.compile(rb"(?<=[^\s]) (?=[^\s])")
_LINES = 12
"""How many recent broken lines give the width."""
_REACH = 24
_CONTEXTS = 2 * _REACH + 1
_WORTH = 1.2
"""Bits a break may cost here; a model spends more on one, and loses its thread besides."""
_FEW = 16


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """Text without line breaks inside paragraphs, and the `breaks` stream, empty where it was left as it is.

    `crlf` says that every line ended with CR LF, which became LF first.
    """

    text: bytes
    breaks: bytes
    crlf: bool


def unwrap(data: bytes) -> Unwrapped:
    """Unwrap text where that pays."""
    crlf = b"\r\n" in data and data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")
    text = data.replace(b"\r\n", b"\n") if crlf else data
    count = len(_BREAK.findall(text))
    if count < _FEW:
        return Unwrapped(text, b"", crlf)
    joined = _BREAK.sub(b" ", text)
    coder = _Encoder()
    _walk(joined, lambda at, chance: coder.code(text[at] == 0x0A, chance))
    breaks = coder.finish()
    return Unwrapped(joined, breaks, crlf) if len(breaks) * 8 < _WORTH * count else Unwrapped(text, b"", crlf)


def rewrap(text: bytes, breaks: bytes, *, crlf: bool) -> bytes:
    """Undo `unwrap`. Raises PayloadDamaged where a break stands that `unwrap` would not have made."""
    if breaks:
        restored = bytearray(text)
        decoder = _Decoder(breaks)

        def place(at: int, chance: int) -> bool:
            broken = decoder.code(chance)
            if broken:
                restored[at] = 0x0A
            return broken

        _walk(text, place)
        text = bytes(restored)
    if not crlf:
        return text
    if b"\r" in text:
        raise PayloadDamaged("the text has CR characters where none can be; restore compressed.bin from a copy")
    return text.replace(b"\n", b"\r\n")


def _walk(text: bytes, code: Callable[[int, int], bool]) -> None:
    """Ask `code(position, chance of a break in 65536)` for each gap between words, learning from the answers."""
    chances = [6554] * (_CONTEXTS + 1) * 2
    counts = [0] * len(chances)
    widths: deque[int] = deque(maxlen=_LINES)
    begun = ends = newline = 0
    newline = text.find(b"\n")
    for gap in _GAP.finditer(text):
        at = gap.start()
        while 0 <= newline < at:
            begun = newline + 1
            newline = text.find(b"\n", begun)
        if ends <= at:
            ends = _word_end(text, at + 1)
        beyond = ends - begun - max(widths) if widths else -_REACH
        context = (max(-_REACH, min(_REACH, beyond)) + _REACH if widths else _CONTEXTS) * 2
        context += text[at - 1] in b".,;:!?"
        broken = code(at, chances[context])
        goal = 65535 if broken else 0
        chances[context] += (goal - chances[context]) * 2 // (2 * counts[context] + 3)
        chances[context] = max(16, min(65520, chances[context]))
        counts[context] = min(counts[context] + 1, 60)
        if broken:
            widths.append(at - begun)
            begun = at + 1


def _word_end(text: bytes, start: int) -> int:
    found = _SPACE.search(text, start)
    return found.start() if found else len(text)


_SPACE = re.compile(rb"\s")
_TOP = 0xFFFFFFFF


class _Encoder:
    """A carryless binary arithmetic coder, 32 bits wide."""

    def __init__(self) -> None:
        self._low, self._high = 0, _TOP
        self._out = bytearray()

    def code(self, bit: bool, chance: int) -> bool:  # noqa: FBT001  the bit is the datum
        middle = self._low + ((self._high - self._low) * chance >> 16)
        if bit:
            self._high = middle
        else:
            self._low = middle + 1
        while (self._low ^ self._high) < 1 << 24:
            self._out.append(self._high >> 24)
            self._low, self._high = self._low << 8 & _TOP, (self._high << 8 & _TOP) | 255
        return bit

    def finish(self) -> bytes:
        """Return the stream: never empty, trailing zeros left out."""
        last = self._high.to_bytes(4, "big")
        for length in range(1, 5):
            if int.from_bytes(last[:length] + bytes(4 - length), "big") >= self._low:
                return bytes(self._out + last[:length])
        return bytes(self._out + last)


class _Decoder:
    """The other side; bytes beyond the stream's end are zeros."""

    def __init__(self, data: bytes) -> None:
        self._low, self._high, self._data, self._at = 0, _TOP, data, 4
        self._value = int.from_bytes(data[:4].ljust(4, b"\0"), "big")

    def code(self, chance: int) -> bool:
        middle = self._low + ((self._high - self._low) * chance >> 16)
        bit = self._value <= middle
        if bit:
            self._high = middle
        else:
            self._low = middle + 1
        while (self._low ^ self._high) < 1 << 24:
            following = self._data[self._at] if self._at < len(self._data) else 0
            self._at += 1
            self._value = (self._value << 8 & _TOP) | following
            self._low, self._high = self._low << 8 & _TOP, (self._high << 8 & _TOP) | 255
        return bit
