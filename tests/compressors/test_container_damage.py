"""Payloads of containers that nobody wrote: refused, in little time and memory."""

import random
import zlib
from collections.abc import Sequence
from functools import cache

import pytest
from fakes import container_files as files
from fuzz.judging import peak_of
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.compressors import Context, Device, Level, PayloadDamaged, Registry
from panini_daemon.compressors.container_parts import ContainerParts
from panini_daemon.compressors.containers.payload import Codecs, read_payload
from panini_daemon.compressors.containers.plan import DEEPEST, Step
from panini_daemon.compressors.containers.reading import read_tree
from panini_daemon.compressors.containers.words import pack, unpack
from panini_daemon.compressors.numbers import Cursor, number

MIB = 1 << 20
BARE = b"\0"


@cache
def registry() -> Registry:
    return Registry()


@cache
def plugin() -> ContainerParts:
    found = registry().get("container_parts_v1")
    assert isinstance(found, ContainerParts)
    return found


def decode(payload: bytes, size: int) -> bytes:
    return plugin().decompress(payload, {}, size, Device())


def read(plan: Sequence[int | bytes], channels: Sequence[bytes] = (), size: int = 1000, most: int = 1 << 16) -> bytes:
    written = b"".join(step if isinstance(step, bytes) else number(step) for step in plan)
    return read_tree([written, *channels], size, most)


def payload_of(channels: Sequence[bytes]) -> bytes:
    heads = b"".join(BARE + number(len(channel)) for channel in channels)
    return number(len(channels)) + heads + b"".join(channels)


PICTURE = (3, 2, 8, 0)
REFUSED = {
    "no end": [Step.LITERAL, 3, 0],
    "more than a channel has": [Step.LITERAL, 4, 0, Step.END],
    "less than a channel has": [Step.LITERAL, 2, 0, Step.END],
    "a channel that there is not": [Step.LITERAL, 3, 1, Step.END],
    "a step that there is not": [99],
    "steps behind the end": [Step.LITERAL, 3, 0, Step.END, Step.END],
    "a number without end": [Step.LITERAL, b"\xff" * 12],
    "a wrapper that there is not": [Step.STREAM, 99, 0, 1, b"\1"],
    "an encoder before its time": [Step.STREAM, 0, 1, 1, b"\1"],
    "an encoder that there is not": [Step.STREAM, 0, 0, 3, b"\xee\xee\xee", 0, Step.END, Step.LITERAL, 3, 0, Step.END],
    "rows of no picture": [Step.ROWS, 0, b"\0", 3, 0, Step.END],
    "rows that follow no rule": [Step.ROWS, 1, *PICTURE, b"\x63", 3, 0, Step.END],
    "rows of a stream that is none": [Step.ROWS, 1, *PICTURE, b"\0", 3, 0, Step.END],
    "a picture of no width": [Step.ROWS, 1, 0, 2, 8, 0, b"\0", 3, 0, Step.END],
    "a picture of 7 bits": [Step.ROWS, 1, 3, 2, 7, 0, b"\0", 3, 0, Step.END],
    "a picture of a colour that there is not": [Step.ROWS, 1, 3, 2, 8, 5, b"\0", 3, 0, Step.END],
    "a picture too large": [Step.ROWS, 1, 1 << 30, 1 << 30, 8, 0, b"\0", 3, 0, Step.END],
    "flags of a PNG that there are not": [Step.PNG, 4, *PICTURE, Step.END, Step.END],
    "a known chunk that there is not": [Step.KNOWN, 999],
    "a chunk cut in its name": [Step.CHUNK, b"ID"],
    "chunks of fewer bytes than there are": [Step.SPLIT, 1, 2, 1, 1, Step.LITERAL, 3, 0, Step.END, Step.END],
    "chunks of more bytes than there are": [Step.SPLIT, 1, 2, 2, 2, Step.LITERAL, 3, 0, Step.END, Step.END],
    "a descriptor that there is not": [Step.ENTRY, 9, 3, 0, Step.END, Step.END],
    "a ZIP header cut": [Step.ENTRY, 0, 3, 0, Step.END, Step.END],
    "a directory cut": [Step.DIRECTORY, 1, 3, 0, Step.END],
    "a directory of too little": [Step.DIRECTORY, 0, 3, 0, Step.END],
    "steps too deep": [Step.SPLIT, 0] * (DEEPEST + 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_plan_that_nobody_writes_is_refused(name: str) -> None:
    with pytest.raises(PayloadDamaged):
        read(REFUSED[name], [b"abc"])


def test_a_plan_of_one_literal_is_read() -> None:
    assert read([Step.LITERAL, 3, 0, Step.END], [b"abc"]) == b"abc"


def test_bytes_may_not_grow_beyond_what_a_file_is_taken_apart_to() -> None:
    plan = [Step.SPLIT, 1, 5000, *[0] * 5000, Step.END, Step.END]
    assert len(read(plan)) == 60000
    with pytest.raises(PayloadDamaged, match="unfolds"):
        read(plan, most=50000)


def test_pictures_within_pictures_are_counted_together() -> None:
    inner = [Step.CHUNK, b"abcd", Step.LITERAL, 900, 0, Step.END]
    with pytest.raises(PayloadDamaged, match="unfolds"):
        read([Step.CHUNK, b"abcd", Step.CHUNK, b"abcd", *inner, Step.END, Step.END, Step.END], [bytes(900)], most=2000)


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"\0", b"\1", number(5000), b"\1" + BARE + number(1 << 40)),
        payload_of([bytes([Step.END])]) + b"more",
        b"\1" + BARE + number(4) + b"abc",
        b"\1\x05\x03abc\x07\0" + number(2) + number(2) + b"ab",
        b"\1\x03\1" + number(2) + number(2) + b"ab",
        b"\1\xf0" + number(2) + number(2) + b"ab",
    ],
)
def test_a_payload_that_is_none_is_refused(payload: bytes) -> None:
    with pytest.raises(PayloadDamaged):
        decode(payload, 1000)


