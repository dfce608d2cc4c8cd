"""Where the samples of a WAV or AIFF file lie: RIFF, RF64 and AIFF-C with samples in whole numbers."""

from dataclasses import dataclass

_PCM, _EXTENSIBLE = 1, 0xFFFE
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_MOST_CHANNELS = 8
_FEWEST_FRAMES = 32
_CHUNKS = 1000


@dataclass(frozen=True, slots=True)
class Samples:
    """`frames` of `channels` samples of `width` bytes each (1 to 3), from byte `offset` on.

    `big`: the highest byte comes first; `signed`: two's complement, else 128 (for one byte) stands for silence.
    """

    offset: int
    frames: int
    channels: int
    width: int
    big: bool
    signed: bool

    @property
    def size(self) -> int:
        """Bytes of all samples."""
        return self.frames * self.channels * self.width

    def fits(self, size: int) -> bool:
        """Tell whether a file of `size` bytes can hold them."""
        return (
            1 <= self.channels <= _MOST_CHANNELS
            and 1 <= self.width <= 3
            and 0 <= self.offset <= size
            and self.frames >= 0
            and self.offset + self.size <= size
        )


def find_samples(data: bytes) -> Samples | None:
    """Find the samples of an audio file by its header; a size that lies is cut to what is there."""
    if data[:4] in (b"RIFF", b"RF64", b"RIFX") and data[8:12] == b"WAVE":
        return _find_wave(data, "big" if data[:4] == b"RIFX" else "little")
    if data[:4] == b"FORM" and data[8:12] in (b"AIFF", b"AIFC"):
        return _find_aiff(data)
    return None


def _find_wave(data: bytes, order: str) -> Samples | None:
    channels = width = 0
    at = 12
    for _ in range(_CHUNKS):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], order)  # type: ignore[arg-type]
        body = at + 8
        if name == b"fmt " and size >= 16:
            kind, channels = (int.from_bytes(data[body + p : body + p + 2], order) for p in (0, 2))  # type: ignore[arg-type]
            if kind == _EXTENSIBLE and data[body + 26 : body + 40] == _GUID_TAIL:
                kind = int.from_bytes(data[body + 24 : body + 26], order)  # type: ignore[arg-type]
            align = int.from_bytes(data[body + 12 : body + 14], order)  # type: ignore[arg-type]
            if kind != _PCM or not channels or align % channels:
                return None
            width = align // channels
        if name == b"data":
            return _cut(data, body, size, channels, width, big=order == "big", signed=width > 1)
        at = body + size + size % 2
        if at >= len(data):
            return None
    return None


def _find_aiff(data: bytes) -> Samples | None:
    channels = width = 0
    big = True
    at = 12
    for _ in range(_CHUNKS):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        body = at + 8
        if name == b"COMM" and size >= 18:
            channels, bits = (int.from_bytes(data[body + p : body + p + 2], "big") for p in (0, 6))
            width = (bits + 7) // 8
            coding = data[body + 18 : body + 22] if data[8:12] == b"AIFC" else b"NONE"
            if coding not in (b"NONE", b"sowt", b"twos"):
                return None
            big = coding != b"sowt"
        if name == b"SSND" and size >= 8:
            start = body + 8 + int.from_bytes(data[body : body + 4], "big")
            return _cut(data, start, body + size - start, channels, width, big=big, signed=True)
        at = body + size + size % 2
        if at >= len(data):
            return None
    return None


def _cut(data: bytes, offset: int, size: int, channels: int, width: int, *, big: bool, signed: bool) -> Samples | None:
    if not (1 <= channels <= _MOST_CHANNELS and 1 <= width <= 3):
        return None
    frames = max(0, min(size, len(data) - offset)) // (channels * width)
    found = Samples(offset, frames, channels, width, big, signed)
    return found if frames >= _FEWEST_FRAMES and found.fits(len(data)) else None
