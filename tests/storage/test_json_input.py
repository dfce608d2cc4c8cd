import json

import pytest

from panini_daemon.storage.chunk_state import QUEUED, Change, apply_change
from panini_daemon.storage.errors import ManifestInvalid, ManifestUnreadable
from panini_daemon.storage.json_input import MAX_DEPTH, parse_object

SURROGATE = '{"name": "\ud800"}'


def test_bytes_of_a_lone_surrogate_are_refused_in_every_encoding() -> None:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-16", "utf-32"):
        with pytest.raises(ManifestUnreadable, match="no JSON"):
            parse_object(SURROGATE.encode(encoding, "surrogatepass"), "it")


def test_an_escaped_lone_surrogate_is_refused_in_every_encoding() -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"):
        with pytest.raises(ManifestInvalid, match="lone surrogate"):
            parse_object(r'{"name": "\ud800"}'.encode(encoding), "it")


def test_text_beyond_ascii_is_read_in_every_encoding() -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"):
        assert parse_object(r'{"name": "é\ud83d\ude00"}'.encode(encoding), "it") == {"name": "é😀"}


def test_so_many_levels_are_read_and_no_more() -> None:
    """What is read must also be written again, by an encoder that takes more of the stack than the decoder."""
    deepest = '{"a":' + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1) + "}"
    json.dumps(parse_object(deepest.encode(), "it"), indent=1)
    for levels in (MAX_DEPTH, 900, 100_000):
        with pytest.raises(ManifestInvalid, match="too deeply"):
            parse_object(('{"a":' + "[" * levels + "]" * levels + "}").encode(), "it")


def test_numbers_that_json_does_not_have_pass_only_where_asked_for() -> None:
    for text in ("NaN", "Infinity", "-Infinity", "1e999"):
        data = f'{{"ratio": {text}}}'.encode()
        assert isinstance(parse_object(data, "it", constants=True)["ratio"], float)
        with pytest.raises(ManifestUnreadable, match="no JSON"):
            parse_object(data, "it")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_metadata_in_another_encoding_than_utf8_is_not_changed_but_refused(encoding: str) -> None:
    with pytest.raises(ManifestInvalid, match="no UTF-8"):
        apply_change('{"status": "pending"}'.encode(encoding), Change(QUEUED), "it")
