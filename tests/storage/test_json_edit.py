import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panini_daemon.storage.json_edit import edit_object

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
keys = st.sampled_from(["status", "error", "ü", 'a"b', ""]) | st.text(max_size=4)
objects = st.dictionaries(keys, values, max_size=6)


@given(
    fields=objects,
    changes=objects,
    removed=st.sets(keys, max_size=3),
    indent=st.sampled_from([None, 0, 1, 2, 4, "\t"]),
    escaped=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
    end=st.sampled_from(["", "\n", "\n\n"]),
    spaces=st.sampled_from([(", ", ": "), (",", ":"), (",", " : ")]),
)
def test_only_the_named_members_change(
    fields: dict[str, Any],
    changes: dict[str, Any],
    removed: set[str],
    indent: Any,
    escaped: bool,
    newline: str,
    end: str,
    spaces: tuple[str, str],
) -> None:
    text = json.dumps(fields, indent=indent, ensure_ascii=escaped, separators=spaces).replace("\n", newline) + end
    edited = edit_object(text, changes, removed)
    expected = {key: value for key, value in fields.items() if key not in removed} | changes
    assert json.loads(edited) == expected
    assert list(json.loads(edited)) == list(expected)
    assert edited.endswith("}" + end)


@given(fields=objects, changes=objects, indent=st.sampled_from([None, 2, 3]))
def test_the_result_is_written_as_the_input_was(fields: dict[str, Any], changes: dict[str, Any], indent: Any) -> None:
    text = json.dumps(fields, indent=indent, ensure_ascii=False)
    if fields:
        expected = json.dumps({**fields, **changes}, indent=indent, ensure_ascii=False)
        assert edit_object(text, changes) == expected


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        ("{}", '{\n  "status": "x"\n}'),
        (" {\n}\n", ' {\n  "status": "x"\n}\n'),
        ('{"a":1}', '{"a":1,"status":"x"}'),
        ('{"a": 1}', '{"a": 1, "status": "x"}'),
        ('{"status":"y","a":1}\n', '{"status":"x","a":1}\n'),
        ('{"status": 1, "status": 2}', '{"status": 1, "status": "x"}'),
        ('{\n    "a": [1, 2]\n}', '{\n    "a": [1, 2],\n    "status": "x"\n}'),
        ('{\r\n\t"a": 1e2\r\n}\r\n', '{\r\n\t"a": 1e2,\r\n\t"status": "x"\r\n}\r\n'),
        ('{"a": {"status": 1}, "b": "\\u00fc }"}', '{"a": {"status": 1}, "b": "\\u00fc }", "status": "x"}'),
    ],
)
def test_how_it_was_written_stays(text: str, edited: str) -> None:
    assert edit_object(text, {"status": "x"}) == edited


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        ('{"e": 1}', "{}"),
        ('{"e": 1, "a": 2}', '{"a": 2}'),
        ('{"a": 2, "e": 1}', '{"a": 2}'),
        ('{"a": 2, "e": 1, "b": 3}', '{"a": 2, "b": 3}'),
        ('{"e": 1, "a": 2, "e": 3, "b": 4, "e": 5}', '{"a": 2, "b": 4}'),
        ('{\n  "e": 1,\n  "a": 2\n}', '{\n  "a": 2\n}'),
    ],
)
def test_members_are_removed_with_their_commas(text: str, edited: str) -> None:
    assert edit_object(text, {}, ["e"]) == edited


def test_a_nested_value_is_indented_as_the_file_is() -> None:
    edited = edit_object('{\n    "a": 1\n}', {"stats": {"ratio": 0.5}})
    assert edited == '{\n    "a": 1,\n    "stats": {\n        "ratio": 0.5\n    }\n}'
