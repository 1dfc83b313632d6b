"""Agents' loops through the hub whose model and vendor change on the way: what a vendor issued comes back to it.

Six requests with reasoning and parallel tools, for every client dialect and every ordered pair of upstreams, streamed
and whole, over clients that keep everything, clients that keep what their SDK's types know, and clients that keep only
what can be seen. The simulator signs its reasoning and refuses what is not its own; its record says what reached it.

Wants HUB_URL, HUB_KEY, SIMULATOR_URL and SIMULATOR_LOG. Only the standard library. LOOP_ONLY narrows the run to loops
whose name holds one of its comma-separated words.
"""

import concurrent.futures
import http.client
import itertools
import json
import os
import re
import sys
import time
import urllib.parse
import urllib.request

import loop_clients

HUB = urllib.parse.urlsplit(os.environ["HUB_URL"])
KEY = os.environ["HUB_KEY"]
SIMULATOR = os.environ["SIMULATOR_URL"]
LOG = os.environ["SIMULATOR_LOG"]
ONLY = [word for word in os.environ.get("LOOP_ONLY", "").split(",") if word]
# Models whose thinking is bound to all that stands before it are refused any change of it.
RULES = {"anthropic.thinking_bound": True}

# name: dialect, provider and model
UPSTREAMS = {
    "chat": ("chat", "sim-deepseek", "deepseek-reasoner"),
    "responses": ("responses", "sim-responses", "gpt-5.1"),
    "anthropic": ("anthropic", "sim-anthropic", "claude-sonnet-4-5-20250929"),
    "bound": ("anthropic", "sim-anthropic", "claude-opus-5-5"),
    "gemini": ("gemini", "sim-gemini", "gemini-3-flash-preview"),
}
# A model that does not reason leaves calls in the history that nobody has signed.
PLAIN = {"plain": ("chat", "sim-chat", "gpt-4o")}
# Which upstream each of the six requests goes to: changed between two questions, or while calls wait for results.
SCRIPTS = {"turns": "AABBAA", "within": "ABBAAB"}
HABITS = ("keeps", "typed", "bare")
MARK = re.compile(r"\[loop (\d+)\]")


class Loop:
    """One conversation and what became of it."""

    def __init__(self, number, script, client, first, second, habit, stream):
        self.number, self.script, self.client, self.habit, self.stream = number, script, client, habit, stream
        self.route = [first if letter == "A" else second for letter in SCRIPTS[script]]
        self.name = f"{script:6} {client:>9} -> {first:9} / {second:9} {habit:5} {'stream' if stream else 'whole'}"
        self.wrong = []
        self.codes = []

    def is_fair(self):
        """A client that drops what its own vendor demands is refused by that vendor with or without a hub."""
        if self.client == "chat":
            return self.habit != "bare"
        return self.habit != "bare" or all(UPSTREAMS[name][0] != self.client for name in self.route)

    def run(self):
        client = loop_clients.CLIENTS[self.client](self.habit)
        for step, upstream in enumerate(self.route):
            _, provider, model = UPSTREAMS[upstream]
            if step % 2 == 0:
                client.ask(f"[loop {self.number}] step {step} [[scenario:thinking_parallel]]")
            path, body = client.request(f"{provider}/{model}", self.stream, upstream)
            status, headers, raw = call(path, body, client.headers(KEY))
            self.codes.append(headers.get("x-bridge-fidelity", "").split(","))
            if status != 200:
                self.wrong.append(f"step {step} to {upstream}: {status} {' '.join(raw[:300].decode(errors='replace').split())}")
                return
            calls = client.take(raw, self.stream)
            if step % 2 == 0 and len(calls) != 2:
                self.wrong.append(f"step {step} to {upstream}: {len(calls)} calls instead of 2")
                return
            if calls:
                client.answer(calls)

    def check(self, entries):
        """Compares what reached the upstreams with what they had issued."""
        answers = []
        for step, entry in enumerate(entries):
            upstream = self.route[min(step, len(self.route) - 1)]
            if entry.get("rejected"):
                self.wrong.append(f"step {step}: {upstream} refused: {entry['rejected']}")
            if len(answers) != step or step >= len(self.route):
                self.wrong.append(f"{len(entries)} requests reached the upstreams instead of {len(self.route)}")
                return 0
            answers.append((upstream, issued(entry, upstream)))
        checked = 0
        for step, entry in enumerate(entries):
            upstream = self.route[step]
            turns = loop_clients.STATE[UPSTREAMS[upstream][0]](entry["body"])
            if len(turns) != step:
                self.wrong.append(f"step {step}: {upstream} sees {len(turns)} answers instead of {step}")
                continue
            foreign = False
            for turn, (maker, count) in enumerate(answers[:step]):
                if maker != upstream:
                    # Models of one vendor read each other's, or leave it out themselves.
                    foreign |= count > 0 and UPSTREAMS[maker][0] not in ("chat", UPSTREAMS[upstream][0])
                    continue
                if not self.returns(turn, upstream):
                    continue
                checked += 1
                if turns[turn] != count:
                    self.wrong.append(f"step {step}: of turn {turn} {upstream} gets {turns[turn]} states back, it had issued {count}")
            if foreign and self.knows(answers[:step], upstream) and not any("dropped" in code for code in self.codes[step]):
                self.wrong.append(f"step {step}: state of another vendor was left out and {self.codes[step]} do not say so")
        return checked

    def returns(self, turn, upstream):
        """The state of a turn can come back: something carries it, or its calls are what the hub knows it by."""
        if turn % 2 == 0:
            return True
        # Servers of this kind want the reasoning of tool loops alone.
        if UPSTREAMS[upstream][0] == "chat":
            return False
        return self.habit == "keeps" or (self.habit == "typed" and self.client != "chat")

    def knows(self, answers, upstream):
        """The hub sees the foreign state, because it translates and the client has it."""
        return self.habit == "keeps" and self.client != UPSTREAMS[upstream][0]


