"""OpenAI's SDK on Responses, stateless: nothing is stored, reasoning travels encrypted."""

import openai

from openai_chat import Person, client
from world import CITY_SCHEMA, PIXEL, RESULT, NotApplicable, broken, check, raises

DIALECT = "openai-responses"
TOOLS = [
    {"type": "function", "name": name, "description": "Tells it", "parameters": CITY_SCHEMA, "strict": False}
    for name in ("get_weather", "get_time")
]
STATELESS = {"store": False, "include": ["reasoning.encrypted_content"]}


def ask(world, text, **more):
    return client(world).responses.create(model=world.model, input=text, store=False, **more)


def stream(world, text, **more):
    """The final response and all events; the helper raises when the stream does not reach its end."""
    with client(world).responses.stream(model=world.model, input=text, store=False, **more) as events:
        seen = list(events)
        return events.get_final_response(), seen


def calls(response):
    return [item for item in response.output if item.type in ("function_call", "custom_tool_call")]


def results(response):
    return [{"type": f"{item.type}_output", "call_id": item.call_id, "output": RESULT} for item in calls(response)]


def back(response):
    return [item.model_dump(exclude_none=True, exclude={"status", "parsed_arguments"}) for item in response.output]


def text(world):
    """A plain answer."""
    answer = ask(world, world.say("text"))
    world.greeted(answer.output_text)
    check(answer.status == "completed" and answer.id.startswith("resp_"), f"{answer.status} {answer.id}")
    check(answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0, f"{answer.usage}")


def streamed_text(world):
    """The same as a stream: ordered events that add up to the final response."""
    final, events = stream(world, world.say("text"))
    world.greeted(final.output_text)
    deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    check(deltas == final.output_text, f"deltas: {deltas[:200]}")
    check(events[0].type == "response.created" and events[-1].type == "response.completed", "first and last event")
    numbers = [event.sequence_number for event in events if getattr(event, "sequence_number", None) is not None]
    check(numbers == sorted(set(numbers)), "the sequence numbers do not grow")


def conversation(world):
    """Instructions, earlier turns, a picture."""
    picture = {"type": "input_image", "image_url": "data:image/png;base64," + PIXEL, "detail": "auto"}
    turns = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": [{"type": "input_text", "text": world.say("text")}, picture]},
    ]
    answer = ask(world, turns, instructions="Be brief.", max_output_tokens=500)
    world.greeted(answer.output_text)


def tool_loop(world):
    """A call, its result, the final answer."""
    turns = [{"role": "user", "content": world.say("tool")}]
    first = ask(world, turns, tools=TOOLS)
    check(len(calls(first)) == 1 and calls(first)[0].name in ("get_weather", "get_time"), f"{first.output}")
    turns += [*back(first), *results(first)]
    world.quoted(ask(world, turns, tools=TOOLS).output_text)


def streamed_tool_loop(world):
    """The same, streamed."""
    turns = [{"role": "user", "content": world.say("tool")}]
    first, events = stream(world, turns, tools=TOOLS)
    done = [event for event in events if event.type == "response.function_call_arguments.done"]
    check(len(done) == 1 and done[0].arguments == calls(first)[0].arguments, f"{done}")
    turns += [*back(first), *results(first)]
    world.quoted(stream(world, turns, tools=TOOLS)[0].output_text)


def parallel_tools(world):
    """Two calls at once, and both results."""
    turns = [{"role": "user", "content": world.say("parallel")}]
    check(len(calls(stream(world, turns, tools=TOOLS)[0])) == 2, "streamed calls")
    first = ask(world, turns, tools=TOOLS)
    check(len({item.call_id for item in calls(first)}) == 2, f"{first.output}")
    turns += [*back(first), *results(first)]
    world.quoted(ask(world, turns, tools=TOOLS).output_text, 2)


def custom_tool(world):
    """A tool that takes free text, which other dialects know only by emulation."""
    if world.strict:
        raise NotApplicable("needs a prompt of its own")
    tools = [{"type": "custom", "name": "notebook", "description": "Takes a note"}]
    turns = [{"role": "user", "content": world.say("tool")}]
    first, _ = stream(world, turns, tools=tools)
    check([item.type for item in calls(first)] == ["custom_tool_call"], f"{first.output}")
    check(calls(first)[0].input and not calls(first)[0].input.startswith("{"), f"input: {calls(first)[0].input}")
    turns += [*back(first), *results(first)]
    world.quoted(ask(world, turns, tools=tools).output_text)


def forced_tool(world):
    """The tool choice forces a call."""
    answer = ask(world, world.say("forced"), tools=TOOLS, tool_choice={"type": "function", "name": "get_time"})
    check([item.name for item in calls(answer)] == ["get_time"], f"{answer.output}")


