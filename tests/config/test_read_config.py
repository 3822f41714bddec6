"""The configuration is found where it should be, and every mistake in it is one sentence that helps."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tollbook.cli.session import Session
from tollbook.config.defaults import ALERTS, SLOS
from tollbook.config.load import load
from tollbook.config.model import Config
from tollbook.errors import UsageError
from tollbook.report.chargeback import chargeback_report
from tollbook.report.latency import latency_report
from tollbook.report.model import Window
from tollbook.report.relations import create_relations
from tollbook.report.scope import Scope
from tollbook.report.usage import usage_report
from tollbook.store.connection import reader

SLO = '[[slo]]\nname = "A"\n'
ALERT = '[[alert]]\nname = "A"\n'
KEPT = f'{SLO}objective = "99%"\n'
ONE_WINDOW = "slo[1]: give one of window (rolling, as '30d') and calendar ('month', 'week' or 'day')."
WHOLE = """
store = "data/tollbook.duckdb"
timezone = "Europe/Berlin"
dimensions = ["cost_center", "labels.region"]

[formats."my.agent"]
when = ["start_time_iso"]
model = "request_model"

[models.aliases]
"my-gpt4o" = "azure/gpt-4o"

[cost]
source = "reported"

[[slo]]
name = "Fast"
sli = "latency"
threshold = "800ms"
objective = 0.990
calendar = "month"
where = { environment = "production" }
by = ["team", "labels.region"]

