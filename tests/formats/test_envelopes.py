"""What carriers of logs wrap records in: each record is read as if it stood in the log by itself, at its own time."""

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from reading import ask, check_accounts, read

# A record that says when it was, one that leaves that to its envelope, and text.
DATED = '{"timestamp":"2026-10-05T08:00:00Z","model":"dated","input_tokens":3}'
UNDATED = '{"model":"undated","input_tokens":4}'
WORDS = "Listening on port 8080"
AT = datetime(2026, 10, 5, 8)
OUTER = datetime(2026, 10, 5, 9, 0, 1, 120000)
OUTER_MS, OUTER_S = 1791190801120, 1791190801.12
OUTER_ISO = "2026-10-05T09:00:01.12Z"


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def docker(text: str) -> dict[str, Any]:
    return {"log": text + "\n", "stream": "stdout", "time": OUTER_ISO}


def subscription(text: str) -> dict[str, Any]:
    event = {"id": "38", "timestamp": OUTER_MS, "message": text}
    return {"messageType": "DATA_MESSAGE", "logGroup": "g", "logStream": "s", "logEvents": [event]}


def got_events(text: str) -> dict[str, Any]:
    event = {"timestamp": OUTER_MS, "message": text, "ingestionTime": OUTER_MS + 5000}
    return {"events": [event], "nextForwardToken": "f/1", "nextBackwardToken": "b/1"}


def filtered_events(text: str) -> dict[str, Any]:
    event = {"logStreamName": "s", "timestamp": OUTER_MS, "message": text, "ingestionTime": OUTER_MS, "eventId": "3"}
    return {"events": [event], "searchedLogStreams": []}


def firehose(text: str) -> dict[str, Any]:
    return {"requestId": "r", "timestamp": OUTER_MS, "records": [{"data": packed(text)}]}


def transformed(text: str) -> dict[str, Any]:
    record = {"recordId": "49", "approximateArrivalTimestamp": OUTER_MS, "data": packed(text)}
    return {"invocationId": "i", "deliveryStreamArn": "arn:aws:firehose:x", "records": [record]}


def journal(text: str) -> dict[str, Any]:
    return {"__REALTIME_TIMESTAMP": str(OUTER_MS * 1000), "__CURSOR": "s=1", "PRIORITY": "6", "MESSAGE": text}


def journal_bytes(text: str) -> dict[str, Any]:
    return {**journal(""), "MESSAGE": list(text.encode())}


def gcp_text(text: str) -> dict[str, Any]:
    return {"logName": "projects/ops/logs/stdout", "insertId": "1", "timestamp": OUTER_ISO, "textPayload": text}


def gcp_json(text: str) -> dict[str, Any]:
    payload = json.loads(text) if text.startswith("{") else {"message": text}
    return {"logName": "projects/ops/logs/stdout", "insertId": "1", "timestamp": OUTER_ISO, "jsonPayload": payload}


def fluent_bit(text: str) -> dict[str, Any]:
    return {"date": OUTER_S, "log": text}


def fluent_bit_of_kubernetes(text: str) -> dict[str, Any]:
    return {"@timestamp": OUTER_ISO, "log": text + "\n", "kubernetes": {"pod_name": "triage-7f"}}


def filebeat(text: str) -> dict[str, Any]:
    agent = {"agent": {"type": "filebeat"}, "log": {"file": {"path": "/var/log/a"}, "offset": 7}}
    return {"@timestamp": OUTER_ISO, "message": text, **agent, "input": {"type": "log"}}


def vector(text: str) -> dict[str, Any]:
    return {"file": "/a", "host": "noc1", "message": text, "source_type": "file", "timestamp": OUTER_ISO}


def datadog_agent(text: str) -> dict[str, Any]:
    return {"message": text, "ddsource": "python", "ddtags": "env:prod", "timestamp": OUTER_MS, "status": "info"}


def lambda_(text: str) -> dict[str, Any]:
    message = json.loads(text) if text.startswith("{") else text
    return {"timestamp": OUTER_ISO, "level": "INFO", "requestId": "79b4f56e", "message": message}


def elasticsearch(text: str) -> dict[str, Any]:
    source = json.loads(text) if text.startswith("{") else {"message": text}
    return {"_index": "logs", "_id": "77ab", "_source": {"@timestamp": OUTER_ISO, **source}}


