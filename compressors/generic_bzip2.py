"""generic_bzip2_v1: a bzip2 stream without its four header bytes, in blocks of 900 kB."""

import bz2
from collections.abc import Mapping

from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.parameters import check_size
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Level, Offer

_HEADER = b"BZh9"
_OFFERS = {
    Level.BALANCED: Offer(saving=0.52, seconds=0.15),
    Level.BEST: Offer(saving=0.52, seconds=0.15),
    Level.MAX: Offer(saving=0.52, seconds=0.15),
}


class GenericBzip2(Compressor):
    """Burrows-Wheeler transform and Huffman codes, as libbz2 writes them."""

    method = "generic_bzip2_v1"
    reconstruction = "bzip2_decompress"
    family = "generic"
    by_sample = True

    def offer(self, context: Context) -> Offer | None:
        """Offer itself as a cheap second opinion."""
        return _OFFERS.get(context.level)

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Write one stream."""
        del context
        return Encoded(bz2.compress(data, 9).removeprefix(_HEADER) if data else b"")

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Decode the stream. Raises PayloadDamaged."""
        del parameters, device
        if not size:
            return check_size(payload, 0)
        decoder = bz2.BZ2Decompressor()
        try:
            data = decoder.decompress(_HEADER + payload, size + 1)
            if len(data) == size and not decoder.eof:
                data += decoder.decompress(b"", 1)  # reads the checksum behind the last byte
        except (OSError, ValueError, EOFError) as error:
            raise PayloadDamaged(
                f"the bzip2 stream is damaged ({error}); restore compressed.bin from a copy"
            ) from error
        if not decoder.eof or decoder.unused_data:
            raise PayloadDamaged("the bzip2 stream does not end where it must; restore compressed.bin from a copy")
        return check_size(data, size)

    def memory(self, size: int, level: Level) -> int:
        """Count libbz2's block buffers."""
        del level
        return size + (10 << 20)
