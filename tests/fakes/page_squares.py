"""Least squares of docs/pixel-mixing.md, as that page has it."""


class Squares:
    """One problem: its sums and its weights."""

    def __init__(self, count: int, fade: int) -> None:
        self._fade = fade
        self._products, self._targets = [[0] * count for _ in range(count)], [0] * count
        self._weights = [0] * count

    def add(self, seen: list[int], target: int) -> None:
        fade = self._fade
        for at, value in enumerate(seen):
            each = 16 * value
            row = zip(self._products[at], seen, strict=True)
            self._products[at] = [held + each * other - (held >> fade) for held, other in row]
            self._targets[at] += each * target - (self._targets[at] >> fade)

    def improve(self) -> None:
        weights = self._weights
        for at, row in enumerate(self._products):
            rest = (self._targets[at] << 16) - sum(map(int.__mul__, row, weights))
            weights[at] = min(max(weights[at] + rest // (row[at] + 2000), -524288), 524288)

    def guess(self, seen: list[int], middle: int) -> int:
        total = sum(map(int.__mul__, self._weights, seen)) + (middle << 16) + 8192
        return min(max(total >> 14, 0), 2040)
