import json
from itertools import product
from typing import Any

import pytest
from fakes.report_scene import HASH, MOMENT, STATS, completed, failed, metadata
from hypothesis import given
from hypothesis import strategies as st

from panini_daemon.storage.chunk_state import NEXT, Change, apply_change
from panini_daemon.storage.errors import ManifestInvalid

STATES = ["pending", "queued", "processing", "completed", "failed"]
ALLOWED = {
    *[("pending", state) for state in ("queued", "processing", "completed", "failed")],
    *[("queued", state) for state in ("processing", "completed", "failed")],
    *[("processing", state) for state in ("completed", "failed")],
    *[("failed", state) for state in ("queued", "completed")],
}


@pytest.mark.parametrize(("old", "new"), list(product(STATES, STATES)))
def test_states_only_move_forward(old: str, new: str) -> None:
    before = metadata(old)
    after = apply_change(before, Change(new), "x")
    if (old, new) in ALLOWED:
        assert json.loads(after)["status"] == new
    else:
        assert after == before


def test_all_states_are_in_the_table() -> None:
    assert sorted(NEXT) == sorted(STATES)


@pytest.mark.parametrize("old", ["unheard-of", "", None, 7, ["completed"], {}])
def test_an_unknown_state_counts_as_pending(old: object) -> None:
    data = json.dumps({"status": old}).encode()
    assert json.loads(apply_change(data, Change("completed"), "x"))["status"] == "completed"
    assert apply_change(data, Change("pending"), "x") == data


def test_a_missing_state_counts_as_pending() -> None:
    assert json.loads(apply_change(b"{}", Change("queued"), "x")) == {"status": "queued"}


def test_a_completed_chunk_says_where_it_went() -> None:
    change = Change.of(completed("a/chunk_0000"), MOMENT)
    assert json.loads(apply_change(metadata(), change, "x")) == {
        **json.loads(metadata()),
        "status": "completed",
        "upload_path": "compressed_chunks/a/chunk_0000/compressed.bin",
        "upload_hash": HASH,
        "stats": STATS,
        "completed_at": MOMENT,
    }


def test_a_failed_chunk_says_why() -> None:
    change = Change.of(failed("a", "No: nö"), MOMENT)
    after = apply_change(metadata(), change, "x")
    assert json.loads(after) == {
        **json.loads(metadata()),
        "status": "failed",
        "error": "No: nö",
        "failed_at": MOMENT,
    }
    assert "nö".encode() in after


def test_completing_a_failed_chunk_removes_the_error() -> None:
    once = apply_change(metadata(), Change.of(failed("a"), MOMENT), "x")
    twice = apply_change(once, Change.of(completed("a"), MOMENT), "x")
    assert twice == apply_change(metadata(), Change.of(completed("a"), MOMENT), "x")


def test_without_a_moment_none_is_written() -> None:
    assert "completed_at" not in json.loads(apply_change(metadata(), Change.of(completed("a"), ""), "x"))


@pytest.mark.parametrize("change", [Change.of(completed("a"), MOMENT), Change.of(failed("a"), MOMENT)])
def test_the_same_change_again_changes_nothing(change: Change) -> None:
    once = apply_change(metadata(), change, "x")
    assert once != metadata()
    assert apply_change(once, change, "x") == once


@pytest.mark.parametrize("data", [b"", b"[1]", b"{", b'"x"', b'{"a": NaN}', '{"a": 1}'.encode("utf-16"), b"\xff{}"])
def test_what_is_no_json_object_in_utf8_is_refused(data: bytes) -> None:
    with pytest.raises(ManifestInvalid):
        apply_change(data, Change("completed"), "x/metadata.json")


def test_a_byte_order_mark_stays() -> None:
    after = apply_change(b"\xef\xbb\xbf" + metadata(), Change("queued"), "x")
    assert after == b"\xef\xbb\xbf" + metadata("queued")


def test_what_is_no_state_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of pending"):
        Change("done")


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.integers() | texts, lambda x: st.lists(x) | st.dictionaries(texts, x), max_leaves=5
)


@given(
    others=st.dictionaries(texts, values, max_size=5),
    indent=st.sampled_from([None, 1, 2, 4]),
    end=st.sampled_from(["", "\n"]),
)
def test_everything_else_in_the_file_stays(others: dict[str, Any], indent: int | None, end: str) -> None:
    fields = {**others, "status": "pending", "ü": "é"}
    data = (json.dumps(fields, indent=indent, ensure_ascii=False) + end).encode()
    after = apply_change(data, Change.of(completed("a"), MOMENT), "x")
    mine = {"status", "upload_path", "upload_hash", "stats", "completed_at"}
    removed = {"error", "failed_at"}
    found = json.loads(after)
    assert [item for item in found.items() if item[0] not in mine] == [
        item for item in fields.items() if item[0] not in mine | removed
    ]
    assert after.endswith(("}" + end).encode())
    assert '"ü"'.encode() in after
