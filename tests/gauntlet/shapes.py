"""What scripted upstreams say: frames of each dialect, and a plain answer where a case gives none."""

import json
import zlib


def sse_pieces(items, dialect):
    """Each item is the JSON of one frame; a string is sent as data literally; {"@": ...} is an action of the transport."""
    out = []
    for item in items:
        if isinstance(item, dict) and "@" in item:
            out.append(action(item))
            continue
        data = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
        name = f"event: {item['type']}\n" if dialect in ("responses", "anthropic") and isinstance(item, dict) and "type" in item else ""
        out.append(f"{name}data: {data}\n\n".encode())
    return out


def packets(pieces, cut):
    """The same bytes in other packets: `one` for all in one, `bytes` for one each; otherwise a frame each."""
    if cut is None:
        return pieces
    whole = b"".join(pieces)
    return [whole] if cut == "one" else [whole[at:at + 1] for at in range(len(whole))]


def action(item):
    kind = item["@"]
    if kind in ("close", "reset"):
        return {"cut": True}
    if kind == "hold":
        return {"hold": True}
    if kind == "stall":
        return {"wait_ms": 8000}
    return {"wait_ms": item.get("wait_ms", 100)}


def zipped(pieces):
    """One gzip stream, flushed after every piece."""
    packer = zlib.compressobj(wbits=31)
    for piece in pieces:
        yield piece if isinstance(piece, dict) else packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()


def dialect_of(path):
    """The first folder names it; cases with base URLs of their own have none."""
    first = path.split("/")[1]
    if first in ("chat", "responses", "anthropic", "gemini"):
        return first
    return "anthropic" if "/messages" in path else "responses" if "/responses" in path else "gemini" if ":" in path else "chat"


def default_answer(dialect, path, body):
    stream = bool(body and body.get("stream")) or "streamGenerateContent" in path
    if dialect == "chat":
        if not stream:
            return {"json": {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "up", "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}}
        base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "up"}
        return {"sse": [
            {**base, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "ok"}, "finish_reason": None}]},
            {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            {**base, "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}, "[DONE]"]}
    if dialect == "anthropic":
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "up", "content": [{"type": "text", "text": "ok"}],
                   "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 2}}
        if not stream:
            return {"json": message}
        return {"sse": [
            {"type": "message_start", "message": {**message, "content": [], "stop_reason": None, "usage": {"input_tokens": 3, "output_tokens": 1}}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ok"}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 2}},
            {"type": "message_stop"}]}
    if dialect == "gemini":
        answer = {"candidates": [{"content": {"role": "model", "parts": [{"text": "ok"}]}, "finishReason": "STOP", "index": 0}],
                  "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
                  "modelVersion": "up", "responseId": "r1"}
        return {"sse": [answer]} if stream else {"json": answer}
    item = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
            "content": [{"type": "output_text", "text": "ok", "annotations": [], "logprobs": []}]}
    response = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "up", "output": [item],
                "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "parallel_tool_calls": True,
                "temperature": 1, "tool_choice": "auto", "tools": [], "top_p": 1,
                "usage": {"input_tokens": 3, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2,
                          "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 5}}
    if not stream:
        return {"json": response}
    return {"sse": responses_stream(response)}


def responses_stream(response):
    """A Responses stream of a finished response: created, one done item each, completed."""
    started = {**response, "status": "in_progress", "output": [], "usage": None}
    out = [{"type": "response.created", "response": started}, {"type": "response.in_progress", "response": started}]
    for index, item in enumerate(response["output"]):
        if item["type"] == "message":
            empty = {**item, "status": "in_progress", "content": []}
            out.append({"type": "response.output_item.added", "output_index": index, "item": empty})
            for part_index, part in enumerate(item["content"]):
                place = {"item_id": item["id"], "output_index": index, "content_index": part_index}
                out.append({"type": "response.content_part.added", **place, "part": {**part, "text": ""}})
                out.append({"type": "response.output_text.delta", **place, "delta": part["text"], "logprobs": []})
                out.append({"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []})
                out.append({"type": "response.content_part.done", **place, "part": part})
        elif item["type"] == "function_call":
            out.append({"type": "response.output_item.added", "output_index": index, "item": {**item, "arguments": "", "status": "in_progress"}})
            place = {"item_id": item["id"], "output_index": index}
            out.append({"type": "response.function_call_arguments.delta", **place, "delta": item["arguments"]})
            out.append({"type": "response.function_call_arguments.done", **place, "arguments": item["arguments"]})
        else:
            out.append({"type": "response.output_item.added", "output_index": index, "item": item})
        out.append({"type": "response.output_item.done", "output_index": index, "item": item})
    out.append({"type": "response.completed", "response": response})
    for number, event in enumerate(out):
        event["sequence_number"] = number
    return out
