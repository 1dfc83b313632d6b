"""What a strict client makes of an answer: events, an accumulated message, and checks of the stream's grammar."""

import json
import re


class Object(dict):
    """A dict whose members are attributes; an absent member is None, as clients see it."""

    def __getattr__(self, name):
        return self.get(name)


def wrap(value):
    if isinstance(value, dict):
        return Object({key: wrap(inner) for key, inner in value.items()})
    if isinstance(value, list):
        return [wrap(inner) for inner in value]
    return value


def plain(value):
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value


def frames(text):
    """(event name, data) of every frame; data is parsed unless it is no JSON."""
    out = []
    for block in re.split(r"\n\n", text.replace("\r\n", "\n")):
        data = [line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:")]
        name = [line[6:].strip() for line in block.split("\n") if line.startswith("event:")]
        if data:
            joined = "\n".join(data)
            try:
                joined = wrap(json.loads(joined))
            except ValueError:
                pass
            out.append((name[0] if name else "", joined))
    return out


def view(ingress, status, headers, raw, requests):
    """The names that a case's expressions may use."""
    text = raw.decode("utf-8", "replace")
    streamed = headers.get("content-type", "").startswith("text/event-stream")
    pairs = frames(text) if streamed else []
    events = [data for _, data in pairs]
    out = None
    if not streamed:
        try:
            out = wrap(json.loads(text))
        except ValueError:
            out = text
    last = requests[-1] if requests else {}
    names = {
        "status": status, "headers": Object(headers), "text": text, "out": out, "ev": events, "pairs": pairs,
        "up": wrap(last.get("body")), "up_url": last.get("url"), "up_headers": Object(last.get("headers", {})),
        "up_raw": last.get("raw"), "ups": [wrap(one["body"]) for one in requests], "calls": len(requests), "raws": [one["raw"] for one in requests],
        "ingress": ingress, "streamed": streamed, "fidelity": headers.get("x-bridge-fidelity", "").split(","),
    }
    names["WELLFORMED"] = lambda *_: streamed and wellformed(ingress, pairs)
    names["acc"] = None
    if status == 200:
        try:
            names["acc"] = wrap(ACCUMULATE[ingress](events) if streamed else plain(out))
        except Exception as error:  # a client that cannot read the answer is what a case wants to know
            names["acc"] = None
            names["acc_error"] = f"{type(error).__name__}: {error}"
    return names


def accumulate_anthropic(events):
    message, partial = None, {}
    for event in events:
        kind = event["type"]
        if kind == "message_start":
            message = plain(event["message"])
        elif kind == "content_block_start":
            assert event["index"] == len(message["content"]), "block indexes have a hole"
            message["content"].append(plain(event["content_block"]))
        elif kind == "content_block_delta":
            block, delta = message["content"][event["index"]], event["delta"]
            if delta["type"] == "text_delta":
                block["text"] += delta["text"]
            elif delta["type"] == "thinking_delta":
                block["thinking"] += delta["thinking"]
            elif delta["type"] == "signature_delta":
                block["signature"] = delta["signature"]
            elif delta["type"] == "input_json_delta":
                partial[event["index"]] = partial.get(event["index"], "") + delta["partial_json"]
            elif delta["type"] == "citations_delta":
                block["citations"] = (block.get("citations") or []) + [plain(delta["citation"])]
        elif kind == "content_block_stop":
            block = message["content"][event["index"]]
            if block["type"] in ("tool_use", "server_tool_use") and partial.get(event["index"]):
                block["input"] = json.loads(partial[event["index"]])
        elif kind == "message_delta":
            message.update({k: v for k, v in event["delta"].items()})
            message["usage"].update({k: v for k, v in event["usage"].items() if v is not None})
        elif kind == "error":
            message = {**(message or {}), "error": plain(event["error"])}
    return message


def accumulate_chat(events):
    message, choices = {"choices": []}, {}
    for event in events:
        if not isinstance(event, dict):
            continue
        if "error" in event:
            message["error"] = plain(event["error"])
            continue
        message.update({k: plain(event[k]) for k in ("id", "model", "created") if k in event})
        if event.get("usage"):
            message["usage"] = plain(event["usage"])
        for choice in event["choices"]:
            held = choices.setdefault(choice["index"], {"index": choice["index"], "message": {"role": None, "content": None}, "finish_reason": None})
            target, delta = held["message"], choice["delta"]
            for key, value in delta.items():
                if key == "tool_calls":
                    for call in value:
                        calls = target.setdefault("tool_calls", [])
                        while len(calls) <= call["index"]:
                            calls.append({})
                        merge_call(calls[call["index"]], plain(call))
                elif key in ("content", "refusal", "reasoning_content") and value is not None:
                    target[key] = (target.get(key) or "") + value
                elif key == "reasoning_details":
                    target.setdefault(key, []).extend(plain(value))
                elif value is not None:
                    target[key] = plain(value)
            if choice.get("finish_reason"):
                held["finish_reason"] = choice["finish_reason"]
    message["choices"] = [choices[index] for index in sorted(choices)]
    return message


def merge_call(call, delta):
    for key, value in delta.items():
        if key == "index":
            continue
        if isinstance(value, dict):
            merge_call(call.setdefault(key, {}), value)
        elif key in ("arguments", "input"):
            call[key] = call.get(key, "") + value
        elif value is not None:
            call[key] = value


def accumulate_responses(events):
    response = None
    for event in events:
        if event["type"] in ("response.created", "response.completed", "response.incomplete", "response.failed"):
            response = plain(event["response"])
    return response


def accumulate_gemini(events):
    out = {"candidates": []}
    candidates = {}
    for event in events:
        if "error" in event:
            out["error"] = plain(event["error"])
            continue
        out.update({k: plain(v) for k, v in event.items() if k != "candidates"})
        for candidate in event.get("candidates", []):
            held = candidates.setdefault(candidate.get("index", 0), {"content": {"role": "model", "parts": []}})
            held.update({k: plain(v) for k, v in candidate.items() if k != "content"})
            for part in (candidate.get("content") or {}).get("parts", []):
                add_part(held["content"]["parts"], plain(part))
    out["candidates"] = [candidates[index] for index in sorted(candidates)]
    return out


def add_part(parts, part):
    last = parts[-1] if parts else None
    if last is not None and "text" in last and "text" in part and last.get("thought") == part.get("thought") \
            and "thoughtSignature" not in last and "thoughtSignature" not in part:
        last["text"] += part["text"]
    elif part != {"text": ""}:
        parts.append(part)


ACCUMULATE = {"anthropic": accumulate_anthropic, "chat": accumulate_chat, "responses": accumulate_responses, "gemini": accumulate_gemini}


def wellformed_anthropic(events):
    events = [event for event in events if event["type"] != "ping"]
    assert events and events[0]["type"] == "message_start", "message_start is not first"
    assert [e["type"] for e in events].count("message_start") == 1, "message_start twice"
    live, count, delta = None, 0, None
    kinds = {"text": "text_delta", "thinking": "thinking_delta", "tool_use": "input_json_delta"}
    for event in events[1:-1]:
        kind = event["type"]
        if kind == "content_block_start":
            assert live is None, "two open blocks"
            assert event["index"] == count, f"index {event['index']} instead of {count}"
            live, count = event["content_block"]["type"], count + 1
        elif kind == "content_block_delta":
            assert live is not None and event["index"] == count - 1, "delta without an open block"
            wanted = kinds.get(live)
            assert event["delta"]["type"] in (wanted, "signature_delta" if live == "thinking" else wanted,
                                              "citations_delta" if live == "text" else wanted), f"{event['delta']['type']} in a {live} block"
        elif kind == "content_block_stop":
            assert live is not None and event["index"] == count - 1, "stop without an open block"
            live = None
        elif kind == "message_delta":
            assert live is None, "message_delta inside a block"
            delta = event
        else:
            raise AssertionError(f"unexpected {kind}")
    assert events[-1]["type"] == "message_stop", f"ends with {events[-1]['type']}"
    assert delta is not None and delta["delta"]["stop_reason"], "no stop_reason"
    assert isinstance(delta["usage"]["output_tokens"], int), "no usage"


def wellformed_chat(events):
    assert events and events[-1] == "[DONE]", "no [DONE] at the end"
    chunks = events[:-1]
    assert "[DONE]" not in chunks, "[DONE] twice"
    assert len({(c["id"], c["created"], c["model"]) for c in chunks}) == 1, "id, created or model change"
    finished = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            index = choice["index"]
            assert index not in finished, "a delta after finish_reason"
            if choice.get("finish_reason"):
                finished[index] = choice["finish_reason"]
    assert finished, "no finish_reason"


def wellformed_responses(events):
    assert [e["sequence_number"] for e in events] == list(range(len(events))), "sequence numbers"
    assert events[0]["type"] == "response.created", "response.created is not first"
    assert events[-1]["type"] in ("response.completed", "response.incomplete", "response.failed"), "no terminal event"
    assert events[0]["response"]["id"] == events[-1]["response"]["id"], "the id changes"
    done = [e["item"] for e in events if e["type"] == "response.output_item.done"]
    if events[-1]["type"] != "response.failed":
        assert plain(done) == plain(events[-1]["response"]["output"]), "items differ from the final output"
    added = [e["item"]["id"] for e in events if e["type"] == "response.output_item.added"]
    assert [item["id"] for item in done] == added[:len(done)], "item ids change"


def wellformed_gemini(events):
    assert events, "an empty stream"
    assert "[DONE]" not in events, "[DONE] breaks Google's SDKs"
    finishes = [c["finishReason"] for e in events for c in e.get("candidates", []) if c.get("finishReason")]
    assert len(finishes) == 1 or any((e.get("promptFeedback") or {}).get("blockReason") for e in events), f"finish reasons: {finishes}"


def wellformed(ingress, pairs):
    events = [data for _, data in pairs]
    if ingress in ("anthropic", "responses"):
        for name, data in pairs:
            assert isinstance(data, dict) and name == data["type"], f"event name {name!r}"
    {"anthropic": wellformed_anthropic, "chat": wellformed_chat, "responses": wellformed_responses, "gemini": wellformed_gemini}[ingress](events)
    return True


def texts(acc, ingress):
    """All visible text of an accumulated answer."""
    if ingress == "anthropic":
        return "".join(b["text"] for b in acc["content"] if b["type"] == "text")
    if ingress == "chat":
        return acc["choices"][0]["message"].get("content") or ""
    if ingress == "responses":
        return "".join(p.get("text", "") for i in acc["output"] if i["type"] == "message" for p in i["content"])
    return "".join(p.get("text", "") for p in acc["candidates"][0]["content"].get("parts", []) if not p.get("thought"))


def find(value, key):
    """Every value of a key at any depth."""
    if isinstance(value, dict):
        hits = [value[key]] if key in value else []
        return hits + [hit for inner in value.values() for hit in find(inner, key)]
    if isinstance(value, list):
        return [hit for inner in value for hit in find(inner, key)]
    return []


def paired_chat(body):
    """Every call of a Chat body is answered before the next other message, and nothing else is."""
    waiting = []
    for message in body["messages"]:
        if message["role"] == "tool":
            assert message["tool_call_id"] in waiting, f"a result without its call: {message['tool_call_id']}"
            waiting.remove(message["tool_call_id"])
            continue
        assert not waiting, f"unanswered: {waiting}"
        waiting = [call["id"] for call in message.get("tool_calls") or []]
    assert not waiting, f"unanswered: {waiting}"
    return True


def paired_responses(body):
    calls = [i["call_id"] for i in body["input"] if i.get("type") in ("function_call", "custom_tool_call")]
    results = [i["call_id"] for i in body["input"] if str(i.get("type", "")).endswith("_output")]
    assert sorted(calls) == sorted(results), f"calls {calls}, results {results}"
    return True


def paired_anthropic(body):
    previous = None
    for message in body["messages"]:
        content = message["content"] if isinstance(message["content"], list) else []
        results = [b["tool_use_id"] for b in content if b["type"] == "tool_result"]
        calls = [b["id"] for b in (previous or {}).get("content", []) if isinstance(b, dict) and b["type"] == "tool_use"] \
            if previous and previous["role"] == "assistant" else []
        assert sorted(calls) == sorted(results), f"calls {calls}, results {results}"
        kinds = [b["type"] == "tool_result" for b in content]
        assert kinds == sorted(kinds, reverse=True), "a result behind other content"
        assert not previous or previous["role"] != message["role"], "two messages of one role in a row"
        previous = message
    return True


def paired_gemini(body):
    previous = None
    for content in body["contents"]:
        calls = [p["functionCall"]["name"] for p in (previous or {}).get("parts", []) if "functionCall" in p]
        results = [p["functionResponse"]["name"] for p in content["parts"] if "functionResponse" in p]
        assert calls == results, f"calls {calls}, results {results}"
        assert not previous or previous["role"] != content["role"], "two contents of one role in a row"
        previous = content
    return True


def schema(body):
    """The schema of the first tool, whatever the dialect."""
    tool = body["tools"][0]
    tool = (tool.get("functionDeclarations") or [tool.get("function") or tool])[0]
    names = ("parametersJsonSchema", "parameters", "input_schema")
    return next((tool[name] for name in names if tool.get(name) is not None), None)


GEMINI_JSON = {"$anchor", "$defs", "$id", "$ref", "additionalProperties", "anyOf", "description", "enum", "format", "items", "maxItems", "maximum",
               "minItems", "minimum", "oneOf", "prefixItems", "properties", "propertyOrdering", "required", "title", "type"}
GEMINI_PROTO = {"anyOf", "default", "description", "enum", "example", "format", "items", "maxItems", "maxLength", "maxProperties", "maximum",
                "minItems", "minLength", "minProperties", "minimum", "nullable", "pattern", "properties", "propertyOrdering", "required", "title", "type"}


def strict_gemini(body):
    """Every schema of a Gemini body uses only the keywords that its field takes, at every depth."""
    tools = [one for tool in body.get("tools") or [] for one in tool.get("functionDeclarations") or []]
    config = body.get("generationConfig") or {}
    found = [(tool, "parametersJsonSchema", "parameters") for tool in tools] + [(config, "responseJsonSchema", "responseSchema")]
    for holder, full, message in found:
        assert not (full in holder and message in holder), "two schemas at once"
        if full in holder:
            strict_schema(holder[full], GEMINI_JSON)
        elif message in holder:
            strict_schema(holder[message], GEMINI_PROTO)
    return True


def strict_schema(node, known):
    if isinstance(node, bool):
        return
    assert set(node) <= known, f"unknown keywords {sorted(set(node) - known)}"
    assert "$ref" not in node or all(key.startswith("$") for key in node), "members beside $ref"
    if known is GEMINI_PROTO:
        assert "type" not in node or node["type"] in ("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT"), f"type {node['type']}"
        assert all(isinstance(value, str) for value in node.get("enum", [])), "an enum of other things than strings"
    kind = node.get("type")
    assert str(kind).lower() != "array" or "items" in node or "prefixItems" in node, "a list without items"
    assert all(name in node.get("properties", {}) for name in node.get("required", [])), "an undeclared required property"
    for group in ("properties", "$defs"):
        for inner in node.get(group, {}).values():
            strict_schema(inner, known)
    for group in ("anyOf", "oneOf", "prefixItems"):
        for inner in node.get(group, []):
            strict_schema(inner, known)
    for one in ("items", "additionalProperties"):
        if one in node:
            strict_schema(node[one], known)


def metric(text, word):
    """The sum of all samples of a Prometheus page whose line holds a word."""
    lines = [line for line in text.splitlines() if word in line and not line.startswith("#")]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def ascending(*values):
    return all(a < b for a, b in zip(values, values[1:]))


CHECKS = {
    "find": find, "metric": metric, "texts": texts, "json": json, "re": re, "ascending": ascending,
    "paired_chat": paired_chat, "paired_responses": paired_responses, "paired_anthropic": paired_anthropic,
    "paired_gemini": paired_gemini, "schema": schema, "strict_gemini": strict_gemini, "plain": plain, "wellformed": wellformed,
}
