"""Coders 4 and 6 of docs/pixel-mixing.md, as that page has it."""

from fakes.page_contexts import Mixing
from fakes.page_pixels import Pixels
from fakes.page_slots import hash_two

SPIRAL = (
    "-1,0 0,-1 -1,-1 1,-1 -2,0 0,-2 -1,-2 1,-2 -2,-1 2,-1 -3,0 0,-3 -2,-2 2,-2 -3,-1 3,-1 -1,-3 1,-3 -4,0 0,-4 "
    "-3,-2 3,-2 -2,-3 2,-3 -4,-1 4,-1 -5,0 -3,-3 3,-3 5,-1"
)
TAKEN = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 30)


class Drawing(Pixels):
    """Coders 4 and 6."""

    def __init__(self, stream: bytes, width: int, height: int, channels: int, bits: int, *, flat: bool) -> None:
        super().__init__(stream, width, height, channels, bits, flat=flat)
        self.mixing = Mixing(3, 3072, 21845)
        steps = [tuple(map(int, pair.split(","))) for pair in SPIRAL.split()]
        self.spiral = [right + down * self.stride for right, down in steps]

    def find_contexts(self, at: int) -> list[int]:
        found, mixed = [0], 0
        for k, step in enumerate(self.spiral):
            mixed = hash_two(mixed, self.numbers[at + step] + k)
            if k + 1 in TAKEN:
                found.append(mixed)
        w, ww, www, wwww = self.look(self.numbers, at, "W WW WWW WWWW")
        n, nn, nw, ne, nne = self.look(self.numbers, at, "N NN NW NE NNE")
        found += [n + 1, hash_two(w, ww), hash_two(n, nn), hash_two(hash_two(w, ww), hash_two(www, wwww))]
        return [*found, hash_two(hash_two(n, ne), nne), hash_two(w, ne), hash_two(nw, ne)]

    def match_key(self, at: int, found: list[int]) -> int:
        return hash_two(found[6], found[18])

    def read_sample(self, at: int, turn: int, found: list[int], number: int) -> int:
        w, n, nw, ne, ww, nn = self.look(self.planes[turn], at, "W N NW NE WW NN")
        before, left_of, above, _ = self.beside(at, turn)
        slope, u, first = self.neighbours(at, turn)
        more = [
            *first,
            (before << 8 | left_of) << 8 | w,
            (before << 8 | above) << 8 | n,
            (2 * w - ww + 256) << 10 | u,
            (2 * n - nn + 256) << 10 | u,
            (at % self.stride - 6) << 8 | n,
            ((w + ne) >> 1 << 8 | (n + nw) >> 2) << 8 | u >> 1,
        ]
        keys, same, known = self.keys(found, more, turn, number), self.same(at), 1
        for left in reversed(range(self.bits)):
            self.seek(keys, left, known)
            length, bit = self.expected(turn, left, known)
            inputs = [*self.contexts.inputs(), *self.contexts.match_inputs(length, bit), 256, 0]
            places = (
                turn << 8 | known,
                min(length, 15) << 6 | left << 3 | same & 7,
                same << 6 | left << 3 | turn,
            )
            refined = known << 8 | w, hash_two(known, slope << 3 | turn) & 0xFFFF
            one = self.mixing.read(self.coder, inputs, places, known, refined)
            self.contexts.learn(one, length, bit)
            known = known << 1 | one
        return known - (1 << self.bits)
