"""Hostile inputs made from valid ones, always the same for the same random numbers."""

import copy
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from fuzz.json_text import Pairs, Raw, parse, write

_NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1, 2, 255, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**62, 2**63 - 1, 2**63, 2**64, -(2**63), 10**30, 10**4000),
    *(0.5, -0.0, 1e308, 1.0, 1e-320, True, False),
    *map(Raw, ("NaN", "Infinity", "-Infinity", "1e400", "-1e999999999", "1" * 5000, "0." + "3" * 5000, "01", "+1")),
)
_TEXTS: tuple[Any, ...] = (
    *("", " ", "\0", "\x1b[2J", "\ud800", "\udfff\ud800", "é", "e\u0301", "\u202e", "\ufeff", "\u2028", "²", "１"),  # noqa: RUF001
    *("..", ".", "../../outside", "/etc/passwd", "a/../../b", "C:\\x", "\\\\host\\x", "a//b", "a/", "CON", "a\nb", "~"),
    *("chunk_0000", "chunk_0000/data.bin", "manifest.json", "x.json", "link/canary", "compressed_chunks/a/chunk_0000"),
    *("a" * 256, "a/" * 600, "a" * 70_000, "[/red]", "[bold]", "::error::x", "<b>", "%s%n", "{0}", "None", "null"),
    *("1", "-1", "1e9", "0x10", "1_000", "9" * 400, "NaN", "inf", "true", "sha256:" + "0" * 64, "f" * 64, "G" * 64),
    *("2024-13-45", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2024-01-01T00:00:00", "20240101T00Z"),
    *("panini-job", "compress_chunk", "compress_batch", "completed", "failed", "hold", "intent", "pending", "1.1"),
)
_CONTAINERS: tuple[Any, ...] = (
    *([], Pairs(), [[]], [None] * 2000, [Pairs()] * 500, Pairs([["", None]]), Pairs([["a", 1], ["a", 2]])),
    *(Raw("[" * depth + "]" * depth) for depth in (15, 100, 900, 990, 100_000)),
    *(Raw('{"a":' * depth + "1" + "}" * depth) for depth in (15, 990, 50_000)),
    *([Raw("[" * 500), Raw("{"), Raw(""), Raw(","), Raw('"'), Raw("'a'"), Raw("/**/1")]),
)
_HOSTILE = (None, *_NUMBERS, *_TEXTS, *_CONTAINERS)
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\x80")
_INTEGERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutate_json(seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Return a document made from one of `seeds`, in some encoding; now and then no JSON at all."""
    text = mutate_text(seeds, chance)
    draw = chance.random()
    if draw < 0.06:
        return text.encode(chance.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig")), "surrogatepass")
    data = text.encode("utf-8", "surrogatepass")
    return mutate_bytes([data, *seeds], chance, first=True) if draw < 0.25 else data


def mutate_text(seeds: Sequence[bytes], chance: random.Random) -> str:
    """Return a document's text made from one of `seeds`, some of its values and keys replaced."""
    holder = [parse(chance.choice(seeds))]
    for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3, 8))):
        _change_one(holder, chance)
    return write(holder[0], ascii_only=chance.random() < 0.7)


def mutate_bytes(seeds: Sequence[bytes], chance: random.Random, *, first: bool = False) -> bytes:
    """Return bytes made from one of `seeds`, the first one where so asked, or random ones."""
    if chance.random() < 0.03:
        return chance.randbytes(chance.choice((0, 1, 2, 7, 64, 300, 3000)))
    data = bytearray(seeds[0] if first else chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        chance.choice(_CHANGES)(data, seeds, chance)
    return bytes(data)


def _flip(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _flip_early(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    if data:
        data[chance.randrange(min(24, len(data)))] = chance.randrange(256)


def _cut(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    del data[chance.randint(0, len(data)) :]


def _drop(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    start = chance.randint(0, len(data))
    del data[start : start + chance.choice((1, 2, 4, 30))]


def _repeat(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    start = chance.randint(0, len(data))
    piece = data[start : start + chance.choice((1, 4, 20, 400))]
    data[start:start] = piece * chance.choice((1, 1, 2, 50))


def _insert(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    at = chance.randint(0, len(data))
    data[at:at] = chance.choice((*_MARKS, chance.randbytes(3), b"\0" * 40, b"\xff" * 40, chance.randbytes(200)))


def _splice(data: bytearray, seeds: Sequence[bytes], chance: random.Random) -> None:
    other = chance.choice(seeds)
    data[chance.randint(0, len(data)) :] = other[chance.randint(0, len(other)) :]


def _number(data: bytearray, _: Sequence[bytes], chance: random.Random) -> None:
    width, at = chance.choice((1, 2, 4, 8)), chance.randint(0, len(data))
    value = chance.choice(_INTEGERS) & ((1 << 8 * width) - 1)
    data[at : at + width] = value.to_bytes(width, chance.choice(("little", "big")))


_CHANGES: tuple[Callable[[bytearray, Sequence[bytes], random.Random], None], ...] = (
    *(_flip, _flip, _flip_early, _cut, _drop, _repeat, _insert, _splice, _number),
)


def _change_one(holder: list[Any], chance: random.Random) -> None:
    places = list(_places(holder))
    container, at, removable = chance.choice(places)
    draw = chance.random()
    if removable and draw < 0.15:
        del container[at]
    elif removable and draw < 0.3:
        container.insert(at, copy.deepcopy(container[at]))
    elif draw < 0.4:
        other, place, _ = chance.choice(places)
        container[at] = copy.deepcopy(other[place])
    elif draw < 0.5:
        container[at] = [copy.deepcopy(container[at]) for _ in range(chance.choice((1, 1, 3)))]
    elif draw < 0.7 and isinstance(container[at], str):
        text, part = container[at], chance.choice(_TEXTS)
        start = chance.randint(0, len(text))
        container[at] = text[:start] + part + text[start + chance.choice((0, 0, 1, 9)) :]
    else:
        container[at] = copy.deepcopy(chance.choice(_HOSTILE))
    if isinstance(container, Pairs):
        # A member may have been given something else's place.
        container[:] = [one if type(one) is list and len(one) == 2 else ["new", one] for one in container]


def _places(holder: list[Any]) -> Iterator[tuple[Any, int, bool]]:
    """Yield every place whose content can be replaced, and whether it can also be taken out of its list.

    Places are items of arrays, members of objects, their keys and their values.
    """
    yield holder, 0, False
    waiting = [holder[0]]
    for _ in range(4000):
        here = waiting.pop() if waiting else None
        if not isinstance(here, list):
            if not waiting:
                return
            continue
        for at, inner in enumerate(here):
            yield here, at, True
            if isinstance(here, Pairs):
                yield inner, 0, False
                yield inner, 1, False
                waiting.append(inner[1])
            else:
                waiting.append(inner)
