"""Slots and histories of docs/context-mixing.md, as that page has it."""

from collections import defaultdict
from functools import cache

from fakes.page_mixing import Counted

History = tuple[int, int, int]  # zeros, ones, the last bit
NOTHING: History = (0, 0, 0)
LARGEST = (40, 37, 11, 8, 6, 5)  # of two counts, by the smaller


@cache
def add_bit(history: History, bit: int) -> History:
    own, other = history[bit], history[1 - bit]
    own, other = own + 1, other if other <= 5 else min(other - 1, 7)
    while min(own, other) > 5 or max(own, other) > LARGEST[min(own, other)]:
        if other < 2:
            own -= 1
        else:
            own, other = (own * (other - 1) + other // 2) // other, other - 1
    zeros, ones = (other, own) if bit else (own, other)
    return zeros, ones, bit if zeros and ones and zeros + ones <= 16 else 0


class Histories:
    """The counted chances of histories, apart for each context."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: dict[tuple[int, History], Counted] = {}

    def chance(self, context: int, history: History) -> int:
        return self._of(context, history).chance(0)

    def learn(self, context: int, history: History, bit: int) -> None:
        self._of(context, history).learn(0, bit)

    def _of(self, context: int, history: History) -> Counted:
        if (context, history) not in self._known:
            zeros, ones, _ = history
            first = (2 * ones + 1) * 65536 // (2 * (ones + zeros) + 2)
            self._known[context, history] = Counted(self._limit, min(max(first, 1), 65535))
        return self._known[context, history]


class Slot:
    """Words of a slot; chances and histories by their node."""

    def __init__(self) -> None:
        self.clear(0)

    def clear(self, check: int) -> None:
        self.check, self.found = check, 0
        self.chances: dict[int, tuple[int, int]] = {}
        self.histories: dict[int, History] = {}


class Slots:
    """A table of 2^bits slots, of which those that are not here are all zero."""

    def __init__(self, bits: int) -> None:
        self._most = (1 << bits) - 1
        self._known: defaultdict[int, Slot] = defaultdict(Slot)

    def find(self, key: int) -> Slot:
        mixed = key * 0x1E35A7BD
        home, check = mixed >> 17 & self._most, mixed >> 44 & 0xFFFF or 1
        slots = [self._known[place] for place in (home, home ^ 1, home ^ 2)]
        slot = next((slot for slot in slots if slot.check == check), None)
        if slot is None:
            slot = min(slots, key=lambda slot: slot.found)
            slot.clear(check)
        slot.found = min(slot.found + 1, 255)
        return slot


def hash_two(one: int, other: int) -> int:
    mixed = (one & 0xFFFFFFFF) * 0x1C6EF373 + (other & 0xFFFFFFFF) * 0x13198A2F + 0x243F6A88
    mixed ^= mixed >> 31
    return ((mixed & 0xFFFFFFFF) * 0x19E3779B >> 13) & 0xFFFFFFFF
