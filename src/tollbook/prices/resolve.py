"""The shipped catalogue: from a provider and a model as a log names them to the prices that held."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from tollbook.prices import names, rules, table
from tollbook.prices.table import Price

_DATA = Path(__file__).parent / "data"
# Whose models are known by their very name, where a log names no provider and no pattern tells it (embeddings).
_FIRST_PARTIES = ("openai", "anthropic", "google", "mistral", "cohere", "voyageai")


@dataclass(frozen=True)
class Match:
    """What a name was found to mean.

    Args:
        key: What is priced, `provider/model`.
        name: The spelling that a rule of the catalogue recognised.
        how: By what the provider was known: `provider` (the log's), `prefix` (of the model), `name`, or `key`.
        alias: The catalogue name that the configuration gave, where one did.
    """

    key: str
    name: str
    how: str
    alias: str | None = None


class Catalogue:
    """Every price that tollbook ships, and which names mean which model.

    Nothing is guessed: a name that no rule recognises, or whose price is known to differ by something the name
    does not tell, has no price at all.

    Args:
        folder: Where `models.json` and `prices.csv` are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        content = json.loads((folder / "models.json").read_text(encoding="utf-8"))
        self.version: str = content["version"]
        self._providers: dict[str, dict[str, Any]] = content["providers"]
        self._found: dict[tuple[str | None, str], Match | None] = {}

    @classmethod
    def load(cls) -> "Catalogue":
        """Return the catalogue of the package; its prices are read when first asked for."""
        return cls(_DATA)

    def resolve(self, provider: str | None, model: str, aliases: Mapping[str, str] | None = None) -> str | None:
        """Return the key (`openai/gpt-4o`) that a request is priced by, or None where that is not known for sure.

        Args:
            provider: The provider as logged, in any usual spelling, or None.
            model: The model as logged; LiteLLM's `provider/model`, ARNs and dated names are understood.
            aliases: The configuration's `[models.aliases]`: a logged `model` or `provider/model` to a catalogue
                name. An alias comes before everything else.
        """
        found = self.match(provider, model, aliases)
        return found.key if found else None

    def match(self, provider: str | None, model: str, aliases: Mapping[str, str] | None = None) -> Match | None:
        """Return what `resolve` finds, with how it was found."""
        for name in (model, f"{provider}/{model}"):
            if aliases and name in aliases:
                target = aliases[name]
                found = self._match(provider, target) or self._match(None, target)
                return Match(found.key, found.name, found.how, alias=target) if found else None
        return self._match(provider, model)

    def prices(self, key: str) -> list[Price]:
        """Return every price of a key, in the file's order; none where it has none."""
        provider, _, model = key.partition("/")
        return [table.make(line, self.version) for line in self._lines.get((provider, model), ())]

    def price(self, key: str, moment: datetime, prompt_tokens: int, service_tier: str = table.STANDARD) -> Price | None:
        """Return the one price of a key for a request, or None.

        Args:
            key: `provider/model`.
            moment: When the request started, naive UTC.
            prompt_tokens: Tokens of the whole prompt, cached parts included.
            service_tier: As `table.service_tier` returns it.
        """
        return next((each for each in self.prices(key) if each.applies(moment, prompt_tokens, service_tier)), None)

    def all_keys(self) -> list[str]:
        """Return every key that has a price, sorted."""
        return [f"{provider}/{model}" for provider, model in self._lines]

    def provider(self, text: str) -> str | None:
        """Return the catalogue's id of a provider as people spell it, or None."""
        return names.provider_id(text, self._providers) or None

    @cached_property
    def _lines(self) -> dict[tuple[str, str], list[list[str]]]:
        with (self._folder / "prices.csv").open(encoding="utf-8", newline="") as file:
            return table.read(file)

    def _match(self, provider: str | None, model: str) -> Match | None:
        asked = (provider, model)
        if asked not in self._found:
            self._found[asked] = next(self._candidates(provider, model), None)
        return self._found[asked]

    def _candidates(self, provider: str | None, model: str) -> Iterator[Match]:
        name = model.strip().lower()
        known = names.provider_id(provider, self._providers)
        prefix, _, rest = name.partition("/")
        prefix_id = names.provider_id(prefix, self._providers) if rest else None
        if known:
            yield from self._of_provider(known, name, "provider")
            if prefix_id == known:
                yield from self._of_provider(known, rest, "provider")
        elif known == "" and prefix_id:
            yield from self._of_provider(prefix_id, rest, "prefix")
            yield from self._of_key(prefix_id, rest)
        elif known == "" and (names.is_bedrock_name(name) or name.startswith("arn:aws:bedrock:")):
            yield from self._of_provider("aws", name, "name")
        elif known == "":
            for candidate, entry in self._providers.items():
                if entry["guess"] and rules.matches(entry["guess"], name):
                    yield from self._of_provider(candidate, name, "name")
            for candidate in _FIRST_PARTIES:
                if (candidate, name) in self._lines:
                    yield from self._of_provider(candidate, name, "name")

    def _of_provider(self, provider: str, name: str, how: str) -> Iterator[Match]:
        """Yield what a provider's rules make of a name; the first rule that holds decides, priced or not."""
        for spelling in names.spellings(provider, name):
            for model, rule in self._providers[provider]["models"]:
                if rules.matches(rule, spelling):
                    if (provider, model) in self._lines and _holds_there(provider, rule, spelling):
                        yield Match(f"{provider}/{model}", spelling, how)
                    return

    def _of_key(self, provider: str, model: str) -> Iterator[Match]:
        """Yield a key that was given as the catalogue writes it, which its own rules need not recognise."""
        for candidate, name in self._lines:
            if candidate == provider and name.lower() == model:
                yield Match(f"{candidate}/{name}", model, "key")
                return


def _holds_there(provider: str, rule: rules.Rule, name: str) -> bool:
    """Tell whether a price holds in the place that a Bedrock name begins with.

    Claude's profiles cost the same everywhere but in GovCloud. Other vendors' cost more in some places: there a
    rule that does not ask for the place is no evidence.
    """
    place = names.bedrock_place(name) if provider == "aws" else None
    if place is None or rule == {"equals": name}:
        return True
    where, rest = place
    if where == "us-gov":
        return False
    return rest.startswith("anthropic.") or not rules.matches(rule, f"elsewhere.{rest}")
