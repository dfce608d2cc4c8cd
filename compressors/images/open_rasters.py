"""Finding the pixels in a file that holds them uncompressed: BMP, PBM, PGM, PPM, PAM, TIFF, TGA."""

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from panini_daemon.compressors.images.layout import Layout
from panini_daemon.compressors.parameters import LARGEST

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_GAP = rb"(?:\s+|#[^\n\r]*[\n\r])+?"
_PNM = re.compile(rb"P([456])" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})")
_TOP = re.compile(_GAP + rb"(\d{1,5})")
_PAM = re.compile(rb"P7\n(?:[^\n]{0,200}\n){1,40}?ENDHDR\n")
_PAM_FIELD = re.compile(rb"^(WIDTH|HEIGHT|DEPTH|MAXVAL)[ \t]+(\d{1,9})\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class OpenRaster:
    """Where rows lie: the first from byte `offset` on, each `stride` bytes after the one before.

    `little` says that samples of 16 bits have their low byte first, `swapped` that blue comes first.
    """

    offset: int
    stride: int
    layout: Layout
    little: bool = False
    swapped: bool = False

    @property
    def end(self) -> int:
        """Where the last row ends."""
        return self.offset + self.stride * (self.layout.height - 1) + self.layout.row

    def fits(self, size: int) -> bool:
        """Tell whether such rows lie inside `size` bytes without overlapping."""
        return self.offset >= 0 and self.stride >= self.layout.row and self.end <= size


def find_open_raster(data: bytes) -> OpenRaster | None:
    """Find the pixels; None where the file is none of these or not a plain one."""
    try:
        if data[:2] == b"BM":
            raster = _parse_bmp(data)
        elif data[:2] in (b"P4", b"P5", b"P6"):
            raster = _parse_pnm(data)
        elif data[:3] == b"P7\n":
            raster = _parse_pam(data)
        elif data[:4] in (b"II*\0", b"MM\0*"):
            raster = _parse_tiff(data)
        else:
            raster = _parse_tga(data)
    except (struct.error, LookupError, ValueError):  # a header cut short or without what it must have
        return None
    return raster if raster is not None and raster.fits(len(data)) else None


def take_rows(data: bytes, raster: OpenRaster) -> bytes:
    """Copy the rows as a layout has them."""
    table = _view_rows(data, raster)
    return _turn_samples(table, raster)


def take_others(data: bytes, raster: OpenRaster) -> bytes:
    """Return all bytes that are not in rows, in order."""
    import numpy as np  # noqa: PLC0415

    keep = np.ones(len(data), bool)
    for row in range(raster.layout.height):
        at = raster.offset + row * raster.stride
        keep[at : at + raster.layout.row] = False
    return np.frombuffer(data, np.uint8)[keep].tobytes()


def put_together(rows: bytes, others: bytes, raster: OpenRaster) -> bytes:
    """Undo `take_rows` and `take_others`."""
    import numpy as np  # noqa: PLC0415

    row, gap = raster.layout.row, raster.stride - raster.layout.row
    turned = _turn_samples(np.frombuffer(rows, np.uint8).reshape(raster.layout.height, row), raster)
    if not gap:
        return others[: raster.offset] + turned + others[raster.offset :]
    file, at = bytearray(others[: raster.offset]), raster.offset
    for number in range(raster.layout.height):
        file += turned[number * row : (number + 1) * row]
        if number < raster.layout.height - 1:
            file += others[at : at + gap]
            at += gap
    return bytes(file + others[at:])


def _view_rows(data: bytes, raster: OpenRaster) -> "NDArray[np.uint8]":
    import numpy as np  # noqa: PLC0415  large; only image chunks should pay for it

    shape = (raster.layout.height, raster.layout.row)
    return np.lib.stride_tricks.as_strided(np.frombuffer(data, np.uint8)[raster.offset :], shape, (raster.stride, 1))


def _turn_samples(table: "NDArray[np.uint8]", raster: OpenRaster) -> bytes:
    """Swap what the file swaps; doing it twice changes nothing."""
    size = raster.layout.bits // 8
    if not (raster.swapped or raster.little) or not size:
        return table.tobytes()
    pixels = table.reshape(raster.layout.height, raster.layout.width, raster.layout.channels, size)
    if raster.little:
        pixels = pixels[..., ::-1]
    if raster.swapped and raster.layout.channels > 2:
        pixels = pixels[:, :, [2, 1, 0, 3][: raster.layout.channels]]
    return pixels.tobytes()


def _parse_bmp(data: bytes) -> OpenRaster | None:
    offset, header, width, height, planes, depth, method = struct.unpack_from("<IIiiHHI", data, 10)
    if header < 40 or planes != 1 or depth not in (1, 4, 8, 16, 24, 32) or method not in (0, 3):
        return None
    layout = Layout(width, abs(height), *_split_depth(depth))
    return OpenRaster(offset, (layout.row + 3) // 4 * 4, layout, swapped=depth > 16)


def _split_depth(depth: int) -> tuple[int, int]:
    """Return channels and bits; the five or six bits of a colour in two bytes are left as bytes."""
    return (depth // 8, 8) if depth >= 8 else (1, depth)


def _parse_pnm(data: bytes) -> OpenRaster | None:
    header = _PNM.match(data)
    if header is None:
        return None
    kind, width, height = (int(group) for group in header.groups())
    end, bits = header.end(), 1
    if kind > 4:
        top = _TOP.match(data, end)
        if top is None:
            return None
        end, bits = top.end(), 8 if int(top[1]) < 256 else 16
    if not data[end : end + 1].isspace():
        return None
    layout = Layout(width, height, 3 if kind == 6 else 1, bits)
    return OpenRaster(end + 1, layout.row, layout)


def _parse_pam(data: bytes) -> OpenRaster | None:
    header = _PAM.match(data)
    if header is None:
        return None
    told = {name: int(value) for name, value in _PAM_FIELD.findall(header[0])}
    layout = Layout(told[b"WIDTH"], told[b"HEIGHT"], told[b"DEPTH"], 8 if told[b"MAXVAL"] < 256 else 16)
    return OpenRaster(header.end(), layout.row, layout)


def _parse_tiff(data: bytes) -> OpenRaster | None:
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, at)
    tags = dict(_read_tag(data, at + 2 + 12 * index, order) for index in range(min(count, 256)))
    channels, bits = tags.get(277, [1])[0], set(tags.get(258, [1]))
    offsets, counts = tags[273], tags[279]
    stacked = all(one + length == two for one, length, two in zip(offsets, counts, offsets[1:], strict=False))
    if tags.get(259, [1]) != [1] or len(bits) != 1 or not stacked or len(offsets) != len(counts):
        return None
    width, height = tags[256][0], tags[257][0]
    planes = tags.get(284, [1]) == [2]
    layout = Layout(width, height * channels if planes else height, 1 if planes else channels, bits.pop())
    if sum(counts) != layout.size:
        return None
    return OpenRaster(offsets[0], layout.row, layout, little=order == "<" and layout.bits == 16)


def _read_tag(data: bytes, at: int, order: str) -> tuple[int, list[int]]:
    tag, kind, count = struct.unpack_from(order + "HHI", data, at)
    code, width = {3: ("H", 2), 4: ("I", 4)}.get(kind, ("B", 1))
    if count > len(data) // width:
        raise ValueError(f"tag {tag} claims {count} values")
    where = at + 8 if count * width <= 4 else struct.unpack_from(order + "I", data, at + 8)[0]
    return tag, list(struct.unpack_from(f"{order}{count}{code}", data, where))


def _parse_tga(data: bytes) -> OpenRaster | None:
    """Recognise a file without a signature: its header must make sense and the pixels fill most of it."""
    words = struct.unpack_from("<BBBHHBHHHHBB", data)
    remark, mapped, kind, _, colours, colour_bits, _, _, width, height, depth, flags = words
    plain = {1: (8,), 2: (16, 24, 32), 3: (8,)}.get(kind, ())
    if depth not in plain or mapped != (kind == 1) or flags & 0xC0 or not 1 <= width * height <= LARGEST:
        return None
    if mapped and colour_bits not in (15, 16, 24, 32):
        return None
    layout = Layout(width, height, *_split_depth(depth))
    offset = 18 + remark + (colours * ((colour_bits + 7) // 8) if mapped else 0)
    if 2 * layout.size < len(data) - 4096:
        return None
    return OpenRaster(offset, layout.row, layout, swapped=depth > 16)
