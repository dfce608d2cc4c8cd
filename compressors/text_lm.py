"""text_lm_v1: a language model in exact integers, mixed with what the text itself shows (docs/language-model.md)."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from panini_daemon.compressors.device import Device
from panini_daemon.compressors.language.wrapping import Unwrapped, rewrap, unwrap
from panini_daemon.compressors.models.catalogue import DEFAULT
from panini_daemon.compressors.models.shelf import Shelf
from panini_daemon.compressors.parameters import check_size, read_flag, read_int, read_text
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Kind, Level, Offer, Surroundings

if TYPE_CHECKING:
    from panini_daemon.compressors.models.runtime import Runtime

WINDOW = 2048
LANE_BYTES, MOST_LANES = 128 << 10, 64
"""A text gets one lane for each so many bytes: each starts without knowing what came before it."""
CPU_SECONDS_A_BYTE = 0.02
"""What encoding and two decodings of a byte in one lane take on one core, roughly; measured on an EPYC."""
_PROCESS = 1600 << 20
_LANE_MEMORY = 160 << 20
_STATES_OF_A_TEXT = 400 << 20


def count_lanes(size: int) -> int:
    """Return the lanes of a text of `size` bytes, 1 to MOST_LANES; the same on every machine."""
    return min(MOST_LANES, max(1, size // LANE_BYTES))


class TextLm(Compressor):
    """The smallest text by far, and by far the slowest: offered where there is a CUDA GPU, else asked for by name."""

    method = "text_lm_v1"
    reconstruction = "language_model_decode"
    family = "language"
    batch_size = 16
    uses_gpu = True

    def __init__(self, model: str = DEFAULT.digest) -> None:
        """Load nothing yet. `model` is the SHA-256 of the model to compress with; a payload names its own."""
        self._model = model
        self._surroundings = Surroundings()
        self._runtimes: dict[tuple[str, str], Runtime] = {}

    def attach(self, surroundings: Surroundings) -> None:
        """Keep where weights may lie."""
        self._surroundings = surroundings

    def offer(self, context: Context) -> Offer | None:
        """Offer itself for text at level max on a CUDA GPU."""
        wanted = context.kind is Kind.TEXT and context.level is Level.MAX and context.device.is_cuda
        return Offer(saving=0.85, seconds=60.0) if wanted else None

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Encode one text. Raises ModelMissing, ModelDamaged, DeviceInexact."""
        return self.compress_batch([data], [context])[0]

    def compress_batch(self, chunks: Sequence[bytes], contexts: Sequence[Context]) -> list[Encoded]:
        """Encode several texts together; each comes out as it would alone."""
        if not any(chunks):
            return [Encoded(b"") for _ in chunks]
        runtime = self._runtime(self._model, contexts[0].device)
        texts = [unwrap(data) for data in chunks]
        tokens = [runtime.vocabulary.encode(text.text) for text in texts]
        lanes = [count_lanes(len(data)) for data in chunks]
        streams = runtime.encode(tokens, lanes, WINDOW, self._watch(sum(map(len, chunks))))
        return [
            self._pack(text, stream, cut, len(words)) if data else Encoded(b"")
            for data, text, stream, cut, words in zip(chunks, texts, streams, lanes, tokens, strict=True)
        ]

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Decode one text. Raises PayloadDamaged, ModelMissing, ModelDamaged, DeviceInexact."""
        return self.decompress_batch([payload], [parameters], [size], device)[0]

    def decompress_batch(
        self,
        payloads: Sequence[bytes],
        parameters: Sequence[Mapping[str, Json]],
        sizes: Sequence[int],
        device: Device,
    ) -> list[bytes]:
        """Decode several texts, those of one model and window together. Raises as `decompress` for any of them."""
        found: dict[int, bytes] = {}
        alike: dict[tuple[str, int], list[int]] = {}
        for number, (payload, options, size) in enumerate(zip(payloads, parameters, sizes, strict=True)):
            if size:
                model = read_text(options, "model", r"[0-9a-f]{64}")
                alike.setdefault((model, read_int(options, "window", 64, 1 << 16)), []).append(number)
            else:
                found[number] = check_size(payload, 0)
        for (model, window), numbers in alike.items():
            orders = [_read_order(payloads[number], parameters[number], sizes[number]) for number in numbers]
            runtime = self._runtime(model, device)
            texts = runtime.decode(orders, window, self._watch(sum(sizes[number] for number in numbers)))
            for number, tokens in zip(numbers, texts, strict=True):
                breaks = read_int(parameters[number], "breaks", 0, len(payloads[number]))
                crlf = read_flag(parameters[number], "crlf")
                text = rewrap(runtime.vocabulary.decode(tokens), payloads[number][:breaks], crlf=crlf)
                found[number] = check_size(text, sizes[number])
        return [found[number] for number in range(len(payloads))]

    def memory(self, size: int, level: Level) -> int:
        """Count the weights, and each lane's keys and values."""
        del level
        return _PROCESS + count_lanes(size) * _LANE_MEMORY + _STATES_OF_A_TEXT + 40 * size

    def _runtime(self, digest: str, device: Device) -> "Runtime":
        """Load a model to a device and test the device with it, once."""
        key = (digest, device.spec)
        if key not in self._runtimes:
            path = Shelf(self._surroundings.models).find(digest)
            from panini_daemon.compressors.models.runtime import load_runtime  # noqa: PLC0415  imports torch

            self._runtimes[key] = load_runtime(path, digest, device)
        return self._runtimes[key]

    def _watch(self, size: int) -> Callable[[int, int], None]:
        tell = self._surroundings.progress

        def watch(done: int, total: int) -> None:
            if done % 64 == 0:
                tell(self.method, size * done // max(1, total), size)

        return watch

    def _pack(self, text: Unwrapped, stream: bytes, lanes: int, tokens: int) -> Encoded:
        parameters: dict[str, Json] = {
            "model": self._model,
            "tokens": tokens,
            "lanes": lanes,
            "window": WINDOW,
            "breaks": len(text.breaks),
            "crlf": text.crlf,
        }
        return Encoded(text.breaks + stream, parameters)


def _read_order(payload: bytes, parameters: Mapping[str, Json], size: int) -> tuple[bytes, int, int]:
    """Return a text's stream, tokens and lanes. Raises PayloadDamaged."""
    breaks = read_int(parameters, "breaks", 0, len(payload))
    read_flag(parameters, "crlf")
    count, lanes = read_int(parameters, "tokens", 0, 2 * size), read_int(parameters, "lanes", 1, MOST_LANES)
    return payload[breaks:], count, lanes
