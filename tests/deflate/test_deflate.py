"""Deflate streams come back to the bit, whoever wrote them; zlib's own cost next to nothing beside their content."""

import json
import os
import random
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.compressors.deflate import Undone, redo, undo
from panini_daemon.compressors.deflate.encoders import Encoder, read_encoder
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.protocol import Level

GOLDEN = Path(__file__).parents[1] / "golden/deflate"
ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/design.md").read_bytes() + (ROOT / "storage/names.py").read_bytes()
PICTURE = np.cumsum(np.random.default_rng(3).integers(-3, 4, 40_000)).astype(np.uint8).tobytes()
PLENTY = 1 << 22


def deflate(data: bytes, level: int = 6, window: int = 15, memory: int = 8, strategy: int = 0) -> bytes:
    coder = zlib.compressobj(level, zlib.DEFLATED, -window, memory, strategy)
    return coder.compress(data) + coder.flush()


def round_trip(stream: bytes, effort: Level = Level.BEST, window: int = 15, room: int = 0) -> Undone:
    undone = undo(stream + b"behind", window_bits=window, limit=PLENTY, effort=effort)
    assert undone is not None
    assert undone.consumed == len(stream)
    assert redo(undone.content, undone.encoder, undone.corrections, limit=len(stream) + room) == stream
    return undone


classic = pytest.mark.skipif(
    zlib.ZLIB_RUNTIME_VERSION.endswith("ng") or "zlib-ng" in zlib.ZLIB_RUNTIME_VERSION,
    reason="this Python's zlib is another encoder than the classic one",
)


@classic
@pytest.mark.parametrize("level", range(1, 10))
@pytest.mark.parametrize(
    ("window", "memory", "strategy"),
    [(15, 8, 0), (15, 9, 0), (15, 8, 1), (12, 8, 0), (9, 8, 0), (15, 5, 0), (15, 1, 0), (15, 8, 2), (15, 8, 3)],
)
@pytest.mark.parametrize("data", [TEXT, PICTURE], ids=["text", "picture"])
def test_zlib_s_streams_are_foretold_to_the_last_bit(
    data: bytes, level: int, window: int, memory: int, strategy: int
) -> None:
    undone = round_trip(deflate(data, level, window, memory, strategy), window=window)
    assert undone.content == data
    assert len(undone.corrections) < 24 + len(data) // (2000 if memory > 1 else 100)


@classic
def test_the_parameters_found_are_those_that_were_used() -> None:
    found = [read_encoder(round_trip(deflate(TEXT, level)).encoder).level for level in (1, 4, 6, 9)]
    assert found == [1, 4, 6, 9]
    filtered = read_encoder(round_trip(deflate(PICTURE, 6, 15, 8, 1)).encoder)
    assert (filtered.level, filtered.strategy) == (6, 1)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([b"a", b"ab", b"abcd", b"\0" * 40, b"xyz" * 9, bytes(range(200))]) | st.binary(max_size=40)
    ),
    st.integers(0, 9),
    st.sampled_from([9, 12, 15]),
    st.integers(1, 9),
    st.integers(0, 4),
)
def test_any_content_and_any_parameters_come_back(
    parts: list[bytes], level: int, window: int, memory: int, strategy: int
) -> None:
    round_trip(deflate(b"".join(parts), level, window, memory, strategy), window=window)


@pytest.mark.parametrize("flush", [zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_PARTIAL_FLUSH, zlib.Z_BLOCK])
def test_flushed_streams_come_back(flush: int) -> None:
    coder = zlib.compressobj(6, zlib.DEFLATED, -15)
    parts = [coder.compress(TEXT[at : at + 3000]) + coder.flush(flush) for at in range(0, len(TEXT), 3000)]
    undone = round_trip(b"".join(parts) + coder.flush())
    assert len(undone.corrections) < len(TEXT) // (8 if flush == zlib.Z_FULL_FLUSH else 100)


def test_a_stream_of_another_encoder_costs_a_part_of_itself() -> None:
    """Its matches are the nearest ones, of any length: what an encoder does that plans ahead."""
    stream = greedy(TEXT)
    undone = round_trip(stream)
    assert undone.content == TEXT
    assert len(undone.corrections) < len(stream) // 4


def test_padding_and_stored_blocks_come_back() -> None:
    padded = b"\xf8\x05\x00\xfa\xffhello" + b"\x01\x00\x00\xff\xff"  # odd padding bits before a stored size
    assert round_trip(padded).content == b"hello"
    assert round_trip(b"\x03\xfc").content == b""  # bits behind the end


@pytest.mark.parametrize("cut", [1, 5, 40, 300])
def test_a_stream_that_is_cut_is_none(cut: int) -> None:
    assert undo(deflate(TEXT)[:-cut], limit=PLENTY, effort=Level.BEST) is None


@pytest.mark.parametrize("data", [b"", b"\x07", b"\xff" * 50, b"plain text is none"])
def test_what_is_no_stream_is_none(data: bytes) -> None:
    assert undo(data, limit=PLENTY, effort=Level.BEST) is None


def test_a_stream_that_inflates_beyond_the_limit_is_none() -> None:
    stream = deflate(bytes(1 << 20))
    assert undo(stream, limit=(1 << 20) - 1, effort=Level.BEST) is None
    assert undo(stream, limit=1 << 20, effort=Level.BEST) is not None


def test_redo_never_writes_beyond_its_limit() -> None:
    undone = round_trip(deflate(TEXT))
    with pytest.raises(PayloadDamaged, match="larger than"):
        redo(undone.content, undone.encoder, undone.corrections, limit=1000)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=300),
    st.binary(max_size=60),
    st.sampled_from([b"\x01\x68\xf0", b"\x01\x18\x92", b"\x01\x99\xf3"]),
)
def test_damaged_corrections_end_in_bytes_or_an_error(content: bytes, corrections: bytes, encoder: bytes) -> None:
    try:
        assert len(redo(content, encoder, corrections, limit=2000)) <= 2000
    except PayloadDamaged:
        return