[[alert]]
name = "Slow"
metric = "latency"
percentile = 99.9
above = "1.5s"
for = "10m"
"""


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A current folder and a home that hold nothing."""
    for name in ("TOLLBOOK_CONFIG", "TOLLBOOK_STORE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    here = tmp_path / "here" / "below"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    return here


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "tollbook.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_no_file_is_fine(tmp_path: Path):
    settings = load(None)
    assert (settings.config, settings.file) == (Config(), None)
    assert settings.store_path.is_relative_to(tmp_path / "home")
    assert set(settings.origins.values()) == {"default"}


def test_every_value_of_a_file_arrives_as_it_is_written(tmp_path: Path):
    file = written(tmp_path, WHOLE)
    settings = load(file)
    config = settings.config
    assert settings.store_path == tmp_path / "data" / "tollbook.duckdb"
    assert (config.timezone, config.dimensions) == ("Europe/Berlin", ("cost_center", "labels.region"))
    assert config.formats["my.agent"].model == "request_model"
    assert config.models.aliases == {"my-gpt4o": "azure/gpt-4o"}
    assert config.cost.source == "reported"
    slo, alert = config.slo[0], config.alert[0]
    assert (slo.objective, str(slo.target), slo.threshold_ms) == ("0.990", "0.990", 800.0)
    assert (slo.where, slo.by) == ({"environment": "production"}, ("team", "labels.region"))
    assert (str(alert.quantile), alert.bound, alert.hold) == ("0.999", 1500, "10m")
    origins = settings.origins
    assert origins["cost.source"] == origins['formats."my.agent".model'] == origins["alert[1].for"] == str(file)
    assert origins["currency"] == origins['formats."my.agent".team'] == origins["alert[1].severity"] == "default"


def test_the_nearest_file_upward_counts_then_the_users(tmp_path: Path, bare: Path):
    users = tmp_path / "home" / "tollbook" / "tollbook.toml"
    users.parent.mkdir(parents=True)
    users.write_text('currency = "CHF"')
    assert load(None).file == users
    written(tmp_path, 'currency = "EUR"')
    assert load(None).config.currency == "EUR"
    (bare / "tollbook.toml").write_text('currency = "GBP"')
    assert load(None).config.currency == "GBP"


def test_what_is_named_wins_over_what_is_found(tmp_path: Path, bare: Path, monkeypatch: pytest.MonkeyPatch):
    (bare / "tollbook.toml").write_text('currency = "GBP"')
    monkeypatch.setenv("TOLLBOOK_CONFIG", str(written(tmp_path, 'currency = "EUR"')))
    assert load(None).config.currency == "EUR"
    assert load(bare / "tollbook.toml").config.currency == "GBP"


def test_a_named_file_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with pytest.raises(UsageError, match=r"no configuration file .*gone\.toml, which --config names"):
        load(tmp_path / "gone.toml")
    monkeypatch.setenv("TOLLBOOK_CONFIG", str(tmp_path / "gone.toml"))
    with pytest.raises(UsageError, match="which TOLLBOOK_CONFIG names"):
        load(None)


def test_the_stores_variable_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TOLLBOOK_STORE", "/elsewhere/s.duckdb")
    settings = load(written(tmp_path, WHOLE))
    assert (settings.store_path, settings.origins["store"]) == (Path("/elsewhere/s.duckdb"), "TOLLBOOK_STORE")


def test_a_variable_can_begin_with_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    written(tmp_path, 'currency = "EUR"')
    monkeypatch.setenv("TOLLBOOK_CONFIG", "~/tollbook.toml")  # a crontab has no shell that would expand it
    monkeypatch.setenv("TOLLBOOK_STORE", "~/s.duckdb")
    settings = load(None)
    assert (settings.file, settings.store_path) == (tmp_path / "tollbook.toml", tmp_path / "s.duckdb")


def test_without_a_home_folder_everything_can_still_be_named(bare: Path, monkeypatch: pytest.MonkeyPatch):
    def nobody(*_: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("platformdirs.user_config_path", nobody)
    monkeypatch.setattr("platformdirs.user_data_path", nobody)
    assert (load(None).file, load(None).store_path) == (None, None)
    with pytest.raises(UsageError, match="no home folder for the store"):
        _ = Session().store_path
    assert Session(store_file=bare / "s.duckdb").store_path == bare / "s.duckdb"


def test_no_dimension_can_take_the_place_of_a_column_of_a_report(store_with: Callable[..., Path], tmp_path: Path):
    scope, now = Scope(Window(None, None)), datetime(2026, 10, 17)
    with reader(store_with()) as con:
        create_relations(con, Config(), "UTC")
        reports = [report(con, scope, now=now) for report in (latency_report, usage_report, chargeback_report)]
    for name in {*(column.name for report in reports for column in report.columns), *reports[-1].total_details}:
        with pytest.raises(UsageError, match="reports have a column"):
            load(written(tmp_path, f'dimensions = ["{name}"]'))


def test_a_closed_folder_of_the_user_is_passed_over(bare: Path, monkeypatch: pytest.MonkeyPatch):
    def closed(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", closed)
    assert load(None).file is None
    with pytest.raises(UsageError, match="closed to you"):
        load(bare / "tollbook.toml")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("timezone =\n", "it is not valid TOML: Invalid value (at line 1, column 11)."),
        ('timezon = "UTC"', "there is no key 'timezon'. Did you mean 'timezone'?"),
        ('[formats.a]\nwhen = ["x"]\nmodl = "m"', "there is no key 'formats.a.modl'. Did you mean 'model'?"),
        ('[cost]\nzzz = "x"', "there is no key 'cost.zzz'. Known here are: source."),
        ("timezone = 1", "timezone is 1, but must be text."),
        ('ingest = { keep_excerpts = "yes" }', "ingest.keep_excerpts is 'yes', but must be true or false."),
        ('[models.aliases]\n"a.b" = 1', 'models.aliases."a.b" is 1, but must be text.'),
        ('dimensions = "team"', "dimensions must be a list, written in square brackets."),
        ("dimensions = [1]", "dimensions[1] is 1, but must be text."),
        ("slo = [1]", "slo[1] must be a table of keys and values."),
        (
            '[cost]\nsource = "x"',
            "cost.source is 'x', but must be one of: 'computed', 'reported', 'reported_else_computed'.",
        ),
        ('timezone = "Europe/Berln"', "timezone: There is no time zone 'Europe/Berln'. Did you mean 'Europe/Berlin'?"),
        (
            'dimensions = ["cost"]',
            "dimensions[1]: reports have a column 'cost' already, so that the two would be one; remove it.",
        ),
        (
            'dimensions = ["benchmark"]\n[formats.agent]\nwhen = ["a"]\nproject = "benchmark"',
            "dimensions[1]: 'benchmark' is what formats.agent reads project from, and stands there; remove one.",
        ),
        ('currency = "dollars"', "currency: 'dollars' is no currency code; write three capital letters, as in 'USD'."),
        ('dimensions = ["team"]', "dimensions[1]: 'team' is a dimension already; remove it."),
        ('dimensions = ["a", "a"]', "dimensions[2]: 'a' is there twice; remove one."),
        ('dimensions = ["a b"]', "dimensions[1]: 'a b' is no name; leave out spaces, commas, '=' and '!'."),
        ('[formats.native]\nwhen = ["x"]', "formats.native: the name 'native' belongs to tollbook; choose another."),
        ("[formats.a]\nwhen = []", "formats.a.when: name at least one key that a record of this format has."),
        (SLO, "slo[1] needs the key 'objective'."),
        (KEPT, ONE_WINDOW),
        (
            f'{KEPT}window = "30d"\ncalendar = "month"',
            ONE_WINDOW,
        ),
        (
            f'{SLO}objective = "99"\nwindow = "30d"',
            "slo[1].objective: '99' is more than the whole; write '99%' for per cent.",
        ),
        (f'{SLO}objective = "0%"\nwindow = "30d"', "slo[1].objective: '0%' promises nothing; write more than 0."),
        (f'{KEPT}window = "0d"', "slo[1].window: '0d' is no time at all; write more than 0."),
        (
            f'{KEPT}window = "1d"\nsli = "latency"',
            "slo[1].threshold: an objective with sli = 'latency' needs a threshold, as in '2s'.",
        ),
        (
            f'{KEPT}window = "1d"\nby = ["teem"]',
            "slo[1].by: There is no dimension 'teem'. Did you mean 'team'?",
        ),
        (f"{KEPT}calendar = 'day'\n{KEPT}calendar = 'day'", "slo[2].name: there is another 'A'; names must differ."),
        (f'{ALERT}metric = "cost"', "alert[1]: give one of above and below."),
        (f'{ALERT}metric = "cost"\nabove = 1\nbelow = 2', "alert[1]: give one of above and below."),
        (
            f'{ALERT}metric = "cost"\nabove = "x"',
            "alert[1].above: 'x' is not an amount; write a number such as 1000 or '$50'.",
        ),
        (
            f'{ALERT}metric = "error_rate"\nabove = 5',
            "alert[1].above: '5' is more than the whole; write '5%' for per cent.",
        ),
        (
            f'{ALERT}metric = "cost"\nabove = 1\npercentile = 99',
            "alert[1].percentile: only an alert with metric = 'latency' has one; remove it.",
        ),
        (
            f'{ALERT}metric = "requests"\nbelow = 1\nwhere = {{ teem = "a" }}',
            "alert[1].where: There is no dimension 'teem'. Did you mean 'team'?",
        ),
    ],
)
def test_a_mistake_is_one_sentence_with_file_and_key(tmp_path: Path, text: str, sentence: str):
    file = written(tmp_path, text)
    with pytest.raises(UsageError, match=rf"^{re.escape(f'{file}: {sentence}')}$"):
        load(file)


@pytest.mark.parametrize("duration", ["30", "d", "-1d", "1 fortnight", ""])
def test_a_bad_duration_is_refused_with_its_key(tmp_path: Path, duration: str):
    with pytest.raises(UsageError, match=r"slo\[1\]\.window: .*not a length of time"):
        load(written(tmp_path, f'{KEPT}window = "{duration}"'))


@pytest.mark.parametrize("objective", ["101%", "nan", "-1%", "1e-1", "", "٩٩%"])
def test_an_objective_that_is_no_share_is_refused(tmp_path: Path, objective: str):
    with pytest.raises(UsageError, match=r"slo\[1\]\.objective: "):
        load(written(tmp_path, f'{SLO}objective = "{objective}"\nwindow = "30d"'))


def test_a_latency_alert_without_percentile_means_the_99th(tmp_path: Path):
    alert = load(written(tmp_path, f'{ALERT}metric = "latency"\nabove = "3s"')).config.alert[0]
    assert (str(alert.quantile), alert.bound) == ("0.99", 3000)


def test_text_that_is_not_utf_8_is_refused(tmp_path: Path):
    file = tmp_path / "tollbook.toml"
    file.write_bytes(b'currency = "\xff"')
    with pytest.raises(UsageError, match="it is not text in UTF-8"):
        load(file)


def test_the_template_says_what_holds_without_a_file(tmp_path: Path):
    template = Path(load.__code__.co_filename).with_name("template.toml").read_text(encoding="utf-8")
    config = load(written(tmp_path, template)).config
    assert config.slo == SLOS
    for written_rule, default in zip(config.alert, ALERTS, strict=True):
        assert (written_rule.name, written_rule.metric, written_rule.severity) == (
            default.name,
            default.metric,
            default.severity,
        )
        assert (written_rule.bound, written_rule.quantile, written_rule.span) == (
            default.bound,
            default.quantile,
            default.span,
        )


def test_what_the_template_comments_out_is_valid_too(tmp_path: Path):
    template = Path(load.__code__.co_filename).with_name("template.toml").read_text(encoding="utf-8")
    head = template.partition("# Objectives")[0]
    live = "\n".join(line.removeprefix("# ") for line in head.splitlines()[3:])
    assert load(written(tmp_path, live)).config.formats["agent"].latency_ms == "duration_ms"
