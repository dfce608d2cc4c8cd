"""The largest chunk: taken by the inbox and by `submit` just as far as it can be decoded again."""

from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.deliveries import job, job_file
from fakes.memory_store import MemoryStore
from fakes.parsed_forms import finish, parse

from panini_daemon.compressors.parameters import LARGEST, check_claim
from panini_daemon.storage.digests import MAX_PAYLOAD_BYTES
from panini_daemon.storage.errors import ManifestInvalid
from panini_daemon.storage.plans import MAX_CHUNK_BYTES
from panini_daemon.storage.submission import submit


def a_job(size: int) -> object:
    file = job_file(base="a")
    return job({**file, "chunks": [{**file["chunks"][0], "size": size}], "total_chunks": 1})


def test_what_is_taken_can_be_decoded_again_and_its_payload_be_read() -> None:
    assert MAX_CHUNK_BYTES == LARGEST
    assert MAX_PAYLOAD_BYTES >= 2 * LARGEST
    check_claim(LARGEST)


def test_a_chunk_of_a_hundred_megabytes_is_taken_and_one_of_the_largest_size() -> None:
    for size in (100 << 20, MAX_CHUNK_BYTES):
        assert [chunk.size for chunk in finish(parse(a_job(size))).chunks] == [size]


def test_a_larger_chunk_is_refused_when_its_job_is_made() -> None:
    with pytest.raises(ManifestInvalid, match="cut the file into smaller ones"):
        finish(parse(a_job(MAX_CHUNK_BYTES + 1)))


def test_no_file_is_cut_into_larger_chunks(tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as hole:
        hole.truncate(MAX_CHUNK_BYTES + 1)
    with pytest.raises(ManifestInvalid, match="choose a smaller chunk size"):
        submit(MemoryStore(), [file], clock=FakeClock(), chunk_size=2 * MAX_CHUNK_BYTES)
