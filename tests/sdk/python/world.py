"""What a case may know of the outside: the hub, one model, and the prompts that the upstream behind it understands.

A case is a function with one World; it returns nothing and raises when the hub did wrong. This file knows no SDK.
"""

import json
import os
import pathlib
from dataclasses import dataclass

# What to say for which kind of answer, by upstream; shared with the Node suite.
PROMPTS = json.loads((pathlib.Path(__file__).parent.parent / "prompts.json").read_text())

CITY_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "A city"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city"],
}
RESULT = "rain and 7 degrees"
# One red pixel.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
WAIT = 20.0


class Wrong(Exception):
    """The hub did not do what it should."""


class NotApplicable(Exception):
    """The case makes no sense for this pair."""


def check(condition, message):
    """Raises unless the condition holds."""
    if not condition:
        raise Wrong(message)


def raises(kinds, action):
    """Runs the action, which must raise one of the kinds; returns the exception."""
    try:
        value = action()
    except kinds as error:
        return error
    raise Wrong(f"no error was raised, but this came back: {str(value)[:300]}")


def broken(error, api_error, world):
    """A broken stream must surface as the SDK's API error; without a hub the transport's own error will do."""
    transport = type(error).__module__.split(".")[0] in ("httpx", "httpx2", "httpcore", "httpcore2")
    check(isinstance(error, api_error) or (world.direct and transport), f"an unexpected error: {error!r}")


@dataclass(frozen=True)
class World:
    """One client, one model."""

    url: str
    key: str
    model: str
    strict: bool
    # The suite talks to the upstream itself, without a hub.
    direct: bool
    # The dialect of the client that is driven.
    client: str

    @property
    def upstream(self):
        """The dialect behind the model."""
        if self.direct:
            return self.client
        provider = self.model.split("/")[0].removeprefix("demo-")
        return {"responses": "openai-responses"}.get(provider, provider)

    @property
    def hides_reasoning(self):
        """Whether the upstream keeps the text of its reasoning to itself unless a summary is ordered in its own dialect."""
        unordered = self.upstream == "openai-responses" and self.client != "openai-responses"
        return self.strict and (self.upstream == "openai" or unordered)

    @property
    def missing(self):
        """A model that nobody has."""
        return "missing-model" if self.direct else self.model.split("/")[0] + "/missing-model"

    def say(self, kind):
        """The prompt for a kind of answer."""
        prompts = PROMPTS["strict" if self.strict else "demo"]
        if kind not in prompts:
            raise NotApplicable(f"this upstream has no prompt for {kind}")
        return prompts[kind]

    def greeted(self, text):
        """A plain answer must be the upstream's own."""
        check(text, "the answer is empty")
        if not self.strict:
            check("Hello from the demo upstream" in text, f"not the demo's greeting: {text[:200]}")
            check(f"{self.upstream} conversation" in text, f"asked in another dialect than {self.upstream}: {text[:200]}")

    def quoted(self, text, count=1):
        """The final answer of a tool loop must have seen the results."""
        check(text, "the final answer is empty")
        if not self.strict:
            check(text.count(RESULT) >= count, f"the tool results did not arrive: {text[:300]}")

    def remembered(self, text):
        """The reasoning state must have come back to the upstream, where the dialect has any."""
        self.quoted(text)
        if not self.strict and self.upstream != "openai":
            check("came back intact" in text, f"the reasoning state was lost: {text[:300]}")


def from_environment():
    """The settings that all cases share."""
    url = os.environ["HUB_URL"].rstrip("/")
    models = [name for name in os.environ.get("MODELS", "").split(",") if name]
    strict = os.environ.get("UPSTREAM", "demo") == "strict"
    return url, os.environ["HUB_KEY"], models, strict, os.environ.get("DIRECT") == "1"
