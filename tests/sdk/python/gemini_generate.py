"""Google's SDK on generateContent."""

import base64
import functools

from google import genai
from google.genai import errors as failures
from google.genai import types
from pydantic import BaseModel

from world import CITY_SCHEMA, PIXEL, RESULT, WAIT, NotApplicable, broken, check, raises

DIALECT = "gemini"
DECLARED = [{"name": name, "description": "Tells it", "parameters_json_schema": CITY_SCHEMA} for name in ("get_weather", "get_time")]
TOOLS = [{"function_declarations": DECLARED}]
THINKING = {"thinking_config": {"include_thoughts": True, "thinking_budget": 2048}}


class Person(BaseModel):
    name: str
    age: int
    tags: list[str]


def client(world, key=None, version="v1"):
    return connected(world.url, key or world.key, version, world.model)


@functools.cache
def connected(url, key, version, _model):
    """Kept, since this SDK closes the connections of a client that nobody holds; one per model, since each has its thread."""
    options = types.HttpOptions(base_url=url, timeout=int(WAIT * 1000), api_version=version)
    return genai.Client(api_key=key, http_options=options)


def ask(world, contents, model=None, **config):
    return client(world).models.generate_content(model=model or world.model, contents=contents, config=config)


def stream(world, contents, **config):
    return list(client(world).models.generate_content_stream(model=world.model, contents=contents, config=config))


def parts(answer):
    content = answer.candidates[0].content if answer.candidates else None
    return (content and content.parts) or []


def said(chunks):
    return "".join(part.text or "" for chunk in chunks for part in parts(chunk) if not part.thought)


def back(asked, given):
    """The conversation with an answer and a result for each of its calls."""
    calls = [part.function_call for part in given if part.function_call]
    results = [types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"output": RESULT})) for call in calls]
    return [types.UserContent(asked), types.ModelContent(given), types.UserContent(results)]


def manual(**config):
    return {"tools": TOOLS, "automatic_function_calling": {"disable": True}, **config}


def text(world):
    """A plain answer."""
    answer = ask(world, world.say("text"))
    world.greeted(answer.text)
    check(answer.candidates[0].finish_reason == types.FinishReason.STOP, f"{answer.candidates[0].finish_reason}")
    check(answer.usage_metadata.prompt_token_count > 0, f"{answer.usage_metadata}")


def streamed_text(world):
    """The same as a stream."""
    chunks = stream(world, world.say("text"))
    world.greeted(said(chunks))
    check(len(chunks) > 3, "not streamed")
    reasons = [chunk.candidates[0].finish_reason for chunk in chunks if chunk.candidates and chunk.candidates[0].finish_reason]
    check(reasons == [types.FinishReason.STOP], f"{reasons}")
    last = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata][-1]
    check(last.candidates_token_count > 0, f"{last}")


def versions(world):
    """All three version prefixes are served."""
    for version in ("v1", "v1beta", "v1alpha"):
        answer = client(world, version=version).models.generate_content(model=world.model, contents=world.say("text"))
        world.greeted(answer.text)


def conversation(world):
    """System text, earlier turns, a picture."""
    turns = [
        types.UserContent("Hello"),
        types.ModelContent("Yes?"),
        types.UserContent([world.say("text"), types.Part.from_bytes(data=base64.b64decode(PIXEL), mime_type="image/png")]),
    ]
    answer = ask(world, turns, system_instruction="Be brief.", max_output_tokens=500)
    world.greeted(answer.text)


def tool_loop(world):
    """A call, its result, the final answer."""
    prompt = world.say("tool")
    first = ask(world, prompt, **manual())
    check(len(first.function_calls or []) == 1 and "city" in first.function_calls[0].args, f"{parts(first)}")
    world.quoted(ask(world, back(prompt, parts(first)), **manual()).text)


def streamed_tool_loop(world):
    """The same, streamed."""
    prompt = world.say("tool")
    given = [part for chunk in stream(world, prompt, **manual()) for part in parts(chunk)]
    given = [part for part in given if part.function_call or part.text or part.thought_signature]
    check(len([part for part in given if part.function_call]) == 1, f"{given}")
    world.quoted(said(stream(world, back(prompt, given), **manual())))


def automatic_calling(world):
    """The SDK runs a Python function by itself."""
    if world.strict:
        raise NotApplicable("needs a prompt of its own")
    seen = []

    def get_weather(city: str) -> str:
        """Tells the weather."""
        seen.append(city)
        return RESULT

    answer = ask(world, world.say("tool"), tools=[get_weather])
    check(seen, "the function was not called")
    world.quoted(answer.text)


def parallel_tools(world):
    """Two calls at once, and both results."""
    prompt = world.say("parallel")
    first = ask(world, prompt, **manual())
    check(len(first.function_calls or []) == 2, f"{parts(first)}")
    world.quoted(ask(world, back(prompt, parts(first)), **manual()).text, 2)
    given = [part for chunk in stream(world, prompt, **manual()) for part in parts(chunk) if part.function_call]
    check(len(given) == 2, f"streamed: {given}")


def forced_tool(world):
    """The calling mode forces a call."""
    calling = {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["get_time"]}}
    answer = ask(world, world.say("forced"), **manual(tool_config=calling))
    check([call.name for call in answer.function_calls or []] == ["get_time"], f"{parts(answer)}")


