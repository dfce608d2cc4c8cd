"""generic_zstd_v1: one Zstandard frame (RFC 8878) without magic number, content size and checksum."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.parameters import check_size, read_int, window_log
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Kind, Level, Offer

if TYPE_CHECKING:
    import zstandard

_LEVELS = {Level.FAST: 3, Level.BALANCED: 12, Level.BEST: 22, Level.MAX: 22}
_OFFERS = {
    Level.FAST: Offer(saving=0.40, seconds=0.02),
    Level.BALANCED: Offer(saving=0.45, seconds=0.1),
    Level.BEST: Offer(saving=0.48, seconds=0.6),
    Level.MAX: Offer(saving=0.48, seconds=0.6),
}
_MIN_LOG, _MAX_LOG = 10, 27
_PIECE = 1 << 22


class GenericZstd(Compressor):
    """Zstandard on one thread; the window holds the whole chunk, up to 128 MiB."""

    method = "generic_zstd_v1"
    reconstruction = "zstd_decompress"
    family = "generic"
    by_sample = True

    def offer(self, context: Context) -> Offer | None:
        """Offer itself at every level, but for compressed bytes not where time is short."""
        if context.level is Level.FAST and context.kind is Kind.COMPRESSED:
            return None
        return _OFFERS[context.level]

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Write one frame; `window_log` tells the decoder how much memory it may take."""
        if not data:
            return Encoded(b"", {"window_log": _MIN_LOG})
        import zstandard  # noqa: PLC0415  a decoder of other methods should not pay for it

        log = window_log(len(data), _MIN_LOG, _MAX_LOG)
        parameters = zstandard.ZstdCompressionParameters.from_level(
            _LEVELS[context.level],
            source_size=len(data),
            window_log=log,
            format=zstandard.FORMAT_ZSTD1_MAGICLESS,
            write_content_size=False,
            write_checksum=False,
            write_dict_id=False,
            enable_ldm=log > 22 and context.level in (Level.BEST, Level.MAX),
            threads=0,
        )
        payload = zstandard.ZstdCompressor(compression_params=parameters).compress(data)
        return Encoded(payload, {"window_log": log})

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Decode the frame. Raises PayloadDamaged."""
        del device
        log = read_int(parameters, "window_log", _MIN_LOG, window_log(size, _MIN_LOG, _MAX_LOG))
        if not size:
            return check_size(payload, 0)
        import zstandard  # noqa: PLC0415

        decoder = zstandard.ZstdDecompressor(format=zstandard.FORMAT_ZSTD1_MAGICLESS, max_window_size=1 << log)
        try:
            with decoder.stream_reader(payload, read_across_frames=False) as reader:
                data = _read(reader, size + 1)
        except (zstandard.ZstdError, ValueError) as error:
            raise PayloadDamaged(f"the zstd frame is damaged ({error}); restore compressed.bin from a copy") from error
        return check_size(data, size)

    def memory(self, size: int, level: Level) -> int:
        """Count the match finder's tables, which grow with level and window."""
        window = 1 << window_log(size, 19, _MAX_LOG)
        return (12 if level in (Level.BEST, Level.MAX) else 4) * window + (16 << 20)


def _read(reader: "zstandard.ZstdDecompressionReader", limit: int) -> bytes:
    """Read so many bytes at most; the reader would allocate all that it is asked for, whatever there is."""
    pieces: list[bytes] = []
    while limit and (piece := reader.read(min(limit, _PIECE))):
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)
