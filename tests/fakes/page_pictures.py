"""Coders 5 and 7 of docs/pixel-mixing.md, as that page has it."""

from bisect import bisect_right

from fakes.page_contexts import Mixing
from fakes.page_mixing import Counted, squash, stretch
from fakes.page_pixels import Pixels
from fakes.page_slots import hash_two
from fakes.page_squares import Squares

LARGE, SMALL = "W NW NE WW NN NNE NNW NEE NWW WWW NNEE NNWW NNN", "W NW NE WW NN"
BEFORE, AFTER, BEFORE_SMALL = "W NW NE O NN WW", "W NW NE", "W NW O"
DISTANCES = (
    *(2, 4, 6, 8, 10, 12, 14, 17, 20, 23, 27, 31, 36, 42, 50, 58, 68, 80, 94, 110, 130, 154, 184, 220, 264, 320),
    *(400, 520, 700, 1000, 1500),
)


class Picture(Pixels):
    """Coders 5 and 7."""

    def __init__(self, stream: bytes, width: int, height: int, channels: int, bits: int, *, flat: bool) -> None:
        super().__init__(stream, width, height, channels, bits, flat=flat)
        if channels > 2:
            self.order = [1, 0, 2, 3][:channels]
        self.mixing = Mixing(5, 3932, 13107)
        self.distances = Counted(400)
        self.errors = [[[0] * len(self.numbers) for _ in range(4)] for _ in range(channels)]
        self.squares: list[list[Squares]] = []
        for turn in range(channels):
            large = 13 + 6 * turn + 3 * (channels - 1 - turn)
            small = 5 + 3 * turn
            self.squares.append([Squares(large, 6), Squares(large, 10), Squares(small, 5)])

    def pass_over(self, at: int, turn: int) -> None:
        for errors in self.errors[turn]:
            errors[at] = -40

    def find_contexts(self, at: int) -> list[int]:
        w, n, nw, ne, ww, nn = self.look(self.numbers, at, "W N NW NE WW NN")
        found = [0, w, n, hash_two(w, n)]
        found.append(hash_two(found[3], nw))
        found.append(hash_two(found[4], ne))
        found.append(hash_two(hash_two(found[5], ww), nn))
        return [*found, hash_two(w, ww), hash_two(n, nn), hash_two(w, ne)]

    def match_key(self, at: int, found: list[int]) -> int:
        return hash_two(found[6], hash_two(*self.look(self.numbers, at, "WWW WWWW")))

    def inputs_of(self, turn: int, at: int, *, large: bool) -> list[int]:
        own, others = [], []
        for other, channel in enumerate(self.order):
            if other == turn:
                names = LARGE if large else SMALL
            elif large:
                names = BEFORE if other < turn else AFTER
            else:
                names = BEFORE_SMALL if other < turn else ""
            plane = self.planes[channel]
            middle = plane[at - 1] + plane[at - self.stride]
            group = [2 * sample - middle for sample in self.look(plane, at, names)]
            if other == turn:
                own = group
            else:
                others += group
        return own + others

    def target(self, turn: int, at: int) -> int:
        plane = self.planes[self.order[turn]]
        return 2 * plane[at] - plane[at - 1] - plane[at - self.stride]

    def predict(self, turn: int, at: int) -> list[int]:
        near, _, _ = self.squares[turn]
        y, x = divmod(at, self.stride)
        if y - 4 >= 3 and x - 6 + 2 < self.width:
            for up in (1, 2, 3):
                there = at + 2 - up * self.stride
                near.add(self.inputs_of(turn, there, large=True), self.target(turn, there))
        plane = self.planes[self.order[turn]]
        middle = plane[at - 1] + plane[at - self.stride]
        large, small = self.inputs_of(turn, at, large=True), self.inputs_of(turn, at, large=False)
        guesses = []
        for squares, seen in zip(self.squares[turn], (large, large, small), strict=True):
            squares.improve()
            guesses.append(squares.guess(seen, middle))
        return guesses

    def scale(self, turn: int, which: int, at: int) -> int:
        w, n, nw, ne, ww, nn = self.look(self.errors[turn][which], at, "W N NW NE WW NN")
        return max((2 * (w + n) + nw + ne + ww + nn + 320) >> 2, 2)

    def read_sample(self, at: int, turn: int, found: list[int], number: int) -> int:
        plane = self.planes[self.order[turn]]
        guesses, scales = self.predict(turn, at), [self.scale(turn, which, at) for which in range(4)]
        near, wide, quick = guesses
        trust = [16777216 // (scale * scale) for scale in scales[:3]]
        mean = (sum(map(int.__mul__, trust, guesses)) + (sum(trust) >> 1)) // sum(trust)
        guesses.append(mean)
        classes = [class_of_scale(scale) for scale in scales]
        own = classes[3]

        w, n, ww, nn = self.look(plane, at, "W N WW NN")
        slope, u, first = self.neighbours(at, turn)
        more = [
            *first,
            (2 * w - ww + 256) << 10 | u,
            (2 * n - nn + 256) << 10 | u,
            near >> 2,
            near >> 3 << 8 | w,
            near >> 3 << 10 | u,
            wide >> 2,
            wide >> 3 << 8 | n,
            wide >> 3 << 8 | near >> 3,
            quick >> 2,
            mean >> 1,
            mean >> 2 << 4 | own,
        ]
        keys, same, known = self.keys(found, more, turn, number), self.same(at), 1
        for left in reversed(range(8)):
            self.seek(keys, left, known)
            length, bit = self.expected(turn, left, known)
            threshold = 8 * (((2 * known + 1) << left) - 256) - 4
            away = [class_of_distance(guess - threshold) for guess in guesses]
            asked = [(which, left, classes[which], away[which]) for which in range(4)]
            inputs = [*self.contexts.inputs(), *self.contexts.match_inputs(length, bit)]
            for key in asked:
                inputs += self.distance_inputs(key)
            inputs += [bell(guess, scale, known, left) for guess, scale in zip(guesses, scales, strict=True)]
            inputs += [256, 0, 0, 0]
            places = (
                turn << 8 | known,
                min(length, 15) << 6 | left << 3 | same & 7,
                same << 5 | left << 2 | turn,
                own << 3 | left,
                away[3] << 3 | left,
            )
            refined = (
                hash_two(known, mean >> 2) & 0xFFFF,
                hash_two(known, hash_two(slope << 3 | turn, u >> 3)) & 0xFFFF,
            )
            one = self.mixing.read(self.coder, inputs, places, known, refined)
            self.contexts.learn(one, length, bit)
            for key in asked:
                self.distances.learn(key, one)
            known = known << 1 | one
        plane[at] = known - 256
        self.learn_sample(turn, at, guesses)
        return plane[at]

    def learn_sample(self, turn: int, at: int, guesses: list[int]) -> None:
        sample = self.planes[self.order[turn]][at]
        for errors, guess in zip(self.errors[turn], guesses, strict=True):
            errors[at] = abs(guess - 8 * sample) - 40
        target = self.target(turn, at)
        for squares, large in zip(self.squares[turn], (True, True, False), strict=True):
            squares.add(self.inputs_of(turn, at, large=large), target)

    def distance_inputs(self, key: tuple[int, int, int, int]) -> tuple[int, int]:
        chance, seen = self.distances.chance(key), self.distances.seen(key)
        odds = stretch(chance)
        return odds * (seen + 1) >> 4 if seen <= 15 else odds, (chance - 32768) >> 6 if seen > 3 else 0


def class_of_scale(scale: int) -> int:
    bits = next((b for b in range(7) if scale >> (b + 3) == 0), 7)
    return 2 * bits + (scale >> (bits + 1) & 1 if bits else 0)


def class_of_distance(distance: int) -> int:
    distance = min(max(distance, -2048), 2047)
    reached = bisect_right(DISTANCES, abs(distance))
    return 32 + reached if distance >= 0 else 31 - reached


def bell(guess: int, scale: int, known: int, left: int) -> int:
    def odds(x: int) -> int:
        return (guess - x) * 710 // scale

    leading = 1 << known.bit_length() - 1
    low = 8 * ((known - leading) << (left + 1)) - 4
    high = low + (16 << left)
    middle = odds(8 * (((2 * known + 1) << left) - 256) - 4)
    first = min(odds(low if low >= 0 else -1048576), 6000)
    last = max(odds(high if high <= 2040 else 1048576), -30000)
    if first < -1500:
        more = -1500 - first
        first, middle, last = -1500, middle + more, last + more
    under = squash(last)
    whole, part = max(squash(first) - under, 1), max(squash(middle) - under, 0)
    return stretch(min(max((part << 16) // whole, 0), 65535))
