"""A run is proven in a compute process, by what a reader does: decoded once, each chunk of it hashed."""

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.memory_store import MemoryStore
from fakes.trees import commit_run

from panini_daemon.compute import Compute
from panini_daemon.compute_pool import ComputeLimits
from panini_daemon.errors import VerificationFailed

pytestmark = pytest.mark.slow

PIECES = [b"eight byt", b"", b"es of it, " * 300]
SIZE = sum(map(len, PIECES))


@pytest.fixture(scope="module")
def compute() -> Iterator[Compute]:
    compute = Compute("cpu", 1, ComputeLimits(60.0, 0.0, 0), threading.Event())
    yield compute
    compute.close()


def file(folder: Path, **changes: object) -> tuple[list[bytes], Path]:
    """Return the recipes of a run's slices, and its payload."""
    store = MemoryStore()
    run = commit_run(store, "f", PIECES, **changes)
    payload = folder / "payload"
    payload.write_bytes(store.read(run))
    return [store.read(f"compressed_chunks/f/chunk_{number:04d}/recipe.json") for number in range(len(PIECES))], payload


def test_every_slice_of_a_run_is_hashed(compute: Compute, tmp_path: Path) -> None:
    recipes, payload = file(tmp_path)
    found = compute.verify_run(recipes, payload, SIZE, "generic_gzip_v1")
    assert found == [hashlib.sha256(piece).hexdigest() for piece in PIECES]


def test_a_payload_that_is_not_what_the_recipes_name_is_refused(compute: Compute, tmp_path: Path) -> None:
    recipes, payload = file(tmp_path)
    payload.write_bytes(payload.read_bytes() + b"x")
    with pytest.raises(VerificationFailed, match="changed between"):
        compute.verify_run(recipes, payload, SIZE, "generic_gzip_v1")


@pytest.mark.parametrize("changes", [{"decoded_size": SIZE + 1}, {"method": "no_such_v1"}, {"method": "generic_xz_v1"}])
def test_a_run_that_does_not_decode_is_refused(compute: Compute, tmp_path: Path, changes: dict[str, object]) -> None:
    recipes, payload = file(tmp_path, **changes)
    with pytest.raises(VerificationFailed):
        compute.verify_run(recipes, payload, SIZE, "generic_gzip_v1")
