"""Every fault of the strict simulator, through the hub, for every pair of dialects.

Whatever the upstream does, the client must see a proper ending in its own dialect: a complete answer, an error
status with an error body, or an error inside the stream. Never a hang, never an invented success.

Wants HUB_URL, HUB_KEY and SIMULATOR_URL. Only the standard library.
"""

import concurrent.futures
import http.client
import json
import os
import sys
import time
import urllib.parse
import urllib.request

HUB = urllib.parse.urlsplit(os.environ["HUB_URL"])
KEY = os.environ["HUB_KEY"]
SIMULATOR = os.environ["SIMULATOR_URL"]
DEADLINE = float(os.environ.get("FAULT_DEADLINE", "40"))
ONLY = set(filter(None, os.environ.get("FAULT_ONLY", "").split(",")))

UPSTREAMS = {
    "chat": ("sim-chat", "gpt-4o"),
    "responses": ("sim-responses", "gpt-5.1"),
    "anthropic": ("sim-anthropic", "claude-sonnet-4-5-20250929"),
    "gemini": ("sim-gemini", "gemini-3-flash-preview"),
}
# Faults after which a key rests: each has providers of its own, so that it does not spoil the others.
POISON = {"err_401", "err_402", "err_403", "err_429", "err_429_long", "err_429_nohdr", "err_429_date", "err_429_quota"}
TOOL_FAULTS = {"mid_error_tool"}
TOOL_MODS = {"null_delta", "one_chunk_tool", "same_id_chunks", "no_index"}
HELLO = "Hello from the strict upstream simulator"


def scenarios():
    """Every fault of the simulator: name and kind (error, mid, mod)."""
    with urllib.request.urlopen(SIMULATOR + "/__scenarios", timeout=10) as answer:
        listing = json.load(answer)
    kinds = {"errors": "error", "mid": "mid", "mods": "mod"}
    return {name: kind for group, kind in kinds.items() for name in listing[group]}


def request(client, model, stream, text, tool):
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    if client == "chat":
        body = {"model": model, "messages": [{"role": "user", "content": text}], "stream": stream}
        if stream:
            body["stream_options"] = {"include_usage": True}
        if tool:
            body["tools"] = [{"type": "function", "function": {"name": "weather", "parameters": schema}}]
        return "/v1/chat/completions", body, {"authorization": f"Bearer {KEY}"}
    if client == "responses":
        body = {"model": model, "input": text, "stream": stream, "store": False}
        if tool:
            body["tools"] = [{"type": "function", "name": "weather", "parameters": schema, "strict": False}]
        return "/v1/responses", body, {"authorization": f"Bearer {KEY}"}
    if client == "anthropic":
        body = {"model": model, "max_tokens": 2048, "messages": [{"role": "user", "content": text}], "stream": stream}
        if tool:
            body["tools"] = [{"name": "weather", "input_schema": schema}]
        return "/v1/messages", body, {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    body = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    if tool:
        body["tools"] = [{"functionDeclarations": [{"name": "weather", "parametersJsonSchema": schema}]}]
    return f"/v1beta/models/{model}:{verb}", body, {"x-goog-api-key": KEY}


def call(client, model, stream, text, tool):
    path, body, headers = request(client, model, stream, text, tool)
    connection = http.client.HTTPConnection(HUB.hostname, HUB.port, timeout=DEADLINE)
    started = time.monotonic()
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json", **headers})
        answer = connection.getresponse()
        chunks = []
        while True:
            if time.monotonic() - started > DEADLINE:
                raise TimeoutError("the answer does not end")
            chunk = answer.read1(65536)
            if not chunk:
                break
            chunks.append(chunk)
        return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), b"".join(chunks)
    finally:
        connection.close()


