"""Samples between bytes and numbers, and through the coder."""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.audio.coding import LENGTHS, RATES, SCALES, code_samples, make_memory
from panini_daemon.compressors.audio.files import Samples
from panini_daemon.compressors.audio.prediction import Longs
from panini_daemon.compressors.contextmix.coding import finish_encoder, make_decoder, make_encoder
from panini_daemon.compressors.contextmix.logistic import make_squash, make_stretch
from panini_daemon.compressors.errors import PayloadDamaged

_SPARE = 1024


def encode_samples(data: bytes, layout: Samples, *, thorough: bool) -> tuple[bytes, int]:
    """Return the stream, and the number that all samples are multiples of: 8 bits in 16, 16 in 24, silence."""
    numbers = _unpack(data, layout)
    step = int(np.gcd.reduce(np.abs(numbers))) if numbers.size else 1
    step = max(step, 1)
    room = np.empty(numbers.size * 5 + _SPARE, np.uint8)
    coder = make_encoder()
    _walk(numbers // step, layout, room, coder, thorough=thorough, writing=True)
    return room[: finish_encoder(coder, room)].tobytes(), step


def decode_samples(stream: bytes, layout: Samples, *, thorough: bool, step: int) -> bytes:
    """Return the bytes of the samples. Raises PayloadDamaged."""
    numbers = np.zeros(layout.frames * layout.channels, np.int64)
    data = np.frombuffer(stream, np.uint8).copy()
    if not _walk(numbers, layout, data, make_decoder(data), thorough=thorough, writing=False):
        raise PayloadDamaged("the samples' stream is damaged; restore compressed.bin from a copy")
    numbers *= step
    most = 1 << (8 * layout.width - 1)
    if numbers.size and not -most <= int(numbers.min()) <= int(numbers.max()) < most:
        raise PayloadDamaged(f"the samples do not fit into {layout.width} bytes; restore compressed.bin from a copy")
    return _pack(numbers, layout)


def _walk(
    numbers: Longs, layout: Samples, data: NDArray[np.uint8], coder: Longs, *, thorough: bool, writing: bool
) -> bool:
    lengths = LENGTHS[thorough]
    weights, chances, mixing = make_memory(layout.channels, lengths)
    most, scale = 1 << (8 * layout.width - 1 + SCALES[layout.width]), SCALES[layout.width]
    return bool(
        code_samples(
            numbers,
            layout.channels,
            np.array(lengths, np.int64),
            np.array(RATES[thorough], np.int64),
            weights,
            chances,
            mixing,
            make_squash(),
            make_stretch(),
            coder,
            data,
            most,
            scale,
            writing,
        )
    )


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
