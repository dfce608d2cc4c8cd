"""generic_xz_v1: a raw LZMA stream, with its properties and filter chain in the recipe.

The stream goes without what every LZMA stream begins with (a zero byte) and, where decoding does not need it,
without its end marker.
"""

import lzma
from collections.abc import Mapping
from typing import NamedTuple

from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.filters import (
    ALL,
    CHEAP,
    choose_filter,
    filter_chain,
    read_filter,
    take_sample,
)
from panini_daemon.compressors.parameters import check_size, read_int, window_log
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Kind, Level, Offer

_OFFERS = {
    Level.BALANCED: Offer(saving=0.50, seconds=0.45),
    Level.BEST: Offer(saving=0.50, seconds=1.6),
    Level.MAX: Offer(saving=0.50, seconds=5.0),
}
_MIN_LOG, _MAX_LOG = 12, 26
_MARKER = 10  # an end marker and the coder's last bytes are no longer than this
_PADDING = bytes(16)


class _Bits(NamedTuple):
    """LZMA's literal context, literal position and position bits."""

    lc: int
    lp: int
    pb: int


_USUAL = _Bits(3, 0, 2)
_BITS = (
    _USUAL,
    _Bits(4, 0, 0),
    _Bits(1, 1, 1),
    _Bits(0, 2, 2),
    _Bits(3, 1, 1),
    _Bits(0, 0, 2),
    _Bits(2, 2, 2),
)


class GenericXz(Compressor):
    """LZMA; at `best` and `max` with tuned properties and a filter where they help."""

    method = "generic_xz_v1"
    reconstruction = "lzma_decompress"
    family = "generic"
    by_sample = True

    def offer(self, context: Context) -> Offer | None:
        """Offer itself, but at `balanced` not for text (PPMd is better) nor for what is compressed."""
        if context.level is Level.BALANCED and context.kind in (Kind.TEXT, Kind.COMPRESSED):
            return None
        return _OFFERS.get(context.level)

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Write the smallest of the streams tried."""
        log = window_log(len(data), _MIN_LOG, _MAX_LOG)
        trials = [_encode(data, name, bits, log, context.level) for name, bits in _variants(data, context.level)]
        payload, name, bits = min(trials, key=lambda trial: len(trial[0]))
        parameters: dict[str, Json] = {"dict_log": log, **bits._asdict()}
        if name != "none":
            parameters["filter"] = name
        return Encoded(_strip(payload, name, bits, log, data) if data else b"", parameters)

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Decode the stream. Raises PayloadDamaged."""
        del device
        log = read_int(parameters, "dict_log", _MIN_LOG, window_log(size, _MIN_LOG, _MAX_LOG))
        lc = read_int(parameters, "lc", 0, 4)
        bits = _Bits(lc, read_int(parameters, "lp", 0, 4 - lc), read_int(parameters, "pb", 0, 4))
        name = read_filter(parameters)
        if not size:
            return check_size(payload, 0)
        try:
            data = _decode(payload, name, bits, log, size)
        except (lzma.LZMAError, EOFError) as error:
            raise PayloadDamaged(f"the LZMA stream is damaged ({error}); restore compressed.bin from a copy") from error
        return check_size(data, size)

    def memory(self, size: int, level: Level) -> int:
        """Count liblzma's match finder: 11 times the dictionary."""
        del level
        return 12 * (1 << window_log(size, 16, _MAX_LOG)) + size + (16 << 20)


def _variants(data: bytes, level: Level) -> list[tuple[str, _Bits]]:
    if level in (Level.FAST, Level.BALANCED):
        return [("none", _USUAL)]
    sample = take_sample(data)

    def measure(filtered: bytes) -> int:
        return len(_encode(filtered, "none", _USUAL, 18, Level.FAST)[0])

    name = choose_filter(data, CHEAP if level is Level.BEST else ALL, measure)
    if level is Level.MAX:
        names = dict.fromkeys(("none", name))
        return [(name, bits) for name in names for bits in _BITS]
    bits = min(_BITS, key=lambda bits: len(_encode(sample, name, bits, 18, Level.FAST)[0]))
    return list(dict.fromkeys([("none", _USUAL), (name, bits)]))


def _chain(name: str, bits: _Bits, log: int, level: Level = Level.FAST) -> list[dict[str, int]]:
    preset = {Level.FAST: 1, Level.BALANCED: 6}.get(level, 9 | lzma.PRESET_EXTREME)
    coder = {"id": lzma.FILTER_LZMA1, "preset": preset, "dict_size": 1 << log, **bits._asdict()}
    return [*filter_chain(name), coder]


def _encode(data: bytes, name: str, bits: _Bits, log: int, level: Level) -> tuple[bytes, str, _Bits]:
    return lzma.compress(data, lzma.FORMAT_RAW, filters=_chain(name, bits, log, level)), name, bits


def _decode(payload: bytes, name: str, bits: _Bits, log: int, size: int) -> bytes:
    decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_chain(name, bits, log))
    return decoder.decompress(b"\0" + payload + _PADDING, size)


def _strip(payload: bytes, name: str, bits: _Bits, log: int, data: bytes) -> bytes:
    """Cut off as much of the end as zeros can stand in for; a branch filter needs its end marker."""
    body = payload[1:]
    if name == "x86":
        return body
    for cut in range(min(_MARKER, len(body) - 1), 0, -1):
        try:
            if _decode(body[:-cut], name, bits, log, len(data)) == data:
                return body[:-cut]
        except lzma.LZMAError:
            continue
    return body
