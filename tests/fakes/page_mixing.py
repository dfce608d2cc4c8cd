"""The arithmetic of docs/context-mixing.md, written from that page alone, in whole numbers without end."""

import math
from bisect import bisect_left
from functools import cache


class Decoder:
    """Reads bits, each with its chance of being a one, of 65536."""

    def __init__(self, stream: bytes) -> None:
        self._bytes = iter(stream)
        self._low, self._high = 0, 0xFFFFFFFF
        self._code = int.from_bytes(bytes(self._next() for _ in range(4)), "big")

    def bit(self, chance: int) -> int:
        cut = self._low + ((self._high - self._low) * chance >> 16)
        one = self._code <= cut
        if one:
            self._high = cut
        else:
            self._low = cut + 1
        while self._low >> 24 == self._high >> 24:
            self._low = self._low << 8 & 0xFFFFFFFF
            self._high = self._high << 8 & 0xFFFFFFFF | 0xFF
            self._code = self._code << 8 & 0xFFFFFFFF | self._next()
        return int(one)

    def _next(self) -> int:
        return next(self._bytes, 0)


@cache
def squash(odds: int) -> int:
    odds = min(max(odds, -3072), 3071)
    return min(max(round(65536 / (1 + math.exp(-odds / 256))), 1), 65535)


@cache
def stretch(chance: int) -> int:
    return -2047 + bisect_left(range(-2047, 2047), 16 * (chance >> 4) + 8, key=squash)


class Counted:
    """Counted chances by any key, all beginning alike: even, unless told otherwise."""

    def __init__(self, limit: int, first: int = 32768, seen: int = 0) -> None:
        self._limit, self._start = limit, (first << 6, seen)
        self._known: dict[object, tuple[int, int]] = {}

    def chance(self, key: object) -> int:
        return self._known.get(key, self._start)[0] >> 6

    def seen(self, key: object) -> int:
        return self._known.get(key, self._start)[1]

    def learn(self, key: object, bit: int) -> None:
        chance, seen = self._known.get(key, self._start)
        rate = 131072 // (2 * seen + 3)
        chance += ((1 << 22) - chance) * rate >> 16 if bit else -(chance * rate >> 16)
        self._known[key] = chance, min(seen + 1, self._limit)


class Refinement:
    """Refinements by any key."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._known: dict[object, list[int]] = {}

    def chance(self, key: object, odds: int) -> int:
        index, rest = divmod(odds + 3072, 128)
        row = self._row(key)
        return row[index] * (128 - rest) + row[index + 1] * rest >> 7

    def learn(self, key: object, odds: int, bit: int) -> None:
        row, index = self._row(key), odds + 3072 + 64 >> 7
        row[index] += 65536 - row[index] >> self._rate if bit else -(row[index] >> self._rate)

    def _row(self, key: object) -> list[int]:
        return self._known.setdefault(key, [squash(min(128 * at - 3072, 3071)) for at in range(49)])


class Mixer:
    """Weights by any key, all beginning alike."""

    def __init__(self, first: int, rate: int) -> None:
        self._first, self._rate = first, rate
        self._known: dict[object, list[int]] = {}

    def odds(self, key: object, inputs: list[int]) -> int:
        weights = self._known.setdefault(key, [self._first] * len(inputs))
        return min(max(sum(map(int.__mul__, weights, inputs)) >> 16, -3071), 3071)

    def learn(self, key: object, inputs: list[int], odds: int, bit: int) -> None:
        step = min(max(((bit << 16) - squash(odds)) * self._rate >> 10, -(1 << 18)), 1 << 18)
        moved = [weight + (value * step + 8192 >> 14) for weight, value in zip(self._known[key], inputs, strict=True)]
        if max(moved) > 524287 or min(moved) < -524287:
            moved = [cut(weight, 524287) for weight in moved]
        self._known[key] = moved


def cut(value: int, most: int) -> int:
    return min(max(value, -most), most)


def shift_left(value: int, bits: int) -> int:
    return value << bits if bits >= 0 else value >> -bits
