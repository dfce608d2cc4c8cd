"""audio_ols_v1: a WAV or AIFF file, its samples foretold by least squares and then a cascade of adaptive filters."""

from collections.abc import Mapping
from typing import ClassVar

from panini_daemon.compressors.audio.codec import AudioCodec
from panini_daemon.compressors.audio.files import Samples
from panini_daemon.compressors.parameters import read_int
from panini_daemon.compressors.protocol import Json, Level, Offer


class AudioOls(AudioCodec):
    """Samples through recursive least squares and normalised least-mean-square filters: small, and slow both ways."""

    method = "audio_ols_v1"
    reconstruction = "samples_into_file_by_squares"
    offers: ClassVar[Mapping[Level, Offer]] = {
        # of sound it saves less, but must have its turn before what takes as long and sees no structure
        Level.BEST: Offer(saving=0.64, seconds=5.0),
        Level.MAX: Offer(saving=0.64, seconds=5.0),
    }

    def encode(self, samples: bytes, layout: Samples, level: Level) -> tuple[bytes, dict[str, Json]]:
        """Code the samples; all levels alike."""
        del level
        from panini_daemon.compressors.audio.samples import encode_samples  # noqa: PLC0415  compiles kernels
        from panini_daemon.compressors.audio.squares_coder import code  # noqa: PLC0415

        stream, step = encode_samples(samples, layout, code)
        return stream, {"step": step}

    def decode(self, stream: bytes, layout: Samples, parameters: Mapping[str, Json]) -> bytes:
        """Undo `encode`. Raises PayloadDamaged."""
        from panini_daemon.compressors.audio.samples import LARGEST_STEP, decode_samples  # noqa: PLC0415
        from panini_daemon.compressors.audio.squares_coder import code  # noqa: PLC0415

        return decode_samples(stream, layout, code, step=read_int(parameters, "step", 1, LARGEST_STEP))

    def memory(self, size: int, level: Level) -> int:
        """Count samples as numbers of 64 bits, twice, and the chances of eight channels."""
        del level
        return 20 * size + (96 << 20)
