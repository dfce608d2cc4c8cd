"""text_ppmd_v1: PPMd variant H behind a text transform (see prose.py)."""

from collections.abc import Mapping

from panini_daemon.compressors import ppmd, prose
from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.parameters import check_size, read_int
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Kind, Level, Offer

_ORDERS = {
    Level.FAST: (5,),
    Level.BALANCED: (7, 24),
    Level.BEST: (4, 5, 6, 7, 9, 16, 24, 40, 64),
    Level.MAX: (3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 20, 24, 32, 40, 48, 64),
}
_STARTS = {Level.FAST: 5, Level.BALANCED: 7, Level.BEST: 7, Level.MAX: 7}
_PATIENCE = {Level.FAST: 1, Level.BALANCED: 1, Level.BEST: 2, Level.MAX: 99}
_OFFERS = {
    Level.BALANCED: Offer(saving=0.75, seconds=0.6),
    Level.BEST: Offer(saving=0.75, seconds=1.5),
    Level.MAX: Offer(saving=0.75, seconds=3.0),
}


class TextPpmd(Compressor):
    """Prediction by partial matching of text whose capitals and alphabet were simplified."""

    method = "text_ppmd_v1"
    reconstruction = "ppmd_h_text_decompress"
    family = "text"
    by_sample = True

    def offer(self, context: Context) -> Offer | None:
        """Offer itself for text."""
        return _OFFERS.get(context.level) if context.kind is Kind.TEXT else None

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Transform, then search the order."""
        if not data:
            return Encoded(b"", {"order": ppmd.MIN_ORDER, "memory_log": ppmd.MIN_LOG, "length": 0})
        text = prose.transform(data)
        log = ppmd.memory_log(len(data))
        payload, order = ppmd.search_order(
            text, _ORDERS[context.level], _STARTS[context.level], log, _PATIENCE[context.level]
        )
        return Encoded(payload, {"order": order, "memory_log": log, "length": len(text)})

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Decode, then undo the transform. Raises PayloadDamaged."""
        del device
        order = read_int(parameters, "order", ppmd.MIN_ORDER, ppmd.MAX_ORDER)
        log = read_int(parameters, "memory_log", ppmd.MIN_LOG, ppmd.memory_log(size))
        length = read_int(parameters, "length", 0, 4 * size + 512)
        text = ppmd.decode(payload, order, log, length)
        if not text and size:
            raise PayloadDamaged(f"the payload holds no text; expected {size} bytes")
        return check_size(prose.restore(text, size) if text else b"", size)

    def memory(self, size: int, level: Level) -> int:
        """Count the model, and text as four bytes a character, twice."""
        del level
        return (1 << ppmd.memory_log(size)) + 12 * size + (16 << 20)
