"""The model of bytes: every context comes back, whatever stands around it, and damage is found."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.compressors import Context, Device, Kind, Level, NotApplicable, PayloadDamaged
from panini_daemon.compressors.contextmix import bytecoder
from panini_daemon.compressors.contextmix.bytecoder import KINDS, Settings, decode, encode
from panini_daemon.compressors.contextmix.forms import list_forms, take_piece
from panini_daemon.compressors.contextmix.profiles import PROFILES
from panini_daemon.compressors.contextmix.strides import LONGEST, find_strides
from panini_daemon.compressors.generic_cm import GenericCm

TEXT = b"The quick brown fox jumps over the lazy dog.\nPack my box with five dozen liquor jugs.\r\n" * 3


def be_silent(done: int, total: int) -> None:
    """Progress that nobody wants to hear of."""


def records(count: int, length: int, seed: int = 5) -> bytes:
    rng = random.Random(seed)
    row = [rng.randrange(256) for _ in range(length)]
    rows = []
    for _ in range(count):
        row = [byte if rng.random() < 0.9 else rng.randrange(256) for byte in row]
        rows.append(bytes(row))
    return b"".join(rows)


@pytest.mark.parametrize("first", range(0, KINDS, 24))
@pytest.mark.parametrize("stride", [1, 2, 3, 4, 7, 44, 65536])
def test_no_context_looks_at_what_a_decoder_does_not_know(first: int, stride: int) -> None:
    """An encoder has all bytes before it; a context that used one too many would only show here."""
    chosen = Settings(tuple(range(first, min(first + 24, KINDS))), 14, stride)
    data = TEXT + records(20, 44) + bytes(50)
    assert decode(encode(data, chosen, be_silent), len(data), chosen, be_silent) == data


@given(
    data=st.binary(min_size=1, max_size=120)
    | st.lists(st.sampled_from([b"ab", b"\n", b"Word ", b"\0\xff"])).map(b"".join),
    contexts=st.lists(st.integers(0, KINDS - 1), min_size=1, max_size=32),
    log=st.integers(10, 13),
    stride=st.integers(1, 70),
)
@settings(max_examples=40, deadline=None)
def test_any_bytes_come_back_under_any_contexts(data: bytes, contexts: list[int], log: int, stride: int) -> None:
    chosen = Settings(tuple(contexts), log, stride)
    assert not data or decode(encode(data, chosen, be_silent), len(data), chosen, be_silent) == data


def test_a_long_stream_is_told_of_and_comes_back_over_several_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = Settings((1, 2, 33), 10, 1)
    whole = encode(TEXT, chosen, be_silent)
    monkeypatch.setattr(bytecoder, "_ROUND", 100)
    told: list[tuple[int, int]] = []
    assert encode(TEXT, chosen, lambda done, total: told.append((done, total))) == whole
    assert told == [(min(at + 100, len(TEXT)), len(TEXT)) for at in range(0, len(TEXT), 100)]
    assert decode(whole, len(TEXT), chosen, be_silent) == TEXT


def test_a_payload_that_ends_too_soon_is_left_where_that_shows() -> None:
    """Sixty bytes cannot hold a mebibyte of noise: a decoder that went on would take its time for nothing."""
    told: list[int] = []
    chosen = Settings((1, 2), 12, 1)
    payload = random.Random(1).randbytes(60)
    with pytest.raises(PayloadDamaged, match="ends after"):
        decode(payload, 1 << 20, chosen, lambda done, total: told.append(done))
    assert told == []


def test_bytes_behind_the_end_of_a_stream_are_refused() -> None:
    chosen = Settings((1, 2), 12, 1)
    with pytest.raises(PayloadDamaged, match="of which"):
        decode(encode(TEXT, chosen, be_silent) + b"12345", len(TEXT), chosen, be_silent)


def test_bytes_that_would_double_are_not_for_this_method(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = random.Random(1).randbytes(500)
    monkeypatch.setattr(bytecoder, "_SPARE", -600)
    with pytest.raises(NotApplicable):
        encode(noise, Settings((1,), 10, 1), be_silent)


def test_noise_grows_by_little_and_records_shrink_by_much() -> None:
    noise = random.Random(1).randbytes(20000)
    assert len(encode(noise, Settings((1, 2, 3), 14, 1), be_silent)) < 20600
    table = records(300, 44)
    aware, blind = Settings((1, 2, 35, 37, 40), 16, 44), Settings((1, 2, 35, 37, 40), 16, 45)
    assert len(encode(table, aware, be_silent)) * 10 < len(encode(table, blind, be_silent)) * 9


@pytest.mark.parametrize("length", [12, 44, 513])
def test_the_length_of_records_is_found(length: int) -> None:
    assert find_strides(records(24000 // length, length), 2)[0] == length


def test_what_has_no_records_or_is_too_short_has_no_length() -> None:
    assert find_strides(bytes(30000), 3) == []
    assert find_strides(b"abc", 3) == []
    found = find_strides(random.Random(1).randbytes(30000), 3)
    assert all(2 <= one <= LONGEST for one in found)


def test_a_piece_is_three_parts_of_what_is_long() -> None:
    data = random.Random(1).randbytes(300_000)
    piece = take_piece(data, 32 << 10)
    assert len(piece) == 96 << 10
    assert piece.startswith(data[: 32 << 10])
    assert piece[32 << 10 : 64 << 10] in data[64 << 10 :]
    assert take_piece(data[:1000], 32 << 10) == data[:1000]


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_profile_names_contexts_that_there_are(name: str) -> None:
    contexts = PROFILES[name]
    assert 1 <= len(set(contexts)) == len(contexts) <= 32
    assert all(0 <= one < KINDS for one in contexts)


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.BINARY])
@pytest.mark.parametrize("lean", [False, True])
@pytest.mark.parametrize("thorough", [False, True])
def test_every_form_is_another_and_of_a_profile_that_there_is(kind: Kind, lean: bool, thorough: bool) -> None:
    forms = list_forms(records(400, 44), kind, lean=lean, thorough=thorough)
    assert len(set(forms)) == len(forms)
    for form in forms:
        assert form.profile in PROFILES
        assert form.profile.startswith("lean") == lean
        assert form.stride >= 1


@pytest.mark.slow
def test_text_and_records_are_each_given_the_form_that_suits_them() -> None:
    plugin = GenericCm()
    text = plugin.compress(TEXT * 20, Context(Level.BEST, Kind.TEXT))
    table = plugin.compress(records(300, 44), Context(Level.BEST, Kind.BINARY))
    assert text.parameters["stride"] == 1
    assert table.parameters["stride"] == 44
    assert len(table.payload) * 3 < 300 * 44


@pytest.mark.parametrize(
    "parameters",
    [
        {"profile": None},
        {"profile": "novels"},
        {"profile": 7},
        {"stride": 0},
        {"stride": 65537},
        {"slots_log": 9},
        {"slots_log": 22},
        {"length": 0},
        {"length": 1 << 40},
        {"filter": "delta0"},
    ],
)
def test_parameters_that_are_never_written_are_refused_before_memory_is_taken(parameters: dict[str, object]) -> None:
    told = {"profile": "lean text", "stride": 1, "slots_log": 10, **parameters}
    with pytest.raises(PayloadDamaged):
        GenericCm().decompress(b"abc", told, 100, Device())  # type: ignore[arg-type]


_SOURCE = """
from panini_daemon.compressors.contextmix.bytecoder import Settings, decode, encode
def silent(done, total): pass
data = b"The cat, the HAT.\\n\\x00\\x01\\xff" * 2 + bytes(range(0, 200, 9)) + bytes(12)
chosen = ((0, 3, 13, 33, 34, 51, 53, 60), 1), ((35, 38, 42, 43, 57, 62, 66, 71), 6), (tuple(range(72, 80)), 1)
for contexts, stride in chosen:
    chosen = Settings(contexts, 10, stride)
    payload = encode(data, chosen, silent)
    assert decode(payload, len(data), chosen, silent) == data
    print(payload.hex())
"""


@pytest.mark.slow
def test_compiled_and_plain_models_write_the_same(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_SOURCE)
    answers = {
        subprocess.run(
            [sys.executable, "-W", "error", script],
            env={**os.environ, "NUMBA_DISABLE_JIT": plain},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        for plain in ("0", "1")
    }
    assert len(answers) == 1
    assert len(answers.pop()) > 150
