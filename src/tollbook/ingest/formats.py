"""Log formats: how a record of one is told, and how its fields map to tollbook's. Each is one file of `formats/`."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tollbook.ingest.fields import EVENTS_ONLY

if TYPE_CHECKING:
    from tollbook.config.model import Format as ConfiguredFormat

NATIVE = "native"
Alternatives = tuple[tuple["Condition", ...], ...]
_FOLDER = Path(__file__).parents[1] / "formats"


@dataclass(frozen=True)
class Condition:
    """What must hold of one value of a record.

    Args:
        path: Where the value is; with a pattern, the value is what the pattern finds.
        alternatives: The paths that the path stands for, where it stands for several; the first with a value counts.
        values: One of these it must be; empty: it must only be there.
        negated: Whether it must not be so.
    """

    path: str
    values: tuple[str, ...] = ()
    negated: bool = False
    alternatives: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of which the first with a value counts."""
        return self.alternatives or (self.path,)

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Read `path`, `path=value|value` or `path~pattern`, or one of them with a leading `!`."""
        path, pattern = split_pattern(text.removeprefix("!"))
        path, _, values = (f"{path}~{pattern}", "", "") if pattern else path.partition("=")
        negated = text.startswith("!")
        return cls(path, tuple(values.split("|")) if values else (), negated=negated, alternatives=spelled_out(path))


@dataclass(frozen=True)
class Format:
    """A log format.

    An open format (the native one and those of the configuration) keeps everything that no field is read from; its
    paths are keys, or keys joined by dots. Any other reads only what it lists, because the records of such logs hold
    prompts; its paths are keys joined by slashes, with `|` between keys that may stand in one place; a number is a
    place in a list, negative from its end (not in `when`); `#` behind a key enters JSON that is written as a text, and
    what stands behind a `~` is a regular expression: the value is then what it finds in the text, and none where
    nothing.

    Args:
        name: What users call it.
        when: Alternatives, each of conditions that all hold of its records, and together of no other closed format's.
            Empty for the native format, which takes the rest.
        fields: For each of tollbook's fields the paths that it is read from; the first with a value counts. Paths
            joined by ` + ` are counts to be added.
        is_open: Whether everything else of a record is kept in `attributes`.
        keep: Name in `attributes` -> path, in a closed format; what a pattern finds is kept as a text.
        constants: Field -> its value where the record gives none -> alternatives of conditions that the value asks
            for, as in `when`; none: it holds of every record.
        missing: Field, or `*` for all -> the texts that say that there is no value.
        untimed: Why a record without a time is refused, and what to do about it.
        request: Conditions of which one makes a record a request; empty: tollbook's own rule.
        tokens: `inclusive` or `exclusive`: whether the input count holds the cached and written tokens, where the total
            does not tell; empty: found out from each record.
        expand: SQL over the relation `texts` that makes records of texts; see `judge.expand`.
        is_envelope: Whether what `expand` makes are records of any format.
        borrows_time: Whether records without a time are events at the time of the record before them.
        title: What it is.
        source: Where it is described.
        example: A record of it.
    """

    name: str
    when: Alternatives
    fields: Mapping[str, tuple[str, ...]]
    is_open: bool = True
    keep: Mapping[str, str] = field(default_factory=dict)
    constants: "Mapping[str, Mapping[str, Alternatives]]" = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    untimed: str = "no time"
    request: tuple[Condition, ...] = ()
    tokens: str = ""
    expand: str | None = None
    is_envelope: bool = False
    borrows_time: bool = False
    title: str = ""
    source: str = ""
    example: str = ""


def split_pattern(path: str) -> tuple[str, str]:
    """Return a path of a closed format without its pattern, and the pattern; empty where it has none."""
    path, _, pattern = path.partition("~")
    return path, pattern


def top_path(path: str) -> str:
    """Return how far a path of a closed format goes in the record itself: to JSON that is written as a text."""
    return split_pattern(path)[0].split("#", 1)[0]


def first_key(path: str) -> str:
    """Return the key of the record that a path of a closed format begins with."""
    return top_path(path).split("/", 1)[0]


def spelled_out(path: str) -> tuple[str, ...]:
    """Return the paths that a path of a closed format stands for: `a|b/c` is `a/c` and `b/c`."""
    keys, pattern = split_pattern(path)
    behind = f"~{pattern}" if pattern else ""
    return tuple("/".join(each) + behind for each in product(*(part.split("|") for part in keys.split("/"))))


@cache
def native() -> Format:
    """Return the native format."""
    with (_FOLDER / "native.toml").open("rb") as file:
        return Format(NATIVE, (), {field: tuple(paths) for field, paths in tomllib.load(file).items()})


@cache
def shipped() -> tuple[Format, ...]:
    """Return the closed formats and the envelopes that come with tollbook, by name."""
    paths = sorted(path for path in _FOLDER.glob("*.toml") if path.stem != NATIVE)
    return tuple(_load(path.stem, path.read_text(encoding="utf-8")) for path in paths)


def configured(formats: "Mapping[str, ConfiguredFormat]") -> list[Format]:
    """Return the formats of the configuration, in its order."""
    made = []
    for name, table in formats.items():
        values = asdict(table)
        when = tuple(Condition(path) for path in values.pop("when"))
        made.append(Format(name, (when,), {field: (path,) for field, path in values.items() if path is not None}))
    return made


def _load(name: str, text: str) -> Format:
    table: dict[str, Any] = tomllib.loads(text)
    fields = {
        field: tuple(each for path in paths for each in spelled_out(path))
        for field, paths in table.pop("fields", {}).items()
    }
    if table.pop("extends_native", False):
        fields = {field: paths for field, paths in native().fields.items() if field not in EVENTS_ONLY} | fields
    return Format(
        name,
        _alternatives(table.pop("when")),
        fields,
        is_open=False,
        keep=_names(table.pop("keep", ())),
        request=tuple(map(Condition.parse, table.pop("request", ()))),
        constants={
            field: {value: _alternatives(when) for value, when in values.items()}
            if isinstance(values, dict)
            else {values: ()}
            for field, values in table.pop("constants", {}).items()
        },
        missing={field: tuple(texts) for field, texts in table.pop("missing", {}).items()},
        **table,
    )


def _alternatives(when: list[list[str]]) -> Alternatives:
    return tuple(tuple(map(Condition.parse, conditions)) for conditions in when)


def _names(paths: list[str]) -> dict[str, str]:
    """Return name -> path: what a path ends in, or what is written before its `=`."""
    named = {}
    for path in paths:
        name, _, rest = path.rpartition("=")
        named[name or rest.replace("#", "").rsplit("/", 1)[-1]] = rest
    return named
