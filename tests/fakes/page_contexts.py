"""Contexts, matches and mixing of docs/pixel-mixing.md, as that page has it."""

from fakes.page_mixing import Counted, Decoder, Mixer, Refinement, cut, squash, stretch
from fakes.page_slots import NOTHING, Histories, Slot, Slots, add_bit


class Match:
    """Where pixels like those before the present one were."""

    def __init__(self) -> None:
        self.length, self.place = 0, 0
        self._seen: dict[int, int] = {}

    def find(self, numbers: list[int], at: int, key: int) -> None:
        if not self.length and key in self._seen:
            self.place = self._seen[key]
            while self.length < 32 and numbers[self.place - 1 - self.length] == numbers[at - 1 - self.length]:
                self.length += 1
        self._seen[key] = at

    def move(self, numbers: list[int], at: int) -> None:
        if self.length:
            self.length = min(self.length + 1, 63) if numbers[self.place] == numbers[at] else 0
            self.place += 1


class Contexts:
    """Slots of all contexts, and what they and a match tell a mixer."""

    def __init__(self, samples: int) -> None:
        self._slots = Slots(next((n for n in range(10, 21) if 1 << n >= 8 * samples), 21))
        self._histories, self._matches = Histories(255), Counted(255)
        self._found: list[Slot] = []
        self._node = 1

    def seek(self, keys: list[int]) -> None:
        self._found, self._node = [self._slots.find(key) for key in keys], 1

    def inputs(self) -> list[int]:
        inputs = []
        for context, slot in enumerate(self._found):
            history = slot.histories.get(self._node, NOTHING)
            inputs.append(stretch(self._histories.chance(context, history)) if history != NOTHING else 0)
            chance, seen = slot.chances.get(self._node, (2048, 0))
            inputs.append(stretch(16 * chance) * min(seen + 1, 8) >> 3 if seen else 0)
        return inputs

    def match_inputs(self, length: int, bit: int) -> tuple[int, int]:
        chance = self._matches.chance((min(length, 63), bit))
        return (stretch(chance), (chance - 32768) >> 5) if length else (0, 0)

    def learn(self, one: int, length: int, bit: int) -> None:
        for context, slot in enumerate(self._found):
            history = slot.histories.get(self._node, NOTHING)
            self._histories.learn(context, history, one)
            slot.histories[self._node] = add_bit(history, one)
            chance, seen = slot.chances.get(self._node, (2048, 0))
            rate = 131072 // (2 * seen + 3)
            moved = (4095 - chance) * rate >> 16 if one else -(chance * rate >> 16)
            slot.chances[self._node] = chance + moved, min(seen + 1, 15)
        if length:
            self._matches.learn((min(length, 63), bit), one)
        self._node = self._node << 1 | one


class Mixing:
    """Sets of weights, a last mixer and two refinements."""

    def __init__(self, sets: int, first: int, last: int) -> None:
        self._sets, self._last = [Mixer(first, 200) for _ in range(sets)], Mixer(last, 30)
        self._refinements = Refinement(6), Refinement(6)

    def read(
        self, coder: Decoder, inputs: list[int], places: tuple[int, ...], known: int, refined: tuple[int, int]
    ) -> int:
        pairs = list(zip(self._sets, places, strict=True))
        odds = [cut(mixer.odds(place, inputs), 2047) for mixer, place in pairs]
        mixed = self._last.odds(known, [*odds, 128])
        refinements = list(zip(self._refinements, refined, strict=True))
        chance = 2 * squash(mixed) + sum(one.chance(key, mixed) for one, key in refinements) >> 2
        bit = coder.bit(min(max(chance, 1), 65535))
        for (mixer, place), own in zip(pairs, odds, strict=True):
            mixer.learn(place, inputs, own, bit)
        self._last.learn(known, [*odds, 128], mixed, bit)
        for one, key in refinements:
            one.learn(key, mixed, bit)
        return bit
