"""The text transform: any bytes come back, and text gets simpler."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.compressors import PayloadDamaged
from panini_daemon.compressors.prose import restore, transform


def back(data: bytes) -> bytes:
    return restore(transform(data), len(data))


@given(data=st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
@settings(max_examples=80, deadline=None)
def test_any_bytes_come_back(data: bytes) -> None:
    assert back(data) == data


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
    assert back(text.encode()) == text.encode()
    assert back(text.encode("utf-16")) == text.encode("utf-16")


def test_a_capital_becomes_a_flag_and_its_small_letter() -> None:
    assert transform(b"The NASA McX") == b"\0\x01the \x02nasa \x01mc\x01x".replace(b"mc\x01x", b"mcX")


def test_one_character_is_one_byte_where_the_alphabet_is_small() -> None:
    text = "धर्मक्षेत्रे कुरुक्षेत्रे समवेता" * 20
    assert len(transform(text.encode())) < len(text) + 80


def test_more_characters_than_an_alphabet_holds_come_back() -> None:
    text = "".join(map(chr, range(0x4E00, 0x5000))) * 2
    assert back(text.encode()) == text.encode()


@given(junk=st.binary(min_size=1, max_size=200))
@settings(max_examples=80, deadline=None)
def test_junk_is_refused_or_stays_small(junk: bytes) -> None:
    try:
        text = restore(junk, len(junk))
    except PayloadDamaged:
        return
    assert len(text) <= 4 * len(junk)


def test_a_text_of_flags_takes_little_more_memory_than_it_has() -> None:
    """Each flag with its letter is a piece, and a list of all of them would take fifty times the text."""
    flagged = b"\0" + b"\x01a\x80" * 50_000
    alphabet = b"\x01\x60"  # one letter, U+00E0
    tracemalloc.start()
    try:
        assert restore(alphabet + flagged[1:], 150_000) == "Aà".encode() * 50_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * len(flagged)


def test_a_text_that_grows_far_beyond_its_size_is_refused() -> None:
    with pytest.raises(PayloadDamaged, match="more than the 1000 bytes"):
        restore(b"\x01\xa0\xf4\x07" + b"\x80a" * 10_000, 1000)
