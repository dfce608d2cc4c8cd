import json
import re
from typing import Any

import pytest
from fakes.deliveries import CHUNKS, job, job_file, sha
from fakes.parsed_forms import SCHEMA, finish, parse

from panini_daemon.storage.errors import ManifestInvalid, UnsafeName
from panini_daemon.storage.job_manifest import job_schema


def test_a_job_is_read_whole() -> None:
    manifest = job(priority=3, level="best", method="x_v1", source={"repo": "r"}, created_at="2024-01-01T00:00:00Z")
    done = finish(parse(manifest))
    assert (done.priority, done.level, done.method, done.source) == (3, "best", "x_v1", {"repo": "r"})
    first, second, third = done.chunks
    assert (second.data_path, second.data_offset, second.offset, second.size) == ("inbox/d1/data.bin", 8, 8, 31)
    assert third.size == 0
    assert first.total_chunks == 3
    assert second.grammar_id == "png_v1"
    assert done.leftovers == ("inbox/d1/data.bin", "inbox/d1")
    manifest_ = done.files[0].manifest
    assert manifest_ is not None
    assert manifest_["chunks"][1] == {  # type: ignore[index]
        "chunk_id": 1, "offset": 8, "size": 31, "hash": sha(CHUNKS[1]), "pattern": None,
    }  # fmt: skip
    assert (manifest_["total_size"], manifest_["total_chunks"]) == (39, 3)


def test_one_job_may_hold_many_files() -> None:
    plan = parse(job(job_file(), job_file(base="x/y", path="d2/data.bin")))
    assert [file.base for file in plan.files] == ["photo.png", "x/y"]
    assert len(plan.chunks) == 6


def with_chunk(**change: Any) -> dict[str, Any]:
    file = job_file()
    file["chunks"][1] |= change
    return job(file)


@pytest.mark.parametrize(
    ("manifest", "named"),
    [
        (job(version=2), "version 2"),
        (job(version="1"), "version '1'"),
        (job(files=[]), "files"),
        (job(job_file(), job_file()), "base twice"),
        (job(job_file(total_chunks=2)), "total_chunks 2"),
        (job(level=5), "level"),
        (with_chunk(chunk_id="1"), "chunk_id"),
        (with_chunk(chunk_id=0), "chunk_0000 twice"),
        (with_chunk(path_offset=-1), "path_offset"),
        (with_chunk(path=""), "path"),
        (with_chunk(path="j2.json"), "taken for a manifest"),
        (with_chunk(path="d/manifest.json"), "taken for a manifest"),
        (with_chunk(hash="12"), "hash"),
        (with_chunk(size=None), "size"),
        (with_chunk(depends_on=[-1]), "depends_on"),
    ],
)
def test_a_wrong_field_of_a_job_is_named(manifest: object, named: str) -> None:
    with pytest.raises(ManifestInvalid, match=re.escape(named)):
        parse(manifest)


@pytest.mark.parametrize("bad", ["../x", "/etc/passwd", "d/../../x", "C:\\x", "d\\x"])
def test_job_paths_and_bases_that_leave_the_tree_are_refused(bad: str) -> None:
    with pytest.raises(UnsafeName):
        parse(with_chunk(path=bad))
    with pytest.raises(UnsafeName):
        parse(job(job_file(base=bad)))


def test_the_published_schema_is_the_one_of_the_code() -> None:
    assert json.loads(SCHEMA.read_text()) == job_schema(), "write docs/schemas/job-1.schema.json anew"