def issued(entry, upstream):
    """How many states an answer brought."""
    answer, thinks = entry.get("answer") or {}, str(entry.get("scenario", "")).startswith("thinking")
    dialect = UPSTREAMS[upstream][0]
    if dialect == "anthropic":
        return sum("thinking" in kind for kind in answer.get("blocks", []))
    if dialect == "responses":
        return answer.get("items", []).count("reasoning")
    if dialect == "gemini":
        return 1 if thinks else 0
    off = upstream == "plain" or (entry["body"].get("thinking") or {}).get("type") == "disabled"
    return 1 if thinks and not off else 0


def call(path, body, headers):
    connection = http.client.HTTPConnection(HUB.hostname, HUB.port, timeout=40)
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def loops():
    reasoners = list(UPSTREAMS)
    UPSTREAMS.update(PLAIN)
    ways = [(script, *pair) for script in SCRIPTS for pair in itertools.product(reasoners, reasoners)]
    ways += [("within", "plain", second) for second in reasoners]
    variants = itertools.product(ways, loop_clients.CLIENTS, HABITS, (True, False))
    for number, ((script, first, second), client, habit, stream) in enumerate(variants, 1):
        loop = Loop(number, script, client, first, second, habit, stream)
        if loop.is_fair() and all(word in loop.name for word in ONLY):
            yield loop


def record():
    """The requests of each loop, as the simulator saw them."""
    found = {}
    with open(LOG, encoding="utf-8") as lines:
        for line in lines:
            mark = MARK.search(line)
            if mark:
                entry = json.loads(line)
                found.setdefault(int(mark[1]), []).append(entry)
    return {number: sorted(entries, key=lambda entry: entry["seq"]) for number, entries in found.items()}


def rules(wanted):
    request = urllib.request.Request(SIMULATOR + "/__rules", json.dumps(wanted).encode(), {"content-type": "application/json"})
    urllib.request.urlopen(request, timeout=10).read()


def attempt(loop):
    try:
        loop.run()
    except Exception as error:  # every kind of failure is a finding
        loop.wrong.append(f"{type(error).__name__}: {error}")


def main():
    started, all_loops = time.monotonic(), list(loops())
    assert all_loops, "no loop has these words in its name"
    rules(RULES)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(attempt, all_loops))
    rules({rule: not on for rule, on in RULES.items()})
    seen, checked, refusals = record(), 0, 0
    for loop in all_loops:
        entries = seen.get(loop.number, [])
        refusals += sum(bool(entry.get("rejected")) for entry in entries)
        if not loop.wrong:
            checked += loop.check(entries)
    wrong = [loop for loop in all_loops if loop.wrong]
    requests = sum(len(entries) for entries in seen.values())
    print(f"loops: {len(all_loops)} runs, {requests} requests, {refusals} refusals, {checked} states looked for, "
          f"{len(wrong)} wrong, {time.monotonic() - started:.0f} s")
    for loop in wrong[:int(os.environ.get('LOOP_SHOWN', '60'))]:
        print(f"  {loop.name}: {'; '.join(loop.wrong[:3])}")
    sys.exit(1 if wrong or refusals else 0)


if __name__ == "__main__":
    main()
