"""A worker that compresses chunks of one file together, and what must hold of what it filed."""

import hashlib
import random
from typing import Any

from fakes.bench import Bench

from panini_daemon.compressors import Device, Registry
from panini_daemon.reader import Reader
from panini_daemon.restoration import restore_file
from panini_daemon.storage.root import CHUNKS
from panini_daemon.verification import Verified, verify_tree

SIZE = 4000
TEXT = "\n".join(f"{number} times {number} is {number * number}, as everybody knows" for number in range(400)).encode()
COUNT = -(-len(TEXT) // SIZE)
NOISE = random.Random(1).randbytes(3 * SIZE)


def send(bench: Bench, base: str = "play.txt", data: bytes = TEXT, **options: Any) -> None:
    bench.submit("file", data, base=base, chunk_size=SIZE, **options)


def reader(bench: Bench) -> Reader:
    return Reader(bench.store, Registry(), Device())


def recipes(bench: Bench, base: str = "play.txt") -> list[dict[str, Any]]:
    names = [name for name in bench.names(f"{CHUNKS}/{base}") if name.startswith("chunk_")]
    return [bench.json(f"{CHUNKS}/{base}/{name}/recipe.json") for name in names]


def methods(bench: Bench, base: str = "play.txt") -> set[str]:
    return {recipe["compression_method"] for recipe in recipes(bench, base)}


def runs(bench: Bench, base: str = "play.txt") -> list[str]:
    return [f"{CHUNKS}/{base}/{name}" for name in bench.names(f"{CHUNKS}/{base}") if name.startswith("run_")]


def check(bench: Bench, base: str = "play.txt", data: bytes = TEXT) -> Verified:
    """Require that the file restores and the tree is good."""
    found = verify_tree(reader(bench), CHUNKS, deep=True)
    assert found.problems == []
    restored = restore_file(reader(bench), f"{CHUNKS}/{base}", bench.folder / "out")
    assert restored.sha256 == hashlib.sha256(data).hexdigest()
    assert [bench.names(folder) for folder in ("inbox", "failed")] == [[], []]
    return found
