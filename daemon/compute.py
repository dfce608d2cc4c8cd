"""Compressing and verifying in processes apart: a few for the CPU, one with a queue for each GPU.

Processes start when the first chunk needs them and are replaced when a plugin hangs in them or crashes them.
"""

import queue
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from panini_daemon.compressors import Hints, Kind, classify
from panini_daemon.compressors.errors import CompressorError
from panini_daemon.compute_pipe import Message, error_from
from panini_daemon.compute_pool import ComputeLimits, ProcessPool
from panini_daemon.errors import ComputeFailed, DaemonError, VerificationFailed
from panini_daemon.slow_work import SlowWork
from panini_daemon.spool import Place
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.jobs import Chunk

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Order:
    """One chunk to compress: local files in and out, what is asked for, and the name that a person knows it by."""

    source: Path
    target: Path
    size: int
    request: str = "auto"
    level: str = "balanced"
    pattern_type: str | None = None
    grammar_id: str | None = None
    exclude: tuple[str, ...] = ()
    chunk: str = ""

    @classmethod
    def of(cls, chunk: Chunk, place: Place, request: str, level: str, exclude: Collection[str]) -> Self:
        """Make the order for a chunk that was fetched to `place`."""
        return cls(
            source=place.original,
            target=place.payload,
            size=chunk.size,
            request=request,
            level=level,
            pattern_type=chunk.pattern_type,
            grammar_id=chunk.grammar_id,
            exclude=tuple(sorted(exclude)),
            chunk=chunk.name,
        )

    def kind(self) -> Kind:
        """Look at the first bytes for what they are. Raises OSError."""
        with self.source.open("rb") as file:
            return classify(file.read(_MIB), Hints(self.pattern_type, self.grammar_id))

    def message(self) -> Message:
        """Return the order as the compute process reads it."""
        return {
            "input": str(self.source),
            "output": str(self.target),
            "request": self.request,
            "level": self.level,
            "pattern_type": self.pattern_type,
            "grammar_id": self.grammar_id,
            "exclude": list(self.exclude),
        }


@dataclass(frozen=True, slots=True)
class Compressed:
    """What came of an order: `seconds` at work; `trials` are (method, size, error) in the order tried.

    `chosen` says in short why this method was taken.
    """

    method: str
    reconstruction: str
    parameters: Mapping[str, Any]
    kind: str
    seconds: float
    payload_size: int
    payload_hash: str
    trials: tuple[tuple[str, int | None, str | None], ...]
    device: str
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """A payload to be decoded as a reader would: its recipe.json, its file, the size and name of what must come out."""

    recipe: bytes
    payload: Path
    size: int
    method: str
    chunk: str = ""

    def message(self) -> Message:
        """Return the request as the compute process reads it."""
        return {"recipe": self.recipe.decode(), "payload": str(self.payload)}


