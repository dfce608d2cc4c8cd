"""generic_ppmd_v1: PPMd variant H, behind a filter where one helps."""

from collections.abc import Mapping

from panini_daemon.compressors import ppmd
from panini_daemon.compressors.device import Device
from panini_daemon.compressors.filters import (
    ALL,
    CHEAP,
    apply_filter,
    choose_filter,
    read_filter,
    undo_filter,
)
from panini_daemon.compressors.parameters import read_int
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Kind, Level, Offer

_ORDERS = {
    Level.FAST: (4,),
    Level.BALANCED: (8, 24),
    Level.BEST: (4, 6, 8, 12, 16, 24, 40, 64),
    Level.MAX: (3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 20, 24, 32, 40, 48, 64),
}
_PATIENCE = {Level.FAST: 1, Level.BALANCED: 1, Level.BEST: 2, Level.MAX: 99}
_OFFERS = {
    Level.BALANCED: Offer(saving=0.56, seconds=0.6),
    Level.BEST: Offer(saving=0.56, seconds=1.5),
    Level.MAX: Offer(saving=0.56, seconds=4.0),
}
_STARTS = {Level.FAST: 4, Level.BALANCED: 8, Level.BEST: 8, Level.MAX: 8}
_SAMPLE_ORDER = 4


class GenericPpmd(Compressor):
    """Prediction by partial matching: the strongest of the byte coders on most bytes, as slow to decode."""

    method = "generic_ppmd_v1"
    reconstruction = "ppmd_h_decompress"
    family = "generic"
    by_sample = True

    def offer(self, context: Context) -> Offer | None:
        """Offer itself, but at `balanced` not for text (text_ppmd_v1 does it) nor for what is compressed."""
        if context.level is Level.BALANCED and context.kind in (Kind.TEXT, Kind.COMPRESSED):
            return None
        return _OFFERS.get(context.level)

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Choose a filter by sample, then search the order."""
        log = ppmd.memory_log(len(data))
        name = "none"
        if context.level in (Level.BEST, Level.MAX):
            names = CHEAP if context.level is Level.BEST else ALL
            name = choose_filter(data, names, lambda sample: len(ppmd.encode(sample, _SAMPLE_ORDER, 24)))
        payload, order = ppmd.search_order(
            apply_filter(name, data), _ORDERS[context.level], _STARTS[context.level], log
        )
        parameters: dict[str, Json] = {"order": order, "memory_log": log}
        if name != "none":
            parameters["filter"] = name
        return Encoded(payload, parameters)

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Decode, then undo the filter. Raises PayloadDamaged."""
        del device
        order = read_int(parameters, "order", ppmd.MIN_ORDER, ppmd.MAX_ORDER)
        log = read_int(parameters, "memory_log", ppmd.MIN_LOG, ppmd.memory_log(size))
        name = read_filter(parameters)
        return undo_filter(name, ppmd.decode(payload, order, log, size))

    def memory(self, size: int, level: Level) -> int:
        """Count the model and the filtered copies."""
        del level
        return (1 << ppmd.memory_log(size)) + 4 * size + (16 << 20)
