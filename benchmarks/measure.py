"""Running processes and measuring them, whole: start-up, work and exit."""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median

TOLLBOOK = (sys.executable, "-m", "tollbook")
PLAIN = (sys.executable, str(Path(__file__).with_name("plain.py")))
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Subject:
    """A process to measure.

    Args:
        name: What the table calls it.
        command: Its command line.
        prepare: Called before every run, not measured; e.g. to remove what the last run wrote.
        codes: Exit codes that mean it did its work.
    """

    name: str
    command: Sequence[str]
    prepare: Callable[[], None] = lambda: None
    codes: Collection[int] = (0,)


@dataclass
class Measured:
    """Runs of one subject: seconds of the clock and of all cores, peak memory in bytes, what the last one printed."""

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    output: str = ""

    @property
    def median_s(self) -> float:
        return median(self.seconds)

    @property
    def peak_mb(self) -> float:
        return max(self.peaks) / 1e6


def interleaved(subjects: Sequence[Subject], repetitions: int, folder: Path) -> dict[str, Measured]:
    """Run the subjects in turn, so that whatever else the machine does meets all of them; return the runs by name."""
    measured = {subject.name: Measured() for subject in subjects}
    for repetition in range(repetitions):
        for subject in subjects if repetition % 2 == 0 else reversed(subjects):
            subject.prepare()
            _run(subject, folder, measured[subject.name])
    return measured


def _run(subject: Subject, folder: Path, runs: Measured) -> None:
    # A child's peak starts at its parent's memory, so this process stays small: it imports neither duckdb nor tollbook.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        os.sync()  # or whoever commits would wait for what was written before
        started = time.perf_counter()
        process = subprocess.Popen(subject.command, stdout=out, stderr=err, cwd=folder, env=_environment(folder))
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode not in subject.codes:
            command = " ".join(subject.command)
            sys.exit(f"benchmarks: {command}\nexited with {process.returncode}: {err.read().decode()}")
        runs.seconds.append(seconds)
        runs.cpu_seconds.append(usage.ru_utime + usage.ru_stime)
        runs.peaks.append(usage.ru_maxrss * _MAXRSS_BYTES)
        runs.output = out.read().decode()


def _environment(folder: Path) -> Mapping[str, str]:
    """Return the environment without anything that configures tollbook."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOLLBOOK_", "XDG_"))}
    return {**kept, "XDG_CONFIG_HOME": str(folder / "no-config"), "NO_COLOR": "1"}


def surroundings() -> str:
    """Return a sentence about where the numbers come from."""
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"DuckDB {version('duckdb')}, tollbook {version('tollbook')}."
    )
