"""Decoding runs of bytes that hold several chunks, each run once for all of its chunks."""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import cast

from panini_daemon.compressors import Registry, decompress
from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import CompressorError, PayloadDamaged
from panini_daemon.compressors.protocol import Json
from panini_daemon.storage.errors import RecipeInvalid
from panini_daemon.storage.recipe import Recipe
from panini_daemon.storage.solid import Run, Slice, parse_slice

_KEPT = 2
"""Runs that are remembered: a file's chunks come in order, so two meet only where one run ends."""


class Runs:
    """Remembers the last runs that were decoded. Thread-safe: who wants a run that another decodes waits for it."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._found: OrderedDict[str, Future[bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, run: Run, decode: Callable[[], bytes]) -> bytes:
        """Return what a run decodes to, decoding it where that is not known. Raises what `decode` raises."""
        key = _name(run)
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
        except CompressorError as error:  # remembered as well: the same bytes fail again
            mine.set_exception(error)
        except BaseException as error:
            with self._lock:
                if self._found.get(key) is mine:
                    del self._found[key]
            mine.set_exception(error)
            raise
        return mine.result()


def decode_run(run: Run, payload: bytes, *, registry: Registry, device: Device) -> bytes:
    """Decode all bytes of a run. Raises PayloadDamaged, UnknownMethod, PluginNotLoadable, PluginFailed."""
    parameters = cast("dict[str, Json]", dict(run.parameters))
    data = decompress(
        payload, registry=registry, method=run.method, parameters=parameters, size=run.size, device=device
    )
    if len(data) != run.size:
        raise PayloadDamaged(
            f"{run.file.path} decodes to {len(data)} bytes; expected {run.size}; restore it from a copy"
        )
    return data


def read_slice(recipe: Recipe) -> Slice:
    """Read the parameters of a slice that is to be decoded. Raises PayloadDamaged."""
    try:
        return parse_slice(recipe)
    except RecipeInvalid as error:
        raise PayloadDamaged(str(error)) from error


def cut(recipe: Recipe, run: bytes) -> bytes:
    """Return a slice's bytes out of its decoded run. Raises PayloadDamaged."""
    start = read_slice(recipe).offset
    return run[start : start + (recipe.size or 0)]


def hash_slices(recipes: Sequence[Recipe], payload: bytes, *, registry: Registry, device: Device) -> list[str]:
    """Decode the run that these slices have in common, once, and return the SHA-256 of each of them, in hex.

    Raises PayloadDamaged, also where they are not of one run, and what decoding raises.
    """
    runs = {_name(slice_.run): slice_.run for slice_ in map(read_slice, recipes)}
    if len(runs) != 1:
        raise PayloadDamaged(f"{len(recipes)} chunks name {len(runs)} runs; expected one")
    (run,) = runs.values()
    data = decode_run(run, payload, registry=registry, device=device)
    return [hashlib.sha256(cut(recipe, data)).hexdigest() for recipe in recipes]


def _name(run: Run) -> str:
    """Return what only runs that decode to the same have in common."""
    return f"{run.file.sha256} {run.size} {run.method} {json.dumps(run.parameters, sort_keys=True)}"
