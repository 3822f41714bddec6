"""Rules that tell which model a name means: conditions on its text, as the shipped `models.json` writes them."""

import re
from functools import cache
from typing import Any

Rule = dict[str, Any]  # one key: equals, starts_with, ends_with, contains, regex (text), or, and (list of rules)


def matches(rule: Rule, name: str) -> bool:  # noqa: PLR0911 - one return a kind
    """Tell whether a rule holds for a name in lower case.

    Raises:
        ValueError: The rule is of a kind that does not exist.
    """
    [(kind, value)] = rule.items()
    match kind:
        case "equals":
            return bool(name == value)
        case "starts_with":
            return name.startswith(value)
        case "ends_with":
            return name.endswith(value)
        case "contains":
            return value in name
        case "or":
            return any(matches(part, name) for part in value)
        case "and":
            return all(matches(part, name) for part in value)
        case "regex":
            return _compiled(value).search(name) is not None
    raise ValueError(f"There is no rule {kind!r}.")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
