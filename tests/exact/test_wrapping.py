import pytest
from hypothesis import given
from hypothesis import strategies as some

from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.language.wrapping import rewrap, unwrap

WORDS = (
    b"Alice was beginning to get very tired of sitting by her sister on the bank and of having nothing to do".split()
)


def wrapped(width: int, count: int = 900, newline: bytes = b"\n") -> bytes:
    lines, line = [], b""
    for at in range(count):
        word = WORDS[at * at % len(WORDS)]
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = line + b" " + word if line else word
    return newline.join([*lines, line])


@given(some.text("ab \n\r\t.", max_size=300).map(str.encode) | some.binary(max_size=300))
def test_any_bytes_come_back(data: bytes) -> None:
    found = unwrap(data)
    assert rewrap(found.text, found.breaks, crlf=found.crlf) == data


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("width", [40, 70])
def test_wrapped_paragraphs_lose_their_breaks_for_little(width: int, newline: bytes) -> None:
    data = wrapped(width, newline=newline)
    found = unwrap(data)
    assert b"\n" not in found.text
    assert found.crlf == (newline == b"\r\n")
    assert len(found.breaks) * 8 < data.count(b"\n")
    assert rewrap(found.text, found.breaks, crlf=found.crlf) == data


def test_lines_that_end_anywhere_are_left_alone() -> None:
    data = b"\n".join(b" ".join(WORDS[: at * 7 % 11 + 1]) for at in range(90))
    assert unwrap(data).breaks == b""
    assert unwrap(data).text == data


def test_mixed_line_ends_are_left_alone() -> None:
    data = wrapped(60).replace(b"\n", b"\r\n", 5)
    assert not unwrap(data).crlf


def test_a_carriage_return_where_none_can_be_is_refused() -> None:
    with pytest.raises(PayloadDamaged, match="CR"):
        rewrap(b"a\rb", b"", crlf=True)
