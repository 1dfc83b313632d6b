"""Agents as plain as can be, one per dialect: each keeps its own history and returns what its habit allows.

`keeps` returns every member untouched, `typed` what the vendor's SDK has a type for, `bare` what can be seen: text and
calls. Besides, what of a request each upstream's record must be searched for.
"""

import json

TOOLS = {
    "weather": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "clock": {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
}
BYPASS = {"skip_thought_signature_validator", "context_engineering_is_the_way_to_go"}


def frames(raw):
    """The data of a stream."""
    out = []
    for block in raw.decode("utf-8").replace("\r\n", "\n").split("\n\n"):
        data = "\n".join(line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:"))
        if data and data != "[DONE]":
            frame = json.loads(data)
            assert "error" not in frame or not frame["error"], f"the stream ends in an error: {frame}"
            out.append(frame)
    return out


def only(value, *names):
    return {name: value[name] for name in names if value.get(name) is not None}


class Client:
    def __init__(self, habit):
        self.habit, self.history = habit, []

    def headers(self, key):
        return {"authorization": f"Bearer {key}"}


class Chat(Client):
    def ask(self, text):
        self.history.append({"role": "user", "content": text})

    def request(self, model, stream, upstream):
        tools = [{"type": "function", "function": {"name": name, "parameters": schema}} for name, schema in TOOLS.items()]
        effort = {} if upstream == "plain" else {"reasoning_effort": "medium"}
        return "/v1/chat/completions", {"model": model, "messages": self.history, "tools": tools, "stream": stream, **effort}

    def take(self, raw, stream):
        message = self.gathered(frames(raw)) if stream else json.loads(raw)["choices"][0]["message"]
        if self.habit != "keeps":
            calls = message.get("tool_calls")
            message = {"role": "assistant", "content": message.get("content")}
            if calls:
                message["tool_calls"] = [{**only(call, "id", "type"), "function": only(call["function"], "name", "arguments")} for call in calls]
        self.history.append(message)
        return [(call["id"], call["function"]["name"]) for call in message.get("tool_calls") or []]

    @staticmethod
    def gathered(chunks):
        message, calls = {"role": "assistant", "content": None}, {}
        for delta in (choice["delta"] for chunk in chunks for choice in chunk["choices"]):
            for name, value in delta.items():
                if name == "tool_calls":
                    for piece in value:
                        call = calls.setdefault(piece["index"], {"function": {"arguments": ""}})
                        function = piece.pop("function", {})
                        call["function"]["arguments"] += function.pop("arguments", None) or ""
                        call["function"].update(function)
                        call.update({key: part for key, part in piece.items() if key != "index"})
                elif name != "role" and value is not None:
                    message[name] = value if message.get(name) is None else message[name] + value
        if calls:
            message["tool_calls"] = [calls[index] for index in sorted(calls)]
        return message

    def answer(self, calls):
        for call_id, name in calls:
            self.history.append({"role": "tool", "tool_call_id": call_id, "content": f"{name} is fine"})


class Responses(Client):
    def ask(self, text):
        self.history.append({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})

    def request(self, model, stream, _upstream):
        tools = [{"type": "function", "name": name, "parameters": schema, "strict": False} for name, schema in TOOLS.items()]
        return "/v1/responses", {"model": model, "input": self.history, "tools": tools, "stream": stream, "store": False,
                                 "include": ["reasoning.encrypted_content"], "reasoning": {"effort": "medium", "summary": "auto"}}

    def take(self, raw, stream):
        response = next(frame["response"] for frame in reversed(frames(raw)) if frame["type"] == "response.completed") if stream else json.loads(raw)
        calls = [item for item in response["output"] if item["type"] == "function_call"]
        self.history += [kept for kept in map(self.kept, response["output"]) if kept]
        return [(call["call_id"], call["name"]) for call in calls]

    def kept(self, item):
        if self.habit == "keeps":
            return item
        bare = self.habit == "bare"
        if item["type"] == "reasoning":
            return None if bare else only(item, "id", "type", "summary", "encrypted_content")
        if item["type"] == "function_call":
            return only(item, "type", "call_id", "name", "arguments", *([] if bare else ["id", "status"]))
        if bare:
            return {"role": "assistant", "content": "".join(part["text"] for part in item["content"])}
        content = [only(part, "type", "text", "annotations") for part in item["content"]]
        return {**only(item, "id", "type", "role", "status", "phase"), "content": content}

    def answer(self, calls):
        for call_id, name in calls:
            self.history.append({"type": "function_call_output", "call_id": call_id, "output": f"{name} is fine"})


class Anthropic(Client):
    def headers(self, key):
        return {"x-api-key": key, "anthropic-version": "2023-06-01"}

    def ask(self, text):
        self.history.append({"role": "user", "content": [{"type": "text", "text": text}]})

    def request(self, model, stream, upstream):
        tools = [{"name": name, "input_schema": schema} for name, schema in TOOLS.items()]
        thinking = {"type": "adaptive"} if upstream == "bound" else {"type": "enabled", "budget_tokens": 2048}
        return "/v1/messages", {"model": model, "max_tokens": 8192, "messages": self.history, "tools": tools, "stream": stream, "thinking": thinking}

    def take(self, raw, stream):
        blocks = self.gathered(frames(raw)) if stream else json.loads(raw)["content"]
        kept = [kept for kept in map(self.kept, blocks) if kept]
        self.history.append({"role": "assistant", "content": kept})
        return [(block["id"], block["name"]) for block in blocks if block["type"] == "tool_use"]

    def kept(self, block):
        if self.habit == "keeps":
            # The service gives this member and refuses it; its own SDK leaves it out.
            return {name: value for name, value in block.items() if name != "citations" or value}
        if "thinking" in block["type"]:
            return None if self.habit == "bare" else only(block, "type", "thinking", "signature", "data")
        return only(block, "type", "text", "id", "name", "input")

    @staticmethod
    def gathered(events):
        blocks, inputs = {}, {}
        for event in events:
            if event["type"] == "content_block_start":
                blocks[event["index"]] = dict(event["content_block"])
            elif event["type"] == "content_block_delta":
                block, delta = blocks[event["index"]], event["delta"]
                if delta["type"] == "input_json_delta":
                    inputs[event["index"]] = inputs.get(event["index"], "") + delta["partial_json"]
                    continue
                member = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}[delta["type"]]
                block[member] = block.get(member, "") + delta[member]
        for index, text in inputs.items():
            blocks[index]["input"] = json.loads(text or "{}")
        return [blocks[index] for index in sorted(blocks)]

    def answer(self, calls):
        content = [{"type": "tool_result", "tool_use_id": call_id, "content": f"{name} is fine"} for call_id, name in calls]
        self.history.append({"role": "user", "content": content})


class Gemini(Client):
    def headers(self, key):
        return {"x-goog-api-key": key}

    def ask(self, text):
        self.history.append({"role": "user", "parts": [{"text": text}]})

    def request(self, model, stream, _upstream):
        tools = [{"functionDeclarations": [{"name": name, "parametersJsonSchema": schema} for name, schema in TOOLS.items()]}]
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        config = {"thinkingConfig": {"includeThoughts": True, "thinkingLevel": "HIGH"}}
        return f"/v1beta/models/{model}:{verb}", {"contents": self.history, "tools": tools, "generationConfig": config}

    def take(self, raw, stream):
        answers = frames(raw) if stream else [json.loads(raw)]
        parts = [part for answer in answers for candidate in answer["candidates"] for part in candidate["content"].get("parts", [])]
        # Empty pieces of a stream hold nothing, unless they are signed.
        kept = [kept for kept in map(self.kept, parts) if kept and kept != {"text": ""}]
        self.history.append({"role": "model", "parts": kept})
        return [(part["functionCall"].get("id"), part["functionCall"]["name"]) for part in parts if "functionCall" in part]

    def kept(self, part):
        if self.habit == "keeps":
            return part
        if self.habit == "bare":
            return None if part.get("thought") else only(part, "text", "functionCall")
        return only(part, "text", "thought", "thoughtSignature", "functionCall")

    def answer(self, calls):
        parts = [{"functionResponse": {**({"id": call_id} if call_id else {}), "name": name, "response": {"output": f"{name} is fine"}}} for call_id, name in calls]
        self.history.append({"role": "user", "parts": parts})


CLIENTS = {"chat": Chat, "responses": Responses, "anthropic": Anthropic, "gemini": Gemini}


def of_chat(body):
    return [int(bool((message.get("reasoning_content") or "").strip())) for message in body["messages"] if message["role"] == "assistant"]


def of_responses(body):
    turns, inside = [], False
    for item in body["input"]:
        ours = item.get("role") == "assistant" or item.get("type") in ("reasoning", "function_call")
        if ours and not inside:
            turns.append(0)
        inside = ours
        if item.get("type") == "reasoning":
            turns[-1] += bool(item.get("encrypted_content"))
    return turns


def of_anthropic(body):
    return [sum("thinking" in block["type"] for block in message["content"] if isinstance(block, dict))
            for message in body["messages"] if message["role"] == "assistant"]


def of_gemini(body):
    signed = lambda part: part.get("thoughtSignature") and part["thoughtSignature"] not in BYPASS
    return [sum(bool(signed(part)) for part in content["parts"]) for content in body["contents"] if content.get("role") == "model"]


# Per answer of a conversation: how many states of its vendor the request holds.
STATE = {"chat": of_chat, "responses": of_responses, "anthropic": of_anthropic, "gemini": of_gemini}
