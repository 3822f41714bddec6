"""Storms that last as long as one likes: `python tests/soak.py kills --minutes 10`, or `writers`.

`kills` ends ingests at random moments with SIGKILL; `writers` runs several at once, each over files of its own choice
and in its own order, and reports beside them. Whatever happened, the store must hold what one clean ingest makes.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from reading import check_accounts, content, read

SAMPLE = Path(__file__).parents[1] / "sample_logs"
DRIVER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from reading import read
read(Path(sys.argv[2]), *map(Path, sys.argv[4:]), batch_bytes=int(sys.argv[3]))
"""
KILLS_OF_ROUND = 25


def start(store: Path, logs: Sequence[Path], batch_bytes: int) -> subprocess.Popen[bytes]:
    """Begin to ingest logs in a process of its own."""
    arguments = [str(Path(__file__).parent), str(store), str(batch_bytes), *map(str, logs)]
    return subprocess.Popen([sys.executable, "-c", DRIVER, *arguments], stderr=subprocess.PIPE)


def make_logs(folder: Path, chance: random.Random) -> list[Path]:
    """Return logs that are small, and hard: ids that come back, twins, events, damage, copies, cut and grown ones."""
    names = ["one", "two", "three"]
    for name in names:
        lines = []
        for number in range(chance.randint(200, 1200)):
            record: dict[str, object] = {"ts": 1776679200 + number, "model": "gpt-4o", "output_tokens": number % 7}
            kind = chance.random()
            if kind < 0.3:
                record["request_id"] = str(chance.randrange(400))
            elif kind < 0.5:
                record = {"ts": 1776679200 + number // 50, "message": "retry"}
            lines.append("{damaged" if kind > 0.98 else json.dumps(record))
        (folder / f"{name}.jsonl").write_text("".join(line + "\n" for line in lines))
    text = (folder / "one.jsonl").read_text()
    (folder / "one.jsonl.1").write_text(text)
    (folder / "begun.jsonl").write_text(text[: len(text) // 2])
    for path in SAMPLE.glob("*.jsonl*"):
        if path.stat().st_size < 300_000:
            shutil.copy(path, folder)
    return sorted(folder.iterdir())


def kills(folder: Path, logs: Sequence[Path], chance: random.Random) -> str:
    """Kill ingests of one store at random moments, then let one end."""
    store, alive = folder / "store.duckdb", 0
    for _ in range(KILLS_OF_ROUND):
        process = start(store, logs, chance.choice([4_000, 20_000, 200_000]))
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.2, 2.5))
        process.kill()
        alive += process.wait() == 0
    ended(start(store, logs, 50_000))
    return f"{KILLS_OF_ROUND - alive} ingests killed"


def writers(folder: Path, logs: Sequence[Path], chance: random.Random) -> str:
    """Run ingests of one store at once, and reports beside them."""
    store = folder / "store.duckdb"
    running = []
    for _ in range(3):
        chosen = chance.sample(logs, chance.randint(1, len(logs)))
        running.append(start(store, chosen, chance.choice([4_000, 20_000, 200_000])))
    reports = 0
    while any(process.poll() is None for process in running):
        if store.exists():
            command = [sys.executable, "-m", "tollbook", "--store", str(store), "--lock-timeout", "300", "chargeback"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            reports += 1
    for process in running:
        ended(process)
    ended(start(store, logs, 50_000))
    return f"{len(running)} ingests at once, {reports} reports beside them"


def ended(process: subprocess.Popen[bytes]) -> None:
    """See that a process ends well."""
    _, err = process.communicate()
    assert process.returncode == 0, err.decode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("storm", choices=("kills", "writers"))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)  # noqa: S311
    until = time.monotonic() + options.minutes * 60
    rounds = 0
    while time.monotonic() < until:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "logs").mkdir()
            logs = make_logs(folder / "logs", chance)
            read(folder / "clean.duckdb", *logs)
            said = {"kills": kills, "writers": writers}[options.storm](folder, logs, chance)
            check_accounts(folder / "store.duckdb")
            assert content(folder / "store.duckdb") == content(folder / "clean.duckdb"), f"round {rounds}"
            rounds += 1
            sys.stdout.write(f"round {rounds}: {said}; the store is what one clean ingest makes\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
