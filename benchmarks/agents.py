"""Sessions of a coding agent: `tollbook ingest` and a report beside ccusage, which reads every file each time."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.ingest import remove
from benchmarks.measure import TOLLBOOK, Measured, Subject, interleaved
from benchmarks.table import Section

CCUSAGE, CCUSAGE_IN_JAVASCRIPT = "ccusage@20.0.24", "ccusage@18.0.11"
_MODELS = ("claude-sonnet-4-6", "claude-sonnet-4-6", "claude-opus-4-6", "claude-haiku-4-5-20251001")
_PROJECTS = ("billing", "gateway", "console", "terraform", "docs")
_WORDS = (
    "the",
    "request",
    "was",
    "sent",
    "to",
    "a",
    "replica",
    "whose",
    "answer",
    "is",
    "kept\n",
    "for",
    "later",
    "reads",
)
_COLUMNS = ("", "time", "beside ccusage", "peak")
_CLASSES = ("inputTokens", "cacheReadTokens", "cacheCreationTokens", "outputTokens")


def measure_agents(work: Path, *, megabytes: int, repetitions: int) -> Section:
    """Measure both and return the table; where ccusage cannot be installed, the table says so."""
    sys.stderr.write(f"agents, {megabytes} MB of sessions ...\n")
    tree = work / "claude"
    shutil.rmtree(tree, ignore_errors=True)
    size = write_sessions(tree / "projects", megabytes * 1_000_000)
    store, again = work / "agents.duckdb", work / "agents-again.duckdb"
    remove(again)
    subjects = [
        Subject("tollbook, the first time", _tollbook(store, tree), lambda: remove(store)),
        Subject("tollbook, from then on", _tollbook(again, tree)),
    ]
    interleaved(subjects[1:], 1, work)
    environment = ("env", f"CLAUDE_CONFIG_DIR={tree}", f"HOME={work}")
    ccusage = _install(work, CCUSAGE, "@ccusage/*/bin/ccusage*")
    if ccusage:
        subjects.append(Subject("ccusage", (*environment, *ccusage)))
        _compare(work, again, subjects[-1])
    earlier = _install(work, CCUSAGE_IN_JAVASCRIPT, "ccusage/dist/index.js")
    if earlier:
        subjects.append(Subject("ccusage in JavaScript", (*environment, "node", *earlier)))
    measured = interleaved(subjects, repetitions, work)
    text = (
        f"{size / 1e6:,.0f} MB of Claude Code sessions, with the blocks of streamed answers and side conversations. "
        f"Whole processes, median of {repetitions} runs in turn. tollbook is `ingest` of the folder and `usage --by "
        "day,model`, into a new store and once more into the same one; ccusage, the program without the Node.js that "
        f"starts it, is `{CCUSAGE} daily --json --offline`. "
    )
    text += "Both tell the same tokens by day and model." if ccusage else "It could not be installed: skipped."
    if earlier:
        text += (
            f" `{CCUSAGE_IN_JAVASCRIPT}`, the last that Node.js 20 runs, counts the first block of a streamed answer "
            "and every replay."
        )
    for path in (store, again):
        remove(path)
    return Section("Coding agents", text, _COLUMNS, [_row(name, measured) for name in measured])


def _row(name: str, measured: dict[str, Measured]) -> list[str]:
    runs, ccusage = measured[name], measured.get("ccusage")
    ratio = f"{runs.median_s / ccusage.median_s:.2f}" if ccusage else ""
    return [name, f"{runs.median_s:.2f} s", ratio, f"{runs.peak_mb:,.0f} MB"]


def _tollbook(store: Path, tree: Path) -> tuple[str, ...]:
    """Return the command line that reads the folder and prints the report."""
    tollbook = f"{' '.join(TOLLBOOK)} --store '{store}'"
    report = "usage --by day,model --since 2026-01-01 --until 2027-01-01 --format json"
    return ("sh", "-c", f"{tollbook} --quiet ingest '{tree}' >&2 && {tollbook} {report}")


def _install(work: Path, package: str, program: str) -> tuple[str, ...] | None:
    """Return the command line of a ccusage, which npm puts into the work folder; None where it cannot be had."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    folder = work / package
    options = ("--no-audit", "--no-fund", "--silent", "--prefix", str(folder))
    done = subprocess.run([npm, "install", *options, package], check=False, capture_output=True)
    programs = sorted(folder.glob(f"node_modules/{program}"))
    if done.returncode != 0 or not programs:
        return None
    programs[0].chmod(0o755)  # as its starter does
    return (str(programs[0]), "daily", "--json", "--offline", "--timezone", "UTC")


