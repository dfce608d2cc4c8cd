"""Trees that were written once and must restore for ever: what a chunk needs beside its own payload is frozen here."""

from pathlib import Path

import pytest

from panini_daemon.compressors import Device, Registry
from panini_daemon.reader import Reader
from panini_daemon.storage.local import LocalStore
from panini_daemon.verification import verify_tree

GOLDEN = Path(__file__).parents[1] / "golden" / "trees"


@pytest.mark.parametrize("tree", ["solid_slice_v1", "solid_slice_v1_named"])
def test_slices_that_were_written_once_still_restore(tree: str) -> None:
    """In the first tree every recipe names its run with the path, in the second those beside it by the name alone."""
    place = GOLDEN / tree
    reader = Reader(LocalStore(place), Registry(), Device())
    original = (place / "original.bin").read_bytes()
    folders = [f"compressed_chunks/file/chunk_{number:04d}" for number in range(3)]
    found = [reader.read(folder) for folder in (*folders, "compressed_chunks/copy/chunk_0000")]
    assert {commit.recipe.compression_method for commit, _ in found} == {"solid_slice_v1"}
    assert b"".join(chunk.data for _, chunk in found[:3]) == original
    assert found[3][1].data == found[1][1].data
    assert verify_tree(reader, "compressed_chunks", deep=True).problems == []


@pytest.mark.parametrize("method", ["dedup_reference_v1"])
def test_a_tree_that_was_written_once_still_restores(method: str) -> None:
    reader = Reader(LocalStore(GOLDEN / method), Registry(), Device())
    original = (GOLDEN / method / "original.bin").read_bytes()
    found = {base: reader.read(f"compressed_chunks/{base}/chunk_0000") for base in ("first", "second")}
    assert [commit.recipe.compression_method == method for commit, _ in found.values()] == [False, True]
    assert all(chunk.data == original and chunk.exact for _, chunk in found.values())
    assert verify_tree(reader, "compressed_chunks", deep=True).problems == []
