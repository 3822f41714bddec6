"""Logs that overlap: what else would show that a store holds each record once, whoever brought it?"""

import itertools
import json
from pathlib import Path

from hypothesis import strategies as st

OLD, NEW = "2026-01-10T00:00:00Z", "2026-03-10T00:00:00Z"  # before and after 2026-02-01
_IDS = [
    json.dumps({"timestamp": time, "model": "m", "request_id": name, "output_tokens": tokens})
    for time, name, tokens in itertools.product((OLD, NEW), ("one", "two"), (1, 2, 3))
]
_TEXTS = [
    json.dumps({"timestamp": time, "message": "retry", "model": model})
    for time, model in itertools.product((OLD, NEW), ("a", None))
]
_REFUSED = ["{damaged", json.dumps({"timestamp": NEW, "input_tokens": -1}), "[1, 2]"]
_PRETTY = [
    json.dumps({"timestamp": time, "request_id": "two", "output_tokens": 2, "k": [1]}, indent=1) for time in (OLD, NEW)
]
_WELDED = [_IDS[0] + _TEXTS[0], _IDS[9] + _IDS[4], _TEXTS[3] + "{damaged"]
_POOL = [*_IDS, *_TEXTS, *_REFUSED, *_PRETTY, *_WELDED]

# Each file is a list of texts that take one line or more.
files = st.lists(st.lists(st.sampled_from(_POOL), max_size=10), min_size=2, max_size=4)


def write(folder: Path, number: int, texts: list[str]) -> Path:
    """Write a log that begins like no other."""
    path = folder / f"{number}.jsonl"
    head = json.dumps({"timestamp": NEW, "message": f"log {number} begins"})
    path.write_text("".join(text + "\n" for text in [head, *texts]))
    return path
