"""Texts cut into lanes, and the model run over them in step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from panini_daemon.compressors.exact.attention import Place
from panini_daemon.compressors.exact.model import Model


@dataclass(frozen=True, slots=True)
class Layout:
    """Texts as rows: `lengths` tokens in each row, rows of one text under each other, `lanes` rows of each text."""

    lanes: tuple[int, ...]
    lengths: tuple[int, ...]

    @classmethod
    def of(cls, tokens: Sequence[int], lanes: Sequence[int]) -> "Layout":
        """Cut texts of so many `tokens` into lanes: the first ones get one more where it does not come out even."""
        lengths = [
            count // cut + (lane < count % cut) for count, cut in zip(tokens, lanes, strict=True) for lane in range(cut)
        ]
        return cls(tuple(lanes), tuple(lengths))

    @property
    def steps(self) -> int:
        """The longest row."""
        return max(self.lengths, default=0)

    def groups(self, device: torch.device) -> Tensor:
        """Return which text each row belongs to."""
        return torch.repeat_interleave(torch.arange(len(self.lanes)), torch.tensor(self.lanes)).to(device)

    def arrange(self, texts: Sequence[Sequence[int]]) -> Tensor:
        """Lay tokens out as (rows, steps), zeros behind the end of a row."""
        rows = torch.zeros((len(self.lengths), self.steps), dtype=torch.int64)
        flat = iter(self.lengths)
        row = 0
        for text, lanes in zip(texts, self.lanes, strict=True):
            at = 0
            for _ in range(lanes):
                length = next(flat)
                rows[row, :length] = torch.tensor(text[at : at + length], dtype=torch.int64)
                at, row = at + length, row + 1
        return rows

    def collect(self, rows: Tensor) -> list[list[int]]:
        """Undo `arrange`."""
        texts: list[list[int]] = []
        row = 0
        for lanes in self.lanes:
            text: list[int] = []
            for _ in range(lanes):
                text += rows[row, : self.lengths[row]].tolist()
                row += 1
            texts.append(text)
        return texts


class Reader:
    """The model over lanes: hidden rows for one position after the other, through windows that move by halves.

    A window begins with the start token; once it is full, the next one holds the start token and the last half.
    """

    def __init__(self, model: Model, rows: int, start: int, window: int, piece: int, longest: int) -> None:
        """Read `rows` lanes of `longest` tokens at most, `piece` of all rows together through the model at once."""
        self._model, self.window = model, window
        self._piece = max(1, piece // rows)
        self._begin = torch.full((rows, 1), start, dtype=torch.int64, device=model.device)
        self._recent = self._begin
        self._state = model.start(rows, window, longest)  # the start token is read, the last one is not

    @property
    def position(self) -> int:
        """Where the next token stands in the window."""
        return self._state.position

    @property
    def is_full(self) -> bool:
        """Whether the next token needs a new window."""
        return self._state.position == self.window

    @property
    def size(self) -> int:
        """The keys that there is room for, a whole number of blocks."""
        return self._state.caches[0].keys.shape[2]

    def room(self) -> int:
        """Return how many tokens the next call of `read` may bring: 1 or more."""
        left = self.window - self._state.position
        return left or self.window - self.window // 2

    def first(self) -> Tensor:
        """Return the hidden rows (rows, 1, width) that predict the first token."""
        return self._model.advance(self._begin, self._state)

    def restart(self, before: Tensor) -> None:
        """Begin a new window with the last half of the tokens `before` (rows, count)."""
        kept = torch.cat([self._begin, before[:, 1 - self.window // 2 :]], dim=1)
        self._state.position = 0
        for piece in torch.split(kept, self._piece, dim=1):
            self._model.advance(piece, self._state)

    def read(self, tokens: Tensor) -> Iterator[Tensor]:
        """Take the next tokens (rows, count), and yield hidden rows in pieces (rows, some, width)."""
        if self.is_full:
            self.restart(self._recent)
        self._recent = torch.cat([self._recent, tokens], dim=1)[:, -self.window :]
        for piece in torch.split(tokens, self._piece, dim=1):
            yield self._model.advance(piece, self._state)

    def step(self, tokens: Tensor, place: Place) -> Tensor:
        """Take tokens (rows, 1) that stand at `place`; who calls says with `move_on` that they are in."""
        return self._model.run(tokens, self._state.caches, place)

    def move_on(self) -> None:
        """Count one token more."""
        self._state.position += 1