@pytest.mark.parametrize("method", ["container_parts_v1", "semantic_text_v1", "text_lm_v1", "none_v1"])
def test_a_channel_may_not_be_a_container_again_nor_of_an_old_or_unknown_method(method: str) -> None:
    head = pack(method, {})
    assert head is not None
    with pytest.raises(PayloadDamaged, match="cannot have"):
        decode(b"\1" + head + number(2) + number(2) + b"ab", 1000)


def test_channels_that_claim_much_take_nothing() -> None:
    head = pack("generic_zstd_v1", {"window_log": 27})
    assert head is not None
    payload = number(4000) + (head + number(1 << 30) + number(0)) * 4000

    def refuse() -> None:
        with pytest.raises(PayloadDamaged, match="claim"):
            decode(payload, 1000)

    assert peak_of(refuse) < 8 * MIB


def test_content_that_inflates_without_end_is_left_as_it_is() -> None:
    data = zlib.compress(bytes(1 << 25), 9)
    codecs = Codecs(registry(), frozenset())
    from panini_daemon.compressors.containers.dissection import dissect
    from panini_daemon.compressors.containers.inflation import Allowance
    from panini_daemon.compressors.containers.nodes import Literal

    [node] = dissect(data, Level.BALANCED, Allowance(1 << 20, 1 << 20))
    assert isinstance(node, Literal)
    assert node.data == data
    assert codecs.level is Level.BALANCED


@cache
def written() -> tuple[tuple[bytes, bytes], ...]:
    chosen = ("png of pillow", "zip", "pdf", "gzip with every field", "tar of pictures")
    return tuple(
        (data, plugin().compress(data, Context(Level.BALANCED)).payload)
        for name, data in files.all_files().items()
        if name in chosen
    )


@pytest.mark.slow
@given(seed=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_a_damaged_payload_never_gives_another_size_or_error(seed: int) -> None:
    chance = random.Random(seed)
    data, whole = chance.choice(written())
    payload = bytearray(whole)
    for _ in range(chance.randrange(1, 4)):
        payload[chance.randrange(len(payload))] ^= 1 << chance.randrange(8)
    damaged = bytes(payload[: chance.choice([len(payload), chance.randrange(len(payload) + 1)])])
    try:
        back = decode(damaged, len(data))
    except PayloadDamaged:
        return
    assert len(back) == len(data)


@pytest.mark.slow
@given(seed=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_a_damaged_plan_never_gives_another_error(seed: int) -> None:
    """The channels are unpacked, so that the damage meets the steps and not a codec."""
    chance = random.Random(seed)
    data, payload = chance.choice(written())
    channels = read_payload(payload, Codecs(registry(), frozenset()), 1 << 25)
    which = chance.choice([0, 0, chance.randrange(len(channels))])
    changed = bytearray(channels[which])
    for _ in range(chance.randrange(1, 3)):
        changed[chance.randrange(len(changed))] = chance.choice([0, 1, 7, 127, 128, 255, chance.randrange(256)])
    channels[which] = bytes(changed)
    try:
        read_tree(channels, len(data), 1 << 22)
    except PayloadDamaged:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=9) | st.sampled_from(["jxl", "order"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(method=st.text(max_size=12), parameters=st.dictionaries(st.text(max_size=6), JSON, max_size=4))
@settings(max_examples=60, deadline=None)
def test_a_method_and_its_parameters_come_back(method: str, parameters: dict[str, object]) -> None:
    packed = pack(method, parameters)  # type: ignore[arg-type]
    assert packed is not None
    cursor = Cursor(packed + b"more")
    assert unpack(cursor) == (method, parameters)
    assert cursor.at == len(packed)


@pytest.mark.parametrize("value", [0.5, 1 << 70, float("nan"), object()])
def test_parameters_that_have_no_short_form_are_said_so(value: object) -> None:
    assert pack("some_v1", {"value": value}) is None  # type: ignore[dict-item]


@given(junk=st.binary(max_size=40))
@settings(max_examples=100, deadline=None)
def test_junk_for_a_method_is_refused_or_read(junk: bytes) -> None:
    try:
        method, parameters = unpack(Cursor(junk))
    except PayloadDamaged:
        return
    assert isinstance(method, str)
    assert isinstance(parameters, dict)


@given(values=st.lists(st.integers(0, (1 << 62) - 1), max_size=8))
def test_numbers_come_back(values: list[int]) -> None:
    cursor = Cursor(b"".join(map(number, values)))
    assert [cursor.number((1 << 62) - 1) for _ in values] == values
    assert cursor.is_done()
