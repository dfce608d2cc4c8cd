"""Classification: signatures first, then text, then entropy; hints only break ties."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.compressors import Hints, Kind, classify

NOISE = random.Random(5).randbytes(30000)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", Kind.IMAGE),
        (b"\xff\xd8\xff\xe0", Kind.IMAGE),
        (b"GIF89a", Kind.IMAGE),
        (b"BM\x36\x10\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00", Kind.IMAGE),
        (b"II*\0", Kind.IMAGE),
        (b"MM\0*", Kind.IMAGE),
        (b"P6\n4 4\n255\n", Kind.IMAGE),
        (b"RIFF\x10\0\0\0WEBP", Kind.IMAGE),
        (b"RIFF\x10\0\0\0WAVE", Kind.BINARY),
        (b"\x1f\x8b\x08", Kind.COMPRESSED),
        (b"PK\x03\x04", Kind.COMPRESSED),
        (b"\x28\xb5\x2f\xfd", Kind.COMPRESSED),
        (b"\xfd7zXZ\0", Kind.COMPRESSED),
        (b"BZh91AY&SY", Kind.COMPRESSED),
        (b"7z\xbc\xaf\x27\x1c", Kind.COMPRESSED),
        (b"\0\0\0\x18ftypmp42", Kind.COMPRESSED),
        (b"\x1a\x45\xdf\xa3", Kind.COMPRESSED),
    ],
)
def test_a_signature_decides(start: bytes, kind: Kind) -> None:
    assert classify(start + bytes(40)) is kind


@pytest.mark.parametrize(
    "text",
    [
        b"plain words\n" * 5,
        "d\u00e9j\u00e0 vu, No\u00ebl".encode() * 5,
        "d\u00e9j\u00e0 vu, No\u00ebl ".encode("latin-1") * 5,
        "\u0441\u044a\u0435\u0448\u044c \u0435\u0449\u0451 ".encode("koi8-r") * 9,
        "\u65e5\u672c\u8a9e".encode()[1:] * 1,
    ],
)
def test_text_in_any_code_is_text(text: bytes) -> None:
    assert classify(text) is Kind.TEXT


def test_noise_is_compressed_and_machine_words_are_binary() -> None:
    assert classify(NOISE) is Kind.COMPRESSED
    assert classify(bytes(range(256)) * 20) is Kind.BINARY
    assert classify(b"") is Kind.BINARY


def test_a_hint_settles_only_what_the_bytes_leave_open() -> None:
    teletype = (b"HELLO\x00\x01\x02" * 200)[:1000]
    assert classify(teletype) is Kind.BINARY
    assert classify(teletype, Hints("text")) is Kind.TEXT
    assert classify(NOISE, Hints("text")) is Kind.COMPRESSED
    assert classify(b"plain words\n" * 5, Hints("PNG_IDAT", "png_v1")) is Kind.TEXT


@given(data=st.binary(max_size=300), pattern=st.none() | st.text(max_size=12), grammar=st.none() | st.text(max_size=12))
@settings(max_examples=50, deadline=None)
def test_any_bytes_and_any_hints_have_a_kind(data: bytes, pattern: str | None, grammar: str | None) -> None:
    assert classify(data, Hints(pattern, grammar)) in Kind
