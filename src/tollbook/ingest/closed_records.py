"""Reading records of a closed format: only what the format lists, in one pass over the text."""

from tollbook.ingest.expressions import NULL, found_in, literal, member, members_joined, pointer_literal, struct
from tollbook.ingest.formats import Format, split_pattern, top_path
from tollbook.ingest.shape import Shape
from tollbook.ingest.statement import PLUS, Statement


class ClosedStatement(Statement):
    """The statement of a closed format; it reads nested values as a structure.

    Args:
        format_: The format.
        tells: Whether records of other formats may be among the texts; they are left for the statement that tells.
        trusting, shape: As for every statement.
    """

    def __init__(self, format_: Format, *, tells: bool, trusting: bool, shape: Shape | None = None) -> None:
        super().__init__(format_, (), trusting=trusting, shape=shape)
        self._tells = tells
        alternatives = [
            *format_.when,
            *(each for values in format_.constants.values() for w in values.values() for each in w),
        ]
        conditions = [*format_.request, *(condition for conditions in alternatives for condition in conditions)]
        paths = [one for paths in format_.fields.values() for path in paths for one in path.split(PLUS)]
        paths += [path for condition in conditions for path in condition.paths]
        # What a pattern finds is kept as a text; all else with its JSON type.
        self._kept = {path for path in format_.keep.values() if not split_pattern(path)[1]}
        paths += sorted(set(format_.keep.values()) - self._kept)
        self._paths = paths
        read = {top_path(path) for path in paths if not _is_indexed(path)}
        kept = {top_path(path) for path in self._kept if not _is_indexed(path)}
        # What is read whole is not opened further: its parts are taken out of it.
        self._members = {path for path in read | kept if not any(path.startswith(f"{other}/") for other in read | kept)}
        self._json = self._members & kept
        self._unseen = {whole for whole in self._members if shape and not shape.has(whole)}
        self._usage_member = self._seen_usage_member()
        # Keys of values that are read from in several places: to open such a value once takes less time than to look
        # every path up in it.
        self._within = {
            whole: opened for whole, pointers in self._read_below().items() if len(opened := _openable(pointers)) > 1
        }
        self._unseen_within = {
            whole: {pointer for pointer in pointers if not within.has(pointer)}
            for whole, pointers in self._within.items()
            if shape and (within := shape.within([whole], is_open=False))
        }

    def _read_below(self) -> dict[str, dict[str, str]]:
        """Return what is read from inside the members: member -> pointer -> type, as `struct` takes it."""
        below: dict[str, dict[str, str]] = {}
        # What is both read and kept is wanted as text and as JSON: a struct holds one of them.
        for path in sorted({split_pattern(path)[0] for path in self._paths} ^ self._kept):
            whole, rest = (None, "") if _is_indexed(path) else self._member_of(path)
            pointer = rest.strip("#/")
            if whole is not None and rest and "#" not in rest[1:] and not self._is_ruled_out(whole, pointer):
                below.setdefault(whole, {})[pointer] = "JSON" if path in self._kept else "VARCHAR"
        return below

    def _seen_usage_member(self) -> str | None:
        """Return the member that is the usage object of every record like those of the sample, if one is."""
        found = {self._member_of(path) for path in self.format.fields.get("usage", ())}
        seen = [(whole, rest) for whole, rest in found if whole not in self._unseen]
        return seen[0][0] if len(seen) == 1 and not seen[0][1] else None

    def _is_ruled_out(self, whole: str, pointer: str) -> bool:
        """Tell whether a record with a value there is misshapen already for the keys of its usage object."""
        return whole == self._usage_member and self.usage.rules_out(pointer)

    def _member_of(self, path: str) -> tuple[str | None, str]:
        """Return the member of `x` that a path begins with, and how it goes on below it."""
        for cut in range(len(path), 0, -1):
            if path[:cut] in self._members and path[cut : cut + 1] in {"", "/", "#"}:
                return path[:cut], path[cut:]
        return None, ""

    def opened(self) -> str:
        """Return the record's struct `x`."""
        shape = struct(sorted(self._members), dict.fromkeys(self._json, "JSON"))
        return f"from_json({self.sound}, {literal(shape)}) AS x"

    def opened_within(self) -> str:
        """Return a struct of each value that is read from in several places, an object or the text of one."""
        columns = []
        for number, (whole, pointers) in enumerate(self._within.items()):
            if whole in self._unseen:
                continue
            value, shape = self._whole(whole), literal(struct(pointers, pointers))
            columns.append(
                f", try(from_json(CASE WHEN starts_with({value}, '{{') THEN {value} END, {shape})) AS x_{number}"
            )
        return "".join(columns)

    def pending(self) -> str:
        """Return an arm for records that are not of the format."""
        return f"WHEN NOT ({self._is_told()}) THEN 'misshapen'" if self._tells else ""

    def unseen(self) -> list[str]:
        """Return SQL for the values that no record of the sample has."""
        values = [(member("x", whole), whole in self._json) for whole in sorted(self._unseen)]
        for number, (whole, types) in enumerate(self._within.items()):
            if whole not in self._unseen:
                pointers = sorted(self._unseen_within.get(whole, ()))
                values += [(member(f"x_{number}", pointer), types[pointer] == "JSON") for pointer in pointers]
        # a null is no value; of the JSON type it is one
        return [f"nullif(CAST({value} AS VARCHAR), 'null')" if is_json else value for value, is_json in values]

    def told_sql(self, relation: str) -> str:
        """Return those texts of a relation that are records of the format."""
        checked = f"SELECT *, starts_with(text, '{{') AND json_valid(text) AS is_sound FROM ({relation})"
        return (
            "SELECT source_no, line, part, text, outer_time "
            f"FROM (SELECT *{self.opened_within()} FROM (SELECT *, {self.opened()} FROM ({checked}))) "
            f"WHERE is_sound AND ({self._is_told()})"
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
        whole, rest = self._member_of(path)
        pointer = rest.strip("#/")
        if whole is None or whole in self._unseen or pointer in self._unseen_within.get(whole, ()):
            return NULL
        if pointer and self._is_ruled_out(whole, pointer):
            return NULL
        if pointer in self._within.get(whole, {}):
            return member(f"x_{list(self._within).index(whole)}", pointer)
        return self._text_below(whole, rest, function)

    def attributes(self) -> str:
        """Return the object of what the format keeps."""
        kept = {name: value for name, path in self.format.keep.items() if (value := self._json_at(path)) != NULL}
        if "cache_hit" in self.format.fields:
            counts = "{'input_tokens': whole_input, 'output_tokens': whole_output}"
            kept["replayed"] = f"CASE WHEN hits_cache THEN CAST(to_json({counts}) AS VARCHAR) END"
        return members_joined(kept) if kept else NULL

    def _text_below(self, whole: str, rest: str, function: str) -> str:
        value = self._whole(whole)
        pointers = [pointer_literal(inner.strip("/").split("/")) for inner in rest.split("#") if inner]
        for pointer in pointers:
            extract = function if pointer is pointers[-1] else "json_extract_string"
            value = f"CASE WHEN starts_with({value}, '{{') THEN try({extract}({value}, {pointer})) END"
        return value

    def _whole(self, whole: str) -> str:
        """Return SQL for the text of a member of `x`."""
        value = member("x", whole)
        return f"json_extract_string({value}, '')" if whole in self._json else value

    def _json_at(self, path: str) -> str:
        if path in self._unseen:
            return NULL
        if path not in self._kept:
            value = self.value(path)
            return NULL if value == NULL else f"CAST(to_json({value}) AS VARCHAR)"
        value = member("x", path) if path in self._json else self._text_at(path, "json_extract")
        return NULL if value == NULL else f"nullif(nullif(CAST({value} AS VARCHAR), 'null'), '\"\"')"


def _openable(pointers: dict[str, str]) -> dict[str, str]:
    """Return those pointers that one struct can hold: none lies within another, no keys differ by case alone."""
    spelled: dict[str, set[str]] = {}
    for pointer in pointers:
        for above in _and_above(pointer):
            spelled.setdefault(above.lower(), set()).add(above)
    return {
        pointer: type_
        for pointer, type_ in pointers.items()
        if not any(other.startswith(f"{pointer}/") for other in pointers)
        and not any(above in pointers for above in _and_above(pointer) if above != pointer)
        and all(len(spelled[above.lower()]) == 1 for above in _and_above(pointer))
    }


def _and_above(pointer: str) -> list[str]:
    """Return a pointer and those of the objects that its value lies in."""
    keys = pointer.split("/")
    return ["/".join(keys[:count]) for count in range(1, len(keys) + 1)]


def _is_indexed(path: str) -> bool:
    """Tell whether a path goes into a list, which a structure cannot: it is then looked up in the text."""
    return any(part.removeprefix("-").isdigit() for part in split_pattern(path)[0].split("/"))


def _json_path(path: str) -> str:
    parts = (
        f"[{part.replace('-', '#-')}]" if part.removeprefix("-").isdigit() else f'."{part}"' for part in path.split("/")
    )
    return literal("$" + "".join(parts))