def structured_output(world):
    """A response schema, as a model and as JSON schema."""
    answer = ask(world, "Who?", response_mime_type="application/json", response_schema=Person)
    check(isinstance(answer.parsed, Person), f"{answer.text}")
    answer = ask(world, "Who?", response_mime_type="application/json", response_json_schema=Person.model_json_schema())
    check(isinstance(Person.model_validate_json(answer.text), Person), f"{answer.text}")


def reasoning(world):
    """Thoughts are shown as such, whole and streamed."""
    if world.hides_reasoning:
        raise NotApplicable("this upstream does not show reasoning in this dialect")
    for chunks in ([ask(world, world.say("reasoning"), **THINKING)], stream(world, world.say("reasoning"), **THINKING)):
        thoughts = "".join(part.text or "" for chunk in chunks for part in parts(chunk) if part.thought)
        check(thoughts and said(chunks), f"{chunks}")


def reasoning_state(world):
    """Thought signatures come back to the upstream with the tool results, whole and streamed."""
    prompt = world.say("reasoning_tool")
    first = ask(world, prompt, **manual(**THINKING))
    world.remembered(ask(world, back(prompt, parts(first)), **manual(**THINKING)).text)
    given = [part for chunk in stream(world, prompt, **manual(**THINKING)) for part in parts(chunk)]
    given = [part for part in given if part.function_call or part.text or part.thought_signature]
    world.remembered(said(stream(world, back(prompt, given), **manual(**THINKING))))


def chat_session(world):
    """The chat helper keeps what it got and sends it back."""
    chat = client(world).chats.create(model=world.model)
    check(chat.send_message(world.say("text")).text, "the first answer is empty")
    check("".join(chunk.text or "" for chunk in chat.send_message_stream(world.say("text"))), "the second answer is empty")


def usage(world):
    """Thoughts are counted beside the visible answer."""
    for one in (ask(world, world.say("usage")).usage_metadata, stream(world, world.say("usage"))[-1].usage_metadata):
        check(one.prompt_token_count == 1300 and one.cached_content_token_count == 200, f"{one}")
        check((one.candidates_token_count, one.thoughts_token_count, one.total_token_count) == (50, 30, 1380), f"{one}")


def finishes(world):
    """Length, refusal and stop sequences end as they should."""
    short = ask(world, world.say("length"), max_output_tokens=50)
    check(short.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS, f"{short.candidates[0].finish_reason}")
    refused = ask(world, world.say("refusal"))
    check(refused.candidates or refused.prompt_feedback, f"refusal: {refused}")
    if not world.strict:
        stopped = ask(world, world.say("text"), stop_sequences=["upstream"])
        check(stopped.text == "Hello from the demo ", f"stop: {stopped.text!r}")


def count_tokens(world):
    """The counter grows with the input."""
    count = lambda text: client(world).models.count_tokens(model=world.model, contents=text).total_tokens
    check(0 < count("Hello") < count("Hello " * 200), "the counts do not grow")


def models(world):
    """The list and one entry."""
    names = [model.name.removeprefix("models/") for model in client(world).models.list()]
    check(names, "no models")
    if not world.strict:
        check(any(name.endswith(world.model.split("/")[-1]) for name in names), f"not listed in {names}")
        check(client(world).models.get(model=world.model).name.endswith(world.model.split("/")[-1]), "get")


def embeddings(world):
    """One vector per content; an upstream without embeddings says so."""
    if world.strict:
        raise NotApplicable("no embedding model is configured")
    embed = lambda: client(world).models.embed_content(model=world.model, contents=["a", "b"])
    if world.upstream == "anthropic":
        error = raises(failures.ClientError, embed)
        check(400 <= error.code < 500, f"{error}")
        return
    made = embed().embeddings
    check(len(made) == 2 and made[0].values != made[1].values and len(made[0].values) > 3, f"{made}")


def errors(world):
    """Statuses become the SDK's own exceptions."""
    error = raises(failures.ClientError, lambda: ask(world, world.say("error_400")))
    check(error.code == 400 and error.status == "INVALID_ARGUMENT", f"{error}")
    error = raises(failures.ServerError, lambda: ask(world, world.say("error_500")))
    check(error.code >= 500, f"{error}")
    error = raises(failures.ClientError, lambda: client(world, "bad-key").models.generate_content(model=world.model, contents="Hi"))
    check(error.code in (400, 401) and error.status, f"{error}")
    error = raises(failures.ClientError, lambda: ask(world, "Hi", model=world.missing))
    check(error.code == 404 and error.status == "NOT_FOUND", f"{error}")


def rate_limit(world):
    """429 says when to come back."""
    error = raises(failures.ClientError, lambda: ask(world, world.say("error_429")))
    check(error.code == 429 and error.status == "RESOURCE_EXHAUSTED", f"{error}")
    check("RetryInfo" in str(error.details), f"no RetryInfo: {error.details}")


def broken_stream(world):
    """A stream that breaks raises; it never ends as if all were well."""
    for kind in ("stream_error", "cut"):
        broken(raises(Exception, lambda: stream(world, world.say(kind))), failures.APIError, world)


CASES = [
    text, streamed_text, versions, conversation, tool_loop, streamed_tool_loop, automatic_calling, parallel_tools,
    forced_tool, structured_output, reasoning, reasoning_state, chat_session, usage, finishes, count_tokens, models,
    embeddings, errors, broken_stream, rate_limit,
]
