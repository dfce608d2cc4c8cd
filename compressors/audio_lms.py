"""audio_lms_v1: a WAV or AIFF file, its samples foretold by a cascade of adaptive filters."""

from collections.abc import Mapping
from typing import ClassVar

from panini_daemon.compressors.audio.codec import AudioCodec
from panini_daemon.compressors.audio.files import Samples
from panini_daemon.compressors.parameters import read_flag, read_int
from panini_daemon.compressors.protocol import Json, Level, Offer


class AudioLms(AudioCodec):
    """Samples through normalised least-mean-square filters: quick both ways."""

    method = "audio_lms_v1"
    reconstruction = "samples_into_file"
    offers: ClassVar[Mapping[Level, Offer]] = {
        # of sound it saves less, but must have its turn before what sees no structure
        Level.BALANCED: Offer(saving=0.63, seconds=1.2),
        Level.MAX: Offer(saving=0.63, seconds=4.0),
    }

    def encode(self, samples: bytes, layout: Samples, level: Level) -> tuple[bytes, dict[str, Json]]:
        """Code the samples, at `best` and above with a long filter."""
        from panini_daemon.compressors.audio.cascade_coder import code_with  # noqa: PLC0415  compiles kernels
        from panini_daemon.compressors.audio.samples import encode_samples  # noqa: PLC0415

        thorough = level in (Level.BEST, Level.MAX)
        stream, step = encode_samples(samples, layout, code_with(thorough=thorough))
        return stream, {"thorough": thorough, "step": step}

    def decode(self, stream: bytes, layout: Samples, parameters: Mapping[str, Json]) -> bytes:
        """Undo `encode`. Raises PayloadDamaged."""
        from panini_daemon.compressors.audio.cascade_coder import code_with  # noqa: PLC0415
        from panini_daemon.compressors.audio.samples import LARGEST_STEP, decode_samples  # noqa: PLC0415

        step = read_int(parameters, "step", 1, LARGEST_STEP)
        return decode_samples(stream, layout, code_with(thorough=read_flag(parameters, "thorough")), step=step)

    def memory(self, size: int, level: Level) -> int:
        """Count samples as numbers of 64 bits, twice."""
        del level
        return 20 * size + (32 << 20)
