"""Compute without processes: the same codecs and checks, in the test's own process."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from panini_daemon.compressors import Device, Hints, Level, Registry, compress
from panini_daemon.compute import Compressed, Order
from panini_daemon.reconstruction import reconstruct
from panini_daemon.storage.recipe import parse_recipe


class InlineCompute:
    """Stands in for `Compute`. `before` is called with each order and may raise."""

    def __init__(self, registry: Registry | None = None, before: Callable[[Order], None] = lambda _: None) -> None:
        self.registry = registry or Registry()
        self.before = before
        self.orders: list[Order] = []
        self.wrong_decodes = 0

    def compress(self, order: Order) -> Compressed:
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
        )

    def verify(self, recipe: bytes, payload: Path, size: int, method: str) -> str:
        if self.wrong_decodes:
            self.wrong_decodes -= 1
            return "0" * 64
        chunk = reconstruct(parse_recipe(recipe), payload.read_bytes(), registry=self.registry, device=Device())
        return hashlib.sha256(chunk.data).hexdigest()