def searched(text: str) -> dict[str, Any]:
    return {"took": 3, "hits": {"total": {"value": 1}, "hits": [{"_index": "logs", "_source": filebeat(text)}]}}


def datadog_archive(text: str) -> dict[str, Any]:
    parsed = json.loads(text) if text.startswith("{") else {}
    head = {"_id": "AQ", "date": OUTER_ISO, "service": "triage", "source": "python", "status": "info", "tags": []}
    return {**head, "message": "" if parsed else text, "attributes": parsed}


def datadog_api(text: str) -> dict[str, Any]:
    return {"id": "AQ", "type": "log", "attributes": {"timestamp": OUTER_ISO, "status": "info", "message": text}}


OBJECTS = (
    docker, subscription, got_events, filtered_events, firehose, transformed, journal, journal_bytes, gcp_text,
    gcp_json, fluent_bit, fluent_bit_of_kubernetes, filebeat, vector, datadog_agent, lambda_, elasticsearch, searched,
    datadog_archive, datadog_api,
)  # fmt: skip
# In these a line of text is no event, because nothing tells it from what a log holds by accident.
BARE = (docker, firehose, transformed)
# What stands before a line, and the time that it gives, if any.
PREFIXES = {
    "CRI": (f"{OUTER_ISO} stdout F ", OUTER),
    "CRI with a zone": ("2026-10-05T12:00:01.120000000+03:00 stderr F ", OUTER),
    "kubectl --timestamps": (f"{OUTER_ISO} ", OUTER),
    "kubectl --prefix": ("[pod/triage-7f5c/app] ", None),
    "kubectl --prefix --timestamps": (f"[pod/triage-7f5c/app] {OUTER_ISO} ", OUTER),
    "stern": ("triage-7f5c-x app ", None),
    "docker compose": ("triage-1  | ", None),
    "journalctl": ("Oct  5 09:00:01 noc1 triage[812]: ", None),
    "journalctl -o short-iso": ("2026-10-05T09:00:01.12+0000 noc1 triage[812]: ", OUTER),
    "journalctl -o short-unix": ("1791190801.120000 noc1 triage[812]: ", OUTER),
    "RFC 3164": ("<34>Oct  5 09:00:01 noc1 triage: ", None),
    "RFC 5424": (f"<34>1 {OUTER_ISO} noc1 triage 812 ID47 - ", OUTER),
    "RFC 5424 with data": (f'<34>1 {OUTER_ISO} noc1 triage - - [x@1 a="]\\""][y b="2"] \ufeff', OUTER),
    "Heroku": ("2026-10-05T09:00:01.12+00:00 app[web.1]: ", OUTER),
    "an export of CloudWatch": (f"{OUTER_ISO} ", OUTER),
    "aws logs tail": ("2026-10-05T09:00:01.120000+00:00 2026/10/05/[$LATEST]77ab ", OUTER),
    "Fluentd's files": ("2026-10-05T09:00:01.12+00:00\tapp.triage\t", OUTER),
}


def stored(path: Path, table: str = "requests", columns: str = "model, time") -> list[tuple[Any, ...]]:
    return ask(path, f"SELECT {columns} FROM {table} ORDER BY line{'' if table == 'rejects' else ', time'}")


@pytest.mark.parametrize("wrap", OBJECTS, ids=lambda wrap: wrap.__name__)
def test_a_record_has_its_own_time_and_without_one_that_of_its_envelope(wrap: Any, tmp_path: Path) -> None:
    log, store = tmp_path / "app.log", tmp_path / "store.duckdb"
    lines = [json.dumps(wrap(text)) for text in (DATED, UNDATED, UNDATED)]
    log.write_text("".join(f"{line}\n" for line in lines))
    (outcome,) = read(store, log)
    assert (outcome.account.requests, outcome.account.rejected, outcome.incomplete) == (3, 0, 0)
    assert stored(store) == [("dated", AT), ("undated", OUTER), ("undated", OUTER)]
    check_accounts(store)


