"""Contexts that are mixed together, by the names that recipes have for them.

Part of the format: names may be added, and none may come to mean other contexts. The lean ones take about half the
time of those they are made of.
"""

from collections.abc import Mapping

PROFILES: Mapping[str, tuple[int, ...]] = {
    "text": (0, 1, 2, 3, 4, 5, 6, 13, 14, 15, 16, 17, 19, 20, 21, 29, 30, 31, 33, 51, 53, 56, 60),
    "tables": (0, 1, 2, 3, 4, 5, 6, 8, 11, 13, 14, 17, 19, 28, 30, 31, 32, 33, 34, 51, 52, 53, 55, 60),
    "general": (0, 1, 2, 3, 4, 5, 6, 14, 18, 19, 20, 21, 22, 23, 24, 26, 27, 28, 29, 31, 51, 53, 54, 58),
    "records": (
        *(0, 1, 2, 3, 4, 6, 9, 18, 19, 20, 22, 23, 26, 27, 28, 29, 35, 36, 37, 38, 39, 40, 42, 50, 51, 53, 54),
        58,
    ),
    "samples": (0, 1, 2, 3, 4, 19, 29, 35, 37, 38, 39, 42, 43, 44, 45, 48, 61, 62, 63, 64, 65, 66, 51, 54, 70),
    "code": (0, 1, 2, 4, 6, 14, 18, 19, 20, 21, 22, 23, 24, 28, 29, 51, 53, 60, 72, 73, 74, 75, 76, 77, 78, 79),
    "lean text": (1, 2, 3, 4, 6, 13, 14, 33),
    "lean tables": (1, 2, 3, 4, 6, 30, 32, 55),
    "lean general": (1, 2, 3, 4, 6, 20, 28, 29),
    "lean records": (1, 2, 3, 4, 35, 38, 39, 42),
    "lean samples": (1, 2, 43, 44, 45, 63, 65, 66),
    "lean code": (1, 2, 20, 29, 72, 73, 74, 75),
}
