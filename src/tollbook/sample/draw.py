"""Seeded draws whose results are the same on every Python version and platform.

Only `random.Random.random()` is used, whose sequence Python promises to keep, and only whole numbers,
sums and products after it: logarithms and exponentials differ in the last digit between C libraries.
"""

import random
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Generic, TypeVar

T = TypeVar("T")

# Quantiles of log-normal distributions with median 1000, for sigma 0.28 and 0.85: (thousandths of the way, value).
STEADY = (
    (0, 447), (50, 631), (100, 698), (200, 790), (300, 863), (400, 932), (500, 1000), (600, 1074), (700, 1158),
    (800, 1266), (900, 1432), (950, 1585), (980, 1777), (990, 1918), (995, 2057), (999, 2376), (1000, 2614),
)  # fmt: skip
WIDE = (
    (0, 87), (50, 247), (100, 336), (200, 489), (300, 640), (400, 806), (500, 1000), (600, 1240), (700, 1562),
    (800, 2045), (900, 2972), (950, 4048), (980, 5730), (990, 7224), (995, 8930), (999, 13828), (1000, 18483),
)  # fmt: skip


class Draw:
    """A source of reproducible choices.

    Args:
        seed: The seed of the whole sample.
        stream: Which independent stream of it, e.g. the day; streams do not disturb each other.
    """

    def __init__(self, seed: int, stream: int) -> None:
        self._random = random.Random(seed * 1_000_003 + stream).random  # noqa: S311 - a sample, not a secret

    def below(self, limit: int) -> int:
        """Return a whole number of [0, limit)."""
        return int(self._random() * limit)

    def chance(self, per_mille: int) -> bool:
        """Return True this many times in a thousand."""
        return self.below(1000) < per_mille

    def pick(self, choices: "Weighted[T]") -> T:
        """Return one of the choices, each as often as its weight says."""
        return choices.at(self.below(choices.total))

    def around(self, median: int, quantiles: Sequence[tuple[int, int]]) -> int:
        """Return a whole number >= 1 of a distribution (`STEADY`, `WIDE`) with this median."""
        way = self.below(1_000_000)
        upper = bisect_right(quantiles, way // 1000, key=lambda point: point[0])
        (from_way, low), (to_way, high) = quantiles[upper - 1], quantiles[upper]
        thousandths = low * 1000 + (high - low) * (way - from_way * 1000) // (to_way - from_way)
        return max(1, median * thousandths // 1_000_000)

    def hex(self, digits: int) -> str:
        """Return an identifier of that many (at most 36) hexadecimal digits."""
        return "".join(f"{self.below(1 << 48):012x}" for _ in range(3))[:digits]


class Weighted(Generic[T]):
    """Choices with whole weights."""

    def __init__(self, choices: Sequence[tuple[T, int]]) -> None:
        self._values = [value for value, _ in choices]
        self._edges = list(accumulate(weight for _, weight in choices))
        self.total = self._edges[-1]

    def at(self, position: int) -> T:
        """Return the choice whose stretch of [0, total) holds the position."""
        return self._values[bisect_right(self._edges, position)]
