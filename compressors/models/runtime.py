"""A model on a device, tested, with its vocabulary: what a codec needs to code texts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.exact.model import Model
from panini_daemon.compressors.exact.products import choose_kernel
from panini_daemon.compressors.exact.replay import Recorder, record_cuda
from panini_daemon.compressors.language.codec import Watch, count_memory_bits, decode, encode
from panini_daemon.compressors.language.steps import Settings
from panini_daemon.compressors.language.vocabulary import Vocabulary
from panini_daemon.compressors.models.file import parse_model
from panini_daemon.compressors.models.self_test import can_record, require_golden

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, eq=False)
class Runtime:
    """A loaded model."""

    model: Model
    vocabulary: Vocabulary
    record: Recorder | None = None
    """How steps are recorded, where the device was found to do that well."""

    def encode(self, texts: Sequence[Sequence[int]], lanes: Sequence[int], window: int, watch: Watch) -> list[bytes]:
        """Encode texts of tokens together."""

        def work(batch: Sequence[int], settings: Settings) -> list[bytes]:
            chosen = [texts[number] for number in batch]
            cut = [lanes[number] for number in batch]
            return encode(chosen, cut, self.model, settings, watch, record=self.record)

        return self._share(work, [len(text) for text in texts], window)

    def decode(self, orders: Sequence[tuple[bytes, int, int]], window: int, watch: Watch) -> list[list[int]]:
        """Decode texts together, each given as its stream, its number of tokens and its lanes.

        Raises PayloadDamaged where one does not end as it must.
        """
        if window > self.model.shape.positions:
            raise PayloadDamaged(
                f"the window is {window}; this model has at most {self.model.shape.positions} positions; "
                "restore recipe.json from a copy"
            )

        def work(batch: Sequence[int], settings: Settings) -> list[list[int] | None]:
            streams, counts, lanes = zip(*(orders[number] for number in batch), strict=True)
            return decode(streams, counts, lanes, self.model, settings, watch, record=self.record)

        texts = self._share(work, [count for _, count, _ in orders], window)
        found = [text for text in texts if text is not None]
        if len(found) != len(texts):
            raise PayloadDamaged("a stream does not end where it must; restore compressed.bin from a copy")
        return found

    def _share(
        self, work: Callable[[Sequence[int], Settings], list[Result]], counts: Sequence[int], window: int
    ) -> list[Result]:
        """Do texts with equally large memories together; where the device's memory is too small, half as many."""
        done: dict[int, Result] = {}
        alike: dict[int, list[int]] = {}
        for number, count in enumerate(counts):
            alike.setdefault(count_memory_bits(count), []).append(number)
        for bits, numbers in alike.items():
            waiting = [numbers]
            while waiting:
                batch = waiting.pop()
                try:
                    found = work(batch, Settings(window, self.vocabulary.start, bits))
                except (RuntimeError, MemoryError) as error:
                    if len(batch) == 1 or not _is_out_of_memory(error):
                        raise
                    waiting += [batch[len(batch) // 2 :], batch[: len(batch) // 2]]
                else:
                    done |= zip(batch, found, strict=True)
        return [done[number] for number in range(len(counts))]


def _is_out_of_memory(error: Exception) -> bool:
    """Tell whether memory ran out: a GPU's, Python's own, or a CPU's, which torch tells of in words alone."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


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
    record = record_cuda if device.is_cuda and can_record(model, file, record_cuda) else None
    return Runtime(model, file.vocabulary(), record)
