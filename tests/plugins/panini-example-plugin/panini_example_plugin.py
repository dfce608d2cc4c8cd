"""A compressor in one file, to copy: tables of four-byte numbers, split into byte planes, as differences, through zlib.

The planes are cut on `context.device`, many chunks at once; whole numbers only, so that every device gives the same
bytes.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from panini_daemon.compressors import Compressor, Context, Device, Encoded, Json, Kind, Level, Offer, PayloadDamaged

if TYPE_CHECKING:
    import torch

WIDTH = 4


class ExamplePlanes(Compressor):
    """Byte planes of differences."""

    method = "example_planes_v1"
    reconstruction = "example_planes"
    family = "example"
    batch_size = 16
    uses_gpu = True

    def offer(self, context: Context) -> Offer | None:
        """Offer itself for binary data where there is time."""
        wanted = context.kind is Kind.BINARY and context.level in (Level.BEST, Level.MAX)
        return Offer(saving=0.3, seconds=0.2) if wanted else None

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Compress one chunk as a batch of one."""
        return self.compress_batch([data], [context])[0]

    def compress_batch(self, chunks: Sequence[bytes], contexts: Sequence[Context]) -> list[Encoded]:
        """Pad the chunks to one table, cut it on the device, deflate row by row."""
        if not chunks:
            return []
        import torch  # seconds of import that only this codec's work should pay

        rows = -(-max(map(len, chunks)) // WIDTH) or 1
        padded = bytearray(b"".join(chunk.ljust(rows * WIDTH, b"\0") for chunk in chunks))
        table = torch.frombuffer(padded, dtype=torch.uint8).to(contexts[0].device.torch)
        table = table.reshape(len(chunks), rows, WIDTH)
        first = torch.zeros_like(table[:, :1])
        planes = (table - torch.cat([first, table[:, :-1]], dim=1)).transpose(1, 2).contiguous().cpu()
        return [Encoded(_deflate(planes[at], len(chunk))) for at, chunk in enumerate(chunks)]

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Undo it. Raises PayloadDamaged."""
        del parameters
        import torch

        rows = -(-size // WIDTH)
        decoder = zlib.decompressobj()
        try:
            planes = decoder.decompress(payload, rows * WIDTH + 1)
        except zlib.error as error:
            raise PayloadDamaged(f"the zlib stream is damaged ({error})") from error
        if len(planes) != rows * WIDTH:
            raise PayloadDamaged(f"the payload holds {len(planes)} bytes; expected {rows * WIDTH}")
        if not size:
            return b""
        steps = torch.frombuffer(bytearray(planes), dtype=torch.uint8).to(device.torch).reshape(WIDTH, rows)
        sums = torch.cumsum(steps, dim=1, dtype=torch.int64) & 255
        return bytes(sums.to(torch.uint8).T.contiguous().cpu().numpy().tobytes()[:size])


def _deflate(planes: "torch.Tensor", size: int) -> bytes:
    rows = -(-size // WIDTH)
    return zlib.compress(planes[:, :rows].contiguous().numpy().tobytes(), 9)
