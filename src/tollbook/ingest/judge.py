"""One batch of blocks, judged: every line becomes a row of `staged` that is a request, an event or a reject."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from tollbook import queries
from tollbook.ingest.closed_records import ClosedStatement
from tollbook.ingest.expressions import coalesce
from tollbook.ingest.fields import STAGED
from tollbook.ingest.formats import NATIVE, Format
from tollbook.ingest.lines import Block
from tollbook.ingest.parse import statement_of
from tollbook.ingest.pieces import LINES_OF_PIECES, TEXTS_OF_PIECES, Pieces, pieces_of_blocks, pieces_of_texts
from tollbook.ingest.prefixes import without_prefixes_sql
from tollbook.ingest.salvage import NOT_JSON, Refused, Text, salvage
from tollbook.ingest.sample import SAMPLE_LINES, Sample, format_of, objects
from tollbook.ingest.shape import Shape
from tollbook.ingest.statement import Statement

if TYPE_CHECKING:
    import duckdb

_FULL_BLOCK = 1 << 20
_MOST_ROUNDS = 4  # each opens one envelope
_FINAL = ("request", "event", "reject")
_TOO_DEEP = "wrapped in too many envelopes"
_HOLDS_NOTHING = "holds no record"
_REFUSED = """
    SELECT CAST(source_no AS INTEGER) AS source_no, line, CAST(part AS BIGINT) AS part, 'reject' AS kind,
        $format AS format, $reason AS reason, text, digest_of(text) AS identity, 0 AS twin
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
    con: "duckdb.DuckDBPyConnection",
    formats: Formats,
    blocks: Iterable[Block],
    carried: Callable[[], Carried] = dict,
) -> None:
    """Fill the table `staged` from blocks, and make the view `judged` of it, with all columns and `staged_row`.

    Args:
        con: Where they are made.
        formats: The formats to read by.
        blocks: Whole lines, in the order of their sources; more of them may come while the first are judged.
        carried: Asked when all blocks have come; what it returns is brought up to date with what the lines say.

    Raises:
        duckdb.Error: Something other than the text is wrong; text never raises.
    """
    carried = cache(carried)
    with _Registered(con, pieces_of_blocks(blocks)):
        opened = _first_pass(con, formats, blocks, carried)
    for _ in range(_MOST_ROUNDS - opened):
        pending = _reread_misshapen(con, formats)
        if not pending:
            break
        if "other" in pending:
            _take(con, "other")
            _judge_others(con, formats, carried())
        if "unread" in pending:
            _salvage(con, formats)
        con.execute("DELETE FROM staged WHERE kind = 'blank'")
    else:
        for kind in _reread_misshapen(con, formats):
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


def _pending(con: "duckdb.DuckDBPyConnection") -> set[str]:
    """Return the kinds of what is still to be judged."""
    return {kind for (kind,) in con.execute(f"SELECT DISTINCT kind FROM staged WHERE kind NOT IN {_FINAL}").fetchall()}


def _reread_misshapen(con: "duckdb.DuckDBPyConnection", formats: Formats) -> set[str]:
    """Judge what has more than the sample that it was read by; return the kinds of what is to be judged then."""
    kinds = _pending(con)
    for by_shape in (True, False):
        if "misshapen" in kinds:
            _take(con, "misshapen")
            _stage_told(con, formats, "FROM taken", by_shape=by_shape)
            kinds = _pending(con)
    return kinds


def _stage_told(con: "duckdb.DuckDBPyConnection", formats: Formats, relation: str, *, by_shape: bool = True) -> None:
    """Add to `staged` what texts are, of whatever format.

    Args:
        con: Where they are.
        formats: The formats to tell them by.
        relation: The texts.
        by_shape: Read them by the shape of the first of them: the statement for any record takes a tenth of a second to
            plan. Some may be misshapen then.
    """
    records = []
    if by_shape:
        short = f"strlen(text) < {_FULL_BLOCK // SAMPLE_LINES}"
        sample = con.execute(f"SELECT text FROM ({relation}) WHERE {short} LIMIT {SAMPLE_LINES}").fetchall()
        records = objects(text for (text,) in sample)
    _stage(con, formats.telling(shape=Shape(records) if records else None), relation)


