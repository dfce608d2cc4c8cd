import contextlib
import json
from typing import Any

import pytest
from fakes.report_scene import HASH, STATS, completed, failed, job
from hypothesis import given
from hypothesis import strategies as st

from panini_daemon.storage.reports import ChunkReport, ReportInvalid, clip, format_report, parse_report, read_chunk

GOOD = completed("a/chunk_0000").payload()
REPORT = job("j", completed("a b/ü.png/chunk_0000"), failed("b/chunk_0001"), commit="9f2c")


def spoil(**changes: object) -> bytes:
    return json.dumps({**json.loads(format_report(REPORT)), **changes}).encode()


def test_a_report_reads_back_as_it_was() -> None:
    assert parse_report(format_report(REPORT), "x") == REPORT


def test_how_much_was_told_reads_back() -> None:
    told = job("j", completed("a/chunk_0000"), dispatched=1, status_set=True, metadata_set=True)
    assert parse_report(format_report(told), "x") == told


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "empty"),
        (format_report(REPORT)[:-9], "no JSON"),
        (b"[]", "expected an object"),
        (spoil(format="else"), "format 'else', version 1"),
        (spoil(version=2), "version 2"),
        (spoil(job_id=7), "job_id: 7"),
        (spoil(chunks={}), "chunks: a JSON dict"),
        (spoil(chunks=[7]), "chunks[0] has 7"),
        (spoil(dispatched=3), "dispatched: 3"),
        (spoil(dispatched=True), "dispatched: True"),
        (spoil(repository=None), "repository: null"),
    ],
)
def test_a_damaged_report_is_refused_with_what_was_found(data: bytes, found: str) -> None:
    with pytest.raises(ReportInvalid) as raised:
        parse_report(data, "reports/j.json")
    assert found in str(raised.value)
    assert "reports/j.json" in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"status": "done"}, "status: 'done'"),
        ({"status": "pending"}, "status: 'pending'"),
        ({"status": ["completed"]}, "status: a JSON list"),
        ({"chunk_path": "../x"}, "'..'"),
        ({"chunk_path": "/x"}, "absolute"),
        ({"chunk_path": ""}, "segment"),
        ({"chunk_path": "a\nb"}, "control character"),
        ({"chunk_path": None}, "chunk_path: null"),
        ({"upload_path": "a\\b"}, "backslash"),
        ({"upload_hash": "ab"}, "upload_hash: 'ab'"),
        ({"upload_hash": "zz" * 32}, "64 hex digits"),
        ({"upload_hash": HASH + "\n"}, "64 hex digits"),
        ({"upload_hash": "x" * 1000}, "xxx..."),
        ({"stats": []}, "stats: a JSON list"),
        ({"stats": {"x": "y" * 9000}}, "stats of 9009 bytes"),
        ({"stats": {"x": json.loads("[" * 40 + "]" * 40)}}, "nested deeply"),
    ],
)
def test_a_chunk_report_from_outside_is_checked(changes: dict[str, Any], found: str) -> None:
    with pytest.raises(ReportInvalid) as raised:
        read_chunk({**GOOD, **changes}, "payload")
    assert found in str(raised.value)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize("name", list(GOOD))
def test_all_five_properties_must_be_there(name: str) -> None:
    with pytest.raises(ReportInvalid):
        read_chunk({key: value for key, value in GOOD.items() if key != name}, "payload")


def test_a_hash_in_capitals_is_the_same_hash() -> None:
    assert read_chunk({**GOOD, "upload_hash": HASH.upper()}, "payload").upload_hash == HASH


def test_a_long_error_text_is_cut_and_what_utf8_cannot_hold_is_escaped() -> None:
    text = clip(failed("a", "\udcff" + "x" * 5000)).stats["error"]
    assert text.startswith("\\udcffx")
    assert text.endswith("...")
    assert len(text) < 1100
    assert clip(completed("a")) == completed("a")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda x: st.lists(x, max_size=3)
)


@given(st.dictionaries(st.sampled_from([*GOOD, "more"]), values | st.dictionaries(st.text(max_size=3), values)))
def test_whatever_comes_is_a_chunk_report_or_refused(fields: dict[str, Any]) -> None:
    with contextlib.suppress(ReportInvalid):
        read_chunk({**GOOD, **fields}, "payload")


def test_the_payload_has_the_contracts_five_properties() -> None:
    assert completed("a/chunk_0000").payload() == {
        "chunk_path": "pending_compression/a/chunk_0000",
        "status": "completed",
        "upload_path": "compressed_chunks/a/chunk_0000/compressed.bin",
        "upload_hash": HASH,
        "stats": STATS,
    }
    assert ChunkReport("a", "failed", stats={"error": "no"}).payload() == {
        "chunk_path": "a",
        "status": "failed",
        "upload_path": "",
        "upload_hash": "",
        "stats": {"error": "no"},
    }