def _compare(work: Path, store: Path, ccusage: Subject) -> None:
    """See that both tell the same tokens, all classes, by day and model."""
    told = Subject("tollbook", ("sh", "-c", _tollbook(store, work / "claude")[2]))
    outputs = {name: json.loads(runs.output) for name, runs in interleaved([told, ccusage], 1, work).items()}
    theirs = {
        (day["period"], model["modelName"]): tuple(model[name] for name in _CLASSES)
        for day in outputs["ccusage"]["daily"]
        for model in day["modelBreakdowns"]
    }
    mine = {}
    for row in outputs["tollbook"]["rows"]:
        cached, written = row["cached_input_tokens"] or 0, row["cache_write_tokens"] or 0
        mine[row["day"], row["model"]] = (row["input_tokens"] - cached - written, cached, written, row["output_tokens"])
    if mine != theirs:
        differ = [(key, mine.get(key), theirs.get(key)) for key in {*mine, *theirs} if mine.get(key) != theirs.get(key)]
        sys.exit(f"benchmarks: tollbook and ccusage tell other tokens: {sorted(differ)[:3]}")


def write_sessions(projects: Path, size: int, seed: int = 1) -> int:
    """Write folders of session files until they hold `size` bytes; return how many they hold."""
    random = Random(seed)
    written = 0
    number = 0
    while written < size:
        project = _PROJECTS[number % len(_PROJECTS)]
        session = f"{number:08x}-0000-4000-8000-{random.getrandbits(48):012x}"
        folder = projects / f"-srv-{project}"
        for path, lines in _session(random, number, project, session):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            written += (folder / path).write_text("".join(lines), encoding="utf-8")
        number += 1
    return written


def _session(random: Random, number: int, project: str, session: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the files of a session, each with its lines."""
    common = {
        "isSidechain": False,
        "cwd": f"/srv/{project}",
        "sessionId": session,
        "version": "2.1.205",
        "gitBranch": "main",
    }
    moment = datetime(2026, 9, 1) + timedelta(hours=number * 2.3 % 720)
    lines, answers = [], []
    cached = 15_000
    for turn in range(random.randint(5, 80)):
        moment += timedelta(seconds=random.randint(4, 90))
        stamp = {"uuid": f"{session[:24]}{turn:04x}0000", "timestamp": f"{moment.isoformat(timespec='milliseconds')}Z"}
        asked = {
            "role": "user",
            "content": [{"type": "tool_result", "content": _text(random, random.randint(20, 900))}],
        }
        lines.append(_line(type="user", **common, **stamp, message=asked))
        blocks, output, wrote = random.randint(1, 4), random.randint(20, 1500), random.randint(0, 4000)
        answer = {
            "id": f"msg_{number:06x}{turn:04x}",
            "type": "message",
            "role": "assistant",
            "model": random.choice(_MODELS),
        }
        request = {"requestId": f"req_{number:06x}{turn:04x}"}
        for block in range(1, blocks + 1):
            usage = {
                "input_tokens": 3, "cache_creation_input_tokens": wrote, "cache_read_input_tokens": cached,
                "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": wrote},
                "output_tokens": output * block // blocks, "service_tier": "standard",
            }  # fmt: skip
            message = {**answer, "content": [{"type": "text", "text": _text(random, 120)}], "usage": usage}
            lines.append(_line(type="assistant", **common, **stamp, **request, message=message))
        answers.append((stamp, message))
        cached += wrote
    yield f"{session}.jsonl", lines
    if number % 5 == 0:  # a question aside, which replays what was said before it under requests of its own
        aside = {**common, "isSidechain": True}
        replays = [
            _line(type="assistant", **aside, **stamp, requestId=f"req_aside_{index}_{number}", message=message)
            for index, (stamp, message) in enumerate(answers[:10])
        ]
        yield f"{session}/subagents/agent-{number:08x}.jsonl", replays


def _line(**record: Any) -> str:
    return json.dumps(record, separators=(",", ":")) + "\n"


def _text(random: Random, words: int) -> str:
    start = random.randrange(len(_WORDS))
    return " ".join(_WORDS[(start + number * 7) % len(_WORDS)] for number in range(words))
