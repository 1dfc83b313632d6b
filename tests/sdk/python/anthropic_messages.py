"""Anthropic's SDK on Messages."""

import anthropic
from pydantic import BaseModel

from world import CITY_SCHEMA, PIXEL, RESULT, WAIT, NotApplicable, broken, check, raises

DIALECT = "anthropic"
TOOLS = [{"name": name, "description": "Tells it", "input_schema": CITY_SCHEMA} for name in ("get_weather", "get_time")]
THINKING = {"type": "enabled", "budget_tokens": 2048}


class Person(BaseModel):
    name: str
    age: int
    tags: list[str]


def client(world, key=None):
    return anthropic.Anthropic(base_url=world.url, api_key=key or world.key, max_retries=0, timeout=WAIT)


def ask(world, content, **more):
    turns = content if isinstance(content, list) else [{"role": "user", "content": content}]
    return client(world).messages.create(**{"model": world.model, "max_tokens": 4096, "messages": turns, **more})


def stream(world, content, **more):
    """The final message and all events."""
    turns = content if isinstance(content, list) else [{"role": "user", "content": content}]
    with client(world).messages.stream(**{"model": world.model, "max_tokens": 4096, "messages": turns, **more}) as events:
        seen = list(events)
        return events.get_final_message(), seen


def said(message):
    return "".join(block.text for block in message.content if block.type == "text")


def calls(message):
    return [block for block in message.content if block.type == "tool_use"]


def back(message):
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": RESULT} for call in calls(message)]
    blocks = [block.model_dump(exclude_none=True) for block in message.content]
    return [{"role": "assistant", "content": blocks}, {"role": "user", "content": results}]


def text(world):
    """A plain answer."""
    answer = ask(world, world.say("text"))
    world.greeted(said(answer))
    check(answer.stop_reason == "end_turn" and answer.role == "assistant", f"{answer.stop_reason}")
    check(answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0, f"{answer.usage}")


def streamed_text(world):
    """The same as a stream."""
    final, events = stream(world, world.say("text"))
    world.greeted(said(final))
    check(len([event for event in events if event.type == "text"]) > 3, "not streamed")
    check(final.stop_reason == "end_turn" and final.usage.output_tokens > 0, f"{final.stop_reason} {final.usage}")
    check(events[0].type == "message_start" and events[-1].type == "message_stop", "first and last event")


def conversation(world):
    """System text, earlier turns, a picture."""
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    turns = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": [{"type": "text", "text": world.say("text")}, picture]},
    ]
    world.greeted(said(ask(world, turns, system=[{"type": "text", "text": "Be brief."}])))


def tool_loop(world):
    """A call, its result, the final answer."""
    turns = [{"role": "user", "content": world.say("tool")}]
    first = ask(world, turns, tools=TOOLS)
    check(first.stop_reason == "tool_use" and len(calls(first)) == 1, f"{first.stop_reason} {first.content}")
    check(isinstance(calls(first)[0].input, dict) and "city" in calls(first)[0].input, f"{calls(first)[0].input}")
    world.quoted(said(ask(world, turns + back(first), tools=TOOLS)))


def streamed_tool_loop(world):
    """The same, streamed."""
    turns = [{"role": "user", "content": world.say("tool")}]
    first, _ = stream(world, turns, tools=TOOLS)
    check(first.stop_reason == "tool_use" and "city" in calls(first)[0].input, f"{first.content}")
    world.quoted(said(stream(world, turns + back(first), tools=TOOLS)[0]))


def parallel_tools(world):
    """Two calls at once, and both results."""
    turns = [{"role": "user", "content": world.say("parallel")}]
    first = ask(world, turns, tools=TOOLS)
    check(len({call.id for call in calls(first)}) == 2, f"{first.content}")
    world.quoted(said(ask(world, turns + back(first), tools=TOOLS)), 2)
    check(len(calls(stream(world, turns, tools=TOOLS)[0])) == 2, "streamed calls")


def forced_tool(world):
    """The tool choice forces a call."""
    answer = ask(world, world.say("forced"), tools=TOOLS, tool_choice={"type": "tool", "name": "get_time"})
    check([call.name for call in calls(answer)] == ["get_time"], f"{answer.content}")


