"""Bugs that users of other gateways reported, as cases against the running hub.

A case is data: what the client sends, what a scripted upstream answers, and what must hold of both sides, as short
Python expressions. `README.md` says how to write one.

usage: runner.py --hub PROGRAM [--only a-001,o-] [--list-missing]
"""

import argparse
import contextlib
import http.client
import http.server
import itertools
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import yaml

import clients
import shapes

HERE = pathlib.Path(__file__).parent
KEY = "sk-gauntlet-0123456789"
SECOND = "sk-second-0123456789"
NARROW = "sk-narrow-0123456789"
FORMATS = {"chat": "openai", "responses": "openai-responses", "anthropic": "anthropic", "gemini": "gemini"}
DEFAULT_MODEL = {
    "chat": "gpt-4o",
    "responses": "gpt-5.1",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-3-flash-preview",
}
BASES = {"chat": "chat", "responses": "responses/v1", "anthropic": "anthropic", "gemini": "gemini"}
PATHS = {
    "anthropic": "/v1/messages",
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "gemini": "/v1beta/models/{model}:{verb}",
}


# A case of several clients writes the prompt once for each; a client sends its own.
PROMPTS = {"chat": "messages", "responses": "input", "anthropic": "messages", "gemini": "contents"}
LIMITS = {"chat": "max_tokens", "responses": "max_output_tokens", "anthropic": "max_tokens", "gemini": None}


class Upstream:
    """A scripted provider: gives the answers of the running step in order and keeps what it was asked."""

    def __init__(self):
        self.lock = threading.Lock()
        self.script, self.requests, self.names, self.fetched = [], [], {}, []
        self.gone = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers.get("content-length") or 0)
                raw = self.rfile.read(length)
                dialect = shapes.dialect_of(self.path)
                body = json.loads(raw) if raw else None
                with outer.lock:
                    outer.requests.append({"path": self.path, "url": self.path.removeprefix("/" + dialect), "body": body, "raw": raw.decode(),
                                           "headers": {k.lower(): v for k, v in self.headers.items()}})
                    answer = outer.script.pop(0) if outer.script else None
                if answer is not None:
                    answer = substitute(answer, {**outer.names, "up": clients.wrap(body)})
                outer.answer(self, answer if answer is not None else shapes.default_answer(dialect, self.path, body), dialect)

            def do_GET(self):
                with outer.lock:
                    outer.fetched.append(self.path)
                self.send_error(404)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hold(self, handler):
        """Say nothing more until the hub hangs up."""
        if select.select([handler.connection], [], [], 6)[0]:
            self.gone.set()
        handler.close_connection = True

    def left(self, limit_ms):
        """Milliseconds until the hub hung up on a held answer, or None."""
        started = time.monotonic()
        return round((time.monotonic() - started) * 1000) if self.gone.wait(limit_ms / 1000) else None

    def answer(self, handler, answer, dialect):
        if answer.get("hold"):
            return self.hold(handler)
        if answer.get("cut"):
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        status = answer.get("status", 200)
        headers = dict(answer.get("headers", {}))
        if "sse" in answer:
            pieces = shapes.sse_pieces(answer["sse"], dialect)
            headers.setdefault("content-type", "text/event-stream")
        elif "raw" in answer:
            pieces = [answer["raw"].encode()]
            headers.setdefault("content-type", "text/event-stream" if answer["raw"].startswith(("data:", "event:")) else "application/json")
        else:
            pieces = [json.dumps(answer.get("json", {}), ensure_ascii=False).encode()]
            headers.setdefault("content-type", "application/json")
        if answer.get("split"):
            size = answer["split"]
            pieces = [piece[at:at + size] for piece in pieces for at in range(0, len(piece), size)]
        if "split_at" in answer:
            joined, at = b"".join(pieces), answer["split_at"]
            pieces = [joined[:at], {"wait_ms": 1}, joined[at:]]
        pieces = shapes.packets(pieces, answer.get("packets"))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            handler.send_response(status)
            for name, value in headers.items():
                for one in value if isinstance(value, list) else [value]:
                    handler.send_header(name, str(one).replace("{port}", str(self.port)))
            handler.send_header("transfer-encoding", "chunked")
            handler.end_headers()
            for piece in shapes.zipped(pieces) if headers.get("content-encoding") == "gzip" else pieces:
                if isinstance(piece, dict):
                    if "wait_ms" in piece:
                        time.sleep(piece["wait_ms"] / 1000)
                    elif piece.get("hold"):
                        return self.hold(handler)
                    elif piece.get("cut"):
                        handler.connection.shutdown(socket.SHUT_RDWR)
                        handler.close_connection = True
                        return
                    continue
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                handler.wfile.flush()
            handler.wfile.write(b"0\r\n\r\n")


