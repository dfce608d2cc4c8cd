"""Numbers and packed bytes of docs/pixels.md, as that page has it."""

import lzma
import zlib


class Numbers:
    """Bytes that are read from the front."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def read(self) -> int:
        end = next(at for at, byte in enumerate(self.rest) if byte < 128) + 1
        return sum((byte & 127) << 7 * at for at, byte in enumerate(self.take(end)))

    def take(self, count: int) -> bytes:
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def unpack(self) -> bytes:
        size, kind = self.read(), self.take(1)[0]
        held = self.take(self.read())
        if kind == 1:
            held = zlib.decompress(held, -15)
        elif kind == 2:
            told = {"id": lzma.FILTER_LZMA1, "lc": 3, "lp": 0, "pb": 2, "dict_size": 1 << 20}
            held = lzma.decompress(held, lzma.FORMAT_RAW, filters=[told])
        assert len(held) == size
        return held
