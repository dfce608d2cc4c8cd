"""What is fuzzed: a parser or decoder, what is valid for it, what it may raise, and what it may cost."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fuzz.mutation import mutate_bytes, mutate_json

Mutate = Callable[[Sequence[bytes], random.Random], bytes]
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Target:
    """One parser or decoder.

    `make` returns the function to feed: a case goes in, a value of one of the types `returns` comes out, or one of
    the errors `raises` is raised. It is called once in each process. `memory` is in bytes and `seconds` in seconds,
    for one case.
    """

    name: str
    group: str
    seeds: Callable[[], list[bytes]]
    make: Callable[[], Callable[[bytes], object]]
    returns: tuple[type, ...]
    raises: tuple[type[Exception], ...]
    mutate: Mutate = mutate_json
    memory: int = 96 * MIB
    seconds: float = 10.0
    share: float = 1.0
    """How many cases it gets, against the others: less for what is slow."""

    def case(self, seeds: Sequence[bytes], seed: int, number: int) -> bytes:
        """Return the case of this number; the same one for the same seed, in every process."""
        return self.mutate(seeds, random.Random(f"{seed} {self.name} {number}"))


def raw(seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Mutate bytes that are no JSON."""
    return mutate_bytes(seeds, chance)
