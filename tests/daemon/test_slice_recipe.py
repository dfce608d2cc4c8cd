"""Where a slice's job lay: told where nothing but the recipe may know it."""

from datetime import UTC, datetime

import pytest

from panini_daemon.recipes import make_slice_recipe
from panini_daemon.storage.jobs import REPOSITORY_PREFIX, Chunk, Job, SourceFile
from panini_daemon.storage.recipe import parse_recipe
from panini_daemon.storage.solid import Run, RunFile, Slice, parse_slice

RUN = Run(RunFile(f"a.txt/run_{'0' * 64}.bin", 9), "generic_gzip_v1", {}, 30)
CHUNK = Chunk("a.txt", 1, 10, "inbox/a.txt/chunk_0001/data.bin", 20)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"{REPOSITORY_PREFIX}someone/archive/pending_compression/a.txt/manifest.json", True),
        ("inbox/a.txt/manifest.json", False),
    ],
)
def test_a_slice_names_its_manifest_where_that_is_in_a_repository(path: str, *, told: bool) -> None:
    job = Job("j", path, b"", (SourceFile("a.txt", 2, 30),), (CHUNK,), source={"commit": "9f2c"})
    recipe = parse_recipe(
        make_slice_recipe(
            job,
            CHUNK,
            Slice(RUN, 10),
            original_hash="1" * 64,
            charged=6,
            kind="text",
            device="cpu",
            worker="w1",
            moment=datetime(2026, 1, 1, tzinfo=UTC),
        )
    )
    assert recipe.source == {"job_id": "j", "commit": "9f2c"} | ({"manifest_path": path} if told else {})
    assert parse_slice(recipe) == Slice(RUN, 10)
