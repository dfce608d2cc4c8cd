"""The text transform: any bytes come back, and text gets simpler."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.compressors import PayloadDamaged
from panini_daemon.compressors.prose import restore, transform


@given(data=st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
@settings(max_examples=80, deadline=None)
def test_any_bytes_come_back(data: bytes) -> None:
    assert restore(transform(data)) == data


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "AB",
        "Ab",
        "aB",
        "ABc",
        "ABCd E",
        "É ÉÉ Éa aÉ",
        "Ё ЁЖ Ёж",
        "Ω ΣΣ ς",
        "\u00d7÷ØÞ",
        "\x01A\x02B\x03",
        "İıſẞ",
        "\U0001d518nicode 🎉",
    ],
)
def test_capitals_of_every_shape_come_back(text: str) -> None:
    assert restore(transform(text.encode())) == text.encode()
    assert restore(transform(text.encode("utf-16"))) == text.encode("utf-16")


def test_a_capital_becomes_a_flag_and_its_small_letter() -> None:
    assert transform(b"The NASA McX") == b"\0\x01the \x02nasa \x01mc\x01x".replace(b"mc\x01x", b"mcX")


def test_one_character_is_one_byte_where_the_alphabet_is_small() -> None:
    text = "धर्मक्षेत्रे कुरुक्षेत्रे समवेता" * 20
    assert len(transform(text.encode())) < len(text) + 80


def test_more_characters_than_an_alphabet_holds_come_back() -> None:
    text = "".join(map(chr, range(0x4E00, 0x5000))) * 2
    assert restore(transform(text.encode())) == text.encode()


@given(junk=st.binary(min_size=1, max_size=200))
@settings(max_examples=80, deadline=None)
def test_junk_is_refused_or_stays_small(junk: bytes) -> None:
    try:
        text = restore(junk)
    except PayloadDamaged:
        return
    assert len(text) <= 4 * len(junk)
