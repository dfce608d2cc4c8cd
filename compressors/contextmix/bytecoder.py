"""From bytes to a payload and back: the model and the coder put together."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from panini_daemon.compressors.contextmix.bytewise import code_bytes, make_model
from panini_daemon.compressors.contextmix.coding import AT, WINDOW, finish_encoder, make_decoder, make_encoder
from panini_daemon.compressors.contextmix.contexts import KINDS
from panini_daemon.compressors.errors import NotApplicable, PayloadDamaged
from panini_daemon.compressors.parameters import window_log

__all__ = ["KINDS", "Settings", "decode", "encode"]

_ROUND = 1 << 18
"""Bytes between two reports of progress."""
_SPARE = 1024


class Settings(NamedTuple):
    """`contexts` are the numbers of those to mix, 2**`slots_log` their slots, `stride` the length of a record."""

    contexts: tuple[int, ...]
    slots_log: int
    stride: int


def encode(data: bytes, settings: Settings, tell: Callable[[int, int], None]) -> bytes:
    """Encode bytes, telling how many of how many are done. Raises NotApplicable where they would double."""
    if not data:
        return b""
    memory, ensemble = make_model(settings.contexts, settings.slots_log, _match_log(len(data)))
    source, out = np.frombuffer(data, np.uint8).copy(), np.zeros(2 * len(data) + _SPARE, np.uint8)
    coder = make_encoder()
    try:
        for start in range(0, len(data), _ROUND):
            end = min(start + _ROUND, len(data))
            code_bytes(memory, ensemble, source, out, coder, start, end, settings.stride, False)  # noqa: FBT003
            tell(end, len(data))
        size = finish_encoder(coder, out)
    except IndexError as error:
        raise NotApplicable("context mixing would double these bytes; another method suits them") from error
    return out[:size].tobytes()


def decode(payload: bytes, size: int, settings: Settings, tell: Callable[[int, int], None]) -> bytes:
    """Decode `size` bytes, telling how many are done. Raises PayloadDamaged where the payload ends before or after."""
    stream, data = np.frombuffer(payload, np.uint8).copy(), np.zeros(size, np.uint8)
    memory, ensemble = make_model(settings.contexts, settings.slots_log, _match_log(size))
    coder = make_decoder(stream)
    for start in range(0, size, _ROUND):
        end = min(start + _ROUND, size)
        done = code_bytes(memory, ensemble, data, stream, coder, start, end, settings.stride, True)  # noqa: FBT003
        if done < end:
            raise PayloadDamaged(
                f"the payload of {len(payload)} bytes ends after {done} bytes of {size}; "
                "restore compressed.bin from a copy"
            )
        tell(end, size)
    if not int(coder[AT]) - WINDOW <= len(payload) <= int(coder[AT]):
        raise PayloadDamaged(
            f"the payload has {len(payload)} bytes, of which {size} bytes take {int(coder[AT]) - WINDOW}; "
            "restore compressed.bin from a copy"
        )
    return data.tobytes()


def _match_log(size: int) -> int:
    return window_log(size, 10, 22)
