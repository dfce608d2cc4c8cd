"""An audio file and its samples' stream: what all methods that code samples have in common.

The payload is the length of the samples' stream (4 bytes, little-endian), that stream, and the file's other bytes
(header, chunks, trailer), deflated.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict
from typing import ClassVar

from panini_daemon.compressors.audio.files import Samples, find_samples
from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import NotApplicable, PayloadDamaged
from panini_daemon.compressors.parameters import check_size, read_flag, read_int
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Kind, Level, Offer
from panini_daemon.compressors.rest import deflate_rest, inflate_rest

_PREFIX = 4


class AudioCodec(Compressor):
    """Lossless coding of audio files whose samples lie open."""

    family = "audio"
    offers: ClassVar[Mapping[Level, Offer]]

    @abstractmethod
    def encode(self, samples: bytes, layout: Samples, level: Level) -> tuple[bytes, dict[str, Json]]:
        """Return the samples' stream, and parameters beside those of the layout."""

    @abstractmethod
    def decode(self, stream: bytes, layout: Samples, parameters: Mapping[str, Json]) -> bytes:
        """Return the bytes of the samples. Raises PayloadDamaged."""

    def offer(self, context: Context) -> Offer | None:
        """Offer itself for binaries; it turns down at once what is no audio file."""
        return self.offers.get(context.level) if context.kind is Kind.BINARY else None

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Code the samples; what is no audio file of whole numbers raises NotApplicable."""
        if not data:
            return Encoded(b"", {})
        found = find_samples(data)
        if found is None:
            raise NotApplicable("the chunk is no WAV or AIFF file with samples of 1 to 3 bytes in whole numbers")
        end = found.offset + found.size
        stream, told = self.encode(data[found.offset : end], found, context.level)
        rest = deflate_rest(data[: found.offset] + data[end:])
        return Encoded(len(stream).to_bytes(_PREFIX, "little") + stream + rest, {**asdict(found), **told})

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Rebuild the file. Raises PayloadDamaged."""
        del device
        if not size:
            return check_size(payload, 0)
        found = _read_samples(parameters, size)
        end = _PREFIX + int.from_bytes(payload[:_PREFIX], "little")
        if end > len(payload):
            raise PayloadDamaged(f"the payload has {len(payload)} bytes; its samples alone end at {end}")
        rest = inflate_rest(payload[end:], size - found.size)
        samples = self.decode(payload[_PREFIX:end], found, parameters)
        return check_size(rest[: found.offset] + samples + rest[found.offset :], size)


def _read_samples(parameters: Mapping[str, Json], size: int) -> Samples:
    found = Samples(
        **{name: read_int(parameters, name, 0, max(size, 16)) for name in ("offset", "frames", "channels", "width")},
        big=read_flag(parameters, "big"),
        signed=read_flag(parameters, "signed"),
    )
    if not found.fits(size):
        raise PayloadDamaged(
            f"the recipe's samples ({found.frames} x {found.channels} of {found.width} bytes at {found.offset}) do not "
            f"fit into {size} bytes; restore recipe.json from a copy"
        )
    return found