@pytest.mark.parametrize("wrap", OBJECTS, ids=lambda wrap: wrap.__name__)
def test_text_is_an_event_or_refused_and_costs_no_neighbour(wrap: Any, tmp_path: Path) -> None:
    log, store = tmp_path / "app.log", tmp_path / "store.duckdb"
    log.write_text("".join(f"{json.dumps(wrap(text))}\n" for text in (DATED, WORDS, UNDATED)))
    (outcome,) = read(store, log)
    assert [line for (line,) in stored(store, columns="line")] == [1, 3]
    if wrap in BARE:
        assert stored(store, "rejects", "line, reason, excerpt") == [(2, "not JSON", WORDS)]
    else:
        assert outcome.account.rejected == 0
        assert stored(store, "events", "line, message, time") == [(2, WORDS, OUTER)]


@pytest.mark.parametrize("name", PREFIXES)
def test_what_stands_before_a_record_is_taken_off(name: str, tmp_path: Path) -> None:
    prefix, time = PREFIXES[name]
    log, store = tmp_path / "app.log", tmp_path / "store.duckdb"
    log.write_text("".join(f"{prefix}{text}\n" for text in (DATED, WORDS, UNDATED)))
    (outcome,) = read(store, log)
    assert stored(store) == [("dated", AT), *([("undated", time)] if time else [])]
    refused = [(2, "not JSON")] if time else [(2, "not JSON"), (3, "no time")]
    assert stored(store, "rejects", "line, reason") == refused
    assert outcome.account.read == 3


@pytest.mark.parametrize("name", PREFIXES)
def test_a_prefix_among_plain_lines_is_taken_off_too(name: str, tmp_path: Path) -> None:
    log, store = tmp_path / "app.log", tmp_path / "store.duckdb"
    log.write_text(f"{DATED}\n" * 100 + f"{PREFIXES[name][0]}{DATED}\n{DATED}\n")
    (outcome,) = read(store, log)
    assert (outcome.account.requests, outcome.account.rejected) == (102, 0)


PIECE = 16 * 1024
LONG = json.dumps({"timestamp": "2026-10-05T08:00:00Z", "model": "long", "input_tokens": 5, "note": "é" * 40_000})


def in_docker(text: str, stream: str = "stdout") -> list[str]:
    """Return the lines that Docker writes of a text: pieces of 16 KiB, the last with the line end."""
    data = text.encode() + b"\n"
    pieces = [data[start : start + PIECE] for start in range(0, len(data), PIECE)]
    # Docker replaces what a cut makes of a character.
    texts = [piece.decode("utf-8", errors="replace") for piece in pieces]
    return [json.dumps({"log": piece, "stream": stream, "time": OUTER_ISO}) for piece in texts]


def in_cri(text: str, stream: str = "stdout") -> list[bytes]:
    """Return the lines that a container runtime writes of a text: parts are marked P, and cut where it happens."""
    data = text.encode()
    pieces = [data[start : start + PIECE] for start in range(0, len(data), PIECE)]
    marks = ["P"] * (len(pieces) - 1) + ["F"]
    return [f"{OUTER_ISO} {stream} {mark} ".encode() + piece for mark, piece in zip(marks, pieces, strict=True)]


def test_the_pieces_of_a_docker_line_make_one_record(tmp_path: Path) -> None:
    log, store = tmp_path / "app.log", tmp_path / "store.duckdb"
    ascii_text = LONG.encode("ascii").decode()  # json.dumps escapes
    parts, other = in_docker(ascii_text), in_docker(DATED, "stderr")
    assert len(parts) > 10
    log.write_text("\n".join([*in_docker(DATED), *parts[:3], *other, *parts[3:], *in_docker(UNDATED)]) + "\n")
    (outcome,) = read(store, log)
    assert (outcome.account.read, outcome.account.requests) == (4, 4)
    assert stored(store, columns="line, model") == [
        (1, "dated"), (2, "long"), (5, "dated"), (len(parts) + 3, "undated")
    ]  # fmt: skip


