"""One suite for every compressor that ships: what goes in comes out, and junk never gets through."""

import random
from collections.abc import Mapping
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.compressors import Compressor, Context, Device, Encoded, Hints, Kind, Level, Registry
from panini_daemon.compressors.errors import NotApplicable, PayloadDamaged, UnknownMethod

DECODE_ONLY = ("semantic_image_v1", "semantic_text_v1")
IMAGES = ("image_jxl_v1", "image_pixels_v1", "image_pixels_v2")
BYTES = (
    "passthrough_v1",
    "generic_gzip_v1",
    "generic_zstd_v1",
    "generic_xz_v1",
    "generic_brotli_v1",
    "generic_bzip2_v1",
    "generic_ppmd_v1",
    "generic_cm_v1",
    "text_ppmd_v1",
)
ALL = (*BYTES, *IMAGES, "container_parts_v1")
UNENDED = (
    "generic_xz_v1",
    "generic_ppmd_v1",
    "generic_cm_v1",
)  # no end is stored; the recipe's size and hash stand for it

SAMPLES = {
    "empty": b"",
    "one byte": b"\0",
    "newline": b"\n",
    "all bytes": bytes(range(256)) * 4,
    "english": b"It was the BEST of times, it was the worst of Times; NASA's A b C dE.\n" * 9,
    "french": "À Noël, où l'Œuvre ÉTAIT déjà ÇA — « sûr » ? Ÿ ß ŒUVRE.\n".encode() * 5,
    "sanskrit": "धर्मक्षेत्रे कुरुक्षेत्रे समवेता युयुत्सवः। मामकाः पाण्डवाश्चैव\n".encode() * 5,
    "russian": "Ёлка, ЁЖ и Съешь ЕЩЁ этих мягких французских булок.\n".encode() * 5,
    "many scripts": "".join(map(chr, range(0x80, 0x800))).encode(),
    "cut UTF-8": "日本語テキスト🎉".encode()[1:-2],
    "latin-1": "Ça coûte très cher à l'été ".encode("latin-1") * 4,
    "flags": b"\x01\x02\x03A\x01b\x02CD\x03\x03\xff\xff\xfe",
    "zeros": bytes(3000),
    "random": random.Random(1).randbytes(2000),
    "ramp": b"".join(value.to_bytes(2, "little") for value in range(0, 3000, 3)),
}


def _slow_if_mixed(method: str) -> object:
    return pytest.param(method, marks=pytest.mark.slow) if method == "generic_cm_v1" else method


@cache
def registry() -> Registry:
    return Registry()


def compressor(method: str) -> Compressor:
    return registry().get(method)


def decode(method: str, payload: bytes, parameters: Mapping[str, object], size: int) -> bytes:
    return compressor(method).decompress(payload, parameters, size, Device())  # type: ignore[arg-type]


@pytest.mark.parametrize("method", BYTES)
@pytest.mark.parametrize("name", SAMPLES)
def test_round_trip_gives_the_same_bytes_at_every_level(method: str, name: str) -> None:
    data = SAMPLES[name]
    for level in Level:
        encoded = compressor(method).compress(data, Context(level, Kind.TEXT))
        assert decode(method, encoded.payload, encoded.parameters, len(data)) == data


@pytest.mark.parametrize("method", BYTES)
@given(data=st.binary(max_size=600))
@settings(max_examples=15, deadline=None)
def test_any_bytes_round_trip(method: str, data: bytes) -> None:
    encoded = compressor(method).compress(data, Context(Level.BALANCED))
    assert decode(method, encoded.payload, encoded.parameters, len(data)) == data


@pytest.mark.parametrize("method", BYTES)
def test_the_same_bytes_give_the_same_payload(method: str) -> None:
    data = SAMPLES["english"] + SAMPLES["random"]
    for level in (Level.BALANCED, Level.BEST):
        context = Context(level, Kind.TEXT, Hints("text"))
        assert compressor(method).compress(data, context) == compressor(method).compress(data, context)


@pytest.mark.parametrize("method", ALL)
def test_an_empty_chunk_works(method: str) -> None:
    encoded = compressor(method).compress(b"", Context())
    assert decode(method, encoded.payload, encoded.parameters, 0) == b""


