"""Finding the sources that a user means: files, folders, globs, object stores, standard input."""

import fnmatch
import glob
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tollbook.errors import SourceError, SourceGoneError
from tollbook.ingest import objects
from tollbook.ingest.sources import STDIN, full_name

# Names of logs, rotated ones too: app.log.1, app.jsonl-20261001.gz, app.log.2026-10-01_13-00.zst, app.log.old
_LOG_NAME = re.compile(r"\.(jsonl|ndjson|json|log)([._-]?(\d[\dTZ:_.+-]*|old|bak))*(\.(gz|zst))?$", re.IGNORECASE)
_LOG_NAMES = "*.jsonl, *.ndjson, *.json, *.log, also as .1, -20261001, .gz or .zst"


@dataclass(frozen=True)
class Listed:
    """A source as it was listed.

    Args:
        name: Its path or address, or `-`.
        size: Bytes, packed as they are; None where nobody knows.
        version: Differs when the source does; None where that cannot be told.
        named: Whether the user named it, and not a folder or glob that it is in.
    """

    name: str
    size: int | None = None
    version: object = None
    named: bool = True


@dataclass(frozen=True)
class Listing:
    """What paths stand for.

    Args:
        sources: The sources, each once, in the order of the paths.
        errors: Why a path stands for nothing.
        left_out: Files in folders whose names are not those of logs.
    """

    sources: list[Listed] = field(default_factory=list)
    errors: list[SourceError] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def find_sources(paths: Sequence[str], patterns: Sequence[str] = ()) -> Listing:
    """Return the sources that paths, folders, globs and addresses stand for, each once.

    Args:
        paths: What the user wrote. A folder, or the prefix of an object store, stands for the logs below it.
        patterns: Which names are logs' in folders, as the shell writes them (`*.log*`); by default the usual ones.
            Hidden files and folders are never looked at.
    """
    found: dict[str, Listed] = {}
    listing = Listing()
    for text in paths:
        try:
            expand = _expand_address if objects.is_address(text) else _expand
            for source in expand(text, patterns, listing):
                found.setdefault(full_name(source.name), source)
        except SourceError as error:
            listing.errors.append(error)
    listing.sources.extend(found.values())
    return listing


def _expand(text: str, patterns: Sequence[str], listing: Listing) -> list[Listed]:
    if text == STDIN:
        return [Listed(STDIN)]
    path = Path(os.path.expanduser(text))  # noqa: PTH111 - `~nobody` is a name like any other
    try:
        if path.is_dir():
            return _chosen(text, _walk(path, listing), patterns, listing)
        if path.exists():
            return [_listed(str(path), named=True)]
        if glob.has_magic(text):
            names = glob.iglob(str(path), recursive=True)  # noqa: PTH207 - pathlib takes no absolute patterns
            if files := sorted(filter(_is_file, names)):
                return [_listed(name, named=False) for name in files]
            raise SourceGoneError(f"No file matches {text}.")
    except OSError as error:
        raise SourceError(f"{text} cannot be read: {error.strerror}.") from error
    raise SourceGoneError(f"There is no file or folder {text}.")


def _expand_address(text: str, patterns: Sequence[str], listing: Listing) -> list[Listed]:
    address = objects.parse(text)
    if glob.has_magic(address.key):
        matches = _glob(address.key)
        found = [
            Listed(item.address, item.size, item.version, named=False)
            for item in objects.below(address.folder(glob.has_magic))
            if matches(item.key)
        ]
        if not found:
            raise SourceGoneError(f"No object matches {text}.")
        return found
    if item := objects.find(address):
        return [Listed(item.address, item.size, item.version)]
    items = objects.below(address)
    return _chosen(text, ((i.key, Listed(i.address, i.size, i.version, named=False)) for i in items), patterns, listing)


def _chosen(text: str, below: Iterator[tuple[str, Listed]], patterns: Sequence[str], listing: Listing) -> list[Listed]:
    """Return what has the name of a log; the rest is left out, and said."""
    is_log = _matching(patterns)
    found = []
    for path, source in below:
        if is_log(path.rpartition("/")[2]):
            found.append(source)
        else:
            listing.left_out.append(source.name)
    if not found:
        kinds = " or ".join(patterns) if patterns else _LOG_NAMES
        raise SourceGoneError(f"The folder {text} holds no log files ({kinds}). Choose others with --pattern.")
    return found


def _matching(patterns: Sequence[str]) -> Callable[[str], bool]:
    if not patterns:
        return lambda name: _LOG_NAME.search(name) is not None
    return lambda name: any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _walk(folder: Path, listing: Listing) -> Iterator[tuple[str, Listed]]:
    """Yield the files below a folder, sorted by path; what is hidden, or closed to us, is passed by."""

    def refused(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise error
        if isinstance(error, FileNotFoundError):  # removed this moment
            return
        listing.errors.append(SourceError(f"The folder {error.filename} cannot be read: {error.strerror}."))

    names = []
    seen = {_place(str(folder))}  # links are followed, and each folder once: they can lead back
    for parent, folders, files in os.walk(folder, onerror=refused, followlinks=True):
        shown = {name: _place(os.path.join(parent, name)) for name in folders if not name.startswith(".")}  # noqa: PTH118
        folders[:] = [name for name, place in shown.items() if place not in seen]
        seen.update(shown.values())
        names += [os.path.join(parent, name) for name in files if not name.startswith(".")]  # noqa: PTH118 - speed
    for name in sorted(names):
        if _is_file(name):
            yield name, _listed(name, named=False)


def _place(folder: str) -> tuple[int, int] | str:
    """Return what is the same for a folder by whatever name."""
    try:
        status = Path(folder).stat()
    except OSError:  # whoever lists it will see
        return folder
    return status.st_dev, status.st_ino


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:  # a link to where we may not look: whoever reads it will say so
        return True


def _listed(name: str, *, named: bool) -> Listed:
    try:
        status = Path(name).stat()
    except OSError:  # rotated away this moment, or closed to us: whoever reads it will see
        return Listed(name, named=named)
    if not stat.S_ISREG(status.st_mode):
        return Listed(name, named=named)
    version = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return Listed(name, status.st_size, version, named=named)


def _glob(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether a key matches a glob, in which `**/` is any folders and hidden parts are left out."""
    parts = re.split(r"(\*\*/|\*|\?|\[[^\]]+\])", pattern)
    written = {"**/": r"(?:[^/.][^/]*/)*", "*": "[^/]*", "?": "[^/]"}
    regex = "".join(
        written.get(part) or (part.replace("[!", "[^") if part.startswith("[") and part[1:] else re.escape(part))
        for part in parts
    )
    return lambda key: re.fullmatch(regex, key) is not None
