import json
from typing import Any

import pytest
from fakes.report_scene import completed, failed
from hypothesis import given
from hypothesis import strategies as st

from panini_daemon.storage.github.dispatches import dispatch_body
from panini_daemon.storage.github.events import parse_event
from panini_daemon.storage.reports import ChunkReport, ReportInvalid

CHUNKS = [completed("a b/ü.png/chunk_0000"), failed("b/chunk_0001", "nö"), completed("c/chunk_0002")]


def event(payload: object, action: object = "chunk_compressed") -> bytes:
    """Make an event file as Actions writes it."""
    around = {"branch": "main", "repository": {"full_name": "someone/archive"}, "sender": {"login": "someone"}}
    return json.dumps({"action": action, "client_payload": payload, **around}).encode()


def sent(*chunks: ChunkReport) -> Any:
    return dispatch_body(chunks)["client_payload"]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_the_reporter_sends_reads_back(count: int) -> None:
    assert parse_event(event(sent(*CHUNKS[:count]))) == CHUNKS[:count]


def test_further_properties_do_no_harm() -> None:
    assert parse_event(event({**sent(CHUNKS[0]), "extra": [1]})) == CHUNKS[:1]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "empty"),
        (b"[]", "list"),
        (b"\xff\xfe", "no JSON"),
        (event(sent(CHUNKS[0]), "opened"), "'opened'"),
        (event(sent(CHUNKS[0]), ["x"] * 999), "action is ['x'"),
        (event(None), "client_payload has null"),
        (event([sent(CHUNKS[0])]), "a JSON list"),
        (event({}), "status: nothing"),
        (event({**sent(CHUNKS[0]), "more": {}}), "client_payload.more is a JSON dict"),
        (event({**sent(CHUNKS[0]), "more": [7]}), "client_payload.more[0] has 7"),
        (event({**sent(CHUNKS[0]), "more": [{**CHUNKS[1].payload(), "status": "x"}]}), "more[0] has status: 'x'"),
        (event({**sent(CHUNKS[0]), "chunk_path": "a/../../.git/config"}), "'..'"),
        (event({**sent(CHUNKS[0]), "chunk_path": "$(id)\n"}), "control character"),
        (event({**sent(CHUNKS[0]), "upload_hash": "a" * 63}), "64 hex digits"),
        (event({**sent(CHUNKS[0]), "stats": {"a": "x" * 10_000}}), "bytes"),
        (b'{"action": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested"),
        (b'{"a": "' + b"x" * (5 << 20) + b'"}', "expected at most"),
    ],
)
def test_a_wrong_event_is_refused_with_what_was_found(data: bytes, found: str) -> None:
    with pytest.raises(ReportInvalid) as raised:
        parse_event(data)
    assert found in str(raised.value)
    assert len(str(raised.value)) < 500


texts = st.text(max_size=10)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
)


@given(st.binary(max_size=50) | anything.map(event))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    with pytest.raises(ReportInvalid):
        parse_event(data)
