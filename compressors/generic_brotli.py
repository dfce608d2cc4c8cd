"""generic_brotli_v1: one Brotli stream (RFC 7932); its built-in dictionary makes it good at small text."""

from collections.abc import Mapping

from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.parameters import check_size, window_log
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Level, Offer

_QUALITIES = {Level.FAST: 1, Level.BALANCED: 9, Level.BEST: 11, Level.MAX: 11}
_OFFERS = {
    Level.BEST: Offer(saving=0.50, seconds=1.8),
    Level.MAX: Offer(saving=0.50, seconds=3.5),
}


class GenericBrotli(Compressor):
    """Brotli, at `max` in both of its modes."""

    method = "generic_brotli_v1"
    reconstruction = "brotli_decompress"
    family = "generic"
    by_sample = True

    def offer(self, context: Context) -> Offer | None:
        """Offer itself where its time is well spent."""
        return _OFFERS.get(context.level)

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Write one stream; everything that decoding needs is in its header."""
        if not data:
            return Encoded(b"")
        import brotli  # noqa: PLC0415  a decoder of other methods should not pay for it

        modes = [brotli.MODE_GENERIC] + [brotli.MODE_TEXT] * (context.level is Level.MAX)
        quality, log = _QUALITIES[context.level], window_log(len(data) + 16, 10, 24)
        payloads = [bytes(brotli.compress(data, mode=mode, quality=quality, lgwin=log)) for mode in modes]
        return Encoded(min(payloads, key=len))

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Decode the stream. Raises PayloadDamaged."""
        del parameters, device
        if not size:
            return check_size(payload, 0)
        import brotli  # noqa: PLC0415

        decoder = brotli.Decompressor()
        pieces: list[bytes] = []
        rest, total = payload, 0
        try:
            while not decoder.is_finished() and total <= size:
                pieces.append(decoder.process(rest, output_buffer_limit=size + 1 - total))
                total += len(pieces[-1])
                rest = b""
                if not pieces[-1] and decoder.can_accept_more_data():
                    break
        except brotli.error as error:
            raise PayloadDamaged(
                f"the Brotli stream is damaged ({error}); restore compressed.bin from a copy"
            ) from error
        if total == size and not decoder.is_finished():
            raise PayloadDamaged("the Brotli stream has no end; restore compressed.bin from a copy")
        return check_size(b"".join(pieces), size)

    def memory(self, size: int, level: Level) -> int:
        """Count the window, the hash chains and the cost model of the highest quality."""
        return (16 if level in (Level.BEST, Level.MAX) else 4) * min(size, 1 << 24) + 2 * size + (64 << 20)