def test_the_parts_of_a_cri_line_make_one_record_even_where_a_character_is_cut(tmp_path: Path) -> None:
    log, store = tmp_path / "app.log", tmp_path / "store.duckdb"
    text = json.dumps(json.loads(LONG), ensure_ascii=False)
    parts, (other,) = in_cri(text), in_cri(WORDS, "stderr")
    assert any(not part.isascii() and part.decode("utf-8", errors="replace").endswith("\ufffd") for part in parts)
    log.write_bytes(b"\n".join([*in_cri(DATED), parts[0], other, *parts[1:], *in_cri(UNDATED)]) + b"\n")
    (outcome,) = read(store, log)
    assert (outcome.account.read, outcome.account.requests) == (4, 3)
    assert stored(store, "rejects", "line, reason") == [(3, "not JSON")]
    ((note,),) = ask(store, "SELECT json_extract_string(attributes, '/note') FROM requests WHERE model = 'long'")
    assert note == "é" * 40_000


@pytest.mark.parametrize("cut", [in_docker, in_cri])
def test_a_line_in_parts_that_is_still_being_written_waits_for_the_rest(cut: Any, tmp_path: Path) -> None:
    log, store = tmp_path / "app.log", tmp_path / "store.duckdb"
    lines = [line if isinstance(line, bytes) else line.encode() for line in [*cut(DATED), *cut(LONG)]]
    log.write_bytes(b"\n".join(lines[:4]) + b"\n")
    (outcome,) = read(store, log)
    assert (outcome.account.requests, outcome.account.rejected, outcome.incomplete) == (1, 0, 1)
    log.write_bytes(b"\n".join(lines) + b"\n")
    (outcome,) = read(store, log)
    assert (outcome.account.requests, outcome.account.rejected, outcome.incomplete) == (1, 0, 0)
    assert stored(store, columns="model") == [("dated",), ("long",)]
    check_accounts(store)


@pytest.mark.parametrize("cut", [in_docker, in_cri])
def test_a_part_whose_rest_is_lost_costs_no_neighbour(cut: Any, tmp_path: Path) -> None:
    log, store = tmp_path / "app.log", tmp_path / "store.duckdb"
    lines = [line if isinstance(line, bytes) else line.encode() for line in [*cut(LONG)[:2], *cut(DATED), *cut(DATED)]]
    log.write_bytes(b"\n".join(lines) + b"\n")
    (outcome,) = read(store, log)
    assert (outcome.account.requests, outcome.incomplete) == (2, 0)
    assert outcome.account.rejected == outcome.account.read - 2 > 0


def test_a_record_of_firehose_may_hold_several_without_line_ends(tmp_path: Path) -> None:
    log, store = tmp_path / "app.log", tmp_path / "store.duckdb"
    log.write_text(json.dumps(firehose(DATED + UNDATED)) + "\n" + DATED + DATED + "\n")
    (outcome,) = read(store, log)
    assert stored(store) == [("dated", AT), ("undated", OUTER), ("dated", AT), ("dated", AT)]
    assert (outcome.account.read, outcome.account.rejected) == (4, 0)


def test_what_is_no_text_in_a_record_of_firehose_is_refused_alone(tmp_path: Path) -> None:
    log, store = tmp_path / "app.log", tmp_path / "store.duckdb"
    batch = firehose(DATED)
    batch["records"] += [
        {"data": "!!!"},
        {"data": base64.b64encode(b"\xff\xfe{}").decode()},
        {},
        {"data": packed(DATED)},
    ]
    log.write_text(json.dumps(batch) + "\n" + DATED + "\n")
    (outcome,) = read(store, log)
    assert stored(store, columns="line") == [(1,), (1,), (2,)]
    assert (outcome.account.read, outcome.account.rejected) == (3 + outcome.account.rejected, 3)


def test_a_pretty_printed_answer_of_cloudwatch_is_opened(tmp_path: Path) -> None:
    log, store = tmp_path / "events.json", tmp_path / "store.duckdb"
    answer = filtered_events(DATED)
    answer["events"] = [{**answer["events"][0], "message": text} for text in (DATED, WORDS, UNDATED) * 5000]
    log.write_text(json.dumps(answer, indent=4))
    (outcome,) = read(store, log)
    assert (outcome.account.requests, outcome.account.events, outcome.account.rejected) == (10_000, 5_000, 0)