@pytest.mark.parametrize("method", [name for name in BYTES if name not in UNENDED])
@pytest.mark.parametrize("change", [-1, 1, 1000])
def test_another_size_than_was_written_is_refused(method: str, change: int) -> None:
    data = SAMPLES["english"]
    encoded = compressor(method).compress(data, Context(Level.BALANCED))
    with pytest.raises(PayloadDamaged):
        decode(method, encoded.payload, encoded.parameters, len(data) + change)


@pytest.mark.parametrize("method", [*ALL, *DECODE_ONLY])
@given(
    payload=st.binary(max_size=300),
    parameters=st.dictionaries(
        st.sampled_from(["order", "memory_log", "length", "window_log", "dict_log", "lc", "lp", "pb", "filter"])
        | st.sampled_from(
            [
                "contexts",
                "slots_log",
                "coder",
                "offset",
                "width",
                "height",
                "channels",
                "bits",
                "stride",
                "shape",
                "dtype",
            ]
        ),
        st.none()
        | st.integers(-3, 70)
        | st.sampled_from(["x86", "delta1", "delta999", "jxl", "uint8", 2**70, 0.5])
        | st.lists(st.integers(-1, 9), max_size=4),
        max_size=8,
    ),
    size=st.integers(0, 400),
)
@settings(max_examples=25, deadline=None)
def test_junk_is_refused_or_gives_the_size_asked(
    method: str, payload: bytes, parameters: dict[str, object], size: int
) -> None:
    try:
        data = decode(method, payload, parameters, size)
    except PayloadDamaged:
        return
    assert len(data) == size or not compressor(method).exact_size


@pytest.mark.parametrize("method", BYTES)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_a_damaged_payload_never_gives_another_size_or_error(method: str, seed: int) -> None:
    rng = random.Random(seed)
    data, encoded = _written(method)
    payload = bytearray(encoded.payload)
    for _ in range(rng.randrange(1, 4)):
        payload[rng.randrange(len(payload))] ^= 1 << rng.randrange(8)
    damaged = bytes(payload[: rng.choice([len(payload), rng.randrange(len(payload) + 1)])])
    try:
        back = decode(method, damaged, encoded.parameters, len(data))
    except PayloadDamaged:
        return
    assert len(back) == len(data)


@pytest.mark.parametrize("method", ["generic_gzip_v1", "generic_brotli_v1", "generic_bzip2_v1"])
def test_a_payload_without_its_end_is_refused(method: str) -> None:
    data, encoded = _written(method)
    with pytest.raises(PayloadDamaged):
        decode(method, encoded.payload[:-1], encoded.parameters, len(data))


@pytest.mark.parametrize("method", [_slow_if_mixed(method) for method in BYTES[1:]])
def test_a_bomb_is_not_unpacked_beyond_the_size_asked(method: str) -> None:
    encoded = compressor(method).compress(bytes(1 << 20), Context(Level.FAST))
    parameters = dict(encoded.parameters)
    for name in ("memory_log", "window_log", "dict_log", "slots_log"):
        if name in parameters:
            with pytest.raises(PayloadDamaged):
                decode(method, encoded.payload, parameters, 100)
            parameters[name] = {"memory_log": 20, "window_log": 10, "dict_log": 12, "slots_log": 10}[name]
    try:
        back = decode(method, encoded.payload, parameters, 100)
    except PayloadDamaged:
        return
    assert len(back) == 100


@pytest.mark.parametrize("method", DECODE_ONLY)
def test_old_methods_are_not_written_any_more(method: str) -> None:
    with pytest.raises(NotApplicable):
        compressor(method).compress(b"data", Context())


@pytest.mark.parametrize("method", IMAGES)
@pytest.mark.parametrize("data", [b"BM", b"P6 1", b"\xff\xd8\xff", b"II*\0" + bytes(20), b"\x89PNG\r\n\x1a\n", b"text"])
def test_an_image_coder_turns_down_what_it_cannot_carry(method: str, data: bytes) -> None:
    with pytest.raises(NotApplicable):
        compressor(method).compress(data, Context(Level.BEST, Kind.IMAGE))


def test_an_unknown_method_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownMethod, match="generic_zstd_v1"):
        compressor("generic_lzw_v9")


@cache
def _written(method: str) -> tuple[bytes, Encoded]:
    data = SAMPLES["english"] + SAMPLES["french"] + SAMPLES["ramp"]
    return data, compressor(method).compress(data, Context(Level.BALANCED))
