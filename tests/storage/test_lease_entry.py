import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.storage.errors import UnsafeName
from panini_daemon.storage.lease_entry import (
    EntryName,
    format_content,
    name_entry,
    parse_content,
    parse_name,
    quote_worker,
)
from panini_daemon.storage.names import safe_name

NAME = name_entry("job.v2", 3, "0af9", "host.local (1)-7")
SAFE = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


def is_safe(text: str) -> bool:
    try:
        return safe_name(text) == text
    except UnsafeName:
        return False


@settings(max_examples=50)
@given(
    SAFE.filter(is_safe), st.integers(1, 10**6), st.from_regex(r"[0-9a-z]{1,16}", fullmatch=True), SAFE.filter(is_safe)
)
def test_a_name_is_read_as_it_was_written(key: str, attempt: int, nonce: str, worker: str) -> None:
    name = name_entry(key, attempt, nonce, worker)
    assert parse_name(name.file) == name
    assert safe_name(name.file) == name.file


@pytest.mark.parametrize("form", ["{stem} (2).json", "{stem}.json (2)", "{stem}(2).json"])
def test_a_second_file_of_one_name_is_another_entry_of_the_same_owner(form: str) -> None:
    copy = parse_name(form.format(stem=NAME.file.removesuffix(".json")))
    assert copy == EntryName(NAME.key, NAME.attempt, NAME.nonce, NAME.worker, copy=2)
    assert copy.rank == NAME.rank


@settings(max_examples=50)
@given(st.text(max_size=40))
def test_other_file_names_are_no_leases_and_no_errors(file: str) -> None:
    assert parse_name(file) is None or file.count(".") >= 4


@pytest.mark.parametrize(
    "file",
    [
        "",
        "x.json",
        "a.1.n.json",
        "a.x.n.w.json",
        "a.1.N.w.json",
        "a.-1.n.w.json",
        ".1.n.w.json",
        "a.1.n..json",
        "a.1.n.w.tmp",
    ],
)
def test_a_name_that_lacks_a_part_is_no_lease(file: str) -> None:
    assert parse_name(file) is None


def test_the_lowest_rank_has_the_lowest_attempt_then_nonce() -> None:
    ranks = [name_entry("k", attempt, nonce, "w").rank for attempt, nonce in ((1, "b"), (1, "c"), (2, "a"), (10, "0"))]
    assert ranks == sorted(ranks)


def test_a_worker_is_never_mistaken_for_a_part_of_the_name() -> None:
    assert quote_worker("host.local (1)") == "host%2Elocal%20%281%29"


def test_content_is_read_as_it_was_written() -> None:
    for mark in ("intent", "hold"):
        data = format_content(NAME, "host", mark, 7, "2024-01-01T00:00:00.000Z")  # type: ignore[arg-type]
        assert parse_content(data, NAME) == mark
    assert json.loads(data) == {
        "worker": "host",
        "job": "job.v2",
        "attempt": 3,
        "nonce": "0af9",
        "state": "hold",
        "sequence": 7,
        "written_at": "2024-01-01T00:00:00.000Z",
    }


def test_content_of_another_claim_is_not_valid() -> None:
    data = format_content(NAME, "host", "hold", 1, "")
    assert parse_content(data, name_entry("job.v2", 3, "0af8", "host")) is None
    assert parse_content(data, name_entry("job.v3", 3, "0af9", "host")) is None


@pytest.mark.parametrize("cut", range(0, 120, 7))
def test_content_cut_short_is_not_valid(cut: int) -> None:
    data = format_content(NAME, "host", "hold", 1, "")
    assert parse_content(data[: min(cut, len(data) - 3)], NAME) is None


@settings(max_examples=50)
@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.text(max_size=3), st.lists).map(lambda x: json.dumps(x).encode())
)
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    assert parse_content(data, NAME) is None


@pytest.mark.parametrize(
    "data", [b"[" * 60_000, b" " * 70_000, b'{"job": "job.v2", "nonce": "0af9", "state": ["hold"]}']
)
def test_hostile_content_is_not_valid(data: bytes) -> None:
    assert parse_content(data, NAME) is None


def test_names_that_cannot_be_files_are_refused() -> None:
    with pytest.raises(UnsafeName):
        name_entry("a/b", 1, "n", "w")
    with pytest.raises(UnsafeName):
        name_entry("a", 1, "n", "../w")
    with pytest.raises(ValueError, match="nonce"):
        name_entry("a", 1, "n.1", "w")
    with pytest.raises(UnsafeName, match="shorter"):
        _ = name_entry("k" * 250, 1, "n", "w").file
