"""docs/jobs.md: every example is a job that a worker does."""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.bench import Bench
from fakes.markdown import fences, prose

from panini_daemon.storage.forms import parse_manifest


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.stopping.set()
    made.close()


def write_data_of_the_examples(bench: Bench) -> None:
    body = b"IHDR" + struct.pack(">IIBBBBB", 640, 480, 8, 2, 0, 0, 0)
    header = b"\0\0\0\x0d" + body + struct.pack(">I", zlib.crc32(body))
    letters = [b"Dear Anna,\nall well", b" and warm in Naples.", b" Yours."]
    png, text = "inbox/pending_compression/holiday/beach.png", "inbox/letters.txt"
    bench.store.write(f"{png}/chunk_0000/data.bin", b"\x89PNG\r\n\x1a\n")
    bench.store.write(f"{png}/chunk_0001/data.bin", header)
    bench.store.write("inbox/pending_compression/letters.txt/chunk_0000/data.bin", letters[0])
    for number, data in ((1, letters[1][:19]), (2, letters[2])):
        told = {"chunk_id": number, "offset": 19 * number, "size": len(data)}
        bench.store.write(f"{text}/chunk_{number:04d}/metadata.json", json.dumps(told).encode())
        bench.store.write(f"{text}/chunk_{number:04d}/data.bin", data)
    bench.store.write("inbox/letters-2026/data.bin", letters[0] + letters[1][:19])


def test_every_example_of_a_job_parses_as_what_it_is() -> None:
    manifests = [fence for fence in fences("docs/jobs.md", "json") if not fence.name.endswith("metadata.json")]
    assert len(manifests) == 4
    for fence in manifests:
        assert f"`{fence.name}`" in prose("docs/jobs.md"), "the reader sees no fence's name"
        plan = parse_manifest(fence.text.encode(), fence.name)
        assert plan.chunks, fence.name


def test_a_worker_does_every_example_of_a_job(bench: Bench) -> None:
    write_data_of_the_examples(bench)
    for fence in fences("docs/jobs.md", "json"):
        bench.store.write(fence.name, fence.text.encode())
    bench.run()
    assert bench.names("failed") == []
    assert len(bench.names("done")) == 4
    recipe = bench.json("compressed_chunks/holiday/beach.png/chunk_0001/recipe.json")
    assert (recipe["pattern_type"], recipe["assembly_info"]["depends_on"]) == ("PNG_IHDR", [0])
    assert bench.json("compressed_chunks/letters.txt/chunk_0000/recipe.json")["source"]["workflow"]["run_id"] == 812
    assert bench.json("compressed_chunks/letters/2026.txt/manifest.json")["total_size"] == 38
    assert [name for name in bench.names("inbox") if name.endswith(".json")] == []
