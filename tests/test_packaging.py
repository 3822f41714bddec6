"""What is shipped: the sdist and the wheel, the lock, and what they depend on. Everything is built from the sdist."""

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tollbook import __version__

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
DEPENDENCIES = {canonicalize_name(Requirement(text).name) for text in PROJECT["project"]["dependencies"]}
DATA_ONLY = {"tzdata"}  # read by zoneinfo, imported by nobody
DEVELOPMENT = {"tollbook/prices/generate.py": {"genai-prices"}}  # makes the catalogue that is shipped


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    build(ROOT, "sdist", folder)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # since Python 3.11.4
        archive.extractall(folder, **safely)  # type: ignore[arg-type]  # noqa: S202 - made above
    return next(path for path in folder.iterdir() if path.is_dir())


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made from the sdist."""
    folder = tmp_path_factory.mktemp("wheel")
    build(sdist, "wheel", folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which Python finds the installed wheel and what it depends on, and nothing else."""
    site = tmp_path_factory.mktemp("site packages")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    run([*pip, "--target", str(site), str(wheel)], ROOT)
    for name in closure(DEPENDENCIES):
        for file in metadata.files(name) or ():
            top, link = file.parts[0], site / file.parts[0]
            if top != ".." and not link.exists() and not top.endswith(".pth"):
                link.symlink_to(Path(str(file.locate())).parents[len(file.parts) - 1] / top)
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(site), "HOME": str(site / "nowhere")}


def build(source: Path, target: str, folder: Path) -> None:
    run([sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)], source)


def run(command: list[str], folder: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def closure(names: set[str]) -> set[str]:
    """Return the distributions that these need at run time, themselves included."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        found.add(name := waiting.pop())
        for requirement in map(Requirement, metadata.requires(name) or ()):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting |= {canonicalize_name(requirement.name)} - found
    return found


def files(folder: Path, pattern: str = "**/*") -> set[str]:
    """Return the files below a folder, relative to it, without what Python and tools leave behind."""
    paths = (path.relative_to(folder) for path in folder.glob(pattern) if path.is_file())
    return {path.as_posix() for path in paths if not any(part.strip("_.").endswith("cache") for part in path.parts)}


def test_the_wheel_holds_the_code_its_data_the_queries_and_the_sample_and_nothing_else(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    code = {f"tollbook/{name}" for name in files(SRC / "tollbook")}
    queries = {f"tollbook/sql/{name}" for name in files(ROOT / "sql")}
    sample = {f"tollbook/sample_logs/{name}" for name in files(ROOT / "sample_logs")}
    assert {name for name in names if ".dist-info/" not in name} == code | queries | sample
    assert code >= {"tollbook/py.typed", "tollbook/formats/native.toml", "tollbook/prices/data/prices.csv"}
    assert code >= {"tollbook/store/migrations/0001_foundation.sql", "tollbook/config/template.toml"}
    assert queries >= {"tollbook/sql/latency.sql", "tollbook/sql/ingest/insert_requests.sql"}


def test_the_sdist_holds_what_tests_and_make_need(sdist: Path):
    for folder in ("src", "sql", "sample_logs", "tests", "docs", "benchmarks"):
        assert files(sdist / folder) == files(ROOT / folder), folder
    assert files(sdist, "*") >= {"Makefile", "README.md", "CHANGELOG.md", "LICENSE", "requirements.lock"}


def test_what_is_installed_runs_from_another_folder(installed: dict[str, str], tmp_path: Path):
    python = [sys.executable, "-S", "-m", "tollbook"]  # -S: only what PYTHONPATH names
    assert run([*python, "--version"], tmp_path, installed) == f"tollbook {PROJECT['project']['version']}\n"
    demo = run([*python, "demo"], tmp_path, installed)
    assert "ingest sample_logs" in demo
    assert demo == run([sys.executable, "-m", "tollbook", "demo"], ROOT)
    assert not list(tmp_path.iterdir())


def test_what_is_installed_writes_parquet(installed: dict[str, str], tmp_path: Path):
    python = [sys.executable, "-S", "-m", "tollbook", "--store", str(tmp_path / "store.duckdb")]
    run([*python, "ingest", str(ROOT / "sample_logs")], tmp_path, installed)
    run([*python, "chargeback", "--month", "2026-10", "--output", "october.parquet"], tmp_path, installed)
    assert (tmp_path / "october.parquet").read_bytes().startswith(b"PAR1")


def test_the_command_starts_the_program(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "tollbook = tollbook.__main__:main" in archive.read(name).decode()


def test_the_version_is_stated_once_in_the_package_and_once_in_the_project():
    assert __version__ == PROJECT["project"]["version"]


def test_the_lock_names_no_registry_and_pins_every_package_by_hash():
    assert not re.search(r"://|--(extra-)?index-url|--find-links|^-", LOCK, re.MULTILINE)
    for entry in re.split(r"\n(?=\S)", LOCK):
        assert re.match(r"[a-z0-9.-]+==\S+ .*\\\n +--hash=sha256:[0-9a-f]{64}", entry, re.DOTALL), entry


def test_the_lock_has_a_version_that_fits_for_every_dependency():
    pinned = dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", LOCK, re.MULTILINE))
    groups = PROJECT["dependency-groups"]
    for text in [*PROJECT["project"]["dependencies"], *groups["build"], *groups["dev"]]:
        requirement = Requirement(text)
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), text
    assert set(pinned) >= closure(DEPENDENCIES)
    assert "msgspec" not in pinned


# Modules that need an extra, and what it brings.
EXTRAS = {"tollbook/ingest/objects.py": {"boto3", "obstore"}}


def test_every_dependency_is_imported_and_everything_imported_is_a_dependency():
    used: set[str] = set()
    for path in SRC.rglob("*.py"):
        name = path.relative_to(SRC).as_posix()
        needed = imported(path) - DEVELOPMENT.get(name, set()) - EXTRAS.get(name, set())
        assert needed <= DEPENDENCIES, path
        used |= needed
    assert used | DATA_ONLY == DEPENDENCIES


def imported(path: Path) -> set[str]:
    """Return the distributions, beside Python and tollbook, that a module imports from anywhere in it."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module.partition(".")[0])
    others = modules - set(sys.stdlib_module_names) - {"tollbook"}
    return {canonicalize_name(distributions()[module][0]) for module in others}


@cache
def distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()
