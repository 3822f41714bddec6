"""Reading records of a closed format: only what the format lists, in one pass over the text."""

from tollbook.ingest.formats import Format, split_pattern
from tollbook.ingest.statement import (
    NULL,
    PLUS,
    Statement,
    found_in,
    literal,
    member,
    members_joined,
    pointer_literal,
    struct,
    top_path,
)


class ClosedStatement(Statement):
    """The statement of a closed format; it reads nested values as a structure.

    Args:
        format_: The format.
        tells: Whether records of other formats may be among the texts; they are left for the statement that tells.
        trusting: As for every statement.
    """

    def __init__(self, format_: Format, *, tells: bool, trusting: bool) -> None:
        super().__init__(format_, (), trusting=trusting)
        self._tells = tells
        alternatives = [
            *format_.when,
            *(each for values in format_.constants.values() for w in values.values() for each in w),
        ]
        conditions = [*format_.request, *(condition for conditions in alternatives for condition in conditions)]
        paths = [one for paths in format_.fields.values() for path in paths for one in path.split(PLUS)]
        paths += [path for condition in conditions for path in condition.paths]
        read = {top_path(path) for path in paths if not _is_indexed(path)}
        kept = {top_path(path) for path in format_.keep.values() if not _is_indexed(path)}
        # What is read whole is not opened further: its parts are taken out of it.
        self._members = {path for path in read | kept if not any(path.startswith(f"{other}/") for other in read | kept)}
        self._json = self._members & kept

    def opened(self) -> str:
        """Return the record's struct `x`."""
        shape = struct(sorted(self._members), dict.fromkeys(self._json, "JSON"))
        return f"from_json({self.sound}, {literal(shape)}) AS x"

    def pending(self) -> str:
        """Return an arm for records that are not of the format."""
        return f"WHEN NOT ({self._is_told()}) THEN 'misshapen'" if self._tells else ""

    def told_sql(self, relation: str) -> str:
        """Return those texts of a relation that are records of the format."""
        checked = f"SELECT *, starts_with(text, '{{') AND json_valid(text) AS is_sound FROM ({relation})"
        return (
            "SELECT source_no, line, part, text, outer_time "
            f"FROM (SELECT *, {self.opened()} FROM ({checked})) WHERE is_sound AND ({self._is_told()})"
        )

    def _is_told(self) -> str:
        return " OR ".join(f"coalesce({self.holds(conditions)}, false)" for conditions in self.format.when)

    def named_format(self) -> str:
        """Return the name of the one format."""
        return literal(self.format.name)

    def value(self, path: str) -> str:
        """Return SQL for the text at a path of keys joined by slashes; behind a `#` is JSON written as a text."""
        path, pattern = split_pattern(path)
        return found_in(self._text_at(path), pattern)

    def _text_at(self, path: str, function: str = "json_extract_string") -> str:
        if _is_indexed(path):
            return f"{function}({self.sound}, {_json_path(path)})"
        for cut in range(len(path), 0, -1):
            whole = path[:cut]
            if whole in self._members and path[cut : cut + 1] in {"", "/", "#"}:
                return self._text_below(whole, path[cut:], function)
        return NULL

    def attributes(self) -> str:
        """Return the object of what the format keeps."""
        kept = {name: self._json_at(path) for name, path in self.format.keep.items()}
        if "cache_hit" in self.format.fields:
            counts = "{'input_tokens': whole_input, 'output_tokens': whole_output}"
            kept["replayed"] = f"CASE WHEN hits_cache THEN CAST(to_json({counts}) AS VARCHAR) END"
        return members_joined(kept) if kept else NULL

    def _text_below(self, whole: str, rest: str, function: str) -> str:
        value = member("x", whole)
        if whole in self._json:
            value = f"json_extract_string({value}, '')"
        pointers = [pointer_literal(inner.strip("/").split("/")) for inner in rest.split("#") if inner]
        for pointer in pointers:
            extract = function if pointer is pointers[-1] else "json_extract_string"
            value = f"CASE WHEN starts_with({value}, '{{') THEN try({extract}({value}, {pointer})) END"
        return value

    def _json_at(self, path: str) -> str:
        value = member("x", path) if path in self._json else self._text_at(path, "json_extract")
        return f"nullif(nullif(CAST({value} AS VARCHAR), 'null'), '\"\"')"


def _is_indexed(path: str) -> bool:
    """Tell whether a path goes into a list, which a structure cannot: it is then looked up in the text."""
    return any(part.removeprefix("-").isdigit() for part in split_pattern(path)[0].split("/"))


def _json_path(path: str) -> str:
    parts = (
        f"[{part.replace('-', '#-')}]" if part.removeprefix("-").isdigit() else f'."{part}"' for part in path.split("/")
    )
    return literal("$" + "".join(parts))
