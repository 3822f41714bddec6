"""The imaginary team: who calls which model for what, how often, how fast. Facts of the sample, not of anyone."""

from dataclasses import dataclass

from tollbook.sample.draw import Weighted


@dataclass(frozen=True)
class Model:
    """A model as the team's gateway logs it.

    Args:
        name: As logged.
        provider: As logged.
        latency_ms: Median of a successful call.
        input_tokens: Median of the whole prompt.
        output_tokens: Median of the answer, reasoning aside.
        cached: How many calls in a thousand find part of their prompt in the provider's cache.
        writes: How many in a thousand write to that cache.
        reasons: Whether the provider reports reasoning tokens.
        rates: USD per million tokens of input, cached input, cache writes and output, where the client reports
            a cost itself; in hundredths of a dollar. None: it reports none.
    """

    name: str
    provider: str
    latency_ms: int
    input_tokens: int
    output_tokens: int
    cached: int = 0
    writes: int = 0
    reasons: bool = False
    rates: tuple[int, int, int, int] | None = None


@dataclass(frozen=True)
class Team:
    """A team, its people, and what it works on."""

    name: str
    users: tuple[str, ...]
    projects: Weighted[str]
    models: Weighted[Model]


GPT_4O = Model("gpt-4o", "openai", 760, 5200, 310, cached=350)
GPT_4O_MINI = Model("gpt-4o-mini", "openai", 470, 4100, 220, cached=350)
SONNET = Model(
    "claude-sonnet-4-5", "anthropic", 900, 6800, 380, cached=420, writes=160, rates=(300, 30, 375, 1500)
)  # fmt: skip
HAIKU = Model("claude-haiku-4-5", "anthropic", 540, 4600, 240, cached=380, writes=120, rates=(100, 10, 125, 500))
GEMINI_PRO = Model("gemini-2.5-pro", "google", 960, 5400, 260, cached=200, reasons=True)
GEMINI_FLASH = Model("gemini-2.5-flash", "google", 430, 4400, 230, cached=250, reasons=True)
MISTRAL_SMALL = Model("mistral-small-2506", "mistral", 410, 2600, 180)
DEEPSEEK = Model("deepseek-chat", "deepseek", 820, 3900, 260, cached=500)
IN_HOUSE = Model("netops-triage-8b", "in-house", 240, 1800, 90)  # self-hosted: no catalogue prices it

TEAMS = Weighted(
    [
        (
            Team(
                "network-ops",
                ("a.ferrari", "b.okafor", "c.lindqvist"),
                Weighted([("bgp-analyzer", 60), ("config-gen", 30), ("log-parser", 10)]),
                Weighted([(GPT_4O, 26), (GPT_4O_MINI, 22), (SONNET, 22), (GEMINI_FLASH, 16), (HAIKU, 14)]),
            ),
            38,
        ),
        (
            Team(
                "noc",
                ("d.moreau", "e.tanaka", "f.novak"),
                Weighted([("log-parser", 70), ("bgp-analyzer", 30)]),
                Weighted([(GPT_4O_MINI, 36), (GEMINI_FLASH, 20), (HAIKU, 16), (IN_HOUSE, 16), (MISTRAL_SMALL, 12)]),
            ),
            27,
        ),
        (
            Team(
                "security",
                ("g.haddad", "h.jensen", "i.mbeki"),
                Weighted([("log-parser", 80), ("config-gen", 20)]),
                Weighted([(HAIKU, 28), (GPT_4O, 24), (SONNET, 18), (GEMINI_PRO, 16), (GPT_4O_MINI, 14)]),
            ),
            20,
        ),
        (
            Team(
                "automation",
                ("svc-change-bot", "svc-remediator", "j.alvarez"),
                Weighted([("config-gen", 75), ("bgp-analyzer", 25)]),
                Weighted([(GPT_4O_MINI, 34), (HAIKU, 22), (SONNET, 16), (DEEPSEEK, 16), (MISTRAL_SMALL, 12)]),
            ),
            15,
        ),
    ]
)  # fmt: skip
ENVIRONMENTS = Weighted([("production", 82), ("staging", 11), ("development", 7)])
REGIONS = Weighted([("eu-central", 60), ("us-east", 30), ("ap-south", 10)])
SERVICES = {"bgp-analyzer": "route-api", "log-parser": "log-pipeline", "config-gen": "change-api"}
TOOLS = {
    "bgp-analyzer": ("looking_glass", "rpki_validate", "peer_state"),
    "log-parser": ("search_syslog", "whois", "dedupe_alerts"),
    "config-gen": ("render_template", "lint_config", "dry_run"),
}

# How traffic is spread over the hours of the UTC day, in parts of their sum.
HOURS = (6, 5, 5, 5, 6, 9, 18, 34, 52, 62, 64, 60, 56, 62, 66, 64, 54, 38, 24, 16, 12, 10, 8, 7)


@dataclass(frozen=True)
class Failure:
    """A way for a call to fail: what the log says, and how long the caller waited (median, ms)."""

    status_code: int
    error_type: str
    error: str
    latency_ms: int


FAILURES = Weighted(
    [
        (Failure(429, "rate_limit", "too many requests", 120), 45),
        (Failure(504, "timeout", "no answer from the provider in time", 10_000), 25),
        (Failure(500, "server_error", "the provider failed", 400), 20),
        (Failure(400, "content_filter", "refused by the content filter", 300), 10),
    ]
)
OVERLOADED = Failure(503, "overloaded", "the provider is overloaded", 900)
