"""One batch of blocks, judged: every line becomes a row of `staged` that is a request, an event or a reject."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tollbook import queries
from tollbook.ingest.fields import STAGED
from tollbook.ingest.formats import NATIVE, Condition, Format, split_pattern
from tollbook.ingest.lines import LINES_OF_PIECES, Block, Pieces, Text, pieces_of_blocks, pieces_of_texts
from tollbook.ingest.open_records import Shape
from tollbook.ingest.parse import statement_of
from tollbook.ingest.salvage import NOT_JSON, Refused, salvage
from tollbook.ingest.statement import Statement

if TYPE_CHECKING:
    import duckdb

_SAMPLE_LINES = 256
_MOST_KEYS = 200
_FULL_BLOCK = 1 << 20
_MOST_ORDERS = 4
_MOST_ROUNDS = 4  # each opens one envelope
_MOST_OF_ONE = 1_000_000  # records of one text
_FINAL = {"request", "event", "reject"}
_PENDING = ("misshapen", "other", "unread")
_TOO_DEEP = "wrapped in too many envelopes"
_HOLDS_NOTHING = "holds no record"
_REFUSED = """
    SELECT CAST(source_no AS INTEGER) AS source_no, line, CAST(part AS BIGINT) AS part, 'reject' AS kind,
        $format AS format, $reason AS reason, text, md5_number_lower(text) AS identity, 0 AS twin
"""


@dataclass(frozen=True)
class Formats:
    """The formats of a run.

    Args:
        native: The native format.
        others: The others to tell records by, in order.
        forced: The one that the user says every record is of, or None; envelopes are opened all the same.
    """

    native: Format
    others: tuple[Format, ...] = ()
    forced: Format | None = None

    def named(self, name: str) -> Format:
        """Return the format of that name."""
        known = (self.forced, *self.others) if self.forced else self.others
        return next((other for other in known if other.name == name), self.native)

    def telling(self, main: Format | None = None, *, shape: Shape | None = None, trusting: bool = False) -> Statement:
        """Return the statement that tells records of all formats, and judges those of `main`, if it is open."""
        others = tuple(other for other in self.others if other.is_envelope) if self.forced else self.others
        rest = self.forced or self.native
        judged = next((open_ for open_ in (main, self.forced) if open_ and open_.is_open), self.native)
        return statement_of(judged, others, rest=rest.name, shape=shape, trusting=trusting)


# What the lines of a source so far say of those to come: number of the source -> format -> JSON.
Carried = dict[int, dict[str, str]]


def judge(
    con: "duckdb.DuckDBPyConnection", formats: Formats, blocks: Sequence[Block], carried: Carried | None = None
) -> None:
    """Fill the table `staged` from blocks, and make the view `judged` of it, with all columns and `staged_row`.

    Args:
        con: Where they are made.
        formats: The formats to read by.
        blocks: Whole lines, in the order of their sources.
        carried: Is brought up to date with what the lines say.

    Raises:
        duckdb.Error: Something other than the text is wrong; text never raises.
    """
    with _Registered(con, pieces_of_blocks(blocks)):
        _first_pass(con, formats, blocks)
    for _ in range(_MOST_ROUNDS):
        pending = {kind for (kind,) in con.execute("SELECT DISTINCT kind FROM staged").fetchall()} - _FINAL
        if not pending:
            break
        if "misshapen" in pending:
            _take(con, "misshapen")
            _stage(con, formats.telling(), "FROM taken")
        if "other" in pending:
            _take(con, "other")
            _judge_others(con, formats, {} if carried is None else carried)
        if "unread" in pending:
            _salvage(con, formats)
        con.execute("DELETE FROM staged WHERE kind = 'blank'")
    else:
        for kind in _PENDING:
            _take(con, kind)
            _refuse(con, "FROM taken", _TOO_DEEP)
    if con.execute("SELECT 1 FROM staged WHERE kind = 'event' AND time IS NULL LIMIT 1").fetchone():
        con.execute(queries.text("ingest/borrow_times"))
    present = _columns(con)
    columns = (name if name in present else f"CAST(NULL AS {type_}) AS {name}" for name, type_ in STAGED.items())
    con.execute(f"CREATE OR REPLACE TEMP VIEW judged AS SELECT rowid AS staged_row, {', '.join(columns)} FROM staged")


def _columns(con: "duckdb.DuckDBPyConnection") -> set[str]:
    return {name for name, *_ in con.execute("DESCRIBE staged").fetchall()}


def _stage(con: "duckdb.DuckDBPyConnection", statement: Statement, relation: str) -> None:
    """Add what a statement makes of texts to `staged`, which gets the columns that it lacks for that."""
    present = _columns(con)
    for name in statement.columns:
        if name not in present:
            con.execute(f"ALTER TABLE staged ADD COLUMN {name} {STAGED[name]}")
    con.execute(f"INSERT INTO staged BY NAME {statement.sql(relation)}")


def _refuse(con: "duckdb.DuckDBPyConnection", relation: str, reason: str) -> None:
    con.execute(f"INSERT INTO staged BY NAME {_REFUSED} {relation}", {"reason": reason, "format": NATIVE})


def _first_pass(con: "duckdb.DuckDBPyConnection", formats: Formats, blocks: Sequence[Block]) -> None:
    import duckdb  # noqa: PLC0415 - start-up

    records = _sample(blocks)
    lines = LINES_OF_PIECES
    if sum(len(block.data) for block in blocks) < _FULL_BLOCK * len(blocks):
        # Judging goes by chunks of lines, which do not reach beyond a block: those of many small ones are joined.
        con.execute(f"CREATE OR REPLACE TEMP TABLE lines AS {LINES_OF_PIECES}")
        lines = "FROM lines"
    main = formats.forced or _format_of(records, formats)
    is_direct = not main.is_open and not main.expand and not any(other.is_open for other in formats.others)
    shape = _shape_of(records)

    def statement(*, trusting: bool) -> Statement:
        if is_direct:
            return statement_of(main, (formats.native,), trusting=trusting)
        return formats.telling(main, shape=shape, trusting=trusting)

    try:
        con.execute(f"CREATE OR REPLACE TEMP TABLE staged AS {statement(trusting=True).sql(lines)}")
    except duckdb.Error as error:
        if "Malformed JSON" not in str(error):
            raise
        con.execute(f"CREATE OR REPLACE TEMP TABLE staged AS {statement(trusting=False).sql(lines)}")
    con.execute("DROP TABLE IF EXISTS lines")


def _judge_others(con: "duckdb.DuckDBPyConnection", formats: Formats, carried: Carried) -> None:
    """Judge the records in `taken`, each by the format that it was told to be of."""
    for (name,) in con.execute("SELECT DISTINCT format FROM taken").fetchall():
        con.execute("CREATE OR REPLACE TEMP TABLE texts AS FROM taken WHERE format = ?", [name])
        found = formats.named(name)
        relation = "FROM texts"
        if found.expand:
            _expand(con, found, carried)
            relation = "FROM expanded"
        _stage(con, formats.telling() if found.is_envelope else statement_of(found, ()), relation)


def _expand(con: "duckdb.DuckDBPyConnection", format_: Format, carried: Carried) -> None:
    """Fill `expanded` with the records that the format's SQL makes of `texts`.

    The SQL reads `texts` (source_no, line, part, text: sound JSON) and `earlier` (source_no, carried: the JSON that it
    gave for the last line of the source before), and returns source_no, line, part, number (of the record within its
    text), text, and, where later lines need it, carried.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE earlier (source_no INTEGER, carried VARCHAR)")
    for source, contexts in carried.items():
        if format_.name in contexts:
            con.execute("INSERT INTO earlier VALUES (?, ?)", [source, contexts[format_.name]])
    con.execute(f"CREATE OR REPLACE TEMP TABLE expanded AS {format_.expand}")
    _refuse(
        con,
        "FROM texts ANTI JOIN (FROM expanded WHERE text IS NOT NULL) AS e USING (source_no, line, part)",
        _HOLDS_NOTHING,
    )
    columns = {column for column, *_ in con.execute("DESCRIBE expanded").fetchall()}
    if "carried" in columns:
        last = "SELECT source_no, arg_max(carried, (line, part, number)) FROM expanded GROUP BY source_no"
        for source, context in con.execute(last).fetchall():
            if context is not None:
                carried.setdefault(source, {})[format_.name] = context
        con.execute("ALTER TABLE expanded DROP carried")
    con.execute("DELETE FROM expanded WHERE text IS NULL")
    con.execute(f"UPDATE expanded SET part = part * {_MOST_OF_ONE} + number")


