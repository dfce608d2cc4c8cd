"""How the samples of an image lie in its rows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from panini_daemon.compressors.parameters import LARGEST

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows of `width` pixels of `channels` samples (1 to 4) of `bits` each (1, 2, 4, 8 or 16), red first.

    As in PNG: 16 bits are big-endian, samples of fewer than 8 bits are packed from the high bit on, and each row
    begins with a new byte. `palette`, where the samples are indices, holds what they stand for (red, green, blue
    for each) and is a hint only. Raises ValueError where there can be no such image.
    """

    width: int
    height: int
    channels: int = 1
    bits: int = 8
    palette: bytes | None = None

    def __post_init__(self) -> None:
        """Refuse what no image has."""
        if min(self.width, self.height) < 1 or self.channels not in (1, 2, 3, 4) or self.bits not in (1, 2, 4, 8, 16):
            raise ValueError(
                f"{self.width} x {self.height} pixels of {self.channels} x {self.bits} bits are no image; expected at "
                "least 1 x 1 pixels of 1 to 4 samples of 1, 2, 4, 8 or 16 bits"
            )
        if self.size > LARGEST:
            raise ValueError(f"the image has {self.size} bytes; expected at most {LARGEST}")

    @property
    def row(self) -> int:
        """Bytes of a row."""
        return (self.width * self.channels * self.bits + 7) // 8

    @property
    def size(self) -> int:
        """Bytes of all rows."""
        return self.row * self.height

    @property
    def row_samples(self) -> int:
        """Samples of a row, with those that only fill its last byte."""
        return self.row * 8 // self.bits


def unpack_samples(rows: bytes, layout: Layout) -> "NDArray[np.generic]":
    """Spread the rows to height x row_samples whole numbers, uint8 or (for 16 bits) uint16."""
    import numpy as np  # noqa: PLC0415  large; only image chunks should pay for it

    if layout.bits == 16:
        return np.frombuffer(rows, ">u2").reshape(layout.height, -1).astype(np.uint16)
    packed = np.frombuffer(rows, np.uint8).reshape(layout.height, layout.row)
    if layout.bits == 8:
        return packed
    parts = [packed >> shift & ((1 << layout.bits) - 1) for shift in range(8 - layout.bits, -1, -layout.bits)]
    return np.stack(parts, axis=-1).reshape(layout.height, layout.row_samples)


def pack_samples(samples: "NDArray[np.generic]", layout: Layout) -> bytes:
    """Undo `unpack_samples`."""
    import numpy as np  # noqa: PLC0415

    if layout.bits == 16:
        return samples.astype(">u2").tobytes()
    if layout.bits == 8:
        return samples.astype(np.uint8).tobytes()
    spread = samples.astype(np.uint8).reshape(layout.height, layout.row, 8 // layout.bits)
    packed = np.zeros((layout.height, layout.row), np.uint8)
    for at in range(8 // layout.bits):
        packed |= spread[:, :, at] << (8 - layout.bits * (at + 1))
    return packed.tobytes()
