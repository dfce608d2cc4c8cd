"""What runs inside a compute process: plugins, apart from the daemon, so that none can hang or crash it.

One JSON object a line on standard input and output. The daemon names files; bytes never cross the pipe.
A request is {"task": "compress", "verify" or "verify_run", "items": [...]}; the answer is one object with
"results" or "error", before it any number of {"trial": method} while codecs are tried and of
{"progress": method, "done": bytes, "total": bytes} from slow ones.
"""

import hashlib
import json
import os
import queue
import resource
import sys
import threading
import time
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO

from panini_daemon.compressors import Item, Registry, Result, compress_batch
from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import CompressorError, PluginNotLoadable
from panini_daemon.compressors.protocol import Compressor, Context, Hints, Kind, Level, Surroundings
from panini_daemon.decoding import decode_together
from panini_daemon.errors import DaemonError
from panini_daemon.reconstruction import reconstruct
from panini_daemon.runs import hash_slices, read_slice
from panini_daemon.storage.recipe import Recipe, parse_recipe

Message = dict[str, Any]


def main() -> None:
    """Serve requests until standard input ends; then leave at once, whatever a plugin is doing."""
    device, memory_limit = Device(sys.argv[1]), int(sys.argv[2])
    if memory_limit and not device.is_cuda:  # a CUDA context maps more than any sensible limit
        resource.setrlimit(resource.RLIMIT_DATA, (memory_limit, memory_limit))
    answers = _private_stdout()
    requests: queue.SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    registry = Registry(surroundings=Surroundings([Path(name) for name in sys.argv[3:]], _make_progress(answers)))
    try:
        _send(answers, {"hello": device.name, **_describe(registry)})
    except CompressorError as error:
        _send(answers, {"error": type(error).__name__, "message": str(error)})
    while True:
        request = requests.get()
        try:
            reply = _handle(request, registry, device, answers)
        except MemoryError:
            reply = {"error": "ComputeOutOfMemory", "message": "the plugin ran out of memory"}
        except (CompressorError, DaemonError) as error:
            reply = {"error": type(error).__name__, "message": str(error)}
        except OSError as error:
            reply = {"error": "SpoolUnavailable", "message": str(error)}
        _send(answers, reply)


def _private_stdout() -> BinaryIO:
    """Keep the pipe for answers; what a library prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return answers


def _read_requests(requests: "queue.SimpleQueue[Message]") -> None:
    for line in sys.stdin.buffer:
        requests.put(json.loads(line))
    os._exit(0)  # the daemon is gone; nobody wants the result


def _send(answers: BinaryIO, message: Message) -> None:
    data = json.dumps(message).encode() + b"\n"
    while data:
        try:
            data = data[answers.write(data) :]
        except BrokenPipeError:
            os._exit(0)  # the daemon is gone; nobody wants the result


def _make_progress(answers: BinaryIO) -> Callable[[str, int, int], None]:
    """Return what tells the daemon of a slow codec's progress, once a second at most."""
    last = 0.0

    def tell(method: str, done: int, total: int) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= 1:
            last = now
            _send(answers, {"progress": method, "done": done, "total": total})

    return tell


def _describe(registry: Registry) -> Message:
    gpu: dict[str, str] = {}
    offers: set[tuple[str, str]] = set()
    for method in registry.names():
        try:
            plugin = registry.get(method)
        except PluginNotLoadable:  # named among the problems
            continue
        if plugin.uses_gpu:
            gpu[method] = plugin.family
            offers |= _offers_on_gpu(plugin)
    return {"gpu_methods": gpu, "gpu_offers": sorted(offers), "problems": registry.problems()}


def _offers_on_gpu(plugin: Compressor) -> set[tuple[str, str]]:
    """Return for which levels and kinds a codec offers itself where there is a GPU."""
    found: set[tuple[str, str]] = set()
    for level, kind in product(Level, Kind):
        try:
            if plugin.offer(Context(level, kind, device=Device("cuda:0"))) is not None:
                found.add((level, kind))
        except Exception:  # noqa: BLE001  a third-party plugin may raise anything; choosing one names it
            return found
    return found


