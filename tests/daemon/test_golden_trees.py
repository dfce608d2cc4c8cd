"""Trees that were written once and must restore for ever: what a chunk needs beside its own payload is frozen here."""

from pathlib import Path

import pytest

from panini_daemon.compressors import Device, Registry
from panini_daemon.reader import Reader
from panini_daemon.storage.local import LocalStore
from panini_daemon.verification import verify_tree

GOLDEN = Path(__file__).parents[1] / "golden" / "trees"


@pytest.mark.parametrize("method", ["dedup_reference_v1"])
def test_a_tree_that_was_written_once_still_restores(method: str) -> None:
    reader = Reader(LocalStore(GOLDEN / method), Registry(), Device())
    original = (GOLDEN / method / "original.bin").read_bytes()
    found = {base: reader.read(f"compressed_chunks/{base}/chunk_0000") for base in ("first", "second")}
    assert [commit.recipe.compression_method == method for commit, _ in found.values()] == [False, True]
    assert all(chunk.data == original and chunk.exact for _, chunk in found.values())
    assert verify_tree(reader, "compressed_chunks", deep=True).problems == []
