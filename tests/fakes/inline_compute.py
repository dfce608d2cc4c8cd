"""Compute without processes: the same codecs and checks, in the test's own process."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from panini_daemon.compressors import Device, Hints, Level, Registry, compress
from panini_daemon.compressors.errors import CompressorError
from panini_daemon.compute import Compressed, Order, Proof
from panini_daemon.errors import DaemonError, VerificationFailed
from panini_daemon.reconstruction import reconstruct
from panini_daemon.runs import hash_slices
from panini_daemon.storage.recipe import parse_recipe


class InlineCompute:
    """Stands in for `Compute`. `before` is called with each order and may raise."""

    def __init__(self, registry: Registry | None = None, before: Callable[[Order], None] = lambda _: None) -> None:
        self.registry = registry or Registry()
        self.before = before
        self.orders: list[Order] = []
        self.wrong_decodes = 0

    def compress(self, orders: Sequence[Order]) -> list[Compressed]:
        return [self._compress(order) for order in orders]

    def verify(self, proofs: Sequence[Proof]) -> list[str]:
        return [self._verify(proof) for proof in proofs]

    def verify_run(self, recipes: Sequence[bytes], payload: Path, size: int, method: str, chunk: str = "") -> list[str]:
        if self.wrong_decodes:
            self.wrong_decodes -= 1
            return ["0" * 64 for _ in recipes]
        slices = [parse_recipe(recipe) for recipe in recipes]
        try:
            return hash_slices(slices, payload.read_bytes(), registry=self.registry, device=Device())
        except (CompressorError, DaemonError) as error:
            raise VerificationFailed(f"{method}: {error}", method) from error

    def _compress(self, order: Order) -> Compressed:
        self.orders.append(order)
        self.before(order)
        result = compress(
            order.source.read_bytes(),
            registry=self.registry,
            request=order.request,
            level=Level(order.level),
            hints=Hints(order.pattern_type, order.grammar_id),
            device=Device(),
            exclude=frozenset(order.exclude),
        )
        order.target.write_bytes(result.payload)
        return Compressed(
            method=result.method,
            reconstruction=result.reconstruction,
            parameters=result.parameters,
            kind=result.kind,
            seconds=0.0,
            payload_size=len(result.payload),
            payload_hash=hashlib.sha256(result.payload).hexdigest(),
            trials=tuple((trial.method, trial.size, trial.error) for trial in result.trials),
            device="cpu (test)",
            chosen=result.chosen,
        )

    def _verify(self, proof: Proof) -> str:
        if self.wrong_decodes:
            self.wrong_decodes -= 1
            return "0" * 64
        recipe, payload = parse_recipe(proof.recipe), proof.payload.read_bytes()
        try:
            chunk = reconstruct(recipe, payload, registry=self.registry, device=Device())
        except (CompressorError, DaemonError) as error:
            raise VerificationFailed(f"{proof.method}: {error}", proof.method) from error
        return hashlib.sha256(chunk.data).hexdigest()
