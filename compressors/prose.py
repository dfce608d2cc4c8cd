"""A reversible transform that makes text easier to predict.

Capitals become a flag and a small letter; characters beyond ASCII become single bytes.
Any bytes come back exactly: what is not UTF-8 is carried as lone surrogates. All tables are fixed here, not
taken from the interpreter's Unicode data, which changes between versions.

Form of the result, as bytes:
- the alphabet: its length, then its code points in rising order, each as the distance to the one before minus
  one, in little-endian base 128;
- the text: bytes below 0x80 are ASCII, 0x80 to 0xFE letters of the alphabet, 0xFF is followed by one
  character in UTF-8, 0x01 makes the next letter a capital, 0x02 the whole run of letters, 0x03 takes the next
  byte as it is.
"""

import re
from collections import Counter
from collections.abc import Mapping

from panini_daemon.compressors.errors import PayloadDamaged

# capital letter to small letter: ASCII, Latin-1, Greek, Cyrillic
_RANGES = (
    (0x41, 0x5A, 32),
    (0xC0, 0xD6, 32),
    (0xD8, 0xDE, 32),
    (0x391, 0x3A1, 32),
    (0x3A3, 0x3A9, 32),
    (0x410, 0x42F, 32),
    (0x400, 0x40F, 80),
)
_LOWER = {point: point + step for low, high, step in _RANGES for point in range(low, high + 1)}
_UPPER = {small: capital for capital, small in _LOWER.items()}
_CAPITALS = "".join(f"{chr(low)}-{chr(high)}" for low, high, _ in _RANGES)
_SMALLS = "".join(f"{chr(low + step)}-{chr(high + step)}" for low, high, step in _RANGES)

_ONE, _RUN, _LITERAL = "\x01", "\x02", "\x03"
_FLAGS = re.compile("[\x01\x02\x03]")
_CAPITAL = re.compile(
    f"(?<![{_CAPITALS}{_SMALLS}])(?:[{_CAPITALS}]{{2,}}(?![{_SMALLS}])|[{_CAPITALS}](?![{_CAPITALS}]))"
)
_FLAGGED = re.compile(f"\x01([{_SMALLS}])|\x02([{_SMALLS}]{{2,}})|\x03([\x01-\x03])|[\x01-\x03]")
_HIGH = re.compile(rb"[\x80-\xfe]+|\xff(?:[\xc2-\xdf].|[\xe0-\xef]..|[\xf0-\xf4]...|)", re.DOTALL)

_LETTERS = 127
_ESCAPE = 0xFF
_GROWTH = 4  # what is no UTF-8 is three bytes for each of its own, a flag stands before a letter
_PIECES = 4096


def transform(data: bytes) -> bytes:
    """Transform any bytes."""
    text = _FLAGS.sub(lambda flag: _LITERAL + flag[0], data.decode("utf-8", "surrogateescape"))
    text = _CAPITAL.sub(_flag, text)
    counts = Counter(text)
    high = [char for char in counts if char > "\x7f"]
    alphabet = sorted(sorted(high, key=lambda char: (-counts[char], char))[:_LETTERS])
    codes = {ord(char): chr(_ESCAPE) + char.encode("utf-8", "surrogatepass").decode("latin-1") for char in high}
    codes.update({ord(char): chr(0x80 + index) for index, char in enumerate(alphabet)})
    return _write_alphabet(alphabet) + text.translate(codes).encode("latin-1")


def restore(transformed: bytes, size: int) -> bytes:
    """Undo `transform` of `size` bytes. Raises PayloadDamaged, and where far more than `size` would come out.

    Written piece by piece: a list of all pieces would take many times the text's memory.
    """
    alphabet, at = _read_alphabet(transformed)
    letters = {0x80 + index: char for index, char in enumerate(alphabet)}
    try:
        recoded = bytearray()
        for match in _HIGH.finditer(transformed, at):
            recoded += transformed[at : match.start()]
            recoded += _recode(match[0], letters)
            at = match.end()
            if len(recoded) > _GROWTH * size:
                raise PayloadDamaged(f"the text inside the payload has more than the {size} bytes expected")
        recoded += transformed[at:]
        return _unflag_all(recoded.decode("utf-8", "surrogatepass"))
    except (UnicodeEncodeError, UnicodeDecodeError) as error:
        raise PayloadDamaged(
            f"the text inside the payload is damaged ({error.reason}); restore compressed.bin from a copy"
        ) from error


def _recode(run: bytes, letters: Mapping[int, str]) -> bytes:
    if run[0] == _ESCAPE:
        return run[1:]
    return run.decode("latin-1").translate(letters).encode("utf-8", "surrogatepass")


def _unflag_all(text: str) -> bytes:
    out = bytearray()
    pieces: list[str] = []
    at = 0
    for match in _FLAGGED.finditer(text):
        pieces.append(text[at : match.start()])
        pieces.append(_unflag(match))
        at = match.end()
        if len(pieces) >= _PIECES:
            out += "".join(pieces).encode("utf-8", "surrogateescape")
            pieces.clear()
    pieces.append(text[at:])
    out += "".join(pieces).encode("utf-8", "surrogateescape")
    return bytes(out)


def _flag(match: re.Match[str]) -> str:
    run = match[0]
    return (_ONE if len(run) == 1 else _RUN) + run.translate(_LOWER)


def _unflag(match: re.Match[str]) -> str:
    letters = match[1] or match[2]
    if letters:
        return letters.translate(_UPPER)
    if match[3]:
        return match[3]
    raise PayloadDamaged("the text inside the payload has a flag without a letter; restore compressed.bin from a copy")


def _write_alphabet(alphabet: list[str]) -> bytes:
    out = bytearray([len(alphabet)])
    last = 0x7F
    for char in alphabet:
        distance = ord(char) - last - 1
        while distance > 0x7F:
            out.append(0x80 | distance & 0x7F)
            distance >>= 7
        out.append(distance)
        last = ord(char)
    return bytes(out)


def _read_alphabet(transformed: bytes) -> tuple[list[str], int]:
    alphabet: list[str] = []
    last, at = 0x7F, 1
    try:
        for _ in range(transformed[0]):
            distance = shift = 0
            while transformed[at] > 0x7F and shift < 21:
                distance |= (transformed[at] & 0x7F) << shift
                shift, at = shift + 7, at + 1
            last += 1 + (distance | transformed[at] << shift)
            at += 1
            alphabet.append(chr(last))
    except (IndexError, ValueError) as error:
        raise PayloadDamaged(
            "the alphabet inside the payload is damaged; restore compressed.bin from a copy"
        ) from error
    return alphabet, at
