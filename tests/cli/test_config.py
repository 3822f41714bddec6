"""`config init`, `config show` and `config validate` as users run them."""

import json
from collections.abc import Callable
from pathlib import Path


def test_init_writes_a_file_that_is_valid_and_never_over_another(tollbook: Callable, tmp_path: Path):
    assert tollbook("config", "init").returncode == 0
    file = tmp_path / "tollbook.toml"
    assert tollbook("config", "validate").stdout == f"OK: {file}\n"
    file.write_text('currency = "EUR"')
    done = tollbook("config", "init")
    assert (done.returncode, file.read_text()) == (1, 'currency = "EUR"')
    assert "stays as it is" in done.stderr


def test_validate_without_a_file_is_fine(tollbook: Callable):
    done = tollbook("config", "validate")
    assert (done.returncode, done.stdout) == (0, "OK: there is no configuration file; the defaults hold.\n")


def test_validate_names_file_key_and_nearest_key(tollbook: Callable, tmp_path: Path):
    file = tmp_path / "tollbook.toml"
    file.write_text('[cost]\nsorce = "reported"')
    done = tollbook("config", "validate")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"tollbook: {file}: there is no key 'cost.sorce'. Did you mean 'source'?\n"


def test_validate_doubts_an_alias_to_a_model_without_a_price(tollbook: Callable, tmp_path: Path):
    file = tmp_path / "tollbook.toml"
    file.write_text('[models.aliases]\na = "openai/gpt-4o-mnii"\nb = "gpt-4o"\nc = "azure/gpt-4o"\nd = "gpt-oss-120b"')
    done = tollbook("config", "validate")
    assert (done.returncode, done.stdout) == (0, f"OK: {file}\n")
    assert done.stderr == (
        "Warning: models.aliases: the catalogue has no price for 'openai/gpt-4o-mnii', and 'a' gets none. "
        "Did you mean 'openai/gpt-4o-mini'?\n"
    )


def test_show_says_where_each_value_came_from(tollbook: Callable, tmp_path: Path):
    file = tmp_path / "tollbook.toml"
    file.write_text('timezone = "Europe/Berlin"\ncurrency = "EUR"\n[cost]\nsource = "reported"')
    done = tollbook(
        "--tz", "Asia/Tokyo", "config", "show", "--format", "json", env={"TOLLBOOK_STORE": "/elsewhere/s.duckdb"}
    )
    report = json.loads(done.stdout)
    assert (report["schema"], report["file"]) == ("tollbook.config-show/1", str(file))
    shown = {row["key"]: (row["value"], row["origin"]) for row in report["rows"]}
    assert shown["store"] == ("/elsewhere/s.duckdb", "TOLLBOOK_STORE")
    assert shown["timezone"] == ("Asia/Tokyo", "--tz")
    assert shown["currency"] == ("EUR", str(file))
    assert shown["cost.source"] == ("reported", str(file))
    assert shown["ingest.keep_excerpts"] == ("false", "default")
