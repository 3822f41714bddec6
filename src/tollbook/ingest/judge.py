"""One batch of blocks, judged: every line becomes a row of `staged` that is a request, an event or a reject."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tollbook.ingest.formats import NATIVE, Format
from tollbook.ingest.lines import LINES_OF_PIECES, Block, Pieces, Text, pieces_of_blocks, pieces_of_texts
from tollbook.ingest.parse import Shape, parse_sql
from tollbook.ingest.salvage import NOT_JSON, Refused, salvage

if TYPE_CHECKING:
    import duckdb

_SAMPLE_LINES = 64
_MOST_KEYS = 200
_MOST_ORDERS = 4
_MOST_ROUNDS = 4  # each opens one envelope
_FINAL = {"request", "event", "reject"}
_PENDING = ("misshapen", "wrapped", "other", "unread")
_TOO_DEEP = "wrapped in too many envelopes"
_REFUSED = """
    SELECT CAST(source_no AS INTEGER) AS source_no, line, CAST(part AS INTEGER) AS part, 'reject' AS kind,
        $format AS format, $reason AS reason, text, md5_number_lower(text) AS identity, 0 AS twin
"""


@dataclass(frozen=True)
class Formats:
    """The formats of a run.

    Args:
        native: The native format.
        others: The others to tell records by, in order.
        forced: The one that the user says every record is of, or None.
    """

    native: Format
    others: tuple[Format, ...] = ()
    forced: Format | None = None

    def named(self, name: str) -> Format:
        """Return the format of that name."""
        return next((other for other in self.others if other.name == name), self.native)


def judge(con: "duckdb.DuckDBPyConnection", formats: Formats, blocks: Sequence[Block]) -> None:
    """Fill the table `staged` from blocks.

    Raises:
        duckdb.Error: Something other than the text is wrong; text never raises.
    """
    records = _sample(blocks)
    main = formats.forced or _format_of(records, formats)
    shape = _shape_of(records)
    with _Registered(con, pieces_of_blocks(blocks)):
        _first_pass(con, main, formats, shape)
    for _ in range(_MOST_ROUNDS):
        pending = {kind for (kind,) in con.execute("SELECT DISTINCT kind FROM staged").fetchall()} - _FINAL
        if not pending:
            return
        for kind in ("misshapen", "wrapped"):
            if kind in pending:
                _take(con, kind)
                con.execute(f"INSERT INTO staged {parse_sql(main, _others(formats), 'FROM taken')}")
        if "other" in pending:
            _take(con, "other")
            for (name,) in con.execute("SELECT DISTINCT format FROM taken").fetchall():
                con.execute("CREATE OR REPLACE TEMP TABLE alike AS FROM taken WHERE format = ?", [name])
                con.execute(f"INSERT INTO staged {parse_sql(formats.named(name), (), 'FROM alike')}")
        if "unread" in pending:
            _salvage(con, formats, main)
        con.execute("DELETE FROM staged WHERE kind = 'blank'")
    for kind in _PENDING:
        _take(con, kind)
        con.execute(f"INSERT INTO staged BY NAME {_REFUSED} FROM taken", {"reason": _TOO_DEEP, "format": NATIVE})


def _others(formats: Formats) -> tuple[Format, ...]:
    return () if formats.forced else formats.others


def _first_pass(con: "duckdb.DuckDBPyConnection", main: Format, formats: Formats, shape: Shape | None) -> None:
    import duckdb  # noqa: PLC0415 - start-up

    others = _others(formats)
    try:
        sql = parse_sql(main, others, LINES_OF_PIECES, shape=shape, trusting=True)
        con.execute(f"CREATE OR REPLACE TEMP TABLE staged AS {sql}")
    except duckdb.Error as error:
        if "Malformed JSON" not in str(error):
            raise
        sql = parse_sql(main, others, LINES_OF_PIECES, shape=shape)
        con.execute(f"CREATE OR REPLACE TEMP TABLE staged AS {sql}")


def _take(con: "duckdb.DuckDBPyConnection", kind: str) -> None:
    """Move the rows of a kind from `staged` to `taken`, to be judged again."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE taken AS SELECT source_no, line, part, rtrim(text, chr(10)) AS text, format "
        "FROM staged WHERE kind = ?",
        [kind],
    )
    con.execute("DELETE FROM staged WHERE kind = ?", [kind])


def _salvage(con: "duckdb.DuckDBPyConnection", formats: Formats, main: Format) -> None:
    """Take records out of what is no sound line, once; what is still none after that is refused."""
    unread = con.execute(
        "SELECT source_no, line, text FROM staged WHERE kind = 'unread' ORDER BY source_no, line, part"
    ).fetchall()
    con.execute("DELETE FROM staged WHERE kind = 'unread'")
    found = list(salvage(unread))
    if texts := [item for item in found if isinstance(item, Text)]:
        with _Registered(con, pieces_of_texts(texts)):
            con.execute(f"INSERT INTO staged {parse_sql(main, _others(formats), 'FROM pieces')}")
        con.execute(
            "UPDATE staged SET kind = 'reject', reason = ?, identity = md5_number_lower(text) WHERE kind = 'unread'",
            [NOT_JSON],
        )
    refused = [item for item in found if isinstance(item, Refused)]
    for reason in dict.fromkeys(item.reason for item in refused):
        lines = [Text(item.source, item.line, item.part, item.text) for item in refused if item.reason == reason]
        with _Registered(con, pieces_of_texts(lines)):
            con.execute(f"INSERT INTO staged BY NAME {_REFUSED} FROM pieces", {"reason": reason, "format": NATIVE})


class _Registered:
    """The relation `pieces`, for the time of a `with` block."""

    def __init__(self, con: "duckdb.DuckDBPyConnection", pieces: Pieces) -> None:
        self._con = con
        self._pieces = pieces

    def __enter__(self) -> None:
        self._con.register("pieces", self._pieces)

    def __exit__(self, *_: object) -> None:
        self._con.unregister("pieces")


def _sample(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    """Return the first records of the largest block that are plain JSON objects."""
    block = max(blocks, key=lambda block: len(block.data))
    records = []
    position = 0
    for _ in range(_SAMPLE_LINES):
        end = block.data.find(b"\n", position)
        line = block.data[position : end if end >= 0 else len(block.data)]
        position = end + 1
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict):
            records.append(record)
        if end < 0:
            break
    return records


def _format_of(records: Iterable[dict[str, Any]], formats: Formats) -> Format:
    """Return the format that the first records are of; the statement itself tells each record's for certain."""
    for record in records:
        for other in formats.others:
            if all(_has(record, path) for path in other.when):
                return other
        break
    return formats.native


def _has(record: object, path: str) -> bool:
    if isinstance(record, dict) and record.get(path) is not None:
        return True
    for part in path.split("."):
        record = record.get(part) if isinstance(record, dict) else None
    return record is not None


def _shape_of(records: Sequence[dict[str, Any]]) -> Shape | None:
    keys = frozenset(key for record in records for key in record)
    if not keys or len(keys) > _MOST_KEYS or not all(map(_is_readable, keys)):
        return None
    if len({key.lower() for key in keys}) < len(keys):  # DuckDB's structs cannot tell them apart
        return None
    orders = dict.fromkeys(tuple(record) for record in records if None in record.values())
    return Shape(keys, tuple(orders)[:_MOST_ORDERS])


def _is_readable(key: str) -> bool:
    """Tell whether SQL can name a key: it is not empty, and without NUL and halves of surrogate pairs."""
    return key != "" and "\0" not in key and key.encode("utf-8", errors="replace").decode("utf-8") == key