def _refuse(con: "duckdb.DuckDBPyConnection", relation: str, reason: str) -> None:
    con.execute(f"INSERT INTO staged BY NAME {_REFUSED} {relation}", {"reason": reason, "format": NATIVE})


def _first_pass(
    con: "duckdb.DuckDBPyConnection", formats: Formats, blocks: Iterable[Block], carried: Callable[[], Carried]
) -> int:
    """Fill `staged` from `pieces`, as the first lines show them; return how many envelopes were opened for that."""
    shown = next(iter(blocks))
    is_small = len(shown.data) < _FULL_BLOCK
    if is_small:  # there are few, or they are of many small sources
        blocks = list(blocks)
        shown = max(blocks, key=lambda block: len(block.data))
        is_small = sum(len(block.data) for block in blocks) < _FULL_BLOCK * len(blocks)
    sample = Sample(shown, formats)
    relation = LINES_OF_PIECES
    if sample.has_prefixes():
        relation = f"SELECT * EXCLUDE prefix FROM ({without_prefixes_sql(LINES_OF_PIECES)})"
    if is_small:
        # Judging goes by chunks of lines, which do not reach beyond a block: those of many small ones are joined.
        con.execute(f"CREATE OR REPLACE TEMP TABLE lines AS {relation}")
        relation = "FROM lines"
    records = sample.records()
    main = format_of(records, formats)
    if not main.is_envelope:
        _judge_alike(con, formats, main, records, relation)
        return 0
    # All of it is taken for the one envelope; what is none goes the way of records of an unknown shape.
    con.execute(f"CREATE OR REPLACE TEMP TABLE taken AS {relation}")
    told = ClosedStatement(main, tells=True, trusting=False).told_sql("FROM taken")
    con.execute(f"CREATE OR REPLACE TEMP TABLE texts AS {told}")
    _expand(con, main, carried(), first_part=_next_part(con, "taken"))
    records = objects(text for (text,) in con.execute(f"SELECT text FROM expanded LIMIT {SAMPLE_LINES}").fetchall())
    _judge_alike(con, formats, format_of(records, formats), records, "FROM expanded")
    _refuse_empty(con)
    con.execute(
        "INSERT INTO staged BY NAME SELECT source_no, line, part, 'misshapen' AS kind, text, "
        "outer_time AS time FROM taken ANTI JOIN texts USING (source_no, line, part)"
    )
    return 1


def _judge_alike(
    con: "duckdb.DuckDBPyConnection", formats: Formats, main: Format, records: Sequence[dict[str, Any]], relation: str
) -> None:
    """Fill `staged` from texts of which most are of one format, and have the shape of some records."""
    import duckdb  # noqa: PLC0415 - start-up

    is_direct = not main.is_open and not main.expand and not any(other.is_open for other in formats.others)
    shape = Shape(records) if records else None

    def statement(*, trusting: bool) -> Statement:
        if is_direct:
            return statement_of(main, (formats.native,), shape=shape, trusting=trusting)
        return formats.telling(main, shape=shape, trusting=trusting)

    try:
        con.execute(f"CREATE OR REPLACE TEMP TABLE staged AS {statement(trusting=True).sql(relation)}")
    except (duckdb.Error, UnicodeDecodeError) as error:
        # DuckDB's message repeats the text, which it may cut amid a character: then the message itself is unreadable,
        # which is an error of its own or, to some Pythons, no message.
        if isinstance(error, duckdb.Error) and str(error) and "Malformed JSON" not in str(error):
            raise
        con.execute(f"CREATE OR REPLACE TEMP TABLE staged AS {statement(trusting=False).sql(relation)}")
    con.execute("DROP TABLE IF EXISTS lines")