def load_cases(only):
    cases = []
    for path in sorted((HERE / "cases").glob("*.yaml")):
        for case in yaml.safe_load(path.read_text()) or []:
            case["file"] = path.name
            case["steps"] = multiplied(case)
            if not only or any(case["id"].startswith(prefix) for prefix in only):
                cases.append(case)
    ids = [case["id"] for case in cases]
    doubled = sorted({one for one in ids if ids.count(one) > 1})
    assert not doubled, f"ids used twice: {doubled}"
    return cases


def multiplied(case):
    """The steps once for each combination of a matrix; the combination's values are names for expressions."""
    matrix = case.get("matrix", {})
    values = [range(1, one) if isinstance(one, int) else one for one in matrix.values()]
    rows = [dict(zip(matrix, row)) for row in itertools.product(*values)]
    steps = [{"target": row.get("target", case.get("target", "chat")), **step, "given": row} for row in rows for step in case["steps"]]
    return [{**step, "target": step["given"]["target"]} if step["target"] == "$target" else step for step in steps]


def target_of(case, step=None):
    target = (step or {}).get("target", case.get("target", "chat"))
    dialect, _, model = target.partition("/")
    return dialect, model or DEFAULT_MODEL[dialect]


def settings_of(case, step):
    """What a step wants of a provider of its own. An answer that sets a key aside must not disturb other steps."""
    script = step.get("upstream") or {}
    cools = any(one.get("status") in (401, 402, 403, 429) for one in (script if isinstance(script, list) else [script]) if isinstance(one, dict))
    return step.get("provider", case.get("provider", {} if cools else None))


def own_providers(cases, upstream):
    """The providers of cases and steps that configure their own, by the name that routes to them."""
    for case in cases:
        for index, step in enumerate(case["steps"]):
            settings = settings_of(case, step)
            if settings is None:
                continue
            dialect, model = target_of(case, step)
            base = {"base_url": "http://127.0.0.1:{port}/" + BASES[dialect], "api_format": FORMATS[dialect], "api_key": f"sk-up-{dialect}-000000",
                    "timeout": 4, "max_retries": 0, "allow_private_network": True}
            merged = {**base, **settings, "name": f"{case['id']}-{index}"}
            yield {**merged, "base_url": merged["base_url"].replace("{port}", str(upstream))}, model


def by_dialect(script, dialect, streamed):
    """The answer of a script that has one for each dialect, or one for streams and one for whole answers."""
    if isinstance(script, dict) and script.get("by_stream"):
        return script[streamed]
    if isinstance(script, dict) and dialect in script:
        return script[dialect]
    return script


def deep(value, upstream):
    """Settings of a case with the upstream's port put in."""
    return json.loads(json.dumps(value).replace("{port}", str(upstream)))


def config(cases, port, upstream):
    targets = sorted({target_of(case, step) for case in cases for step in case["steps"]})
    providers = [{"name": f"up-{dialect}", "api_format": FORMATS[dialect], "base_url": f"http://127.0.0.1:{upstream}/{BASES[dialect]}",
                  "api_key": f"sk-up-{dialect}-000000", "timeout": 4, "max_retries": 0, "allow_private_network": True}
                 for dialect in FORMATS]
    routes = [{"name": f"to-{dialect}-{index}", "priority": index, "match": {"header": {"x-case-target": f"{dialect}/{model}"}},
               "targets": [{"provider": f"up-{dialect}", "model": model}]}
              for index, (dialect, model) in enumerate(targets)]
    for provider, model in own_providers(cases, upstream):
        providers.append(provider)
        routes.append({"name": provider["name"], "priority": len(routes), "match": {"header": {"x-case-target": provider["name"]}},
                       "targets": [{"provider": provider["name"], "model": model}]})
    routes += [{"priority": len(routes), **route} for case in cases for route in case.get("routes", [])]
    providers += [{"timeout": 4, "max_retries": 0, "allow_private_network": True, **deep(provider, upstream)} for case in cases for provider in case.get("providers", [])]
    settings = {"HOST": "127.0.0.1", "PORT": port, "AUTH": "required", "LOG_LEVEL": "warn",
            "CIRCUIT_BREAKER": {"failure_threshold": 1000000, "recovery_timeout": 1},
            "CLIENT_KEYS": [{"name": "gauntlet", "key": KEY}, {"name": "second", "key": SECOND},
                            {"name": "narrow", "key": NARROW, "allowed_models": ["alias-*"]}], "PROVIDERS": providers, "ROUTES": routes}
    for case in cases:
        settings.update(deep(case.get("hub") or {}, upstream))
    return settings