def test_entries_of_google_as_gcloud_prints_them_are_opened(tmp_path: Path) -> None:
    log, store = tmp_path / "entries.json", tmp_path / "store.duckdb"
    log.write_text(json.dumps([gcp_json(DATED), gcp_text(WORDS), gcp_text(UNDATED)], indent=2) + "\n")
    (outcome,) = read(store, log)
    assert stored(store) == [("dated", AT), ("undated", OUTER)]
    assert (outcome.account.events, outcome.account.rejected) == (1, 0)


def test_bytes_of_the_journal_that_are_no_utf_8_are_replaced(tmp_path: Path) -> None:
    log, store = tmp_path / "journal.json", tmp_path / "store.duckdb"
    message = b'{"model":"m","team":"caf\xe9"}'
    entries = [{**journal(""), "MESSAGE": list(message)}, {**journal(""), "MESSAGE": None}, journal("[1] words")]
    entries.append({**journal(""), "MESSAGE": [1, 999, "x"]})
    log.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    (outcome,) = read(store, log)
    assert stored(store, columns="model, team") == [("m", "caf\ufffd")]
    assert stored(store, "events", "line, message")[1] == (3, "[1] words")
    assert outcome.account.read == 4


def test_envelopes_within_envelopes_are_opened(tmp_path: Path) -> None:
    log, store = tmp_path / "app.log", tmp_path / "store.duckdb"
    nested = (
        json.dumps(filebeat(json.dumps(docker(UNDATED)))),
        json.dumps(subscription(json.dumps(fluent_bit_of_kubernetes(DATED)))),
        f"{OUTER_ISO} stdout F " + json.dumps(gcp_text(UNDATED)),
        json.dumps(docker(f"{OUTER_ISO} stdout F {DATED}")),
    )
    log.write_text("".join(f"{line}\n" for line in nested))
    read(store, log)
    assert stored(store, columns="line, model, time") == [
        (1, "undated", OUTER), (2, "dated", AT), (3, "undated", OUTER), (4, "dated", AT)
    ]  # fmt: skip


def test_records_that_only_look_like_envelopes_are_read_as_they_are(tmp_path: Path) -> None:
    log, store = tmp_path / "app.log", tmp_path / "store.duckdb"
    time = {"timestamp": "2026-10-05T08:00:00Z"}
    records = [
        {**time, "model": "m", "message": DATED, "@timestamp": OUTER_ISO},
        {**time, "model": "m", "log": DATED},
        {**time, "model": "m", "records": [{"data": "x"}], "requestId": "r"},
        {**time, "model": "m", "events": ["started"]},
        {**time, "level": "info", "message": "{not JSON", "service": "triage"},
        {"@timestamp": time["timestamp"], "message": "answered", "log": {"level": "info"}},
    ]
    log.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    (outcome,) = read(store, log)
    assert stored(store, columns="line, model, time") == [(line, "m", AT) for line in (1, 2, 3, 4)]
    assert stored(store, "events", "line, message") == [(5, "{not JSON"), (6, "answered")]
    assert outcome.account.rejected == 0


def test_reading_envelopes_again_adds_nothing(tmp_path: Path) -> None:
    log, store = tmp_path / "app.log", tmp_path / "store.duckdb"
    log.write_text("".join(f"{json.dumps(wrap(UNDATED))}\n" for wrap in OBJECTS))
    (first,) = read(store, log)
    copy = tmp_path / "copy.log"
    copy.write_text(f"{DATED}\n" + log.read_text())
    (outcome,) = read(store, copy)
    assert (outcome.account.requests, outcome.account.duplicates) == (1, first.account.read)


def test_a_cut_record_is_whole_wherever_in_a_small_log_its_parts_stand(tmp_path: Path) -> None:
    banner = ["Listening on port 8080"] * 9
    parts = [f"{OUTER_ISO} stdout P {DATED[:30]}", f"{OUTER_ISO} stdout F {DATED[30:]}"]
    (tmp_path / "app.log").write_text("\n".join([*banner, *parts, *banner]) + "\n")
    read(tmp_path / "s.duckdb", tmp_path / "app.log")
    assert ask(tmp_path / "s.duckdb", "SELECT time, model, input_tokens, line FROM requests") == [(AT, "dated", 3, 10)]
    assert ask(tmp_path / "s.duckdb", "SELECT count(*), min(line), max(line) FROM rejects") == [(18, 1, 20)]
