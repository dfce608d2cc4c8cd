"""The tree that a file is taken apart to. Each node stands for bytes of the file, or of what a stream of it holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Wrapper(IntEnum):
    """What stands around a deflate stream and follows from its content."""

    BARE = 0
    ZLIB = 1  # the Adler-32 behind it (RFC 1950)
    GZIP = 2  # CRC-32 and length behind it (RFC 1952)
    ZLIB_7801 = 3  # the same as ZLIB, and these two bytes before it
    ZLIB_785E = 4
    ZLIB_789C = 5
    ZLIB_78DA = 6


@dataclass(frozen=True, slots=True)
class Facts:
    """What follows from bytes: CRC-32 and length of the content, and the length that it is stored in."""

    checksum: int
    stored: int
    content: int


@dataclass(frozen=True, slots=True)
class Literal:
    """Bytes that are compressed together with others of their `group`; alone where `group` is empty."""

    data: bytes
    group: str


@dataclass(frozen=True, slots=True)
class Stream:
    """A deflate stream, made again by `encoder` and `corrections` from what is `inside`."""

    wrapper: Wrapper
    facts: Facts
    encoder: bytes
    corrections: bytes
    inside: Sequence["Node"]


@dataclass(frozen=True, slots=True)
class Picture:
    """How the samples of a picture lie in packed rows, each of `stride` bytes.

    `colour` is PNG's colour type: 0 grey, 2 red green blue, 3 palette, 4 grey and alpha, 6 with alpha.
    """

    width: int
    height: int
    bits: int
    colour: int

    @property
    def channels(self) -> int:
        """Samples of a pixel."""
        return {2: 3, 4: 2, 6: 4}.get(self.colour, 1)

    @property
    def stride(self) -> int:
        """Bytes of a row."""
        return (self.width * self.channels * self.bits + 7) // 8

    @property
    def step(self) -> int:
        """Bytes from a sample to the same one of the pixel to the left, as PNG's filters count them."""
        return max(1, self.channels * self.bits // 8)


class Source(IntEnum):
    """Where a reader learns what picture some rows are of."""

    FILE = 0  # of the enclosing PNG file
    STEP = 1  # it is told beside them
    INTERLACED = 2  # as FILE, and the rows are those of seven passes


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a picture, its pixels coded as `stream`.

    `filters` says how PNG's filters were chosen, once, or for each pass of an interlaced picture. `source` is where
    the picture is told.
    """

    picture: Picture
    source: Source
    filters: Sequence[bytes]
    stream: bytes


@dataclass(frozen=True, slots=True)
class Png:
    """A PNG file: signature, IHDR, what is `inside`, and an IEND where it is `ended`."""

    picture: Picture
    interlaced: bool
    ended: bool
    inside: Sequence["Node"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk of a PNG file: length, name, what is inside, CRC."""

    name: bytes
    inside: Sequence["Node"]


@dataclass(frozen=True, slots=True)
class Split:
    """What is inside, as data of IDAT chunks of these `sizes`."""

    sizes: Sequence[int]
    inside: Sequence["Node"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A local entry of a ZIP file: header with what can be predicted taken off, data, a form of descriptor."""

    header: bytes
    descriptor: int
    inside: Sequence["Node"]


@dataclass(frozen=True, slots=True)
class Directory:
    """Headers of a ZIP file's central directory, `count` of them, with what can be predicted taken off."""

    count: int
    headers: bytes


@dataclass(frozen=True, slots=True)
class Font:
    """A Type 1 font whose `count` bytes from `start` on are coded in the file, and decoded inside."""

    start: int
    count: int
    inside: Sequence["Node"]


@dataclass(frozen=True, slots=True)
class Known:
    """A chunk of a PNG file that many have, by its place in `framing.KNOWN_CHUNKS`."""

    place: int


Node = Font | Known | Literal | Stream | Rows | Png | Chunk | Split | Entry | Directory
