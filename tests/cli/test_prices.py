"""The commands `prices list` and `prices show`, as users run them."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

Tollbook = Callable[..., CompletedProcess[str]]


def test_show_gives_every_price_of_a_model_and_what_its_name_means(tollbook: Tollbook):
    ran = tollbook("prices", "show", "us.anthropic.claude-opus-4-6-v1", "--provider", "bedrock", "--format", "json")
    assert (ran.returncode, ran.stderr) == (0, "")
    shown = json.loads(ran.stdout)
    assert shown["schema"] == "tollbook.prices-show/1"
    assert shown["key"] == "aws/regional.anthropic.claude-opus-4-6-v1:0"
    assert shown["matched"] == {"name": "us.anthropic.claude-opus-4-6-v1", "by": "provider", "alias": None}
    assert shown["catalogue"].startswith("genai-prices-")
    [price] = shown["rows"]
    assert (price["input"], price["cached_input"], price["output"]) == ("5.50", "0.55", "27.50")
    assert price["in_force"] is True


def test_show_at_a_moment_gives_the_prices_of_that_moment_only(tollbook: Tollbook):
    for at, rate in (("2026-07-29T23:59:59Z", "1.00"), ("2026-07-30", "0.20")):
        ran = tollbook("prices", "show", "gpt-5.6-luna", "--at", at, "--format", "json")
        rows = [row for row in json.loads(ran.stdout)["rows"] if row["service_tier"] == "standard"]
        assert [row["input"] for row in rows if row["over_tokens"] is None] == [rate]


def test_show_says_when_a_price_depends_on_the_hour_and_the_day(tollbook: Tollbook):
    ran = tollbook("--at", "2026-11-23T02:00Z", "prices", "show", "deepseek-flash")
    assert "01:00-04:00 Mon-Fri" in ran.stdout
    assert "Sat-Sun" in ran.stdout
    in_force = [line for line in ran.stdout.splitlines() if line.rstrip().endswith("yes")]
    assert len(in_force) == 1
    assert " 0.30 " in in_force[0]


def test_show_follows_the_aliases_of_the_configuration(tollbook: Tollbook, tmp_path: Path):
    (tmp_path / "tollbook.toml").write_text('[models.aliases]\n"my-gpt4o-deployment" = "azure/gpt-4o"\n')
    ran = tollbook("prices", "show", "my-gpt4o-deployment")
    assert ran.returncode == 0
    assert "my-gpt4o-deployment is priced as azure/gpt-4o" in ran.stdout


def test_a_model_without_a_price_fails_with_the_nearest_names_and_how_to_alias(tollbook: Tollbook):
    ran = tollbook("prices", "show", "gpt-4oo")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "openai/gpt-4o" in ran.stderr
    assert '[models.aliases]: "gpt-4oo" = "openai/gpt-4o"' in ran.stderr


def test_an_alias_to_nothing_is_told_apart_from_an_unknown_model(tollbook: Tollbook, tmp_path: Path):
    (tmp_path / "tollbook.toml").write_text('[models.aliases]\nmine = "nothing-of-the-kind"\n')
    ran = tollbook("prices", "show", "mine")
    assert ran.returncode == 1
    assert "The alias of 'mine'" in ran.stderr


def test_an_unknown_provider_is_wrong_usage(tollbook: Tollbook):
    ran = tollbook("prices", "list", "--provider", "opnai")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "Did you mean 'openai'?" in ran.stderr


def test_list_filters_by_provider_and_name(tollbook: Tollbook):
    ran = tollbook(
        *("--at", "2026-11-23", "prices", "list", "--provider", "Anthropic"),
        *("--model-filter", "OPUS-4-6", "--format", "csv"),
    )
    [row] = csv.DictReader(io.StringIO(ran.stdout))
    assert (row["provider"], row["model"], row["input"], row["output"]) == (
        "anthropic",
        "claude-opus-4-6",
        "5.00",
        "25.00",
    )
    assert row["varies_by"] == "date, prompt size, batch"


def test_list_without_filters_shows_the_whole_catalogue(tollbook: Tollbook):
    ran = tollbook("prices", "list", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.stdout)))
    assert len(rows) > 2_000
    assert len({(row["provider"], row["model"]) for row in rows}) == len(rows)
