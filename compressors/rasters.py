"""Finding the pixels in a file that holds them uncompressed: BMP, binary PGM and PPM, plain TIFF."""

import re
import struct
from dataclasses import dataclass

_PNM = re.compile(
    rb"P([56])(?:\s+|#[^\n\r]*[\n\r])+?(\d{1,9})(?:\s+|#[^\n\r]*[\n\r])+?(\d{1,9})(?:\s+|#[^\n\r]*[\n\r])+?(\d{1,5})\s"
)


@dataclass(frozen=True, slots=True)
class Raster:
    """Where the pixels lie: `height` rows of `width` pixels, `stride` bytes apart, from byte `offset` on.

    A pixel has `channels` samples of `bits` (8 or 16) each; `big` says that 16 bits are big-endian, `bgr`
    that blue comes first.
    """

    offset: int
    width: int
    height: int
    channels: int
    bits: int
    stride: int
    big: bool = False
    bgr: bool = False

    @property
    def row(self) -> int:
        """Bytes of pixels in a row."""
        return self.width * self.channels * (self.bits // 8)

    @property
    def pixel_bytes(self) -> int:
        """Bytes of pixels in all."""
        return self.row * self.height

    def fits(self, size: int) -> bool:
        """Tell whether such pixels lie inside `size` bytes."""
        return (
            min(self.width, self.height) > 0
            and self.offset >= 0
            and self.channels in (1, 3, 4)
            and self.bits in (8, 16)
            and self.stride >= self.row
            and self.offset + self.stride * (self.height - 1) + self.row <= size
        )


def find_raster(data: bytes) -> Raster | None:
    """Find the pixels; None where the file is none of these or not a plain one."""
    try:
        if data[:2] == b"BM":
            raster = _parse_bmp(data)
        elif data[:2] in (b"P5", b"P6"):
            raster = _parse_pnm(data)
        elif data[:4] in (b"II*\0", b"MM\0*"):
            raster = _parse_tiff(data)
        else:
            return None
    except (struct.error, LookupError, ValueError):  # a header cut short or without what it must have
        return None
    return raster if raster is not None and raster.fits(len(data)) else None


def _parse_bmp(data: bytes) -> Raster | None:
    offset, header, width, height, planes, depth, method = struct.unpack_from("<IIiiHHI", data, 10)
    if header < 40 or planes != 1 or depth not in (8, 24, 32) or method not in (0, 3):
        return None
    if method == 3 and depth != 32:
        return None
    row = width * depth // 8
    return Raster(offset, width, abs(height), depth // 8, 8, (row + 3) // 4 * 4, bgr=depth > 8)


def _parse_pnm(data: bytes) -> Raster | None:
    header = _PNM.match(data)
    if header is None:
        return None
    kind, width, height, top = (int(group) for group in header.groups())
    bits = 8 if top < 256 else 16
    channels = 3 if kind == 6 else 1
    return Raster(header.end(), width, height, channels, bits, width * channels * bits // 8, big=True)


def _parse_tiff(data: bytes) -> Raster | None:
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, at)
    tags = dict(_read_tag(data, at + 2 + 12 * index, order) for index in range(min(count, 256)))
    width, height = tags[256][0], tags[257][0]
    channels, bits = tags.get(277, [1])[0], set(tags.get(258, [1]))
    offsets, counts = tags[273], tags[279]
    stacked = all(one + length == two for one, length, two in zip(offsets, counts, offsets[1:], strict=False))
    plain = tags.get(259, [1]) == [1] and tags.get(284, [1]) == [1] and len(bits) == 1 and stacked
    depth = bits.pop()
    stride = width * channels * depth // 8
    if not plain or len(offsets) != len(counts) or sum(counts) != stride * height:
        return None
    return Raster(offsets[0], width, height, channels, depth, stride, big=order == ">")


def _read_tag(data: bytes, at: int, order: str) -> tuple[int, list[int]]:
    tag, kind, count = struct.unpack_from(order + "HHI", data, at)
    code, width = {3: ("H", 2), 4: ("I", 4)}.get(kind, ("B", 1))
    if count > len(data) // width:
        raise ValueError(f"tag {tag} claims {count} values")
    where = at + 8 if count * width <= 4 else struct.unpack_from(order + "I", data, at + 8)[0]
    return tag, list(struct.unpack_from(f"{order}{count}{code}", data, where))
