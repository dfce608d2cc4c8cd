"""What a compressor plugin is: one small class per payload format."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from panini_daemon.compressors.device import Device

if TYPE_CHECKING:
    from panini_daemon.compressors.registry import Registry

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]


class Level(StrEnum):
    """How much time a chunk is worth."""

    FAST = "fast"
    BALANCED = "balanced"
    BEST = "best"
    MAX = "max"


class Kind(StrEnum):
    """What bytes are, as far as choosing a codec goes."""

    TEXT = "text"
    IMAGE = "image"
    BINARY = "binary"
    COMPRESSED = "compressed"


@dataclass(frozen=True, slots=True)
class Hints:
    """What the outside world says of a chunk. It may be wrong: the bytes decide."""

    pattern_type: str | None = None
    grammar_id: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """All that a codec may look at besides the bytes."""

    level: Level = Level.BALANCED
    kind: Kind = Kind.BINARY
    hints: Hints = Hints()
    device: Device = field(default_factory=Device)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A payload, and what decoding needs beside it. `parameters` goes into the recipe as JSON."""

    payload: bytes
    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offer:
    """A codec's own estimate for one kind of bytes at one level.

    `saving`: share of the bytes that it usually saves, 0 to 1; it only orders the candidates.
    `seconds`: nominal seconds per MiB on one core, a constant of the codec and never a measurement, so that
    every worker makes the same choice.
    """

    saving: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a machine offers to codecs that ask for it.

    `models` are folders that may hold weights, each in a folder named by its SHA-256. `progress` may be told the
    method, and how many of how many bytes are done: who is heard from is not taken for hanging. `registry` is the
    one that loads the codec, for a codec that has others compress its parts.
    """

    models: Sequence[Path] = ()
    progress: Callable[[str, int, int], None] = lambda method, done, total: None  # noqa: ARG005
    registry: "Registry | None" = None


class Compressor(ABC):
    """One payload format. Subclass it, fill in three names and two methods, and register an entry point.

    `method` goes into the recipe's compression_method and never changes its meaning; a changed format is a new
    method. `reconstruction` is the recipe's reconstruction.method. `family` is what a job may ask for instead of
    one method (`generic`, `text`, `image`, or the plugin's own word): the smallest of the family is taken.
    """

    method: ClassVar[str]
    reconstruction: ClassVar[str]
    family: ClassVar[str]
    batch_size: ClassVar[int] = 1
    """How many chunks `compress_batch` likes to be given at once."""
    uses_gpu: ClassVar[bool] = False
    """Whether the codec runs on `context.device` and should wait for a GPU where there is one."""
    by_sample: ClassVar[bool] = False
    """Whether a sample of the bytes shows about how well the codec does on all; a sample has no format's structure."""
    exact_size: ClassVar[bool] = True
    """Whether `decompress` gives exactly `size` bytes; only old formats that rebuild a file anew do not."""

    @abstractmethod
    def compress(self, data: bytes, context: Context) -> Encoded:
        """Compress one chunk. Raises NotApplicable where the format cannot represent the bytes.

        The same data and context give the same payload, always.
        """

    @abstractmethod
    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Decode a payload to exactly `size` bytes.

        Reads nothing but its arguments. Raises PayloadDamaged for anything that this format does not write, in
        bounded time and in memory bounded by `size` and the payload's length.
        """

    def offer(self, context: Context) -> Offer | None:
        """Estimate gain and cost for `context.kind` and `context.level`; None keeps the codec out of trials."""
        del context
        return None

    def attach(self, surroundings: Surroundings) -> None:
        """Be told what there is on this machine, once, after loading; most codecs need nothing."""
        del surroundings

    def memory(self, size: int, level: Level) -> int:
        """Estimate, in bytes and generously, what compressing `size` bytes takes beside the data itself."""
        del level
        return 16 * size + (64 << 20)

    def compress_batch(self, chunks: Sequence[bytes], contexts: Sequence[Context]) -> list[Encoded]:
        """Compress several chunks together; by default one after the other."""
        return [self.compress(data, context) for data, context in zip(chunks, contexts, strict=True)]

    def decompress_batch(
        self,
        payloads: Sequence[bytes],
        parameters: Sequence[Mapping[str, Json]],
        sizes: Sequence[int],
        device: Device,
    ) -> list[bytes]:
        """Decode several payloads together; by default one after the other. Raises as `decompress` for any of them."""
        together = zip(payloads, parameters, sizes, strict=True)
        return [self.decompress(payload, options, size, device) for payload, options, size in together]
