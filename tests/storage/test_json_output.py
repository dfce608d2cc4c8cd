import json
from pathlib import Path

from panini_daemon.storage.json_output import write_json


def test_what_utf8_cannot_hold_comes_back_from_what_was_written() -> None:
    value = {"path": "inbox/\udcff.json", "\ud800": ["é", "😀", "\\udcff", "\x00", "\\"]}
    assert json.loads(write_json(value)) == value


def test_other_text_stays_readable() -> None:
    assert write_json({"a": "é"}) == '{\n "a": "é"\n}\n'.encode()


def test_what_json_has_no_form_for_is_written_as_told() -> None:
    assert json.loads(write_json(Path("a"), default=str)) == "a"
