"""Taking records out of text that is not one sound JSON object a line: welded, in arrays, pretty-printed, damaged."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tollbook.ingest.prefixes import without_prefix

NOT_JSON = "not JSON"
NOT_AN_OBJECT = "not a JSON object"
UNFINISHED = "unfinished record"
_DECODER = json.JSONDecoder(strict=False)
_BETWEEN = re.compile(r"[\s,\[\]]*")
# Without going back, which would cost memory for every character.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_TO_MEND = re.compile(r"[\x00-\x1f]|\\u[dD][89a-fA-F]")
_CONTROL = re.compile(r"[\x00-\x1f]")
# A surrogate escape that is not half of a pair.
_LONE_SURROGATE = re.compile(
    r"(?<!\\)((?:\\\\)*)(?:(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_Run = Sequence[tuple[int, int, str, int]]  # source, line, text, outer time
_MOST_LINES = 1_000_000  # of one pretty-printed record: what is longer is not one
_FIRST_LINES = 32  # of it that are looked at before more are


@dataclass(frozen=True)
class Text:
    """A record's text that was taken out of damaged or wrapped lines.

    Args:
        source: Number of the source within the batch.
        line: Number of the line that it begins in.
        part: Ordinal among the records of that line.
        text: The record.
        outer_time: When what it was wrapped in says that it was, in microseconds since 1970; 0 where nothing does.
    """

    source: int
    line: int
    part: int
    text: str
    outer_time: int = 0


@dataclass(frozen=True)
class Refused:
    """A line of which no record could be made.

    Args:
        source: Number of the source within the batch.
        line: Number of the line.
        part: Ordinal among what the line held.
        text: The line.
        reason: Why.
    """

    source: int
    line: int
    part: int
    text: str
    reason: str


def salvage(unread: _Run) -> Iterator[Text | Refused]:
    """Take records out of unread lines: rows of source, line, text and outer time, in order.

    Neighbouring lines are read together, so that a record may span several. A line that begins no record is refused,
    and reading goes on with the next: one bad line never costs its neighbour.
    """
    start = 0
    for end in range(1, len(unread) + 1):
        if end == len(unread) or unread[end][:2] != (unread[end - 1][0], unread[end - 1][1] + 1):
            yield from _salvage_run(unread[start:end])
            start = end


def _salvage_run(run: _Run) -> Iterator[Text | Refused]:
    number = 0
    while number < len(run):
        source, line, text, _ = run[number]
        position = _past_between(text, 0)
        if position == len(text):
            number += 1
            continue
        found, number = _records_from(run, number, position)
        if not found:
            yield Refused(source, line, 0, text, _reason(text))
        yield from found


def _records_from(run: _Run, number: int, position: int) -> tuple[list[Text | Refused], int]:
    """Read records from a position in a line on; return them and the next line to look at."""
    source, line, text, outer_time = run[number]
    if text[position] != "{":
        return [], number + 1
    found: list[Text | Refused] = []
    while position < len(text):
        end = _end_of_object(text, position)
        if end is None and not found:
            return _record_over_lines(run, number, position)
        if end is None or text[position] != "{":
            found.append(Refused(source, line, len(found), text[position:], NOT_JSON))
            break
        found.append(Text(source, line, len(found), _mended(text[position:end]), outer_time))
        position = _past_between(text, end)
    if any(isinstance(item, Refused) for item in found) and len(found) > 1 and not text[position:].startswith("{"):
        # `{"a": 1} trailing words`: which of the two is damaged cannot be known, so nothing is taken for good.
        return [], number + 1
    return found, number + 1


def _record_over_lines(run: _Run, number: int, position: int) -> tuple[list[Text | Refused], int]:
    """Read one record that goes on over the next lines, as pretty-printing writes it."""
    source, line, text, outer_time = run[number]
    if not _goes_on(text[position:]):
        return [], number + 1
    count, end, joined = _FIRST_LINES, None, ""
    while end is None and count < _MOST_LINES * 2:
        joined = "\n".join(row[2] for row in run[number : number + count])
        end, failed_at = _object_at(joined, position)
        # What is only cut short fails at its end; what fails before it is no record, however much follows.
        if number + count >= len(run) or failed_at <= joined.rfind("\n"):
            break
        count *= 2
    if end is None:
        return [], number + 1
    used = joined.count("\n", 0, end)
    rest = joined[end : joined.find("\n", end) if "\n" in joined[end:] else len(joined)]
    if _BETWEEN.fullmatch(rest) is None:
        return [], number + 1
    return [Text(source, line, 0, _mended(joined[position:end]), outer_time)], number + used + 1


def _past_between(text: str, position: int) -> int:
    """Return where the next record, or text that is none, begins: after white space, commas and array brackets."""
    match = _BETWEEN.match(text, position)
    return match.end() if match else position


def _goes_on(text: str) -> bool:
    """Tell whether text can be the first line of a longer record: JSON up to its end, and not cut within a string."""
    stripped = text.rstrip()
    return stripped.endswith(("{", "[", ","))


def _end_of_object(text: str, position: int) -> int | None:
    return _object_at(text, position)[0]


def _object_at(text: str, position: int) -> tuple[int | None, int]:
    """Return where the object at a position ends, or None and where it turned out that there is none."""
    try:
        value, end = _DECODER.raw_decode(text, position)
    except json.JSONDecodeError as error:
        return None, error.pos
    except (ValueError, RecursionError):  # a number of too many digits, or too many brackets
        return None, position
    return (end, end) if isinstance(value, dict) else (None, position)


def _reason(text: str) -> str:
    try:
        _DECODER.decode(text)
    except (ValueError, RecursionError):
        return NOT_JSON
    return NOT_AN_OBJECT


def _mended(text: str) -> str:
    """Return the text of a record with what DuckDB's JSON does not take, and everyone writes, put right."""
    if _TO_MEND.search(text) is None:
        return text
    return _STRING.sub(lambda match: _mended_string(match[0]), text)


def _mended_string(literal: str) -> str:
    literal = _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", literal)
    return _LONE_SURROGATE.sub(lambda match: match[1] + (match[2] or "\\ufffd"), literal)


def is_unfinished(text: str) -> bool:
    """Tell whether the last line of a source, without its end, is still being written: whole records are not.

    Text waits for its line end too, or a source that is read while it grows would be refused in halves.
    """
    text = without_prefix(text)
    return whole_records(text) < len(text)


def whole_records(text: str) -> int:
    """Return where in a text the first thing begins that is no whole record."""
    position = _past_between(text, 0)
    while position < len(text) and (end := _end_of_object(text, position)) is not None:
        position = _past_between(text, end)
    return position


def unfinished_from(data: bytes) -> int | None:
    """Return where in the last lines of a source a record over several lines begins that is still being written.

    The end where all of it is whole records; None where it is something else.
    """
    text = data.decode("latin-1")  # a character a byte; JSON's structure is ASCII
    position = whole_records(text)
    if position == len(text):
        return position
    lines = text[position:].splitlines()
    is_begun = lines[0].startswith("{") and _goes_on(lines[0])
    return position if is_begun and all(line[:1] in {" ", "\t", '"', "}", "]", ""} for line in lines[1:]) else None
