"""What a report is asked about: its window, its dimensions, its conditions; checked names in, safe SQL out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from tollbook.errors import UsageError
from tollbook.report.model import Column, Kind, Window

_FIRST_MOMENT = datetime(1, 1, 1)
_LAST_MOMENT = datetime(9999, 12, 31)

# name -> column of the relation `requests`
BUILT_IN = {
    "team": "team",
    "project": "project",
    "environment": "environment",
    "user": "user_id",
    "model": "model",
    "provider": "provider",
    "service": "service",
    "application": "application",
    "session": "session_id",
    "service_tier": "service_tier",
    "error_type": "error_type",
    "month": "month",
    "day": "day",
    "hour": "hour",
}


@dataclass(frozen=True)
class Dimension:
    """Something that requests can be grouped or filtered by.

    Args:
        name: What users call it.
        column: Its column in the relation `requests`.
    """

    name: str
    column: str

    def show(self, value: object) -> object:
        """Return a value of the column as a report holds it: days and months are text, hours are UTC times."""
        if isinstance(value, datetime) or not isinstance(value, date):
            return value
        return f"{value:%Y-%m}" if self.name == "month" else value.isoformat()

    def as_column(self) -> Column:
        """Return the report column of a `by` key; unknown is shown to people as `unattributed`, no error as `-`."""
        missing = "-" if self.name == "error_type" else "unattributed"
        return Column(self.name, Kind.TIME if self.name == "hour" else Kind.TEXT, missing=missing)


@dataclass(frozen=True)
class Condition:
    """A filter `dimension = value` or `dimension != value`; an empty value means "not set"."""

    dimension: Dimension
    equal: bool
    value: str

    def bound(self, zone: str) -> object:
        """Return the value as its column has it: days and months as dates, an hour as its first moment, naive UTC.

        Args:
            zone: The zone of an hour that states none.

        Raises:
            UsageError: It is no month, day or hour where it has to be one.
        """
        from tollbook.report.window import month_days, parse_day, parse_moment  # noqa: PLC0415 - start-up

        match self.dimension.column:
            case "month":
                return month_days(self.value)[0]
            case "day":
                return parse_day(self.value)
            case "hour":
                return parse_moment(self.value, zone)
            case _:
                return self.value


@dataclass(frozen=True)
class Scope:
    """A report's window, grouping and filters."""

    window: Window
    by: tuple[Dimension, ...] = ()
    where: tuple[Condition, ...] = ()

    @property
    def by_sql(self) -> str:
        """Return the grouping columns for the slot `/*by*/`, each followed by a comma."""
        return "".join(f"{dimension.column}, " for dimension in self.by)

    @property
    def where_sql(self) -> str:
        """Return the conditions for the slot `/*where*/`, each preceded by `and`; values are parameters."""
        parts = []
        for number, condition in enumerate(self.where, start=1):
            column = condition.dimension.column
            if condition.value == "":
                parts.append(f" and {column} is {'' if condition.equal else 'not '}null")
            elif condition.equal:
                parts.append(f" and {column} = $where_{number}")
            else:
                parts.append(f" and ({column} <> $where_{number} or {column} is null)")
        return "".join(parts)

    @property
    def params(self) -> dict[str, object]:
        """Return the values of `$since`, `$until` and the conditions' parameters."""
        params: dict[str, object] = {
            "since": self.window.since or _FIRST_MOMENT,
            "until": self.window.until or _LAST_MOMENT,
        }
        for number, condition in enumerate(self.where, start=1):
            if condition.value:
                params[f"where_{number}"] = condition.bound(self.window.timezone)
        return params

    @property
    def filters(self) -> tuple[str, ...]:
        """Return the conditions as the user would write them."""
        return tuple(f"{c.dimension.name}{'=' if c.equal else '!='}{c.value}" for c in self.where)


def dimensions(configured: Sequence[str] = ()) -> dict[str, Dimension]:
    """Return every dimension by name: the built-in ones, then those that the configuration names.

    A configured dimension's column is `dimension_N`, N counting from 1 in the configuration's order.
    """
    known = {name: Dimension(name, column) for name, column in BUILT_IN.items()}
    for number, name in enumerate(configured, start=1):
        known.setdefault(name, Dimension(name, f"dimension_{number}"))
    return known


def choose_dimension(name: str, known: dict[str, Dimension]) -> Dimension:
    """Return the dimension of that name.

    Raises:
        UsageError: There is none; the message names the nearest.
    """
    import difflib  # noqa: PLC0415 - start-up: needed for a mistake only

    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    more = f"Known are: {', '.join(known)}. Name further keys of your logs in tollbook.toml: dimensions = [...]"
    hint = f"Did you mean {near[0]!r}?" if near else more
    raise UsageError(f"There is no dimension {name!r}. {hint}")


def parse_by(values: Sequence[str], known: dict[str, Dimension]) -> tuple[Dimension, ...]:
    """Return the dimensions of repeated, comma-separated `--by` values, each once, in order."""
    names = dict.fromkeys(name.strip() for value in values for name in value.split(",") if name.strip())
    return tuple(choose_dimension(name, known) for name in names)


def parse_where(values: Sequence[str], known: dict[str, Dimension]) -> tuple[Condition, ...]:
    """Return the conditions of `--where` values: `team=noc`, `team!=noc`, `team=` (not set).

    Raises:
        UsageError: A value is no condition, or names an unknown dimension.
    """
    conditions = []
    for text in values:
        name, sign, value = text.partition("=")
        if not sign:
            raise UsageError(f"--where {text!r} is not a condition. Write DIM=VALUE, DIM!=VALUE or DIM= (not set).")
        equal = not name.endswith("!")
        conditions.append(Condition(choose_dimension(name.rstrip("!").strip(), known), equal, value.strip()))
    return tuple(conditions)
