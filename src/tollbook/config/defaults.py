"""The objectives and alerts that hold where the configuration names none; `template.toml` writes the same."""

from tollbook.config.model import Alert, Config, Slo

SLOS = (
    Slo(name="Success rate", sli="success", objective="99%", window="30d"),
    Slo(name="P99 latency", sli="latency", threshold="2s", objective="99%", window="30d"),
    Slo(name="Error rate", sli="error", objective="1%", window="30d"),
)
ALERTS = (
    Alert(name="High error rate", metric="error_rate", above="5%", severity="critical"),
    Alert(name="High latency", metric="latency", percentile="99", above="3s", severity="warning"),
    Alert(name="Cost spike", metric="cost", above="$50", severity="warning"),
    Alert(name="Low success rate", metric="success_rate", below="95%", severity="critical"),
)


def slos(config: Config) -> tuple[Slo, ...]:
    """Return the configuration's objectives, or the default ones where it has none."""
    return config.slo or SLOS


def alerts(config: Config) -> tuple[Alert, ...]:
    """Return the configuration's alert rules, or the default ones where it has none."""
    return config.alert or ALERTS
