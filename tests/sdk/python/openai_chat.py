"""OpenAI's SDK on Chat Completions."""

import base64
import struct

import openai
from pydantic import BaseModel

from world import CITY_SCHEMA, PIXEL, RESULT, WAIT, NotApplicable, broken, check, raises

DIALECT = "openai"
TOOLS = [
    {"type": "function", "function": {"name": name, "description": "Tells it", "parameters": CITY_SCHEMA}}
    for name in ("get_weather", "get_time")
]


class Person(BaseModel):
    name: str
    age: int
    tags: list[str]


def client(world, key=None):
    return openai.OpenAI(base_url=world.url + "/v1", api_key=key or world.key, max_retries=0, timeout=WAIT)


def ask(world, text, **more):
    return client(world).chat.completions.create(model=world.model, messages=[{"role": "user", "content": text}], **more)


def stream(world, text, **more):
    chunks = list(ask(world, text, stream=True, stream_options={"include_usage": True}, **more))
    content = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    return content, chunks


def back(message):
    """The answer and a result for each of its calls; what the helpers add for the caller stays here."""
    answer = message.model_dump(exclude_none=True, exclude={"parsed": True, "tool_calls": {"__all__": {"index": True, "function": {"parsed_arguments"}}}})
    return [answer, *results(message)]


def results(message):
    return [{"role": "tool", "tool_call_id": call.id, "content": RESULT} for call in message.tool_calls]


def text(world):
    """A plain answer."""
    answer = ask(world, world.say("text"))
    world.greeted(answer.choices[0].message.content)
    check(answer.choices[0].finish_reason == "stop", answer.choices[0].finish_reason)
    check(answer.usage.prompt_tokens > 0 and answer.usage.completion_tokens > 0, f"usage {answer.usage}")
    check(answer.model and answer.id and answer.object == "chat.completion", "the envelope is incomplete")


def streamed_text(world):
    """The same as a stream."""
    content, chunks = stream(world, world.say("text"))
    world.greeted(content)
    check(len(chunks) > 4, f"only {len(chunks)} chunks: not streamed")
    finishes = [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason]
    check(finishes == ["stop"], f"finish reasons {finishes}")
    check(chunks[-1].usage and chunks[-1].usage.completion_tokens > 0, "no usage at the end")
    check(len({c.id for c in chunks}) == 1, "the id changes in mid-stream")


def long_stream(world):
    """A long stream equals the whole answer."""
    prompt = world.say("long")
    content, _ = stream(world, prompt)
    whole = ask(world, prompt).choices[0].message.content
    check(content == whole and len(whole) > 1000, f"{len(content)} and {len(whole)} characters")


def conversation(world):
    """System text, earlier turns, a picture."""
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + PIXEL}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": [{"type": "text", "text": world.say("text")}, picture]},
    ]
    answer = client(world).chat.completions.create(model=world.model, messages=messages, max_completion_tokens=500)
    world.greeted(answer.choices[0].message.content)


def tool_loop(world):
    """A call, its result, the final answer."""
    messages = [{"role": "user", "content": world.say("tool")}]
    api = client(world).chat.completions
    message = api.create(model=world.model, messages=messages, tools=TOOLS).choices[0].message
    check(message.tool_calls and message.tool_calls[0].function.name in ("get_weather", "get_time"), f"no call: {message}")
    messages += back(message)
    world.quoted(api.create(model=world.model, messages=messages, tools=TOOLS).choices[0].message.content)


def streamed_tool_loop(world):
    """The same with the stream helper."""
    messages = [{"role": "user", "content": world.say("tool")}]
    for _ in range(2):
        with client(world).chat.completions.stream(model=world.model, messages=messages, tools=TOOLS) as events:
            choice = events.until_done().get_final_completion().choices[0]
        if choice.finish_reason != "tool_calls":
            break
        check(choice.message.tool_calls[0].function.arguments.startswith("{"), "the arguments are no object")
        messages += back(choice.message)
    world.quoted(choice.message.content)


def parallel_tools(world):
    """Two calls at once, streamed, and both results."""
    messages = [{"role": "user", "content": world.say("parallel")}]
    api = client(world).chat.completions
    message = api.create(model=world.model, messages=messages, tools=TOOLS).choices[0].message
    check(len(message.tool_calls or []) == 2, f"calls: {message.tool_calls}")
    check(len({call.id for call in message.tool_calls}) == 2, "the calls share an id")
    messages += back(message)
    world.quoted(api.create(model=world.model, messages=messages, tools=TOOLS).choices[0].message.content, 2)
    with api.stream(model=world.model, messages=messages[:1], tools=TOOLS) as events:
        streamed = events.until_done().get_final_completion().choices[0].message
    check(len(streamed.tool_calls or []) == 2, f"streamed calls: {streamed.tool_calls}")


def forced_tool(world):
    """The tool choice forces a call."""
    choice = {"type": "function", "function": {"name": "get_time"}}
    answer = ask(world, world.say("forced"), tools=TOOLS, tool_choice=choice).choices[0].message
    check([call.function.name for call in answer.tool_calls or []] == ["get_time"], f"{answer.tool_calls}")


def structured_output(world):
    """The parse helper."""
    answer = client(world).chat.completions.parse(
        model=world.model, messages=[{"role": "user", "content": "Who?"}], response_format=Person
    )
    check(isinstance(answer.choices[0].message.parsed, Person), f"{answer.choices[0].message}")