class Compute:
    """The machine's compute: `compress` and `verify` block until a process has done it."""

    def __init__(
        self,
        device: str,
        workers: int,
        limits: ComputeLimits,
        stop: threading.Event,
        batch: int = 16,
        tell: Callable[[str], None] = lambda _: None,
        models: Sequence[Path] = (),
        slow: SlowWork | None = None,
    ) -> None:
        """Use `workers` CPU processes, and one more for `device` where that is a GPU; the rest as in ProcessPool.

        What slow codecs tell of their progress goes to `slow`.
        """
        self.slow = slow or SlowWork(SystemClock())
        self._cpu = ProcessPool("cpu", workers, limits, stop, tell, models)
        self._gpu = GpuQueue(device, limits, stop, batch, models, slow=self.slow) if device != "cpu" else None

    def compress(self, orders: Sequence[Order]) -> list[Compressed]:
        """Compress chunks into their orders' targets, in one process; the first error is raised.

        Orders that go together ask for the same. Raises ComputeFailed, ComputeStopped, SpoolUnavailable and
        CompressorError.
        """
        if not orders:
            return []
        if self._gpu and self._wants_gpu(orders):
            replies, device = self._gpu.compress(orders), self._gpu.device_name
        else:
            request = {"task": "compress", "items": [order.message() for order in orders]}
            with self.slow.follow([order.chunk for order in orders], "compress") as told:
                replies = self._cpu.call(request, sum(order.size for order in orders), told)["results"]
            device = str(self._cpu.hello()["hello"])
        return [_read_reply(reply, device) for reply in replies]

    def verify(self, proofs: Sequence[Proof]) -> list[str]:
        """Decode payloads as a reader would; return the SHA-256 of what came out of each."""
        if not proofs:
            return []
        request = {"task": "verify", "items": [proof.message() for proof in proofs]}
        gpu = self._gpu_methods()
        pool = self._gpu.pool if self._gpu and any(proof.method in gpu for proof in proofs) else self._cpu
        with self.slow.follow([proof.chunk for proof in proofs], "verify") as told:
            replies = pool.call(request, sum(proof.size for proof in proofs), told)["results"]
        for reply, proof in zip(replies, proofs, strict=True):
            if "error" in reply:
                raise VerificationFailed(f"{proof.method}: {reply['error']}: {reply['message']}", proof.method)
        return [str(reply["hash"]) for reply in replies]

    @property
    def has_gpu(self) -> bool:
        """Whether a GPU computes, too."""
        return self._gpu is not None

    @property
    def device_name(self) -> str | None:
        """The device's full name, None before the first process has reported it."""
        hello = (self._gpu.pool if self._gpu else self._cpu).known_hello
        return str(hello["hello"]) if hello else None

    def close(self) -> None:
        """Kill every process."""
        self._cpu.close()
        if self._gpu:
            self._gpu.close()

    def _gpu_methods(self) -> dict[str, str]:
        """Return the methods that run on a GPU, and their families."""
        return dict(self._cpu.hello()["gpu_methods"])

    def _wants_gpu(self, orders: Sequence[Order]) -> bool:
        """Tell whether a codec that runs on a GPU will be tried: asked for, or offering itself for such bytes."""
        methods, request = self._gpu_methods(), orders[0].request
        if request != "auto":
            return request in {*methods, *methods.values()}
        offers = {(level, kind) for level, kind in self._cpu.hello()["gpu_offers"]}
        if orders[0].level not in {level for level, _ in offers}:
            return False
        return any((order.level, order.kind()) in offers for order in orders)


class GpuQueue:
    """One process for one GPU; chunks that wait at the same time go to it together, as one batch."""

    def __init__(
        self,
        device: str,
        limits: ComputeLimits,
        stop: threading.Event,
        batch: int,
        models: Sequence[Path] = (),
        *,
        slow: SlowWork,
    ) -> None:
        """Start the thread that forms batches of at most `batch` chunks."""
        self._slow = slow
        self.pool = ProcessPool(device, 1, limits, stop, models=models)
        self._batch = batch
        self._waiting: queue.SimpleQueue[tuple[Order, Future[Message]] | None] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name=f"gpu-{device}", daemon=True).start()

    @property
    def device_name(self) -> str:
        """The device with its product name, as the GPU process reports it."""
        return str(self.pool.hello()["hello"])

    def compress(self, orders: Sequence[Order]) -> list[Message]:
        """Queue chunks and wait for their results."""
        waiting: list[Future[Message]] = [Future() for _ in orders]
        for order, done in zip(orders, waiting, strict=True):
            self._waiting.put((order, done))
        return [done.result() for done in waiting]

    def close(self) -> None:
        """End the thread and the process."""
        self._waiting.put(None)
        self.pool.close()

    def _serve(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first]
            while len(batch) < self._batch and not self._waiting.empty():
                if (more := self._waiting.get()) is None:
                    self._waiting.put(None)
                    break
                batch.append(more)
            self._run(batch)

    def _run(self, batch: Sequence[tuple[Order, Future[Message]]]) -> None:
        request = {"task": "compress", "items": [order.message() for order, _ in batch]}
        try:
            with self._slow.follow([order.chunk for order, _ in batch], "compress") as told:
                results = self.pool.call(request, sum(order.size for order, _ in batch), told)["results"]
        except (ComputeFailed, CompressorError) as error:
            if len(batch) == 1:
                batch[0][1].set_exception(error)
                return
            for one in batch:  # alone, each shows whether it was the one
                self._run([one])
        except DaemonError as error:
            for _, done in batch:
                done.set_exception(error)
        else:
            for (_, done), result in zip(batch, results, strict=True):
                done.set_result(result)


def _read_reply(reply: Message, device: str) -> Compressed:
    if "error" in reply:
        raise error_from(reply)
    trials = tuple((method, size, error) for method, size, error in reply.pop("trials"))
    return Compressed(**reply, trials=trials, device=device)
