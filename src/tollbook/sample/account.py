"""What the sample truly holds, counted while it is made: by nothing that reads logs."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

TOKENS = ("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
_ALSO_CALLED = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}
UNATTRIBUTED = "unattributed"


@dataclass
class Account:
    """Counts of the whole sample.

    Args:
        lines: Lines that were written, copies included; an unfinished last one is not a line.
        copied_lines: Lines of files that are copies of other files.
        totals: Distinct requests and events, `duplicates` by reason (copies aside), `rejected` by reason,
            `incomplete` lines, requests by outcome, tokens by class.
        by: For `team`, `model`, `day` and so on: requests, failures and tokens of each value.
        files: Lines of each file.
    """

    totals: Counter[str] = field(default_factory=Counter)
    by: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)
    duplicates: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    files: dict[str, int] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)

    def add_request(self, record: Mapping[str, object], day: int) -> None:
        """Count a distinct request in its final state."""
        counts: Counter[str] = Counter({"requests": 1})
        outcome = {True: "successes", False: "failures", None: "without_outcome"}
        counts[outcome[record.get("success")]] += 1  # type: ignore[index] # True, False or absent
        for key, value in record.items():
            name = _ALSO_CALLED.get(key, key)
            if name in TOKENS and isinstance(value, int):
                counts[name] += value
        counts["with_reported_cost"] += "cost_usd" in record
        self.totals += counts
        keys = {
            "team": str(record.get("team", UNATTRIBUTED)),
            "model": str(record["model"]),
            "day": f"2026-10-{day:02d}",
        }
        for dimension, value in keys.items():
            self.by.setdefault(dimension, {}).setdefault(value, Counter()).update(counts)

    def add_file(self, name: str, lines: int, *, copy_of: str | None = None) -> None:
        """Count the lines of a file that was written."""
        self.files[name] = lines
        if copy_of:
            self.copies[name] = copy_of

    def toml(self) -> str:
        """Return the account as TOML, keys in a fixed order."""
        copied = sum(self.files[name] for name in self.copies)
        parts = [
            "# What the sample logs hold, counted by their generator while it made them.",
            _table("totals", {"lines": sum(self.files.values()), "copied_lines": copied} | dict(self.totals)),
            _table("duplicates", self.duplicates),
            _table("rejected", self.rejected),
            _table("files", self.files),
            _table("copies", self.copies),
        ]
        shown = ("requests", "failures", "input_tokens", "output_tokens")
        for dimension, values in sorted(self.by.items()):
            for value, counts in sorted(values.items()):
                columns = ("requests",) if dimension == "day" else shown
                parts.append(_table(f'{dimension}."{value}"', {name: counts[name] for name in columns}))
        return "\n".join(parts)


def _table(name: str, values: Mapping[str, object]) -> str:
    rows = [f'"{key}" = "{value}"' if isinstance(value, str) else f'"{key}" = {value}' for key, value in values.items()]
    return "\n".join([f"[{name}]", *rows, ""])
