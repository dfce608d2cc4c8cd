"""A model on a device, tested, with its vocabulary: what a codec needs to code texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.exact.model import Model
from panini_daemon.compressors.exact.products import choose_kernel
from panini_daemon.compressors.language.codec import Settings, Watch, count_memory_bits, decode, encode
from panini_daemon.compressors.language.vocabulary import Vocabulary
from panini_daemon.compressors.models.file import parse_model
from panini_daemon.compressors.models.self_test import require_golden


@dataclass(frozen=True, slots=True, eq=False)
class Runtime:
    """A loaded model."""

    model: Model
    vocabulary: Vocabulary

    def encode(self, texts: Sequence[Sequence[int]], lanes: Sequence[int], window: int, watch: Watch) -> list[bytes]:
        """Encode texts of tokens, those with equally large memories together; out of memory, half as many."""
        streams: dict[int, bytes] = {}
        alike: dict[int, list[int]] = {}
        for number, text in enumerate(texts):
            alike.setdefault(count_memory_bits(len(text)), []).append(number)
        for bits, numbers in alike.items():
            settings = Settings(window, self.vocabulary.start, bits)
            waiting = [numbers]
            while waiting:
                batch = waiting.pop()
                try:
                    found = encode(
                        [texts[number] for number in batch],
                        [lanes[number] for number in batch],
                        self.model,
                        settings,
                        watch,
                    )
                except (torch.OutOfMemoryError, MemoryError):
                    if len(batch) == 1:
                        raise
                    waiting += [batch[len(batch) // 2 :], batch[: len(batch) // 2]]
                else:
                    streams |= zip(batch, found, strict=True)
        return [streams[number] for number in range(len(texts))]

    def decode(self, stream: bytes, count: int, lanes: int, window: int, watch: Watch) -> list[int]:
        """Decode one text of `count` tokens. Raises PayloadDamaged."""
        if window > self.model.shape.positions:
            raise PayloadDamaged(
                f"the window is {window}; this model has at most {self.model.shape.positions} positions; "
                "restore recipe.json from a copy"
            )
        settings = Settings(window, self.vocabulary.start, count_memory_bits(count))
        (tokens,) = decode([stream], [count], [lanes], self.model, settings, watch)
        if tokens is None:
            raise PayloadDamaged("the stream does not end where it must; restore compressed.bin from a copy")
        return tokens


def load_runtime(path: Path, digest: str, device: Device) -> Runtime:
    """Read a model file, put it on a device and test the device with it.

    Raises ModelDamaged, DeviceInexact and DeviceUnavailable.
    """
    file = parse_model(path.read_bytes(), digest)
    if not device.is_cuda:
        torch.set_num_threads(1)  # a step's products are small: threads would wait for each other most of the time
    torch.set_float32_matmul_precision("highest")  # no TF32: its products are not exact
    model = Model(file.shape, file.tensors, device.torch, choose_kernel(device.torch))
    require_golden(model, file)
    return Runtime(model, file.vocabulary())
