"""Samples between bytes and numbers, and through a coder."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.audio.files import Samples
from panini_daemon.compressors.audio.prediction import Longs
from panini_daemon.compressors.contextmix.coding import finish_encoder, make_decoder, make_encoder
from panini_daemon.compressors.errors import PayloadDamaged

LARGEST_STEP = 1 << 23
_SPARE = 1024


class Coder(Protocol):
    """Codes samples one by one."""

    def __call__(
        self, samples: Longs, layout: Samples, coder: Longs, data: NDArray[np.uint8], *, writing: bool
    ) -> bool:
        """Code `samples`, or fill them; False where what was read is none. Raises IndexError where `data` is full."""


def encode_samples(data: bytes, layout: Samples, code: Coder) -> tuple[bytes, int]:
    """Return the stream, and the number that all samples are multiples of: 8 bits in 16, 16 in 24, silence."""
    numbers = _unpack(data, layout)
    step = int(np.gcd.reduce(np.abs(numbers))) if numbers.size else 1
    step = max(step, 1)
    room = np.empty(numbers.size * 5 + _SPARE, np.uint8)
    coder = make_encoder()
    code(numbers // step, layout, coder, room, writing=True)
    return room[: finish_encoder(coder, room)].tobytes(), step


def decode_samples(stream: bytes, layout: Samples, code: Coder, *, step: int) -> bytes:
    """Return the bytes of the samples. Raises PayloadDamaged."""
    numbers = np.zeros(layout.frames * layout.channels, np.int64)
    data = np.frombuffer(stream, np.uint8).copy()
    if not code(numbers, layout, make_decoder(data), data, writing=False):
        raise PayloadDamaged("the samples' stream is damaged; restore compressed.bin from a copy")
    numbers *= step
    most = 1 << (8 * layout.width - 1)
    if numbers.size and not -most <= int(numbers.min()) <= int(numbers.max()) < most:
        raise PayloadDamaged(f"the samples do not fit into {layout.width} bytes; restore compressed.bin from a copy")
    return _pack(numbers, layout)


def _unpack(data: bytes, layout: Samples) -> Longs:
    """Return the samples as signed numbers."""
    raw = np.frombuffer(data, np.uint8).reshape(-1, layout.width).astype(np.int64)
    if layout.big:
        raw = raw[:, ::-1]
    numbers = np.zeros(raw.shape[0], np.int64)
    for place in range(layout.width):
        numbers |= raw[:, place] << 8 * place
    half = 1 << (8 * layout.width - 1)
    if not layout.signed:
        return numbers - half
    return (numbers ^ half) - half


def _pack(numbers: Longs, layout: Samples) -> bytes:
    """Undo `_unpack`."""
    half = 1 << (8 * layout.width - 1)
    plain = numbers + half if not layout.signed else numbers & (2 * half - 1)
    places = range(layout.width - 1, -1, -1) if layout.big else range(layout.width)
    return np.stack([(plain >> 8 * place & 255).astype(np.uint8) for place in places], axis=-1).tobytes()