def reasoning(world):
    """Reasoning is shown beside the answer, whole and streamed."""
    if world.hides_reasoning:
        raise NotApplicable("this upstream does not show reasoning in this dialect")
    prompt = world.say("reasoning")
    message = ask(world, prompt, reasoning_effort="medium").choices[0].message
    check(getattr(message, "reasoning_content", None), f"no reasoning: {message}")
    _, chunks = stream(world, prompt, reasoning_effort="medium")
    shown = "".join(getattr(c.choices[0].delta, "reasoning_content", None) or "" for c in chunks if c.choices)
    check(shown == message.reasoning_content or world.strict, f"streamed reasoning: {shown[:200]}")


def reasoning_state(world):
    """Reasoning comes back to the upstream with the tool results."""
    messages = [{"role": "user", "content": world.say("reasoning_tool")}]
    api = client(world).chat.completions
    more = {"reasoning_effort": "medium"}
    message = api.create(model=world.model, messages=messages, tools=TOOLS, **more).choices[0].message
    messages += back(message)
    world.remembered(api.create(model=world.model, messages=messages, tools=TOOLS, **more).choices[0].message.content)


def usage(world):
    """Cached and reasoning tokens are counted once."""
    counted = ask(world, world.say("usage")).usage
    _, chunks = stream(world, world.say("usage"))
    for one in (counted, chunks[-1].usage):
        check((one.prompt_tokens, one.completion_tokens, one.total_tokens) == (1300, 80, 1380), f"{one}")
        check(one.prompt_tokens_details.cached_tokens == 200, f"{one}")
        check(one.completion_tokens_details.reasoning_tokens == 30, f"{one}")


def finishes(world):
    """Length, refusal and stop sequences end as they should."""
    check(ask(world, world.say("length"), max_completion_tokens=50).choices[0].finish_reason == "length", "length")
    refused = ask(world, world.say("refusal")).choices[0]
    check(refused.message.refusal or refused.finish_reason == "content_filter", f"refusal: {refused}")
    if not world.strict:
        stopped = ask(world, world.say("text"), stop=["upstream"]).choices[0]
        check(stopped.message.content == "Hello from the demo ", f"stop: {stopped.message.content!r}")
        content, _ = stream(world, world.say("text"), stop=["upstream"])
        check(content == "Hello from the demo ", f"streamed stop: {content!r}")


def models(world):
    """The list and one entry."""
    names = [model.id for model in client(world).models.list()]
    check(names, "no models")
    if not world.strict:
        check(any(name.endswith(world.model.split("/")[-1]) for name in names), f"not listed in {names}")
        check(client(world).models.retrieve(world.model).id.endswith(world.model.split("/")[-1]), "retrieve")


def embeddings(world):
    """Base64 by default, floats on request; an upstream without embeddings says so."""
    model = "text-embedding-3-small" if world.strict else world.model
    if world.strict or (world.upstream == "anthropic" and not world.direct):
        if world.strict:
            raise NotApplicable("no embedding model is configured")
        error = raises(openai.APIStatusError, lambda: client(world).embeddings.create(model=model, input="a"))
        check(400 <= error.status_code < 500, f"status {error.status_code}")
        return
    packed = client(world).embeddings.create(model=model, input=["a", "b"])
    floats = client(world).embeddings.create(model=model, input=["a", "b"], encoding_format="float")
    check(len(packed.data) == 2 and packed.data[0].embedding != packed.data[1].embedding, "two vectors")
    same = all(abs(x - y) < 1e-6 for x, y in zip(packed.data[0].embedding, floats.data[0].embedding))
    check(same and len(floats.data[0].embedding) > 3, "base64 and floats differ")
    raw = client(world).embeddings.with_raw_response.create(model=model, input="a", encoding_format="base64")
    data = raw.http_response.json()["data"][0]["embedding"]
    check(abs(struct.unpack("<f", base64.b64decode(data)[:4])[0] - packed.data[0].embedding[0]) < 1e-6, "byte order")


def errors(world):
    """Statuses become the SDK's own exceptions."""
    error = raises(openai.BadRequestError, lambda: ask(world, world.say("error_400")))
    check(error.message and error.body and error.body.get("type") == "invalid_request_error", f"{error.body}")
    raises(openai.InternalServerError, lambda: ask(world, world.say("error_500")))
    raises(openai.AuthenticationError, lambda: client(world, "bad-key").models.list())
    gone = lambda: client(world).chat.completions.create(model=world.missing, messages=[{"role": "user", "content": "Hi"}])
    raises(openai.NotFoundError, gone)


def rate_limit(world):
    """429 says when to come back."""
    error = raises(openai.RateLimitError, lambda: ask(world, world.say("error_429")))
    check(int(error.response.headers.get("retry-after", "0")) >= 1, f"retry-after: {error.response.headers}")


def broken_stream(world):
    """A stream that breaks raises; it never ends as if all were well."""
    for kind in ("stream_error", "cut"):
        error = raises(Exception, lambda: stream(world, world.say(kind)))
        broken(error, openai.APIError, world)


CASES = [
    text, streamed_text, long_stream, conversation, tool_loop, streamed_tool_loop, parallel_tools, forced_tool,
    structured_output, reasoning, reasoning_state, usage, finishes, models, embeddings, errors, broken_stream, rate_limit,
]
