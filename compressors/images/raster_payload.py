"""The payload of a file whose rows lie open: where they lie, the other bytes, and the pixels."""

from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.images import others
from panini_daemon.compressors.images.layout import Layout
from panini_daemon.compressors.images.open_rasters import OpenRaster, put_together, take_others, take_rows
from panini_daemon.compressors.images.streams import decode_pixels, encode_pixels
from panini_daemon.compressors.numbers import Cursor, number
from panini_daemon.compressors.protocol import Level


def write_raster(data: bytes, raster: OpenRaster, level: Level) -> bytes:
    """Write the payload."""
    return pack_raster(data, raster, encode_pixels(take_rows(data, raster), raster.layout, level))


def pack_raster(data: bytes, raster: OpenRaster, stream: bytes) -> bytes:
    """Write the payload with a stream of the rows that is there already."""
    layout = raster.layout
    told = (raster.offset, raster.stride - layout.row, layout.width, layout.height, layout.channels, layout.bits)
    head = b"".join(map(number, (*told, raster.little << 1 | raster.swapped)))
    return others.pack(head + take_others(data, raster)) + stream


def read_raster(payload: bytes, size: int) -> bytes:
    """Rebuild a file of `size` bytes. Raises PayloadDamaged."""
    cursor = Cursor(payload)
    rest = Cursor(others.unpack(cursor, size + 64))
    offset, gap, width, height = (rest.number(size) for _ in range(4))
    channels, bits, flags = rest.number(4), rest.number(16), rest.number(3)
    try:
        layout = Layout(width, height, channels, bits)
    except ValueError as error:
        raise PayloadDamaged(f"the payload tells of no image: {error}; restore compressed.bin from a copy") from error
    raster = OpenRaster(offset, layout.row + gap, layout, little=bool(flags & 2), swapped=bool(flags & 1))
    bytes_left = rest.data[rest.at :]
    if not raster.fits(size) or len(bytes_left) != size - layout.size:
        raise PayloadDamaged(
            f"rows of {layout.size} bytes and {len(bytes_left)} others do not make a file of {size} bytes; restore "
            "compressed.bin from a copy"
        )
    return put_together(decode_pixels(payload[cursor.at :], layout), bytes_left, raster)