def _handle(request: Message, registry: Registry, device: Device, answers: BinaryIO) -> Message:
    if request["task"] == "compress":
        return {"results": _compress(request["items"], registry, device, answers)}
    if request["task"] == "verify_run":
        return {"results": [_verify_run(item, registry, device) for item in request["items"]]}
    return {"results": _verify(request["items"], registry, device)}


def _compress(orders: Sequence[Message], registry: Registry, device: Device, answers: BinaryIO) -> list[Message]:
    """Compress what asks for the same thing together; an order's own error is its own result."""
    results: dict[int, Message] = {}
    alike: dict[tuple[str, str, tuple[str, ...]], list[int]] = {}
    for number, order in enumerate(orders):
        wish = (order["request"], order["level"], tuple(order["exclude"]))
        alike.setdefault(wish, []).append(number)
    for (request, level, exclude), numbers in alike.items():
        start = time.perf_counter()
        outcomes = compress_batch(
            [_read(orders[number]) for number in numbers],
            registry=registry,
            request=request,
            level=Level(level),
            device=device,
            exclude=frozenset(exclude),
            checked=False,  # the daemon decodes what is chosen, and excludes a codec that fails
            on_trial=lambda method: _send(answers, {"trial": method}),
        )
        seconds = (time.perf_counter() - start) / len(numbers)
        for number, outcome in zip(numbers, outcomes, strict=True):
            results[number] = _write(outcome, Path(orders[number]["output"]), seconds)
    return [results[number] for number in range(len(orders))]


def _read(order: Message) -> Item:
    return Item(Path(order["input"]).read_bytes(), Hints(order["pattern_type"], order["grammar_id"]))


def _write(outcome: Result | CompressorError, output: Path, seconds: float) -> Message:
    if isinstance(outcome, CompressorError):
        return {"error": type(outcome).__name__, "message": str(outcome)}
    output.write_bytes(outcome.payload)
    return {
        "method": outcome.method,
        "reconstruction": outcome.reconstruction,
        "parameters": dict(outcome.parameters),
        "kind": outcome.kind,
        "seconds": seconds,
        "payload_size": len(outcome.payload),
        "payload_hash": hashlib.sha256(outcome.payload).hexdigest(),
        "chosen": outcome.chosen,
        "trials": [[trial.method, trial.size, trial.error] for trial in outcome.trials],
    }


def _verify(items: Sequence[Message], registry: Registry, device: Device) -> list[Message]:
    """Decode what was written to disk with the code a reader uses, together where a codec likes it so."""
    recipes = [parse_recipe(item["recipe"].encode()) for item in items]
    payloads = [Path(item["payload"]).read_bytes() for item in items]
    ahead = decode_together(recipes, payloads, registry=registry, device=device)
    return [
        _verify_one(recipe, payload, registry, device, ahead.get(number))
        for number, (recipe, payload) in enumerate(zip(recipes, payloads, strict=True))
    ]


def _verify_one(recipe: Recipe, payload: bytes, registry: Registry, device: Device, decoded: bytes | None) -> Message:
    """Check one payload; the answer has no hash unless the bytes are the original's."""
    if hashlib.sha256(payload).hexdigest() != recipe.payload_hash:
        return {"error": "VerificationFailed", "message": "the payload changed between writing and reading it"}
    try:
        chunk = reconstruct(recipe, payload, registry=registry, device=device, decoded=decoded)
    except (CompressorError, DaemonError) as error:
        return {"error": type(error).__name__, "message": str(error)}
    return {"hash": recipe.original_hash if chunk.exact else ""}


def _verify_run(item: Message, registry: Registry, device: Device) -> Message:
    """Decode a run once and tell the SHA-256 of each of its chunks."""
    recipes = [parse_recipe(recipe.encode()) for recipe in item["recipes"]]
    payload = Path(item["payload"]).read_bytes()
    try:
        if hashlib.sha256(payload).hexdigest() != read_slice(recipes[0]).run.file.sha256:
            return {"error": "VerificationFailed", "message": "the payload changed between writing and reading it"}
        return {"hashes": hash_slices(recipes, payload, registry=registry, device=device)}
    except (CompressorError, DaemonError) as error:
        return {"error": type(error).__name__, "message": str(error)}


if __name__ == "__main__":
    main()
