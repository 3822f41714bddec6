"""Log formats: which keys tell one, and how its fields map to tollbook's."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tollbook.config.model import Format as ConfiguredFormat

NATIVE = "native"
_FOLDER = Path(__file__).parents[1] / "formats"


@dataclass(frozen=True)
class Format:
    """A log format.

    Args:
        name: What users call it.
        when: Keys or dotted paths that a record of the format has; empty for the native format, which takes the rest.
        fields: For each of tollbook's fields the keys or dotted paths that it is read from; the first with a value
            counts. A field that is not named is not read.
    """

    name: str
    when: tuple[str, ...]
    fields: Mapping[str, tuple[str, ...]]


def native() -> Format:
    """Return the native format."""
    with (_FOLDER / "native.toml").open("rb") as file:
        return Format(NATIVE, (), {field: tuple(paths) for field, paths in tomllib.load(file).items()})


def configured(formats: "Mapping[str, ConfiguredFormat]") -> list[Format]:
    """Return the formats of the configuration, in its order."""
    made = []
    for name, table in formats.items():
        values = asdict(table)
        when = tuple(values.pop("when"))
        made.append(Format(name, when, {field: (path,) for field, path in values.items() if path is not None}))
    return made
