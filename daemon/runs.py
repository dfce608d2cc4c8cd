"""Decoding runs of bytes that hold several chunks, each run once for all of its chunks."""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import cast

from panini_daemon.compressors import Registry, decompress
from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.protocol import Json
from panini_daemon.storage.errors import RecipeInvalid
from panini_daemon.storage.recipe import Recipe
from panini_daemon.storage.solid import SLICE_METHOD, Run, parse_run, parse_slice

_KEPT = 2
"""Runs that are remembered: a file's chunks come in order, so two meet only where one run ends."""


class Runs:
    """Remembers the last runs that were decoded. Thread-safe: who wants a run that another decodes waits for it."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._found: OrderedDict[str, Future[bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, decode: Callable[[], bytes]) -> bytes:
        """Return the run called `key`, decoding it where it is not known. Raises what `decode` raises."""
        with self._lock:
            known = self._found.get(key)
            if known is None:
                mine = self._found[key] = Future[bytes]()
                while len(self._found) > _KEPT:
                    self._found.popitem(last=False)
            else:
                self._found.move_to_end(key)
        if known is not None:
            return known.result()
        try:
            mine.set_result(decode())
        except BaseException as error:
            with self._lock:
                if self._found.get(key) is mine:
                    del self._found[key]
            mine.set_exception(error)
            raise
        return mine.result()


def name_run(recipe: Recipe, payload_hash: str) -> str:
    """Return what only runs that decode to the same have in common: payload and parameters. Raises PayloadDamaged."""
    run = _parse(recipe)
    told = json.dumps([run.method, run.parameters, run.size], sort_keys=True)
    return f"{payload_hash}-{hashlib.sha256(told.encode()).hexdigest()}"


def decode_run(recipe: Recipe, payload: bytes, *, registry: Registry, device: Device) -> bytes:
    """Decode the whole run that a host's payload holds. Raises PayloadDamaged, UnknownMethod."""
    run = _parse(recipe)
    parameters = cast("dict[str, Json]", run.parameters)
    data = decompress(
        payload, registry=registry, method=run.method, parameters=parameters, size=run.size, device=device
    )
    if len(data) != run.size:
        raise PayloadDamaged(f"the run of chunk {recipe.chunk_id} decodes to {len(data)} bytes; expected {run.size}")
    return data


def cut(recipe: Recipe, run: bytes) -> bytes:
    """Return the chunk of a host's or a slice's recipe out of its run. Raises PayloadDamaged."""
    try:
        is_slice = recipe.compression_method == SLICE_METHOD
        offset = parse_slice(recipe).offset if is_slice else parse_run(recipe).offset
    except RecipeInvalid as error:
        raise PayloadDamaged(str(error)) from error
    if recipe.size is None or offset + recipe.size > len(run):
        raise PayloadDamaged(
            f"chunk {recipe.chunk_id} is {recipe.size} bytes at {offset} of a run of {len(run)}; expected a place "
            "inside it; compress the chunk again"
        )
    return run[offset : offset + recipe.size]


def _parse(recipe: Recipe) -> Run:
    try:
        return parse_run(recipe)
    except RecipeInvalid as error:
        raise PayloadDamaged(str(error)) from error
