"""Records that a container runtime cut into several lines, put together again.

containerd and CRI-O mark the parts of a line with `P`, and the last with `F`. Docker's `json-file` driver cuts lines
every 16 KiB: the `log` value of a part lacks the line end. The parts of a line follow each other within their stream
(stdout or stderr); some lines of the other stream may stand between them.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tollbook.ingest.salvage import is_unfinished

_CRI = re.compile(rb"(\d{4}-\d\d-\d\dT\S+ (stdout|stderr) )([PF])(?::\S*)?(?: (.*))?")
_DOCKER = re.compile(rb'\{ ?"(?:log|stream|time|attrs)" ?:')
_DOCKER_END = b'\\n"'
_DOCKER_PART = 16 * 1024  # bytes of a part; only the last of a line may have fewer
_MOST_BETWEEN = 64  # lines of the other stream after which the rest of a line is not waited for any more
_LOOK = 32 * 1024  # bytes at either end of a log that show who wrote it


@dataclass
class _Line:
    """A line of a log that is being put together.

    Args:
        rows: Numbers of the rows that hold its parts.
        texts: What they hold.
        others: How many rows there were since the last of them.
        wrapper: What stands around the first part.
    """

    wrapper: Any
    rows: list[int] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    others: int = 0

    def add(self, row: int, text: bytes) -> None:
        self.rows.append(row)
        self.texts.append(text)
        self.others = 0

    def waits(self) -> bool:
        """Count another row; tell whether the rest is still waited for."""
        self.others += 1
        return self.others <= _MOST_BETWEEN

    @property
    def text(self) -> bytes:
        return b"".join(self.texts)

    @property
    def is_sound(self) -> bool:
        """Whether the parts belong together: they make a record, or none of them is one by itself."""
        return _is_record(self.text) or not any(map(_is_record, self.texts))


def whole_up_to(data: bytes) -> int:
    """Return how far whole lines of a log hold whole records: up to where one begins that goes on behind their end."""
    if not _has_parts(data):
        return len(data)
    rows = data.split(b"\n")
    begun = _put_together(rows)[1]
    return len(data) if begun is None else sum(map(len, rows[:begun])) + begun


def joined(data: bytes) -> bytes:
    """Return the lines of a log with every record whole, in the line where it begins; the others of it are blank."""
    if not _has_parts(data):
        return data
    rows = data.split(b"\n")
    for line in _put_together(rows)[0]:
        if line.is_sound:
            rows[line.rows[0]] = _written(line)
            for row in line.rows[1:]:
                rows[row] = b""
    return b"\n".join(rows)


def _has_parts(data: bytes) -> bool:
    """Tell whether records of a log can be in parts; quickly, because those of hardly any are."""
    shown = data[:_LOOK].lstrip(b"\0").split(b"\n")
    if len(data) > _LOOK:
        shown += data[-_LOOK:].split(b"\n")
    if any(map(_CRI.match, shown)):
        return b" stdout P" in data or b" stderr P" in data
    return any(map(_DOCKER.match, shown)) and data.count(_DOCKER_END) < data.count(b"\n") + (not data.endswith(b"\n"))


def _put_together(rows: Sequence[bytes]) -> tuple[list[_Line], int | None]:
    """Return the lines that stand in several rows to their ends, and the row from which on one is without its end."""
    done: list[_Line] = []
    begun: dict[bytes, _Line] = {}
    since: int | None = None
    all_lack_ends = not any(_DOCKER_END in row for row in rows)
    for number, row in enumerate(rows):
        if (cri := _CRI.match(row)) is not None:
            stream, text, is_end = cri[2], cri[4] or b"", cri[3] == b"F"
            wrapper: Any = cri[1]
            begins = not is_end
        else:
            if not begun and (_DOCKER_END in row or not row.startswith(b"{")):
                continue
            if (wrapper := _docker(row)) is None:
                if row.strip() and number < len(rows) - 1:  # the last one may be unfinished
                    begun = {}  # what goes on here is no container's log
                continue
            stream, text = wrapper["stream"].encode(), wrapper["log"].encode("utf-8", errors="surrogatepass")
            is_end = text.endswith(b"\n") or (all_lack_ends and stream in begun and _is_record(text))
            begins = not is_end and (len(text) >= _DOCKER_PART or text.lstrip()[:1] in {b"{", b"["})
            begins = begins and not _is_record(text)
        if stream in begun or begins:
            since = since if begun else number
            begun.setdefault(stream, _Line(wrapper)).add(number, text)
            if is_end:
                done.append(begun.pop(stream))
        elif begun:
            begun = {stream: line for stream, line in begun.items() if line.waits()}
    return done, since if begun else None


def _docker(row: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(row)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or not isinstance(record.get("log"), str):
        return None
    stream = record.get("stream")
    return record if isinstance(stream, str) and stream in {"stdout", "stderr"} else None


def _is_record(text: bytes) -> bool:
    return text.lstrip()[:1] in {b"{", b"["} and not is_unfinished(text.decode("utf-8", errors="replace"))


def _written(line: _Line) -> bytes:
    """Return the row that holds a whole line."""
    if isinstance(line.wrapper, dict):
        text = line.text.decode("utf-8", errors="surrogatepass")
        return json.dumps({**line.wrapper, "log": text}).encode()
    return bytes(line.wrapper) + b"F " + line.text