def _judge_others(con: "duckdb.DuckDBPyConnection", formats: Formats, carried: Carried) -> None:
    """Judge the records in `taken`, each by the format that it was told to be of."""
    con.execute("CREATE OR REPLACE TEMP TABLE unwrapped AS SELECT * EXCLUDE format FROM taken LIMIT 0")
    for (name,) in con.execute("SELECT DISTINCT format FROM taken").fetchall():
        con.execute("CREATE OR REPLACE TEMP TABLE texts AS FROM taken WHERE format = ?", [name])
        found = formats.named(name)
        relation = "FROM texts"
        if found.expand:
            _expand(con, found, carried, first_part=_next_part(con, "staged", "taken", "unwrapped"))
            _refuse_empty(con)
            relation = "FROM expanded"
        if found.is_envelope:
            con.execute(f"INSERT INTO unwrapped BY NAME {relation}")
        else:
            _stage(con, statement_of(found, ()), relation)
    if con.execute("SELECT count(*) FROM unwrapped").fetchall() != [(0,)]:
        _stage(con, formats.telling(), "FROM unwrapped")


def _expand(con: "duckdb.DuckDBPyConnection", format_: Format, carried: Carried, *, first_part: int) -> None:
    """Fill `expanded` with the records that the format's SQL makes of `texts`.

    The SQL reads `texts` (source_no, line, part, text: sound JSON) and `earlier` (source_no, carried: the JSON that it
    gave for the last line of the source before), and returns source_no, line, part, number (of the record within its
    text), text, and, where it has them, `time` (of the envelope, in any notation) and `carried` (what later lines
    need).
    """
    con.execute("CREATE OR REPLACE TEMP TABLE earlier (source_no INTEGER, carried VARCHAR)")
    for source, contexts in carried.items():
        if format_.name in contexts:
            con.execute("INSERT INTO earlier VALUES (?, ?)", [source, contexts[format_.name]])
    _make(con, format_)
    columns = {column for column, *_ in con.execute("DESCRIBE made").fetchall()}
    if "carried" in columns:
        last = "SELECT source_no, arg_max(carried, (line, part, number)) FROM made GROUP BY source_no"
        for source, context in con.execute(last).fetchall():
            if context is not None:
                carried.setdefault(source, {})[format_.name] = context
    times = ["instant_of(made.time)"] if "time" in columns else []
    join = ""
    if con.execute("SELECT 1 FROM texts WHERE outer_time IS NOT NULL LIMIT 1").fetchone():
        times.append("texts.outer_time")
        join = "JOIN texts USING (source_no, line, part)"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE expanded AS SELECT source_no, line, {first_part - 1} + "
        "row_number() OVER (ORDER BY source_no, line, part, number) AS part, CAST(made.text AS VARCHAR) AS text, "
        f"CAST({coalesce(times)} AS TIMESTAMP) AS outer_time FROM made {join} WHERE made.text IS NOT NULL"
    )


def _make(con: "duckdb.DuckDBPyConnection", format_: Format) -> None:
    """Fill `made` by the format's SQL; texts that it fails at are refused, so that they cost no others."""
    import duckdb  # noqa: PLC0415 - start-up

    sql = f"CREATE OR REPLACE TEMP TABLE made AS {format_.expand}"
    of_texts = (
        duckdb.ConversionException, duckdb.InvalidInputException, duckdb.OutOfRangeException, UnicodeDecodeError,
    )  # fmt: skip

    def failing(first: int, end: int) -> list[int]:
        con.execute("CREATE OR REPLACE TEMP TABLE texts AS FROM all_texts WHERE rowid >= ? AND rowid < ?", [first, end])
        try:
            con.execute(sql)
        except of_texts:
            if end - first == 1:
                return [first]
            middle = (first + end) // 2
            return failing(first, middle) + failing(middle, end)
        return []

    try:
        con.execute(sql)
    except of_texts:
        con.execute("CREATE OR REPLACE TEMP TABLE all_texts AS FROM texts")
        ((count,),) = con.execute("SELECT count(*) FROM all_texts").fetchall()
        failed = failing(0, count)
        con.execute(
            "CREATE OR REPLACE TEMP TABLE texts AS FROM all_texts WHERE rowid NOT IN (SELECT unnest(?))", [failed]
        )
        con.execute(sql)
        con.execute("CREATE OR REPLACE TEMP TABLE texts AS FROM all_texts")  # those without a record are refused
        con.execute("DROP TABLE all_texts")


