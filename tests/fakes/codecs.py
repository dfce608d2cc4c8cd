"""Compressors for tests: well-behaved, greedy, broken in each way that a third party's may be."""

import zlib
from collections.abc import Callable, Mapping, Sequence

from panini_daemon.compressors import Compressor, Context, Device, Encoded, Json, Offer, PayloadDamaged


class FakeCodec(Compressor):
    """zlib under any name, with any offer."""

    reconstruction = "fake"

    def __init__(self, method: str, *, family: str = "fake", saving: float = 0.5, seconds: float = 0.01) -> None:
        self.method = method  # type: ignore[misc]
        self.family = family  # type: ignore[misc]
        self.estimate = Offer(saving, seconds)

    def offer(self, context: Context) -> Offer | None:
        return self.estimate

    def compress(self, data: bytes, context: Context) -> Encoded:
        return Encoded(zlib.compress(data, 9))

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        try:
            return zlib.decompress(payload)
        except zlib.error as error:
            raise PayloadDamaged(str(error)) from error

    def memory(self, size: int, level: object) -> int:
        return 1000


class LyingCodec(FakeCodec):
    """Claims one byte for everything, and cannot decode it."""

    def compress(self, data: bytes, context: Context) -> Encoded:
        return Encoded(b"!")

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        return bytes(size)


class RaisingCodec(FakeCodec):
    """Raises what it is told to."""

    def __init__(self, method: str, error: Callable[[], Exception], **offer: float) -> None:
        super().__init__(method, saving=offer.get("saving", 0.9))
        self.error = error

    def compress(self, data: bytes, context: Context) -> Encoded:
        raise self.error()


class BatchCodec(FakeCodec):
    """Takes up to three chunks at once and remembers how many it was given."""

    batch_size = 3

    def __init__(self, method: str, fault: Exception | None = None) -> None:
        super().__init__(method, saving=0.95)
        self.batches: list[int] = []
        self.fault = fault

    def compress_batch(self, chunks: Sequence[bytes], contexts: Sequence[Context]) -> list[Encoded]:
        self.batches.append(len(chunks))
        if self.fault is not None:
            raise self.fault
        return super().compress_batch(chunks, contexts)
