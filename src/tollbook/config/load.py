"""Finding and reading the configuration, and saying where each of its values came from."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tollbook.config.keys import flatten
from tollbook.config.model import Config
from tollbook.errors import UsageError

FILE_NAME = "tollbook.toml"
CONFIG_VARIABLE = "TOLLBOOK_CONFIG"
STORE_VARIABLE = "TOLLBOOK_STORE"
DEFAULT = "default"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The configuration in force.

    Args:
        config: The values.
        file: The file that was read, or None where there is none.
        store_path: The store's file (unless `--store` names another), or None where nothing says where it is.
        origins: Dotted key (`cost.source`, `slo[1].name`) -> `default`, the file, or an environment variable.
    """

    config: Config
    file: Path | None
    store_path: Path | None
    origins: Mapping[str, str] = field(repr=False)


def load(config_file: Path | None = None) -> Settings:
    """Find and read the configuration.

    The first of these counts: the file given, the one that TOLLBOOK_CONFIG names, `tollbook.toml` in the
    current folder or one above it, the one in the user's configuration folder. None of them is fine.

    Args:
        config_file: `--config`, or None to look for a file.

    Raises:
        UsageError: A file that was named is not there, cannot be read, or holds a mistake; the message names
            the file, the key and what is allowed.
    """
    file = _find(config_file)
    if file is None:
        config, given = Config(), frozenset[str]()
    else:
        config, given = _read_file(file)
    return Settings(
        config=config,
        file=file,
        store_path=_store_path(config, file),
        origins=_origins(config, file, given),
    )


def _find(config_file: Path | None) -> Path | None:
    named, by = config_file, "--config"
    if named is None and (variable := os.environ.get(CONFIG_VARIABLE)):
        named, by = Path(variable), CONFIG_VARIABLE
    if named is not None:
        named = expand(named)
        if not _is_file(named):
            raise UsageError(f"There is no configuration file {named}, which {by} names, or it is closed to you.")
        return named.absolute()
    users = _user_folder("config")
    candidates = (folder / FILE_NAME for folder in (*_folders_upward(), *([users] if users else [])))
    return next(filter(_is_file, candidates), None)


def expand(path: Path) -> Path:
    """Return a path with `~` as the home folder: crontabs and unit files have no shell that would do it.

    Raises:
        UsageError: Nobody knows that home folder.
    """
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise UsageError(f"The home folder in {path} is not known. Write the path without '~'.") from error


def _is_file(path: Path) -> bool:
    """Return whether there is such a file, as far as we may look: cron can have another user's home folder."""
    try:
        return path.is_file()
    except PermissionError:
        return False


def _folders_upward() -> tuple[Path, ...]:
    try:
        here = Path.cwd()
    except OSError:  # the current folder is gone, or closed to us
        return ()
    return (here, *here.parents)


def _user_folder(kind: Literal["config", "data"]) -> Path | None:
    """Return a folder of the user's, None where nobody knows a home folder (a container with a user id of its own)."""
    import platformdirs  # noqa: PLC0415 - start-up: not needed where a file or a variable says it

    find = platformdirs.user_config_path if kind == "config" else platformdirs.user_data_path
    try:
        folder = find("tollbook").expanduser()
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None


def _read_file(file: Path) -> tuple[Config, frozenset[str]]:
    from tollbook.config.check import check  # noqa: PLC0415 - start-up: only where there is a file
    from tollbook.config.read import read  # noqa: PLC0415

    try:
        config, given = read(file.read_text(encoding="utf-8"))
        check(config)
    except OSError as error:
        raise UsageError(f"The configuration file {file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: it is not text in UTF-8.") from error
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error
    return config, given


def _store_path(config: Config, file: Path | None) -> Path | None:
    if variable := os.environ.get(STORE_VARIABLE):
        return expand(Path(variable))
    if config.store is not None and file is not None:
        return file.parent / expand(Path(config.store))
    folder = _user_folder("data")
    return folder / "tollbook.duckdb" if folder else None


def _origins(config: Config, file: Path | None, given: frozenset[str]) -> Mapping[str, str]:
    origins = {key: str(file) if key in given else DEFAULT for key, _ in flatten(config)}
    if os.environ.get(STORE_VARIABLE):
        origins["store"] = STORE_VARIABLE
    return origins
