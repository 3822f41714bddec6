"""From the text of `tollbook.toml` to `Config`: every mistake names its key, what is allowed, the nearest valid key."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from tollbook.config.keys import join, key_of, places
from tollbook.config.model import Config
from tollbook.errors import UsageError

_Table = TypeVar("_Table")
_WORDS = {str: "text", int: "a whole number", bool: "true or false"}


def read(text: str) -> tuple[Config, frozenset[str]]:
    """Read the text of a configuration file.

    Returns:
        The configuration, and the dotted keys that the text gives, tables included.

    Raises:
        UsageError: It is not TOML, or a key or the type of a value is wrong; the message does not name the file.
    """
    try:
        # Fractions stay text: money and objectives are decimals, and a float has lost digits already.
        raw = tomllib.loads(text, parse_float=str)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"it is not valid TOML: {str(error).rstrip('.')}.") from error
    return _read_table(Config, raw, ""), frozenset(places(raw))


def _read_table(table: type[_Table], raw: object, place: str) -> _Table:
    if not isinstance(raw, dict):
        raise UsageError(f"{place} must be a table of keys and values.")
    known = {key_of(item): item for item in fields(table)}  # type: ignore[arg-type] # any dataclass of the model
    hints = get_type_hints(table)
    for key in raw:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known here are: {', '.join(known)}."
            raise UsageError(f"there is no key {join(place, key)!r}. {hint}")
    for key, item in known.items():
        if key not in raw and item.default is MISSING and item.default_factory is MISSING:
            raise UsageError(f"{place} needs the key {key!r}.")
    return table(**{known[key].name: _read(hints[known[key].name], raw[key], join(place, key)) for key in raw})


def _read(hint: Any, raw: object, place: str) -> Any:
    """Return a value as the field's declared type; the kinds of types that the model uses, and no others."""
    origin, arguments = get_origin(hint), get_args(hint)
    if is_dataclass(hint):
        return _read_table(hint, raw, place)  # type: ignore[arg-type] # a class, for the hint is a type
    if origin is tuple:
        if not isinstance(raw, list):
            raise UsageError(f"{place} must be a list, written in square brackets.")
        return tuple(_read(arguments[0], part, f"{place}[{number}]") for number, part in enumerate(raw, start=1))
    if origin is Mapping:
        if not isinstance(raw, dict):
            raise UsageError(f"{place} must be a table of keys and values.")
        return {key: _read(arguments[1], value, join(place, key)) for key, value in raw.items()}
    choices = [choice for choice in arguments or (hint,) if choice is not type(None)]
    if origin is Literal:
        if raw not in choices:
            raise UsageError(f"{place} is {raw!r}, but must be one of: {', '.join(map(repr, choices))}.")
        return raw
    if len(choices) == 1 and get_origin(choices[0]):
        return _read(choices[0], raw, place)
    if type(raw) not in choices:
        raise UsageError(f"{place} is {_show(raw)}, but must be {' or '.join(_WORDS[choice] for choice in choices)}.")
    return raw


def _show(raw: object) -> str:
    return str(raw).lower() if isinstance(raw, bool) else repr(raw)
