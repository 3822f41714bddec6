"""Dotted keys: what a value of the configuration is called in messages and in `config show`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import Field, fields, is_dataclass
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def flatten(table: object, place: str = "") -> Iterator[tuple[str, object]]:
    """Yield the dotted key and the value of everything in a configuration, in the file's order.

    Tables repeated in double brackets are counted from 1: `slo[1].name`.
    """
    for item in fields(table):  # type: ignore[arg-type] # any dataclass of the model
        key, value = join(place, key_of(item)), getattr(table, item.name)
        if is_dataclass(value):
            yield from flatten(value, key)
        elif isinstance(value, tuple) and value and is_dataclass(value[0]):
            for number, part in enumerate(value, start=1):
                yield from flatten(part, f"{key}[{number}]")
        elif isinstance(value, Mapping) and any(map(is_dataclass, value.values())):
            for name, part in value.items():
                yield from flatten(part, join(key, name))
        else:
            yield key, value


def join(place: str, key: str) -> str:
    """Return the dotted key of `key` within the table at `place`."""
    quoted = key if _BARE_KEY.fullmatch(key) else f'"{key}"'
    return f"{place}.{quoted}" if place else quoted


def places(raw: object, place: str = "") -> Iterator[str]:
    """Yield the dotted key of everything that a parsed TOML document gives, tables included."""
    if isinstance(raw, dict):
        for key, value in raw.items():
            yield join(place, key)
            yield from places(value, join(place, key))
    elif isinstance(raw, list):
        for number, value in enumerate(raw, start=1):
            yield from places(value, f"{place}[{number}]")


def key_of(item: Field[Any]) -> str:
    """Return what a field of the model is called in the file."""
    return str(item.metadata.get("key", item.name))
