"""audio_lms_v1: a WAV or AIFF file, its samples foretold by a cascade of adaptive filters.

The payload is the length of the samples' stream (4 bytes, little-endian), that stream, and the file's other bytes
(header, chunks, trailer), deflated.
"""

from collections.abc import Mapping
from dataclasses import asdict

from panini_daemon.compressors.audio.files import Samples, find_samples
from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import NotApplicable, PayloadDamaged
from panini_daemon.compressors.parameters import check_size, read_flag, read_int
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Kind, Level, Offer
from panini_daemon.compressors.rest import deflate_rest, inflate_rest

_OFFERS = {
    Level.BALANCED: Offer(saving=0.45, seconds=1.2),
    Level.BEST: Offer(saving=0.45, seconds=4.0),
    Level.MAX: Offer(saving=0.45, seconds=4.0),
}
_PREFIX = 4


class AudioLms(Compressor):
    """Lossless coding of audio files whose samples lie open."""

    method = "audio_lms_v1"
    reconstruction = "samples_into_file"
    family = "audio"

    def offer(self, context: Context) -> Offer | None:
        """Offer itself for binaries; it turns down at once what is no audio file."""
        return _OFFERS.get(context.level) if context.kind is Kind.BINARY else None

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Code the samples; what is no audio file of whole numbers raises NotApplicable."""
        if not data:
            return Encoded(b"", {})
        found = find_samples(data)
        if found is None:
            raise NotApplicable("the chunk is no WAV or AIFF file with samples of 1 to 3 bytes in whole numbers")
        from panini_daemon.compressors.audio.samples import encode_samples  # noqa: PLC0415  compiles kernels

        end = found.offset + found.size
        thorough = context.level in (Level.BEST, Level.MAX)
        stream, step = encode_samples(data[found.offset : end], found, thorough=thorough)
        rest = deflate_rest(data[: found.offset] + data[end:])
        payload = len(stream).to_bytes(_PREFIX, "little") + stream + rest
        return Encoded(payload, {**asdict(found), "thorough": thorough, "step": step})

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
        from panini_daemon.compressors.audio.samples import decode_samples  # noqa: PLC0415

        step = read_int(parameters, "step", 1, 1 << 23)
        samples = decode_samples(payload[_PREFIX:end], found, thorough=read_flag(parameters, "thorough"), step=step)
        return check_size(rest[: found.offset] + samples + rest[found.offset :], size)

    def memory(self, size: int, level: Level) -> int:
        """Count samples as numbers of 64 bits, twice."""
        del level
        return 20 * size + (32 << 20)


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