@pytest.mark.parametrize(
    "encoder", [b"", b"\x00\x68\xf0", b"\x01\x08\xf0", b"\x01\x60\xf0", b"\x01\x68\x80", b"\x01\x68\xf6", b"\x01\x68"]
)
def test_an_encoder_that_is_none_is_refused(encoder: bytes) -> None:
    with pytest.raises(PayloadDamaged, match="expected three bytes"):
        redo(b"content", encoder, b"", limit=100)


def test_an_encoder_survives_its_bytes() -> None:
    encoder = Encoder(7, 13, 9, 1)
    assert read_encoder(encoder.to_bytes()) == encoder


def cases() -> list[Path]:
    return sorted(path for path in GOLDEN.iterdir() if path.is_dir())


@pytest.mark.parametrize("folder", cases(), ids=lambda folder: folder.name)
def test_what_was_frozen_is_still_redone(folder: Path) -> None:
    encoder = bytes.fromhex(json.loads((folder / "encoder.json").read_text())["encoder"])
    content, corrections = (folder / "content.bin").read_bytes(), (folder / "corrections.bin").read_bytes()
    stream = (folder / "stream.bin").read_bytes()
    assert redo(content, encoder, corrections, limit=len(stream)) == stream
    assert zlib.decompress(stream, -15) == content


def test_every_strategy_and_another_encoder_are_frozen() -> None:
    encoders = [bytes.fromhex(json.loads((folder / "encoder.json").read_text())["encoder"]) for folder in cases()]
    assert {read_encoder(encoder).strategy for encoder in encoders} == {0, 1, 2, 3, 4}
    assert max((folder / "corrections.bin").stat().st_size for folder in cases()) > 100


@pytest.mark.slow
def test_without_a_compiler_streams_are_redone_alike() -> None:
    script = (
        "import sys, json, pathlib; from panini_daemon.compressors.deflate import redo\n"
        "for folder in map(pathlib.Path, sys.argv[1:]):\n"
        " encoder = bytes.fromhex(json.loads((folder / 'encoder.json').read_text())['encoder'])\n"
        " content, corrections = (folder / 'content.bin').read_bytes(), (folder / 'corrections.bin').read_bytes()\n"
        " made = redo(content, encoder, corrections, limit=9999)\n"
        " assert made == (folder / 'stream.bin').read_bytes(), folder\n"
    )
    small = [str(folder) for folder in cases() if (folder / "content.bin").stat().st_size < 4000]
    assert len(small) >= 4
    environ = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-c", script, *small], check=True, env=environ, timeout=100)


def greedy(data: bytes) -> bytes:
    """Deflate with fixed codes and a search of its own: the longest match among the last places of each three bytes."""
    bits: list[tuple[int, int]] = [(1, 1), (1, 2)]
    places: dict[bytes, list[int]] = {}
    at = 0
    while at < len(data):
        best, distance = 0, 0
        for other in reversed(places.get(data[at : at + 3], [])[-8:]):
            length = 0
            while length < 60 and at + length < len(data) and data[other + length] == data[at + length]:
                length += 1
            if length > best + 1 and at - other < 32768:
                best, distance = length, at - other
        step = best if best >= 4 else 1
        bits += _match(best, distance) if best >= 4 else _literal(data[at])
        for place in range(at, at + step):
            places.setdefault(data[place : place + 3], []).append(place)
        at += step
    bits += [(0, 7)]
    value = size = 0
    for one, count in bits:
        value |= one << size
        size += count
    return value.to_bytes((size + 7) // 8, "little")


def _turn(code: int, count: int) -> tuple[int, int]:
    return int(f"{code:0{count}b}"[::-1], 2), count


def _literal(byte: int) -> list[tuple[int, int]]:
    return [_turn(0x30 + byte, 8) if byte < 144 else _turn(0x190 + byte - 144, 9)]


def _match(length: int, distance: int) -> list[tuple[int, int]]:
    from panini_daemon.compressors.deflate.tables import DISTANCE_BASE, DISTANCE_EXTRA, LENGTH_BASE, LENGTH_EXTRA

    symbol = int(np.searchsorted(LENGTH_BASE, length, side="right")) - 1
    code = int(np.searchsorted(DISTANCE_BASE, distance, side="right")) - 1
    return [
        _turn(symbol + 1, 7),
        (length - int(LENGTH_BASE[symbol]), int(LENGTH_EXTRA[symbol])),
        _turn(code, 5),
        (distance - int(DISTANCE_BASE[code]), int(DISTANCE_EXTRA[code])),
    ]


def test_matches_of_three_bytes_from_far_away_are_foretold_where_an_encoder_takes_them() -> None:
    chance = random.Random(3)
    far = b"".join(chance.choice(b"abc").to_bytes() + chance.randbytes(2) for _ in range(3000))
    content = far + b"".join(far[at : at + 3] + chance.randbytes(1) for at in range(0, 3000, 9))
    usual = undo(deflate(content), limit=1 << 20, effort=Level.BEST)
    assert usual is not None
    stream = redo(content, bytes([1, 9 << 4 | 8, 15 << 4 | 5]), usual.corrections, limit=1 << 20)
    assert zlib.decompress(stream, -15) == content
    undone = undo(stream, limit=1 << 20, effort=Level.BEST)
    assert undone is not None
    assert undone.encoder[2] & 15 == 5
    assert len(undone.corrections) < 16
    assert redo(content, undone.encoder, undone.corrections, limit=len(stream)) == stream
