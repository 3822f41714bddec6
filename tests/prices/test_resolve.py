"""How names in logs become catalogue keys: every usual spelling, and None rather than a wrong price."""

import pytest

from tollbook.prices.resolve import Catalogue
from tollbook.prices.rules import matches


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


SONNET_4_5 = "aws/regional.anthropic.claude-sonnet-4-5-20250929-v1:0"


@pytest.mark.parametrize(
    ("provider", "model", "key"),
    [
        ("openai", "gpt-4o", "openai/gpt-4o"),
        ("OPENAI", "GPT-4o-2024-08-06", "openai/gpt-4o"),
        ("openai.chat", "gpt-4o", "openai/gpt-4o"),
        (None, "gpt-4o", "openai/gpt-4o"),
        ("", "gpt-4o", "openai/gpt-4o"),
        ("litellm", "openai/gpt-4o", "openai/gpt-4o"),
        (None, "gpt-5.2-20251211", "openai/gpt-5.2"),
        (None, "text-embedding-3-small", "openai/text-embedding-3-small"),
        ("azure", "gpt-4o", "azure/gpt-4o"),
        ("Azure OpenAI", "gpt-4o", "azure/gpt-4o"),
        ("azure.ai.openai", "gpt-4o", "azure/gpt-4o"),
        (None, "azure/gpt-4o", "azure/gpt-4o"),
        ("azure", "azure/global/gpt-4o", "azure/gpt-4o"),
        ("azure", "deepseek-r1", "azure/deepseek-r1"),
        ("azure", "o4-mini", "azure/o4-mini"),
        ("azure", "o4-mini-deep-research-2025-06-26", "azure/o4-mini-deep-research"),
        ("fireworks_ai", "deepseek-v3p2", "fireworks/deepseek-v3p2"),
        ("fireworks", "accounts/fireworks/models/deepseek-v3p2", "fireworks/deepseek-v3p2"),
        ("anthropic", "claude-haiku-4-5-20251001", "anthropic/claude-haiku-4-5"),
        ("anthropic", "claude-opus-5[1m]", "anthropic/claude-opus-5"),
        (None, "anthropic/claude-opus-4-1", "anthropic/claude-opus-4-1"),
        (None, "claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"),
        ("google", "models/gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("gcp.vertex_ai", "gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("vertex_ai", "claude-sonnet-4-5@20250929", "google/claude-sonnet-4-5"),
        (None, "gemini/gemini-2.5-pro", "google/gemini-2.5-pro"),
        (None, "us.anthropic.claude-opus-4-6-v1", "aws/regional.anthropic.claude-opus-4-6-v1:0"),
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", SONNET_4_5),
        (None, "bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0", SONNET_4_5),
        (
            "aws",
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            SONNET_4_5,
        ),
        ("aws.bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", SONNET_4_5),
        ("aws", "eu.amazon.nova-lite-v1:0", "aws/eu.amazon.nova-lite-v1:0"),
        ("aws", "us.amazon.nova-lite-v1:0", "aws/amazon.nova-lite-v1:0"),
        (None, "openrouter/anthropic/claude-sonnet-4", "openrouter/anthropic/claude-sonnet-4"),
        ("openrouter", "anthropic/claude-sonnet-4", "openrouter/anthropic/claude-sonnet-4"),
        ("groq", "openai/gpt-oss-120b", "groq/openai/gpt-oss-120b"),
        ("x_ai", "grok-4", "x-ai/grok-4-0709"),
        (None, "xai/grok-4", "x-ai/grok-4-0709"),
        (None, "aws/amazon.nova-lite-v1:0", "aws/amazon.nova-lite-v1:0"),
    ],
)
def test_usual_spellings_are_understood(catalogue: Catalogue, provider: str | None, model: str, key: str):
    assert catalogue.resolve(provider, model) == key


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        (None, ""),
        (None, "my-model"),
        (None, "llama-3.3-70b"),  # whose?
        ("ollama", "gpt-4o"),
        ("our-gateway", "gpt-4o"),
        ("openai", "anthropic/claude-opus-4-1"),
        ("openai", "gpt-oss-120b"),  # OpenAI does not serve it
        (None, "gpt-oss-120b"),
        ("openai", "gpt-4o-of-our-own"),
        ("azure", "eu/gpt-4o"),  # data zones cost more
        ("azure", "azure/us/o4-mini"),
        (None, "azure/us/o4-mini"),
        (None, "deepseek-r1"),  # open weights: whose host?
        ("azure", "deepseek-v4-pro"),  # not DeepSeek's price
        ("aws", "eu.meta.llama3-1-70b-instruct-v1:0"),  # not the US price
        ("aws", "us-gov.anthropic.claude-3-haiku-20240307-v1:0"),
        ("aws", "bedrock/eu-west-3/mistral.mistral-7b-instruct-v0:2"),
        ("aws", "us-west-2/1-month-commitment/anthropic.claude-v2:1"),
        ("aws", "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc123"),
        ("mistral", "magistral-medium-latest"),  # moved on dates that nobody recorded
        ("perplexity", "sonar"),  # charges for each request too
        ("openai", "whisper-1"),  # charges by the minute
    ],
)
def test_what_is_not_known_for_sure_has_no_price(catalogue: Catalogue, provider: str | None, model: str):
    assert catalogue.resolve(provider, model) is None


def test_an_alias_comes_first_and_may_name_a_model_or_a_provider_and_a_model(catalogue: Catalogue):
    assert catalogue.resolve("azure", "my-gpt4o-deployment") is None
    assert catalogue.resolve("azure", "my-gpt4o-deployment", {"my-gpt4o-deployment": "gpt-4o"}) == "azure/gpt-4o"
    assert catalogue.resolve("our-gateway", "fast", {"fast": "gpt-4o"}) == "openai/gpt-4o"
    assert catalogue.resolve("our-gateway", "fast", {"our-gateway/fast": "openai/gpt-4o"}) == "openai/gpt-4o"
    assert catalogue.resolve("openai", "gpt-4o", {"gpt-4o": "azure/gpt-4o"}) == "azure/gpt-4o"
    assert catalogue.resolve("openai", "gpt-4o", {"gpt-4o": "nothing-of-the-kind"}) is None
    assert catalogue.resolve("openai", "gpt-4o", {"azure/gpt-4o": "gpt-4"}) == "openai/gpt-4o"


def test_every_key_can_be_given_as_an_alias(catalogue: Catalogue):
    lost = [key for key in catalogue.all_keys() if catalogue.resolve("x", "mine", {"mine": key}) is None]
    assert lost == []


def test_a_match_says_how_it_was_found(catalogue: Catalogue):
    match = catalogue.match("bedrock", "us.anthropic.claude-opus-4-6-v1")
    assert match is not None
    assert (match.name, match.how, match.alias) == ("us.anthropic.claude-opus-4-6-v1", "provider", None)
    match = catalogue.match("azure", "mine", {"mine": "gpt-4o"})
    assert match is not None
    assert (match.key, match.alias) == ("azure/gpt-4o", "gpt-4o")


def test_rules_combine():
    assert matches({"or": [{"equals": "a"}, {"and": [{"starts_with": "gpt"}, {"regex": "4o$"}]}]}, "gpt-4o")
    assert not matches({"and": [{"contains": "gpt"}, {"ends_with": "mini"}]}, "gpt-4o")
    with pytest.raises(ValueError, match="sounds_like"):
        matches({"sounds_like": "x"}, "x")
