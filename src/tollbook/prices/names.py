"""How logs spell providers and models, brought to the spelling that the catalogue's rules expect."""

import re
from collections.abc import Container
from datetime import date

# Spellings in lower case with every run of other characters written "-"; a catalogue id is its own spelling.
_SPELLINGS = {
    "openai-chat": "openai",
    "openai-responses": "openai",
    "openai-text": "openai",
    "text-completion-openai": "openai",
    "azure-openai": "azure",
    "azureopenai": "azure",
    "azure-ai": "azure",
    "azure-ai-openai": "azure",
    "azure-ai-inference": "azure",
    "az-ai-openai": "azure",
    "az-ai-inference": "azure",
    "azure-text": "azure",
    "bedrock": "aws",
    "bedrock-converse": "aws",
    "bedrock-runtime": "aws",
    "aws-bedrock": "aws",
    "amazon-bedrock": "aws",
    "amazon": "aws",
    "gemini": "google",
    "vertex": "google",
    "vertex-ai": "google",
    "vertex-ai-beta": "google",
    "vertexai": "google",
    "gcp": "google",
    "gcp-gemini": "google",
    "gcp-gen-ai": "google",
    "gcp-vertex-ai": "google",
    "google-ai-studio": "google",
    "google-genai": "google",
    "google-gla": "google",
    "google-generative-ai": "google",
    "google-vertex": "google",
    "google-vertex-ai": "google",
    "google-vertexai": "google",
    "vertex-ai-anthropic-models": "google",
    "vertex-ai-language-models": "google",
    "mistralai": "mistral",
    "mistral-ai": "mistral",
    "codestral": "mistral",
    "xai": "x-ai",
    "grok": "x-ai",
    "cohere-chat": "cohere",
    "together-ai": "together",
    "togetherai": "together",
    "fireworks-ai": "fireworks",
    "fireworksai": "fireworks",
    "moonshot": "moonshotai",
    "moonshot-ai": "moonshotai",
    "perplexity-ai": "perplexity",
    "voyage": "voyageai",
    "voyage-ai": "voyageai",
    "copilot": "github-copilot",
    "novita-ai": "novita",
    "z-ai": "zai",
    "cloudflare-workers-ai": "cloudflare",
    "workers-ai": "cloudflare",
}
# What stands between a client and a provider, and so tells nothing about the price.
_NO_PROVIDER = {"", "none", "null", "unknown", "litellm", "litellm-proxy", "portkey", "helicone", "langfuse"}

_BEDROCK_VENDORS = "ai21|amazon|anthropic|cohere|deepseek|meta|minimax|mistral|moonshotai|nvidia|openai|qwen|writer|zai"
_BEDROCK_NAME = re.compile(rf"^(?:(?:us|us-gov|eu|apac|jp|au|ca|in|global)\.)?(?:{_BEDROCK_VENDORS})\.[a-z]")
_BEDROCK_PLACE = re.compile(rf"^(us-gov|eu|apac|jp|au|ca|in)\.((?:{_BEDROCK_VENDORS})\..*)")
_BEDROCK_LIST_PRICE_REGIONS = ("us-east-1/", "us-west-2/")
_COMPACT_DATE = re.compile(r"-(20\d{2})(\d{2})(\d{2})(?=-|:|$)")


def provider_id(text: str | None, known: Container[str]) -> str | None:
    """Return the catalogue's id of a provider as a log spells it (`Azure OpenAI`, `gcp.vertex_ai`, `openai.chat`).

    Args:
        text: The log's spelling; empty, or the name of a gateway, is no provider.
        known: The catalogue's ids.

    Returns:
        The id; "" where the log names no provider; None where it names one that the catalogue does not know.
    """
    word = (text or "").strip().lower()
    for part in (word, word.partition(".")[0]):
        plain = re.sub(r"[^a-z0-9]+", "-", part).strip("-")
        if plain in _NO_PROVIDER:
            return ""
        for candidate in (part, plain, _SPELLINGS.get(plain, "")):
            if candidate in known:
                return candidate
    return None


def spellings(provider: str, model: str) -> list[str]:
    """Return the spellings of a model, in lower case, that the rules of a provider are tried on, in order.

    Empty where the name says that something else than the list price holds, as a region of its own.
    """
    name = model.strip().lower().removesuffix("[1m]")  # Claude Code's mark of the long context window
    if provider == "aws":
        name = _bedrock_name(name)
    elif provider == "google":
        name = name.rpartition("models/")[2]
    elif provider == "azure":
        for prefix in ("azure/", "azure_ai/", "global/", "global-standard/"):
            name = name.removeprefix(prefix)
        if "/" in name:
            return []
    elif provider == "fireworks" and "/" not in name:
        name = f"accounts/fireworks/models/{name}"
    dashed = _COMPACT_DATE.sub(_dashed_date, name)
    return [name, dashed] if dashed != name else [name] if name else []


def is_bedrock_name(name: str) -> bool:
    """Tell whether a name in lower case has the form of Amazon Bedrock, `us.anthropic.claude-..`."""
    return _BEDROCK_NAME.match(name) is not None


def bedrock_place(name: str) -> tuple[str, str] | None:
    """Return the place outside the ordinary US and global ones that a Bedrock name begins with, and the rest."""
    found = _BEDROCK_PLACE.match(name)
    return (found[1], found[2]) if found else None


def _bedrock_name(name: str) -> str:
    """Return a Bedrock model id without the paths that clients put before it; "" for what is no list price."""
    if name.startswith("arn:"):
        # arn:aws:bedrock:REGION:ACCOUNT:KIND/NAME, where NAME may hold colons
        kind, _, name = name.split(":", 5)[-1].partition("/")
        if kind not in {"foundation-model", "inference-profile"}:
            return ""
    for prefix in ("converse/", "invoke/", *_BEDROCK_LIST_PRICE_REGIONS):
        name = name.removeprefix(prefix)
    return "" if "/" in name else name


def _dashed_date(found: re.Match[str]) -> str:
    try:
        return f"-{date(int(found[1]), int(found[2]), int(found[3])):%Y-%m-%d}"
    except ValueError:
        return found[0]
