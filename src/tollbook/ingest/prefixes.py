"""What carriers of logs write before a line: the time, the pod, the host, the program."""

import re

_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z| ?[+-]\d\d:?\d\d| UTC)?"
_BOM = "\ufeff"
_COLOUR = r"(?:\x1b\[[0-9;]*m)*"
_DATE = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d"  # of no year
_EPOCH = r"\d{10}\.\d{3,6}"
_POD, _CONTAINER = r"[a-z][a-z0-9.]*-[a-z0-9.-]+", r"[a-z0-9][a-z0-9-]*"
_PROGRAM = r"[A-Za-z0-9_./-]+(?:\[[A-Za-z0-9_.-]+\])?: "
_ELEMENT = r'\[[^\]"]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^\]"]*)*\]'
_KINDS = (
    # CRI: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
    rf"{_TIME} std(?:out|err) [PF](?::\S*)?(?: |$)",
    # kubectl logs --prefix
    rf"{_COLOUR}\[pod/[^ \]]+\]{_COLOUR} ",
    # docker compose logs
    rf"{_COLOUR}[A-Za-z0-9][A-Za-z0-9_.-]* +\| {_COLOUR}",
    # stern: namespace (where there are several), pod, container
    rf"{_COLOUR}(?:[a-z][a-z0-9-]* )?{_COLOUR}{_POD}{_COLOUR} {_COLOUR}{_CONTAINER}{_COLOUR} ",
    # RFC 5424: priority and version, time, host, program, process, message id, structured data
    rf"<\d{{1,3}}>1 (?:{_TIME}|-) \S+ \S+ \S+ \S+ (?:-|(?:{_ELEMENT})+) {_BOM}?",
    # RFC 3164, and what rsyslog, journalctl (short-iso, short-unix, short-full) and Heroku write
    rf"(?:<\d{{1,3}}>)?(?:{_DATE}|{_EPOCH}|(?:[A-Z][a-z]{{2}} )?{_TIME}) \S+ {_PROGRAM}",
    rf"{_TIME} [a-z]+\[[A-Za-z0-9_.-]+\]: ",
    # Fluentd's files: time, tag
    rf"{_TIME}\t\S+\t",
    # aws logs tail: time, stream
    rf"{_TIME} [A-Za-z0-9_.$-]*/[^ {{]* ",
    # kubectl logs --timestamps, docker logs --timestamps, exports of CloudWatch
    rf"{_TIME} ",
    # Lumberjack's mark of JSON, and server-sent events
    r"@cee: ?",
    r"data: ?",
)
PREFIX = rf"^(?:{'|'.join(_KINDS)})+"
_MATCH = re.compile(PREFIX, re.ASCII)


def without_prefix(line: str) -> str:
    """Return a line without what its carrier wrote before it."""
    match = None if line.startswith("{") else _MATCH.match(line)
    return line[match.end() :] if match else line


def without_prefixes_sql(relation: str) -> str:
    """Return a relation of texts (source_no, line, part, text, outer_time) with `prefix` taken off the texts.

    The time of the prefix is that of the envelope.
    """
    time = f"regexp_extract(prefix, '{_TIME}|{_EPOCH}')"
    prefix = PREFIX.replace("'", "''")
    return f"""
    SELECT source_no, line, part, CASE WHEN prefix = '' THEN text ELSE substr(text, length(prefix) + 1) END AS text,
        CASE WHEN prefix = '' THEN outer_time ELSE coalesce(instant_of(nullif({time}, '')), outer_time) END
            AS outer_time, prefix
    FROM (SELECT *, CASE WHEN starts_with(text, '{{') THEN '' ELSE regexp_extract(text, '{prefix}') END AS prefix
        FROM ({relation}))
"""