def _refuse_empty(con: "duckdb.DuckDBPyConnection") -> None:
    """Refuse those of `texts` that the format's SQL made nothing of."""
    made = "(FROM made WHERE text IS NOT NULL)"
    _refuse(con, f"FROM texts ANTI JOIN {made} AS m USING (source_no, line, part)", _HOLDS_NOTHING)


def _next_part(con: "duckdb.DuckDBPyConnection", *tables: str) -> int:
    """Return a number above that of every part in tables: the parts of a line differ."""
    parts = " UNION ALL ".join(f"SELECT part FROM {table}" for table in tables)
    # All rows, because with one unfetched nothing could be registered.
    ((last,),) = con.execute(f"SELECT coalesce(max(part), -1) FROM ({parts})").fetchall()
    return int(last) + 1


def _take(con: "duckdb.DuckDBPyConnection", kind: str) -> None:
    """Move the rows of a kind from `staged` to `taken`, to be judged again."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE taken AS SELECT source_no, line, part, rtrim(text, chr(10)) AS text, "
        "time AS outer_time, format FROM staged WHERE kind = ?",
        [kind],
    )
    con.execute("DELETE FROM staged WHERE kind = ?", [kind])


def _salvage(con: "duckdb.DuckDBPyConnection", formats: Formats) -> None:
    """Take records out of what is no sound line, once; what is still none after that is refused.

    Lines that their carrier wrote something before go without it into the next round.
    """
    _take(con, "unread")
    con.execute(f"CREATE OR REPLACE TEMP TABLE bare AS {without_prefixes_sql('FROM taken')}")
    unread = con.execute(
        "SELECT source_no, line, text, coalesce(epoch_us(outer_time), 0) FROM bare WHERE prefix = '' "
        "ORDER BY source_no, line, part"
    ).fetchall()
    found = [
        replace(item, part=part) for part, item in enumerate(salvage(unread), start=_next_part(con, "staged", "taken"))
    ]
    if texts := [item for item in found if isinstance(item, Text)]:
        with _Registered(con, pieces_of_texts(texts)):
            _stage_told(con, formats, TEXTS_OF_PIECES)
        con.execute(
            "UPDATE staged SET kind = 'reject', reason = ?, identity = digest_of(text) WHERE kind = 'unread'",
            [NOT_JSON],
        )
    refused = [item for item in found if isinstance(item, Refused)]
    for reason in dict.fromkeys(item.reason for item in refused):
        lines = [Text(item.source, item.line, item.part, item.text) for item in refused if item.reason == reason]
        with _Registered(con, pieces_of_texts(lines)):
            _refuse(con, "FROM pieces", reason)
    if con.execute("SELECT count(*) FROM bare WHERE prefix <> ''").fetchall() != [(0,)]:
        prefixed = "SELECT * EXCLUDE prefix FROM bare WHERE prefix <> ''"
        _stage_told(con, formats, prefixed)


class _Registered:
    """The relation `pieces`, for the time of a `with` block, whose last statement is to read all of it."""

    def __init__(self, con: "duckdb.DuckDBPyConnection", pieces: Pieces) -> None:
        self._con = con
        self._pieces = pieces

    def __enter__(self) -> None:
        self._con.register("pieces", self._pieces)

    def __exit__(self, type_: type[BaseException] | None, *_: object) -> None:
        self._con.unregister("pieces")
        if self._pieces.failure is not None:
            raise self._pieces.failure
        if type_ is None and not self._pieces.is_read:
            raise RuntimeError("a scan ended before the lines did")
