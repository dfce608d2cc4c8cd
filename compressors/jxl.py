"""JPEG XL through imagecodecs, with the size looked at before anything is allocated."""

from panini_daemon.compressors.errors import PayloadDamaged

_CODESTREAM = b"\xff\x0a"
_CONTAINER = bytes.fromhex("0000000c4a584c200d0a870a")
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


def read_dimensions(stream: bytes) -> tuple[int, int]:
    """Read (width, height) in pixels from a codestream or a container (ISO/IEC 18181-1 and -2).

    Raises PayloadDamaged.
    """
    code = stream[:64] if stream.startswith(_CODESTREAM) else _find_codestream(stream)
    if not code.startswith(_CODESTREAM) or len(code) < 12:
        raise PayloadDamaged("the payload is no JPEG XL stream; restore compressed.bin from a copy")
    bits = _Bits(int.from_bytes(code[2:16], "little"))
    small = bits.take(1)
    height = _read_length(bits, small)
    ratio = bits.take(3)
    if ratio:
        across, down = _RATIOS[ratio]
        return height * across // down, height
    return _read_length(bits, small), height


class _Bits:
    """Bits of a little-endian number, lowest first."""

    def __init__(self, value: int) -> None:
        self._value = value

    def take(self, count: int) -> int:
        taken = self._value & ((1 << count) - 1)
        self._value >>= count
        return taken


def _read_length(bits: _Bits, small: int) -> int:
    if small:
        return 8 * (1 + bits.take(5))
    return 1 + bits.take((9, 13, 18, 30)[bits.take(2)])


def _find_codestream(stream: bytes) -> bytes:
    at = len(_CONTAINER) if stream.startswith(_CONTAINER) else len(stream)
    while at + 8 <= len(stream):
        length, name, head = int.from_bytes(stream[at : at + 4], "big"), stream[at + 4 : at + 8], 8
        if length == 1:
            length, head = int.from_bytes(stream[at + 8 : at + 16], "big"), 16
        if name in (b"jxlc", b"jxlp"):
            start = at + head + (4 if name == b"jxlp" else 0)
            return stream[start : start + 64]
        if length < head:
            break
        at += length
    return b""
