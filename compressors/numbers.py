"""Whole numbers in as many bytes as they need, and reading them from bytes that may be damaged.

A number is written in base 128, lowest digit first; each byte but the last has its high bit set (as in LEB128 of
DWARF and in protocol buffers).
"""

from panini_daemon.compressors.errors import PayloadDamaged

_LONGEST = 9  # bytes: 63 bits


def number(value: int) -> bytes:
    """Write one number, 0 or more."""
    digits = bytearray()
    while value >= 128:
        digits.append(value & 127 | 128)
        value >>= 7
    digits.append(value)
    return bytes(digits)


class Cursor:
    """A place in bytes that moves on as they are read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        """Read `count` bytes. Raises PayloadDamaged where there are not so many."""
        end = self.at + count
        if end > len(self.data):
            raise PayloadDamaged(
                f"a part of the payload ends after {len(self.data)} bytes; expected {count} more at {self.at}; "
                "restore compressed.bin from a copy"
            )
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def number(self, most: int) -> int:
        """Read one number. Raises PayloadDamaged where it is cut short or greater than `most`."""
        value = 0
        for place in range(_LONGEST):
            digit = self.take(1)[0]
            value |= (digit & 127) << 7 * place
            if digit < 128:
                break
        else:
            value = most + 1
        if value > most:
            raise PayloadDamaged(
                f"a number in the payload is over {most}, the most it can be here; restore compressed.bin from a copy"
            )
        return value

    def is_done(self) -> bool:
        """Tell whether everything was read."""
        return self.at == len(self.data)