def substitute(value, names):
    """`$name.path` alone in a string becomes the value of that expression of an earlier step."""
    if isinstance(value, dict):
        return {key: substitute(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        out = []
        for inner in value:
            if isinstance(inner, str) and inner.startswith("$*"):
                out.extend(clients.plain(evaluate(inner[2:], names)))
            else:
                out.append(substitute(inner, names))
        return out
    if isinstance(value, str) and re.match(r"^\$[a-z'(\[]", value):
        return clients.plain(evaluate(value[1:], names))
    return value


def evaluate(expression, names):
    return eval(expression, {**names, "__builtins__": SAFE})  # the cases are part of this repository


SAFE = {name: __builtins__.__dict__[name] for name in (
    "len", "all", "any", "sorted", "set", "list", "dict", "str", "int", "float", "isinstance", "range", "min", "max",
    "sum", "bool", "enumerate", "zip", "type", "tuple", "next", "iter", "map", "filter", "repr", "True", "False", "None",
    "abs", "reversed", "ValueError", "KeyError")}


def send(port, ingress, path, body, headers, step):
    """The answer, and when its parts came: `leave_after` bytes the client hangs up."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    auth = {"anthropic": {"x-api-key": KEY, "anthropic-version": "2023-06-01"}, "gemini": {"x-goog-api-key": KEY}}
    sent = {"content-type": "application/json", **auth.get(ingress, {"authorization": f"Bearer {KEY}"}), **headers}
    data = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    method = step.get("method", "POST")
    leave = step.get("leave_after")
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in sent.items():
            for one in value if isinstance(value, list) else [value]:
                if one is not None:
                    connection.putheader(name, str(one))
        if method == "POST":
            data = data.encode("utf-8", "surrogatepass")
            connection.putheader("content-length", str(len(data)))
        connection.endheaders(data if method == "POST" else None)
        if leave == 0:
            time.sleep(0.3)
            return 0, {}, b"", []
        answer = connection.getresponse()
        headers = {k.lower(): v for k, v in answer.getheaders()}
        if leave is None and not step.get("timed") and "leave_at" not in step:
            return answer.status, headers, answer.read(), []
        raw, arrivals, started = b"", [], time.monotonic()
        until = step.get("leave_at", "").encode()
        while (leave is None or len(raw) < leave) and not (until and until in raw):
            piece = answer.read1(65536)
            if not piece:
                break
            raw += piece
            arrivals.append([round((time.monotonic() - started) * 1000), piece.decode("utf-8", "replace")])
        return answer.status, headers, raw, arrivals
    finally:
        connection.close()


def flat(expressions):
    """The expressions of a list that may hold lists which other steps use too."""
    return [inner for one in expressions for inner in (one if isinstance(one, list) else [one])]


def sent_all(running, step, send_one):
    """Sends a step's request as often as it says: one after the other, and `parallel` of them at once."""
    answers, lock = [], threading.Lock()

    def one():
        answer = send_one()
        with lock:
            answers.append(answer)

    for _ in range(step.get("repeat", 1)):
        if step.get("parallel", 1) == 1:
            one()
            continue
        threads = [threading.Thread(target=one) for _ in range(step["parallel"])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    return answers


def run_step(case, step, index, upstream, running, names):
    port = running.port
    names.update(step["given"])
    ingress = step.get("ingress", case.get("ingress", "anthropic"))
    ingress = step["given"][ingress[1:]] if ingress.startswith("$") else ingress
    dialect, model = target_of(case, step)
    script = by_dialect(step.get("upstream"), dialect, step["given"].get("streamed"))
    upstream.script = list(script if isinstance(script, list) else [script] if script else [])
    upstream.requests, upstream.names, upstream.fetched = [], names, []
    wanted = flat(step.get("assert", []))
    recorded = any(re.search(r"\b(records?|counts)\b", one) for one in wanted)
    if recorded:
        running.mark()
    if "settings" in step:
        running.write(step["settings"])
    if step.get("stop"):
        threading.Timer(step["stop"] / 1000, running.process.send_signal, [signal.SIGTERM]).start()
    upstream.gone.clear()
    request = step.get("request", {})
    body = request if isinstance(request, str) and not request.startswith("$") else substitute(request, names)
    if case["id"].startswith("w-") and isinstance(body, dict) and "path" not in step:
        body = {name: value for name, value in body.items() if name in ("model", "stream", "max_tokens") or name not in PROMPTS.values() or name == PROMPTS[ingress]}
        body = {LIMITS[ingress] if name == "max_tokens" else name: value for name, value in body.items() if name != "max_tokens" or LIMITS[ingress]}
    stream = step.get("stream", bool(isinstance(body, dict) and body.get("stream")))
    path = substitute(step.get("path"), names) or PATHS[ingress]
    asked = body.get("model", "m") if isinstance(body, dict) else "m"
    if ingress == "gemini":
        path = path.replace("{model}", step.get("model", asked)).replace("{verb}", "streamGenerateContent?alt=sse" if stream else "generateContent")
        if isinstance(body, dict):
            body.pop("model", None)
            body.pop("stream", None)
    own = settings_of(case, step) is not None
    headers = {"x-case-target": f"{case['id']}-{index}" if own else f"{dialect}/{model}", **substitute(step.get("headers", {}), names)}
    time.sleep(step.get("after_ms", 0) / 1000)
    started = time.monotonic()
    answers = sent_all(running, step, lambda: send(port, ingress, path, body, headers, step))
    status, answer_headers, raw, arrivals = answers[-1]
    names["statuses"] = [one[0] for one in answers]
    names["elapsed_ms"] = (time.monotonic() - started) * 1000
    if "afresh" in step:
        with upstream.another_hub() as other:
            for _ in range(step["afresh"]):
                send(other.port, ingress, path, body, headers, step)
    names["previous_raw"] = names.get("up_raw")
    names.update(clients.view(ingress, status, answer_headers, raw, upstream.requests))
    names["req"] = clients.wrap(body)
    names["arrivals"] = arrivals
    names["whole_url"] = upstream.requests[-1]["path"] if upstream.requests else None
    names["raws"] = [one["raw"] for one in upstream.requests]
    names["sent_raw"] = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    if "leave_after" in step or "leave_at" in step:
        names["gone_ms"] = upstream.left(1500)
        time.sleep(0.3)  # a retry would come now
        names["calls"] = len(upstream.requests)
    names["fetched"] = list(upstream.fetched)
    if recorded:
        names["records"] = clients.wrap(running.records(len(answers)))
        names["record"] = names["records"][-1] if names["records"] else None
        names["counts"] = names["record"].usage if names["record"] else None
    names["log"] = running.log()
    if step.get("stop"):
        names["exit"] = running.process.wait(15)
    for expression in wanted:
        try:
            held = evaluate(expression, names)
        except Exception as error:
            held = f"{type(error).__name__}: {error}"
        if held is not True and not (held is not False and not isinstance(held, str) and held):
            said = f" ({held})" if isinstance(held, str) else ""
            yield f"{expression}{said}"
    names.update({name: evaluate(expression, names) for name, expression in step.get("keep", {}).items()})


def run_case(case, upstream, running):
    names = dict(clients.CHECKS)
    failures = []
    for index, step in enumerate(case["steps"]):
        try:
            wrong = list(run_step(case, step, index, upstream, running, names))
        except Exception as error:
            wrong = [f"{type(error).__name__}: {error}"]
        if wrong:
            failures += [f"step {index + 1} {step['given'] or ''}: {one}" for one in wrong]
            failures.append(f"   up:  {json.dumps(clients.plain(names.get('up')), ensure_ascii=False)[:900]}")
            failures.append(f"   out: {names.get('status')} {str(names.get('text'))[:900]}")
            break
    return failures


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Running:
    """A hub that runs: its port, what it logs, what it wrote about requests."""

    def __init__(self, folder, port, process):
        self.folder, self.port, self.process, self.read = pathlib.Path(folder), port, process, 0

    def lines(self):
        path = self.folder / "requests.jsonl"
        text = path.read_text() if path.exists() else ""
        return text[:text.rfind("\n") + 1].splitlines()

    def mark(self):
        """Records of earlier steps are not looked at; the latest of them may still be on their way."""
        self.read, before = len(self.lines()), -1
        while self.read != before:
            time.sleep(0.07)
            self.read, before = len(self.lines()), self.read

    def records(self, want):
        """The records since the mark: as many as are expected, or what has come after 3 s; a moment more for those too many."""
        for _ in range(60):
            if len(self.lines()) - self.read >= want:
                break
            time.sleep(0.05)
        time.sleep(0.12)
        return [json.loads(line) for line in self.lines()[self.read:]]

    def log(self):
        return (self.folder / "hub.log").read_text()

    def write(self, text):
        """Puts another configuration in the file that the hub watches."""
        (self.folder / "app.yml").write_text(text)


@contextlib.contextmanager
def hub(program, settings, port):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "app.yml")
        path.write_text(yaml.safe_dump(settings))
        log = open(pathlib.Path(folder, "hub.log"), "w+")
        process = subprocess.Popen([program, "serve", "--config", str(path)], stdout=log, stderr=log,
                                   env={**os.environ, "REQUEST_LOG": str(pathlib.Path(folder, "requests.jsonl"))})
        try:
            for _ in range(200):
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), 0.2).close()
                    break
                if process.poll() is not None:
                    break
                time.sleep(0.05)
            if process.poll() is not None:
                log.seek(0)
                sys.exit("the hub did not start:\n" + log.read())
            yield Running(folder, port, process)
            log.seek(0)
            assert "panicked" not in log.read(), "the hub panicked"
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def missing(cases):
    wanted = json.loads((HERE / "ids.json").read_text())
    have = {case["id"] for case in cases} | {one for case in cases for one in case.get("covers", [])}
    known = json.loads((HERE / "open.json").read_text())
    elsewhere = json.loads((HERE / "elsewhere.json").read_text())
    for one, place in elsewhere.items():
        assert one not in have, f"{one} has a case now: take it out of elsewhere.json"
        path, name = place.split("#")
        assert f"fn {name}(" in (HERE.parent.parent / path).read_text(), f"{one}: {path} has no test {name}"
    have |= set(elsewhere)
    for one, reason in known.items():
        assert one not in have, f"{one} has a case now: take it out of open.json"
        print(f"open: {one} {reason}")
    return [one for one in wanted if one not in have and one not in known]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--hub", required=True)
    options.add_argument("--only", default="")
    options.add_argument("--list-missing", action="store_true")
    options = options.parse_args()
    cases = load_cases([prefix for prefix in options.only.split(",") if prefix])
    if not options.only:
        left = missing(cases)
        if left or options.list_missing:
            print(f"{len(left)} ids without a case: {' '.join(left)}")
            if left:
                sys.exit(1)
    upstream, port, failed = Upstream(), free_port(), 0
    started = time.monotonic()
    second = free_port()
    upstream.another_hub = lambda: hub(options.hub, config([case for case in cases if "hub" not in case], second, upstream.port), second)
    shared = [case for case in cases if "hub" not in case]
    with hub(options.hub, config(shared, port, upstream.port), port) as running:
        for case in cases:
            if "hub" in case:
                own = free_port()
                with hub(options.hub, config([case], own, upstream.port), own) as alone:
                    wrong = run_case(case, upstream, alone)
            else:
                wrong = run_case(case, upstream, running)
            if wrong:
                failed += 1
                print(f"FAIL {case['id']} {case['title']}")
                for line in wrong:
                    print(f"     {line}")
    print(f"gauntlet: {len(cases)} cases, {failed} failed, {time.monotonic() - started:.1f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
