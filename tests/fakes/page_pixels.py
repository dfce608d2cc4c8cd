"""What coders of docs/pixel-mixing.md share: the order of pixels, flat surroundings; as that page has it."""

from abc import ABC, abstractmethod

from fakes.page_contexts import Contexts, Match
from fakes.page_mixing import Counted, Decoder, squash, stretch
from fakes.page_slots import hash_two


class Pixels(ABC):
    """Rows behind one another, with 6 pixels of zeros on either side and four rows of zeros above."""

    def __init__(self, stream: bytes, width: int, height: int, channels: int, bits: int, *, flat: bool) -> None:
        self.width, self.height, self.bits, self.stride = width, height, bits, width + 12
        area = self.stride * (height + 5)
        self.numbers = [0] * area
        self._steps: dict[str, list[int]] = {}
        self.planes = [[0] * area for _ in range(channels)]
        self.order = list(range(channels))
        self.coder, self.match = Decoder(stream), Match()
        self.flat = Flat() if flat else None
        self.contexts = Contexts(width * height * channels)

    def decode(self) -> list[list[int]]:
        for y in range(self.height):
            self.match.length, run = 0, 0
            for x in range(self.width):
                at = self.place(x, y)
                found = self.find_contexts(at)
                self.match.find(self.numbers, at, self.match_key(at, found) & 0xFFFF)
                source = self.flat.read(self, at, run) if self.flat else None
                run = run + 1 if source else 0
                number = 0
                for turn, channel in enumerate(self.order):
                    plane = self.planes[channel]
                    if source:
                        plane[at] = plane[source]
                        self.pass_over(at, turn)
                    else:
                        plane[at] = self.read_sample(at, turn, found, number)
                    number = number << 8 | plane[at] if turn < 4 else hash_two(number, plane[at])
                self.numbers[at] = number
                self.match.move(self.numbers, at)
        rows = (self.place(0, y) for y in range(self.height))
        return [[plane[row + x] for x in range(self.width) for plane in self.planes] for row in rows]

    def place(self, x: int, y: int) -> int:
        return (y + 4) * self.stride + 6 + x

    def to(self, name: str) -> int:
        """Go to the neighbour; O, as any other letter, stays where it is."""
        return name.count("E") - name.count("W") - self.stride * name.count("N")

    def look(self, plane: list[int], at: int, names: str) -> list[int]:
        if names not in self._steps:
            self._steps[names] = [self.to(name) for name in names.split()]
        return [plane[at + step] for step in self._steps[names]]

    def same(self, at: int) -> int:
        w, n, ne, nw, ww, nn = self.look(self.numbers, at, "W N NE NW WW NN")
        return (w == n) + 2 * (n == ne) + 4 * (w == nw) + 8 * (w == ww) + 16 * (n == nn)

    def beside(self, at: int, turn: int) -> tuple[int, int, int, int]:
        if not turn:
            return 0, 0, 0, 0
        plane = self.planes[self.order[turn - 1]]
        before, left, above, corner = self.look(plane, at, "O W N NW")
        return before, left, above, corner

    def expected(self, turn: int, left: int, known: int) -> tuple[int, int]:
        """The match's length and the bit that it expects; the length is 0 where it is none."""
        if not self.match.length:
            return 0, 0
        sample = self.planes[self.order[turn]][self.match.place] | 1 << self.bits
        return (self.match.length, sample >> left & 1) if sample >> left + 1 == known else (0, 0)

    def keys(self, found: list[int], more: list[int], turn: int, number: int) -> list[int]:
        own = hash_two(number, turn + 1)
        keys = [hash_two(context + (at << 20), own) for at, context in enumerate(found)]
        return keys + [hash_two(at << 20 | turn, x) for at, x in enumerate(more, len(found))]

    def seek(self, keys: list[int], left: int, known: int) -> None:
        if left == self.bits - 1:
            self.contexts.seek(keys)
        elif left == 3:
            self.contexts.seek([hash_two(key, known) for key in keys])

    def neighbours(self, at: int, turn: int) -> tuple[int, int, list[int]]:
        """slope, u, and the first four of the contexts that are made of samples."""
        w, n, nw = self.look(self.planes[self.order[turn]], at, "W N NW")
        before, left_of, above, corner = self.beside(at, turn)
        slope = median(w, n, nw)
        u = before - median(left_of, above, corner) + 256
        shifted = (w + before - left_of + 512) << 8 | n >> 3, (n + before - above + 512) << 8 | w >> 3
        return slope, u, [w << 8 | n, slope << 10 | u, *shifted]

    def pass_over(self, at: int, turn: int) -> None:  # noqa: B027  drawings have nothing to note
        """Note that one bit told the sample."""

    @abstractmethod
    def find_contexts(self, at: int) -> list[int]: ...

    @abstractmethod
    def match_key(self, at: int, found: list[int]) -> int: ...

    @abstractmethod
    def read_sample(self, at: int, turn: int, found: list[int], number: int) -> int: ...


class Flat:
    """One bit for most pixels in flat surroundings."""

    def __init__(self) -> None:
        self._runs, self._kinds = Counted(500, 64000, 8), Counted(500, 64000, 8)

    def read(self, picture: Pixels, at: int, run: int) -> int | None:
        """Where the pixel is that this one is like, if the surroundings are flat and it is."""
        kind = self._kind(picture, at)
        if not kind:
            return None
        numbers, source = picture.numbers, at + picture.to("N" if kind == 2 else "W")
        if picture.match.length > 15 and numbers[picture.match.place] != numbers[source]:
            return None
        ahead = 0
        while ahead < 3 and self._goes_on(picture, at, kind, ahead + 4):
            ahead += 1
        deep = 4 * (numbers[at + picture.to("NNN")] == numbers[at + picture.to("NN")])
        first = kind, min(run.bit_length(), 7), ahead
        second = hash_two(numbers[source], 16 * kind + deep + ahead) & 0xFFF
        both = stretch(self._runs.chance(first)) + stretch(self._kinds.chance(second)) >> 1
        bit = picture.coder.bit(squash(both))
        self._runs.learn(first, bit)
        self._kinds.learn(second, bit)
        return source if bit else None

    @staticmethod
    def _goes_on(picture: Pixels, at: int, kind: int, right: int) -> bool:
        numbers, above = picture.numbers, at - picture.stride
        return numbers[above + right] == numbers[above + right - picture.stride if kind == 2 else above]

    @staticmethod
    def _kind(picture: Pixels, at: int) -> int:
        def look(names: str) -> list[int]:
            return picture.look(picture.numbers, at, names)

        level = len(set(look("N NWW NW NE NEE NEEE"))) == 1 and len(set(look("NN NNW NNE NNEE"))) == 1
        left = level and len(set(look("W WW WWW"))) == 1
        if left and len(set(look("W N NN"))) == 1:
            return 1
        if look("W WW WWW NWW NW N NE NEE NEEE") == look("NW NWW NWWW NNWW NNW NN NNE NNEE NNEEE"):
            return 2
        return 3 if left else 0


def median(one: int, other: int, corner: int) -> int:
    return sorted((one, other, one + other - corner))[1]