def frames(raw, lenient):
    """The frames of a stream. On the byte path (`lenient`) a frame that the upstream broke passes as it is."""
    out = []
    text = raw.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    for block in text.split("\n\n"):
        data = [line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:")]
        event = [line[6:].strip() for line in block.split("\n") if line.startswith("event:")]
        if data:
            text = "\n".join(data)
            try:
                out.append((event[0] if event else "", text if text == "[DONE]" else json.loads(text)))
            except ValueError:
                if not lenient:
                    raise
    return out


def error_body(client, status, body):
    """None when the body is an error of the dialect, else what is wrong with it."""
    if client == "gemini" and isinstance(body, list):
        body = body[0] if body else {}
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return f"no error object: {str(body)[:200]}"
    if not error.get("message"):
        return "an error without a message"
    if client in ("chat", "responses") and not {"message", "type"} <= set(error):
        return f"an OpenAI error lacks members: {error}"
    if client == "anthropic" and (body.get("type") != "error" or not error.get("type")):
        return f"not an Anthropic error: {body}"
    if client == "gemini" and (error.get("code") != status or not error.get("status")):
        return f"not a Google error: {body}"
    return None


def ending(client, events, same):
    """How a stream ended: ('ok', text) or ('error', message); raises when it has no proper ending.

    On the byte path (`same`) the upstream's own oddities pass, its ending must be proper all the same."""
    if not events:
        raise AssertionError("an empty stream")
    names = [name for name, _ in events]
    last_name, last = events[-1]
    if client == "chat":
        if last == "[DONE]":
            finishes = [c["finish_reason"] for _, e in events[:-1] for c in e.get("choices", []) if c.get("finish_reason")]
            assert len(finishes) == 1 or same and finishes, f"finish reasons: {finishes}"
            return "ok", "".join(c["delta"].get("content") or "" for _, e in events[:-1] for c in e.get("choices", []))
        assert isinstance(last, dict) and "error" in last, f"ends with {str(last)[:200]}"
        assert error_body(client, 0, last) is None, error_body(client, 0, last)
        return "error", last["error"]["message"]
    if client == "responses":
        numbers = [e["sequence_number"] for _, e in events if "sequence_number" in e]
        # The simulator's strange events have numbers of their own.
        whole = numbers == list(range(len(events)))
        assert whole or same and numbers[-1] == max(numbers), f"sequence numbers {numbers}"
        kind = last["type"]
        if kind in ("response.completed", "response.incomplete"):
            assert "error" not in names
            return "ok", "".join(e["delta"] for _, e in events if e["type"] == "response.output_text.delta")
        if kind == "error":
            # The upstream's own ending, on the byte path.
            return "error", last.get("message") or last["error"]["message"]
        assert kind == "response.failed", f"ends with {kind}"
        return "error", last["response"]["error"]["message"]
    if client == "anthropic":
        assert all(name == e["type"] for name, e in events), "event names"
        if last_name == "message_stop":
            assert names[0] == "message_start", names[0]
            return "ok", "".join(e["delta"].get("text", "") for n, e in events if n == "content_block_delta")
        assert last_name == "error", f"ends with {last_name}"
        assert error_body(client, 0, last) is None
        return "error", last["error"]["message"]
    if "error" in last:
        assert last["error"].get("message") and last["error"].get("status"), last
        return "error", last["error"]["message"]
    finishes = [c.get("finishReason") for _, e in events for c in e.get("candidates", []) if c.get("finishReason")]
    blocked = any(e.get("promptFeedback", {}).get("blockReason") for _, e in events)
    assert len(finishes) == 1 or blocked, f"finish reasons: {finishes}"
    return "ok", "".join(p.get("text", "") for _, e in events for c in e.get("candidates", [])
                         for p in c.get("content", {}).get("parts", []) if not p.get("thought"))


def whole(client, body):
    """How a complete answer ended, in the same terms."""
    if client == "chat":
        assert body["choices"][0]["finish_reason"], "no finish reason"
        return "ok", body["choices"][0]["message"].get("content") or ""
    if client == "responses":
        assert body["status"] in ("completed", "incomplete"), body["status"]
        return "ok", "".join(p.get("text", "") for i in body["output"] if i["type"] == "message" for p in i["content"])
    if client == "anthropic":
        assert body["stop_reason"], "no stop reason"
        return "ok", "".join(b.get("text", "") for b in body["content"] if b["type"] == "text")
    candidates = body.get("candidates", [])
    assert candidates and candidates[0].get("finishReason") or body.get("promptFeedback"), "no finish reason"
    return "ok", "".join(p.get("text", "") for c in candidates for p in c.get("content", {}).get("parts", []) if not p.get("thought"))


def expected(kind, name, upstream, stream):
    """'ok', 'error', or None when both are proper."""
    if kind == "error":
        return "error"
    if kind == "mid":
        if name == "no_done" and stream:
            # Chat without [DONE] and Gemini, which has no terminator, are complete; the others are cut.
            return "ok" if upstream == "chat" else None
        if name == "no_done":
            return "ok"
        if name == "mid_error_tool":
            return "error"
        return "error"
    return "ok"


def check(job):
    kind, name, client, upstream, stream = job
    tool = name in TOOL_FAULTS or name in TOOL_MODS
    scenario = f"tool_single+{name}" if tool else f"text+{name}" if kind == "mod" else name
    text = f"Say hello. [[scenario:{scenario}]]" + (" [[tool:weather]]" if tool else "")
    where = f"{name:18} {client:>9} -> {upstream:9} {'stream' if stream else 'whole'}"
    try:
        provider, model = UPSTREAMS[upstream]
        provider = f"{provider}-{name}" if name in POISON else provider
        status, headers, raw = call(client, f"{provider}/{model}", stream, text, tool)
        if status != 200:
            wrong = error_body(client, status, json.loads(raw))
            assert wrong is None, wrong
            assert status >= 400, f"status {status}"
            assert status != 401, "an upstream's failure must not look like a wrong client key"
            outcome, said = "error", str(status)
        elif stream:
            outcome, said = ending(client, frames(raw, client == upstream), client == upstream)
        else:
            outcome, said = whole(client, json.loads(raw))
        want = expected(kind, name, upstream, stream)
        assert want is None or outcome == want, f"{outcome} ({said[:120]!r}) instead of {want}"
        if want == "ok" and not tool and kind == "mod":
            assert HELLO in said, f"the text is damaged: {said[:200]!r}"
        return where, None
    except Exception as error:  # every kind of failure is a finding
        return where, f"{type(error).__name__}: {error}"


def main():
    jobs = []
    for name, kind in scenarios().items():
        if ONLY and name not in ONLY:
            continue
        for client in UPSTREAMS:
            for upstream in UPSTREAMS:
                jobs += [(kind, name, client, upstream, True), (kind, name, client, upstream, False)]
    assert jobs, "the simulator lists no scenarios"
    # The slow ones first, so that the tail is short.
    slow = {"hang", "mid_stall", "err_408", "slow", "slow_start", "slow_first", "err_429_long"}
    jobs.sort(key=lambda job: job[1] not in slow)
    started, failures = time.monotonic(), []
    with concurrent.futures.ThreadPoolExecutor(48) as pool:
        for where, wrong in pool.map(check, jobs):
            if wrong:
                failures.append(f"{where}: {wrong}")
    print(f"faults: {len(jobs)} runs, {len(failures)} wrong, {time.monotonic() - started:.0f} s")
    for failure in failures[:200]:
        print("  " + failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
