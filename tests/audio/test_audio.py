"""Audio files come back to the byte, whatever their header says."""

import json
import math
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.audio_files import aiff, wav
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.compressors import Context, Device, Encoded, Kind, Level, classify
from panini_daemon.compressors.audio.codec import AudioCodec
from panini_daemon.compressors.audio.files import find_samples
from panini_daemon.compressors.audio_lms import AudioLms
from panini_daemon.compressors.audio_ols import AudioOls
from panini_daemon.compressors.errors import NotApplicable, PayloadDamaged

LMS, OLS = AudioLms(), AudioOls()
GOLDEN = Path(__file__).parents[1] / "golden/compressors"
WAYS = {"quick": (LMS, Level.BALANCED), "thorough": (LMS, Level.MAX), "squares": (OLS, Level.BEST)}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[AudioCodec, Level]:
    return WAYS[request.param]


def round_trip(data: bytes, plugin: AudioCodec = LMS, level: Level = Level.BEST) -> Encoded:
    encoded = plugin.compress(data, Context(level, Kind.BINARY))
    told = json.loads(json.dumps(dict(encoded.parameters)))
    assert plugin.decompress(encoded.payload, told, len(data), Device()) == data
    return encoded


FILES = {
    **{
        f"{8 * width} bits, {channels} channels": wav(400, channels, width)
        for width in (1, 2, 3)
        for channels in (1, 2, 3)
    },
    "eight channels": wav(50, 8),
    "aiff": aiff(),
    "aiff of 8 bits": aiff(width=1),
    "aiff-c, little-endian": aiff(coding=b"sowt"),
    "aiff-c, big-endian": aiff(coding=b"twos"),
    "trailing bytes": wav() + b"LIST\x04\0\0\0abcd and more",
    "size unknown": wav()[:40] + b"\xff\xff\xff\xff" + wav()[44:],
    "size too large": wav()[:40] + b"\xff\xff\x00\x00" + wav()[44:],
    "cut in a sample": wav()[:-1],
    "a chunk before": wav()[:12] + b"junk\x05\0\0\0hello\0" + wav()[12:],
    "silence": wav()[:44] + bytes(800),
    "widened": wav()[:44] + b"".join(bytes((0, at % 50)) for at in range(400)),
    "longer than a history": wav(9000, 2),
}


@pytest.mark.parametrize("name", FILES)
def test_files_come_back_smaller(name: str, way: tuple[AudioCodec, Level]) -> None:
    encoded = round_trip(FILES[name], *way)
    assert len(encoded.payload) < len(FILES[name])


def test_samples_that_are_multiples_cost_what_their_quotients_cost() -> None:
    plain = round_trip(wav()[:44] + b"".join(int(at % 50).to_bytes(2, "little") for at in range(400)))
    widened = round_trip(FILES["widened"])
    assert widened.parameters["step"] == 256
    assert abs(len(widened.payload) - len(plain.payload)) < 20


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=900), st.integers(1, 8), st.integers(1, 3))
def test_any_samples_come_back(samples: bytes, channels: int, width: int) -> None:
    file = wav(40, channels, width)[:40] + len(samples).to_bytes(4, "little") + samples
    if find_samples(file) is None:
        assert len(samples) // (channels * width) < 32
    else:
        for way in WAYS.values():
            round_trip(file, *way)


def test_least_squares_save_where_tones_stand_out() -> None:
    tones = [round(9000 * math.sin(at / 7) + 4000 * math.sin(at / 3.1) + 50 * math.sin(at * at)) for at in range(6000)]
    file = wav()[:40] + (12000).to_bytes(4, "little") + struct.pack("<6000h", *tones)
    assert len(round_trip(file, OLS).payload) < 0.92 * len(round_trip(file, LMS).payload)


@pytest.mark.parametrize("plugin", [LMS, OLS])
@pytest.mark.parametrize(
    "data", [b"RIFF", b"RIFF\0\0\0\0WAVE", b"FORM\0\0\0\0AIFF" + bytes(90), b"text", wav()[:60], bytes(500)]
)
def test_what_is_no_audio_file_is_not_applicable(data: bytes, plugin: AudioCodec) -> None:
    with pytest.raises(NotApplicable):
        plugin.compress(data, Context(Level.BEST))


def test_floats_and_packed_samples_are_not_applicable() -> None:
    for kind in (3, 6, 7, 17):
        with pytest.raises(NotApplicable):
            LMS.compress(wav()[:20] + kind.to_bytes(2, "little") + wav()[22:], Context(Level.BEST))


def test_audio_files_are_binaries_and_offered_to() -> None:
    assert classify(aiff()) is classify(wav()) is Kind.BINARY
    offered = {level: [one.offer(Context(level, Kind.BINARY)) is not None for one in (LMS, OLS)] for level in Level}
    assert offered == {
        Level.FAST: [False, False],
        Level.BALANCED: [True, False],
        Level.BEST: [False, True],
        Level.MAX: [True, True],
    }


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from([LMS, OLS]))
def test_a_damaged_payload_gives_bytes_or_an_error(data: st.DataObject, plugin: AudioCodec) -> None:
    original = FILES["aiff"]
    encoded = plugin.compress(original, Context(Level.BALANCED))
    payload = bytearray(encoded.payload)
    payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    cut = bytes(payload[: data.draw(st.integers(0, len(payload)))])
    try:
        assert len(plugin.decompress(cut, encoded.parameters, len(original), Device())) == len(original)
    except PayloadDamaged:
        return


@pytest.mark.parametrize(
    "change",
    [{"channels": 0}, {"width": 4}, {"frames": 1 << 30}, {"offset": 5000}, {"step": 0}, {"big": 1}, {"thorough": None}],
)
def test_parameters_that_do_not_fit_are_refused(change: dict[str, object]) -> None:
    encoded = LMS.compress(FILES["aiff"], Context(Level.BALANCED))
    with pytest.raises(PayloadDamaged):
        LMS.decompress(encoded.payload, {**encoded.parameters, **change}, len(FILES["aiff"]), Device())  # type: ignore[dict-item]


def test_a_step_that_does_not_fit_is_refused_by_squares_too() -> None:
    encoded = OLS.compress(FILES["aiff"], Context(Level.BEST))
    with pytest.raises(PayloadDamaged):
        OLS.decompress(encoded.payload, {**encoded.parameters, "step": 0}, len(FILES["aiff"]), Device())


@pytest.mark.slow
@pytest.mark.parametrize("plugin", [LMS, OLS])
def test_without_a_compiler_samples_are_decoded_alike(plugin: AudioCodec) -> None:
    script = (
        "import sys, json, pathlib; from panini_daemon.compressors import Device, Registry\n"
        f"plugin = Registry().get({plugin.method!r})\n"
        "for folder in map(pathlib.Path, sys.argv[1:]):\n"
        " original = (folder / 'original.bin').read_bytes()\n"
        " told = json.loads((folder / 'parameters.json').read_text())\n"
        " made = plugin.decompress((folder / 'payload.bin').read_bytes(), told, len(original), Device())\n"
        " assert made == original, folder\n"
    )
    folders = [str(path) for path in sorted((GOLDEN / plugin.method).iterdir())][:3]
    environ = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-c", script, *folders], check=True, env=environ, timeout=200)