def _take(con: "duckdb.DuckDBPyConnection", kind: str) -> None:
    """Move the rows of a kind from `staged` to `taken`, to be judged again."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE taken AS SELECT source_no, line, part, rtrim(text, chr(10)) AS text, format "
        "FROM staged WHERE kind = ?",
        [kind],
    )
    con.execute("DELETE FROM staged WHERE kind = ?", [kind])


def _salvage(con: "duckdb.DuckDBPyConnection", formats: Formats) -> None:
    """Take records out of what is no sound line, once; what is still none after that is refused."""
    unread = con.execute(
        "SELECT source_no, line, text FROM staged WHERE kind = 'unread' ORDER BY source_no, line, part"
    ).fetchall()
    con.execute("DELETE FROM staged WHERE kind = 'unread'")
    found = list(salvage(unread))
    if texts := [item for item in found if isinstance(item, Text)]:
        with _Registered(con, pieces_of_texts(texts)):
            _stage(con, formats.telling(), "FROM pieces")
        con.execute(
            "UPDATE staged SET kind = 'reject', reason = ?, identity = md5_number_lower(text) WHERE kind = 'unread'",
            [NOT_JSON],
        )
    refused = [item for item in found if isinstance(item, Refused)]
    for reason in dict.fromkeys(item.reason for item in refused):
        lines = [Text(item.source, item.line, item.part, item.text) for item in refused if item.reason == reason]
        with _Registered(con, pieces_of_texts(lines)):
            _refuse(con, "FROM pieces", reason)


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
            for conditions in other.when:
                if all(_holds(condition, record, is_open=other.is_open) for condition in conditions):
                    return other
    return formats.native


def _holds(condition: Condition, record: dict[str, Any], *, is_open: bool) -> bool:
    values = (_value_at(path, record, is_open=is_open) for path in condition.paths)
    value = next((value for value in values if value is not None), None)
    holds = value in condition.values if condition.values else value is not None
    return holds is not condition.negated


def _value_at(path: str, record: dict[str, Any], *, is_open: bool) -> Any:
    value: Any = record
    pattern = ""
    if is_open:
        keys = [path] if path in record else path.split(".")
    else:
        path, pattern = split_pattern(path)
        keys = path.replace("#", "").split("/")
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if pattern and value is not None:
        value = re.search(pattern, value if isinstance(value, str) else json.dumps(value))
    return value


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