def structured_output(world):
    """The parse helper."""
    answer = client(world).responses.parse(model=world.model, input="Who?", text_format=Person, store=False)
    check(isinstance(answer.output_parsed, Person), f"{answer.output}")


def reasoning(world):
    """A summary is shown as an item of its own, whole and streamed."""
    if world.hides_reasoning:
        raise NotApplicable("this upstream does not show reasoning in this dialect")
    wanted = {"effort": "medium", "summary": "auto"}
    answer = ask(world, world.say("reasoning"), reasoning=wanted)
    items = [item for item in answer.output if item.type == "reasoning"]
    check(items and items[0].summary and items[0].summary[0].text, f"{answer.output}")
    final, events = stream(world, world.say("reasoning"), reasoning=wanted)
    deltas = "".join(event.delta for event in events if event.type == "response.reasoning_summary_text.delta")
    check(deltas, "no summary deltas")


def reasoning_state(world):
    """Encrypted reasoning comes back to the upstream with the tool results, whole and streamed."""
    wanted = {**STATELESS, "reasoning": {"effort": "medium", "summary": "auto"}}
    turns = [{"role": "user", "content": world.say("reasoning_tool")}]
    api = client(world).responses
    first = api.create(model=world.model, input=turns, tools=TOOLS, **wanted)
    second = [*turns, *back(first), *results(first)]
    world.remembered(api.create(model=world.model, input=second, tools=TOOLS, **wanted).output_text)
    with api.stream(model=world.model, input=turns, tools=TOOLS, **wanted) as events:
        streamed = events.until_done().get_final_response()
    second = [*turns, *back(streamed), *results(streamed)]
    world.remembered(api.create(model=world.model, input=second, tools=TOOLS, **wanted).output_text)


def usage(world):
    """Cached and reasoning tokens are counted once."""
    for answer in (ask(world, world.say("usage")), stream(world, world.say("usage"))[0]):
        one = answer.usage
        check((one.input_tokens, one.output_tokens, one.total_tokens) == (1300, 80, 1380), f"{one}")
        check(one.input_tokens_details.cached_tokens == 200, f"{one}")
        check(one.output_tokens_details.reasoning_tokens == 30, f"{one}")


def finishes(world):
    """Length and refusal end as they should."""
    short = ask(world, world.say("length"), max_output_tokens=50)
    check(short.status == "incomplete" and short.incomplete_details.reason == "max_output_tokens", f"{short.status}")
    refused = ask(world, world.say("refusal"))
    parts = [part.type for item in refused.output if item.type == "message" for part in item.content]
    check("refusal" in parts or refused.status == "incomplete", f"refusal: {refused.output} {refused.status}")


def count_tokens(world):
    """The counter grows with the input."""
    count = lambda text: client(world).responses.input_tokens.count(model=world.model, input=text).input_tokens
    check(0 < count("Hello") < count("Hello " * 200), "the counts do not grow")


def errors(world):
    """Statuses become the SDK's own exceptions."""
    error = raises(openai.BadRequestError, lambda: ask(world, world.say("error_400")))
    check(error.message and error.body and error.body.get("type") == "invalid_request_error", f"{error.body}")
    raises(openai.InternalServerError, lambda: ask(world, world.say("error_500")))
    raises(openai.AuthenticationError, lambda: client(world, "bad-key").responses.create(model=world.model, input="Hi"))
    # The vendor answers 400 to an unknown model in this dialect, and the hub passes that on.
    unknown = (openai.NotFoundError, openai.BadRequestError) if world.strict else openai.NotFoundError
    raises(unknown, lambda: client(world).responses.create(model=world.missing, input="Hi"))


def rate_limit(world):
    """429 says when to come back."""
    error = raises(openai.RateLimitError, lambda: ask(world, world.say("error_429")))
    check(int(error.response.headers.get("retry-after", "0")) >= 1, f"retry-after: {error.response.headers}")


def broken_stream(world):
    """A stream that breaks raises; it never ends as if all were well."""
    # The vendor's own error event, which the hub passes on as it is, is overlooked by this SDK.
    overlooked = world.strict and world.upstream == DIALECT
    if world.direct and overlooked:
        raise NotApplicable("without a hub nothing can be done about it")
    for kind in ("cut",) if overlooked else ("stream_error", "cut"):
        plain = lambda: list(ask(world, world.say(kind), stream=True))
        error = raises(Exception, plain)
        broken(error, openai.APIError, world)


CASES = [
    text, streamed_text, conversation, tool_loop, streamed_tool_loop, parallel_tools, custom_tool, forced_tool,
    structured_output, reasoning, reasoning_state, usage, finishes, count_tokens, errors, broken_stream, rate_limit,
]
