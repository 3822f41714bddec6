"""The README: what it shows is what the program prints. `python tests/test_readme.py` writes its outputs anew."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from tollbook.cli.app import app
from tollbook.cli.app import run as run_tollbook

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BLOCK = re.compile(r"(?<=```console\n).*?(?=```\n)", re.DOTALL)
CUT = "..."  # a line that stands for the rest of an output
NOT_RUN = ("make ", "pip ")
FOLDER = "/srv/llm-logs"  # what the README calls the folder of its examples; as long as `/tmp/` and eight letters


def examples(block: str) -> list[tuple[str, list[str]]]:
    """Return the commands of a block, each with the lines shown below it."""
    found: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def run(command: str, folder: Path) -> list[str]:
    """Return what a command prints, as a terminal would show it: stdout and stderr."""
    path = f"{Path(sys.executable).parent}{os.pathsep}/usr/bin{os.pathsep}/bin"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={"PATH": path, "HOME": str(folder), "TOLLBOOK_STORE": str(folder / "tollbook.duckdb")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout.rstrip("\n").replace(str(folder), FOLDER).splitlines()


def squeezed(lines: list[str]) -> list[str]:
    """Return lines without the widths of their columns: those depend on the length of the folder's name."""
    return [re.sub(r" {2,}", " ", re.sub("-{4,}", "----", line)) for line in lines]


def shown(output: list[str], before: list[str]) -> list[str]:
    """Return an output cut where the README cuts it."""
    cut = CUT in before
    return [*output[: before.index(CUT)], CUT] if cut else output


def played(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Run the README's examples in order in a folder with the sample logs; yield command, shown and printed lines."""
    shutil.copytree(ROOT / "sample_logs", folder / "sample_logs")
    for block in BLOCK.findall(README.read_text(encoding="utf-8")):
        for command, lines in examples(block):
            if not command.startswith(NOT_RUN):
                yield command, lines, shown(run(command, folder), lines)


def commands() -> list[str]:
    """Return every command of the application, as it is typed."""
    names = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        names += [f"{name} {part}" for part in command.commands] if hasattr(command, "commands") else [name]
    return names


def test_every_example_of_the_readme_prints_what_is_shown(tmp_path: Path):
    for command, lines, output in played(tmp_path):
        assert squeezed(lines) == squeezed(output), (
            f"Run `python tests/test_readme.py` to show what `{command}` prints now."
        )


@pytest.mark.parametrize("command", commands())
def test_every_command_is_in_the_readme_and_the_reference(command: str):
    group, _, name = command.partition(" ")
    for document in (README, ROOT / "docs" / "cli.md"):
        text = document.read_text(encoding="utf-8")
        assert re.search(rf"`{group}`|`{command}|tollbook {command}", text), f"{command} is not in {document.name}"
        assert not name or re.search(rf"\b{name}\b", text), f"{command} is not in {document.name}"


@pytest.mark.parametrize("command", commands())
def test_the_help_of_every_command_has_an_example(command: str, capsys: pytest.CaptureFixture[str]):
    assert run_tollbook([*command.split(), "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert re.search(rf"Examples?: .*\b{command}\b", text)


def test_every_link_of_the_documents_leads_somewhere():
    for document in (README, *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8")):
            assert target.startswith("https://") or (document.parent / target).exists(), (document.name, target)


def write_anew() -> None:
    """Put what the examples print now into the README."""
    with tempfile.TemporaryDirectory(prefix="", dir="/tmp") as folder:  # FOLDER is as long
        printed = {command: output for command, _, output in played(Path(folder))}

    def filled(block: re.Match[str]) -> str:
        lines = []
        for command, before in examples(block[0]):
            lines += [f"$ {command}", *printed.get(command, before)]
        return "\n".join(lines) + "\n"

    README.write_text(BLOCK.sub(filled, README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write_anew()
