"""Damage that looks for new ways through the code: `python tests/fuzz.py --minutes 10` (needs `pip install atheris`).

libFuzzer chooses what to damage further by the lines of `tollbook.ingest` that were run. It ends at the first damage
that crashes or hangs the reader, takes too much memory, or costs a good neighbour, and keeps it in `--corpus` beside
everything that it found its way with.
"""

import argparse
import random
import sys
import tempfile
import zlib
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit("The fuzzer needs atheris: pip install atheris.")

with atheris.instrument_imports(include=["tollbook.ingest"]):
    import tollbook.ingest.run  # noqa: F401 - instrumented before others import it

from damaging import EVERY, check_judged, check_stored, damaged, seeds
from tollbook.ingest.judge import Formats
from tollbook.ingest.run import connection

# Every format that a log holds costs time; what they have in common is reached through a few.
FORMATS = Formats(
    EVERY.native, tuple(each for each in EVERY.others if each.is_envelope or each.name == "openai_response")
)
SOUND = seeds(FORMATS)
CON = connection("UTC")
SEPARATOR = b"\n\n"  # between segments; a good line goes there
_MOST_BYTES = 64 * 1024
_MOST_SEGMENTS = 24
_HANGS_AFTER_S = 120
_MOST_MEMORY_MB = 3072
_STORED_EVERY = 16


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Damage some segments of the input, as libFuzzer asks for."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    segments = data.split(SEPARATOR)[:_MOST_SEGMENTS]
    for _ in range(chance.randint(1, 12)):
        place = chance.randrange(len(segments))
        if chance.random() < 0.2 and len(segments) < _MOST_SEGMENTS:
            segments.insert(place, chance.choice(SOUND).encode())
        segments[place] = damaged(segments[place], chance, SOUND)
    if chance.random() < 0.1:
        segments.append(atheris.Mutate(segments.pop(), most))
    return SEPARATOR.join(segments)[:most]


def test_one_input(data: bytes) -> None:
    """Check one input of the fuzzer; some all the way through a store, which takes longer."""
    segments = data.split(SEPARATOR)[:_MOST_SEGMENTS]
    check_judged(CON, segments, FORMATS)
    if zlib.crc32(data) % _STORED_EVERY == 0:
        check_stored(segments, FORMATS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="keep inputs here (default: a temporary folder)")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--one", type=Path, metavar="FILE", help="check this input, and no other")
    options = parser.parse_args()
    if options.one:
        test_one_input(options.one.read_bytes())
        return
    corpus = options.corpus or Path(tempfile.mkdtemp(prefix="tollbook-fuzz-"))
    corpus.mkdir(parents=True, exist_ok=True)
    lines = [seed.encode() for seed in SOUND]
    for number in range(0, len(lines), _MOST_SEGMENTS // 2):
        (corpus / f"seed-{number}").write_bytes(SEPARATOR.join(lines[number : number + _MOST_SEGMENTS // 2]))
    arguments = [
        sys.argv[0], str(corpus), f"-artifact_prefix={corpus}/", f"-seed={options.seed}", f"-max_len={_MOST_BYTES}",
        f"-max_total_time={round(options.minutes * 60)}", f"-timeout={_HANGS_AFTER_S}",
        f"-rss_limit_mb={_MOST_MEMORY_MB}", "-len_control=0", "-print_final_stats=1",
    ]  # fmt: skip
    atheris.Setup(arguments, test_one_input, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
