"""`docs/formats.md` says what the formats say of themselves. `python tests/test_formats_doc.py` writes it anew."""

from collections.abc import Iterator
from pathlib import Path

from tollbook.ingest.formats import Format, native, shipped
from tollbook.report.formats import mapping, told_by

DOCUMENT = Path(__file__).parents[1] / "docs" / "formats.md"
INTRODUCTION = """\
# Log formats

Every record is told by its keys, whatever file it stands in: no option is needed, and formats may be mixed in one file.
`--log-format NAME` forces one. `tollbook formats` lists them, and `tollbook formats NAME` shows what one reads.

A built-in format reads only what is listed here: such logs hold prompts and answers, and those never reach the store.
The native format, and those of your own (`[formats.NAME]` in the configuration), keep everything else in `attributes`.
In paths, `/` goes into an object, and `#` into JSON that is written as a text. Of several paths the first that has a
value counts; a value in quotation marks holds where none has. Where a path names a provider's usage object, its counts
are read by the provider's own rules: whether cached tokens are part of the input is proved by the total, where there is
one.

<!-- Made from src/tollbook/formats: python tests/test_formats_doc.py -->
"""


def page() -> str:
    """Return what the document should say."""
    calls = [format_ for format_ in shipped() if not format_.is_envelope]
    envelopes = [format_ for format_ in shipped() if format_.is_envelope]
    parts = [INTRODUCTION, *contents(calls, envelopes), "## Formats\n"]
    parts += ["\n".join(section(format_)) for format_ in calls]
    parts += ["## Envelopes\n\nWhat they hold is read as if it stood in the log by itself.\n"]
    parts += ["\n".join(section(format_)) for format_ in envelopes]
    parts += ["## native\n\nThe native log line takes every record that no other format claims.\n", *table(native())]
    return "\n".join(parts).rstrip() + "\n"


def contents(calls: list[Format], envelopes: list[Format]) -> Iterator[str]:
    yield "| format | what it is |\n|---|---|"
    for format_ in (*calls, *envelopes):
        yield f"| [`{format_.name}`](#{format_.name}) | {format_.title} |"
    yield "| [`native`](#native) | one JSON object a line, in tollbook's own names or common ones |\n"


def section(format_: Format) -> Iterator[str]:
    yield f"### {format_.name}\n"
    ways = "; or ".join(map(code, told_by(format_)))
    yield f"{format_.title} ([described here]({format_.source})). Told by {ways}.\n"
    yield f"```json\n{format_.example.strip()}\n```\n"
    yield from table(format_)


def table(format_: Format) -> Iterator[str]:
    rows = mapping(format_)
    if rows:
        yield "| field | read from |\n|---|---|"
        yield from (f"| {code(field)} | {code(path)} |" for field, path in rows)
        yield ""


def code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def test_the_document_says_what_the_formats_say():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == page(), "Run `python tests/test_formats_doc.py` to write docs/formats.md anew."


if __name__ == "__main__":
    DOCUMENT.write_text(page(), encoding="utf-8")