def structured_output(world):
    """The parse helper."""
    turns = [{"role": "user", "content": "Who?"}]
    answer = client(world).messages.parse(model=world.model, max_tokens=1000, messages=turns, output_format=Person)
    check(isinstance(answer.parsed_output, Person), f"{answer.content}")


def reasoning(world):
    """Thinking is shown with a signature, whole and streamed."""
    if world.hides_reasoning:
        raise NotApplicable("this upstream does not show reasoning in this dialect")
    for answer in (ask(world, world.say("reasoning"), thinking=THINKING), stream(world, world.say("reasoning"), thinking=THINKING)[0]):
        blocks = [block for block in answer.content if block.type == "thinking"]
        check(blocks and blocks[0].thinking and blocks[0].signature, f"{answer.content}")


def reasoning_state(world):
    """Signed thinking comes back to the upstream with the tool results, whole and streamed."""
    turns = [{"role": "user", "content": world.say("reasoning_tool")}]
    first = ask(world, turns, tools=TOOLS, thinking=THINKING)
    world.remembered(said(ask(world, turns + back(first), tools=TOOLS, thinking=THINKING)))
    first, _ = stream(world, turns, tools=TOOLS, thinking=THINKING)
    world.remembered(said(stream(world, turns + back(first), tools=TOOLS, thinking=THINKING)[0]))


def usage(world):
    """Every token is in one bucket, whole and streamed."""
    for answer in (ask(world, world.say("usage")), stream(world, world.say("usage"))[0]):
        one = answer.usage
        read, written = one.cache_read_input_tokens or 0, one.cache_creation_input_tokens or 0
        check(one.input_tokens + read + written == 1300 and read == 200, f"{one}")
        check(one.output_tokens == 80, f"{one}")


def finishes(world):
    """Length, refusal and stop sequences end as they should."""
    check(ask(world, world.say("length"), max_tokens=50).stop_reason == "max_tokens", "length")
    refused = ask(world, world.say("refusal"))
    check(refused.stop_reason == "refusal" or said(refused), f"refusal: {refused}")
    if not world.strict:
        stopped = ask(world, world.say("text"), stop_sequences=["upstream"])
        check(said(stopped) == "Hello from the demo ", f"stop: {said(stopped)!r}")


def count_tokens(world):
    """The counter grows with the input."""
    def count(text):
        turns = [{"role": "user", "content": text}]
        return client(world).messages.count_tokens(model=world.model, messages=turns, tools=TOOLS).input_tokens

    check(0 < count("Hello") < count("Hello " * 200), "the counts do not grow")


def models(world):
    """The list and one entry."""
    names = [model.id for model in client(world).models.list(limit=1000)]
    check(names, "no models")
    if not world.strict:
        check(any(name.endswith(world.model.split("/")[-1]) for name in names), f"not listed in {names}")
        check(client(world).models.retrieve(world.model).id.endswith(world.model.split("/")[-1]), "retrieve")


def errors(world):
    """Statuses become the SDK's own exceptions."""
    error = raises(anthropic.BadRequestError, lambda: ask(world, world.say("error_400")))
    check(error.body["type"] == "error" and error.body["error"]["type"] == "invalid_request_error", f"{error.body}")
    raises(anthropic.InternalServerError, lambda: ask(world, world.say("error_500")))
    raises(anthropic.AuthenticationError, lambda: client(world, "bad-key").models.list())
    raises(anthropic.NotFoundError, lambda: ask(world, "Hi", model=world.missing))


def rate_limit(world):
    """429 says when to come back."""
    error = raises(anthropic.RateLimitError, lambda: ask(world, world.say("error_429")))
    check(int(error.response.headers.get("retry-after", "0")) >= 1, f"retry-after: {error.response.headers}")


def broken_stream(world):
    """A stream that breaks raises; it never ends as if all were well."""
    for kind in ("stream_error", "cut"):
        broken(raises(Exception, lambda: stream(world, world.say(kind))), anthropic.APIError, world)


CASES = [
    text, streamed_text, conversation, tool_loop, streamed_tool_loop, parallel_tools, forced_tool, structured_output,
    reasoning, reasoning_state, usage, finishes, count_tokens, models, errors, broken_stream, rate_limit,
]
