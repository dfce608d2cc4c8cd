"""Compute that takes simulated time: two exact codecs, one of which may lie or crash."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from panini_daemon.compressors import Context, Device, Level, Registry
from panini_daemon.compressors.errors import CompressorError, UnknownMethod
from panini_daemon.compute import Compressed, Order, Proof
from panini_daemon.errors import ComputeDied, VerificationFailed
from panini_daemon.reconstruction import reconstruct
from panini_daemon.runs import cut, decode_run, hash_slices, read_slice
from panini_daemon.storage.recipe import parse_recipe
from panini_daemon.storage.solid import is_slice

GZIP, PLAIN = "generic_gzip_v1", "passthrough_v1"


@lru_cache(maxsize=1)
def registry() -> Registry:
    """Return one registry for all worlds of a process: loading codecs takes longer than a world does."""
    return Registry()


@dataclass(frozen=True, slots=True)
class Habits:
    """How a worker computes: seconds at most for a chunk, how often the first codec lies or crashes."""

    slowest: float
    trouble: float


class SimulatedCompute:
    """Stands in for `Compute`. `did` is told the bytes of each chunk that was compressed."""

    def __init__(
        self, habits: Habits, random: Random, sleep: Callable[[float], None], did: Callable[[bytes], None]
    ) -> None:
        self._habits = habits
        self._random = random
        self._sleep = sleep
        self._did = did

    def compress(self, orders: Sequence[Order]) -> list[Compressed]:
        return [self._compress(order) for order in orders]

    def verify(self, proofs: Sequence[Proof]) -> list[str]:
        self._sleep(self._random.uniform(0, 0.5))
        return [self._verify(proof) for proof in proofs]

    def verify_run(self, recipes: Sequence[bytes], payload: Path, size: int, method: str, chunk: str = "") -> list[str]:
        self._sleep(self._random.uniform(0, 0.5))
        slices = [parse_recipe(recipe) for recipe in recipes]
        try:
            return hash_slices(slices, payload.read_bytes(), registry=registry(), device=Device())
        except CompressorError as error:
            raise VerificationFailed(f"{method}: {error}", method) from error

    def _verify(self, proof: Proof) -> str:
        try:
            return hashlib.sha256(decode(proof.recipe, proof.payload.read_bytes())).hexdigest()
        except CompressorError as error:
            raise VerificationFailed(f"{proof.method}: {error}", proof.method) from error

    def _compress(self, order: Order) -> Compressed:
        self._sleep(self._random.uniform(0.1, self._habits.slowest))
        data, method = order.source.read_bytes(), order.request
        if method not in (GZIP, PLAIN, "auto"):
            raise UnknownMethod(f"no {method}")
        if method == "auto":
            method = PLAIN if GZIP in order.exclude else GZIP
        codec = registry().get(method)
        self._did(data)
        payload = codec.compress(data, Context(Level.FAST)).payload
        if method == GZIP and order.request == "auto" and self._random.random() < self._habits.trouble:
            if self._random.random() < 0.5:
                raise ComputeDied("the compute process died", method)
            other = codec.compress(data[:-1] + b"?", Context(Level.FAST)).payload
            payload = other if data[-1:] != b"?" else payload
        order.target.write_bytes(payload)
        return Compressed(
            method=method,
            reconstruction=codec.reconstruction,
            parameters={},
            kind="binary",
            seconds=0.0,
            payload_size=len(payload),
            payload_hash=hashlib.sha256(payload).hexdigest(),
            trials=((method, len(payload), None),),
            device="cpu (simulated)",
        )


def decode(recipe: bytes, payload: bytes) -> bytes:
    """Return what a reader gets; of a slice, `payload` is its run's.

    Raises what decoding raises, and not for a hash that differs.
    """
    read = parse_recipe(recipe)
    if is_slice(read):
        return cut(read, decode_run(read_slice(read).run, payload, registry=registry(), device=Device()))
    free = read.model_copy(update={"original_hash": ""})
    return reconstruct(free, payload, registry=registry(), device=Device()).data
