"""What several hubs must do together, as their users see it. Standard library only.

HUBS holds `port:pid` of three hubs, BALANCER the address of the load balancer, REDIS_PID the server they share through.
"""

import contextlib
import http.client
import json
import os
import signal
import statistics
import threading
import time
import unittest
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HUBS = [tuple(map(int, hub.split(":"))) for hub in os.environ["HUBS"].split()]
URLS = [f"http://127.0.0.1:{port}" for port, _ in HUBS]
BALANCER = os.environ["BALANCER"]
# A round of all hubs takes 0.2 s; a busy machine needs patience.
PATIENCE = 10.0


class Upstream(BaseHTTPRequestHandler):
    """A provider that refuses the key it is told to refuse, and takes its time when it is told to."""

    refused = ""
    holds = threading.Event()
    hold = threading.Event()

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.headers["authorization"] == f"Bearer {Upstream.refused}":
            return self.answer(401, {"error": {"message": "no", "type": "invalid_request_error"}})
        if "wait" in json.dumps(body["messages"]):
            Upstream.holds.set()
            Upstream.hold.wait(2 * PATIENCE)
        message = {"role": "assistant", "content": "Hello."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}
        self.answer(200, {"id": "c", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice], "usage": usage})

    def answer(self, status, document):
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def call(url, document=None, token="", method=None, headers=()):
    """Status and document of an answer; status 0 when nobody answers."""
    data = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(url, data=data, method=method)
    request.add_header("content-type", "application/json")
    if token:
        request.add_header("authorization", f"Bearer {token}")
    for name, value in headers:
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        text = error.read()
        return error.code, json.loads(text) if text else None
    except urllib.error.URLError:
        return 0, None


def until(check, patience=PATIENCE):
    """The seconds until `check` holds; fails when that takes too long."""
    began = time.monotonic()
    while time.monotonic() - began < patience:
        if check():
            return time.monotonic() - began
        time.sleep(0.02)
    raise AssertionError("it does not happen")


class Cluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
        threading.Thread(target=cls.upstream.serve_forever, daemon=True).start()
        until(lambda: call(f"{URLS[0]}/api/setup")[0] == 200)
        account = {"email": os.environ["ADMIN_EMAIL"], "password": os.environ["ADMIN_PASSWORD"]}
        status, grant = call(f"{BALANCER}/api/auth/login", account)
        assert status == 200, grant
        cls.token = grant["access_token"]
        provider = {
            "name": "shared",
            "api_format": "openai",
            "base_url": f"http://127.0.0.1:{cls.upstream.server_port}/v1",
            "allow_private_network": True,
            "keys": ["sk-first-key-0001", "sk-second-key-0002"],
            "max_retries": 1,
        }
        status, made = call(f"{URLS[0]}/api/providers", provider, cls.token)
        assert status == 201, made
        cls.pool = made.get("key_pool") or "shared"
        cls.hubs = list(URLS)

    @classmethod
    def tearDownClass(cls):
        cls.upstream.shutdown()

    def key(self, name, **limits):
        """A new client key that all hubs know."""
        status, made = call(f"{URLS[1]}/api/api-keys", {"name": name, "limits": limits}, self.token)
        self.assertEqual(status, 201, made)
        key = made["key"]
        for url in self.hubs:
            until(lambda url=url: self.chat(url, key, "no such model at all/x")[0] not in (0, 401))
        return key

    def chat(self, url, key, model="shared/m", text="Hi"):
        body = {"model": model, "messages": [{"role": "user", "content": text}]}
        return call(f"{url}/v1/chat/completions", body, key)

    @contextlib.contextmanager
    def held(self, url, key):
        """While a request is in flight; the upstream has it before anybody else asks."""
        Upstream.holds.clear()
        Upstream.hold.clear()
        asking = threading.Thread(target=self.chat, args=(url, key, "shared/m", "wait"))
        asking.start()
        try:
            self.assertTrue(Upstream.holds.wait(PATIENCE), "the request does not come to the upstream")
            yield
        finally:
            Upstream.hold.set()
            asking.join()

    def states(self, url):
        status, page = call(f"{url}/api/key-pools/{self.pool}/keys", token=self.token)
        self.assertEqual(status, 200, page)
        return sorted(key["state"] for key in page["items"])

    def test_1_a_change_is_live_on_all_hubs_within_a_second(self):
        key = self.key("changes")
        route = {"name": "everywhere", "match": {"model": ["of-the-route"]}, "targets": [{"provider": "shared", "model": "m"}]}
        status, made = call(f"{URLS[2]}/api/routes", route, self.token)
        self.assertEqual(status, 201, made)
        for url in URLS:
            taken = until(lambda url=url: self.chat(url, key, "of-the-route")[0] == 200)
            self.assertLess(taken, 2.0, "a second, and what a busy machine adds")

    def test_1_the_balancer_says_who_calls(self):
        address = BALANCER.removeprefix("http://")
        connection = http.client.HTTPConnection(address, timeout=30, source_address=("127.0.0.9", 0))
        account = {"email": os.environ["ADMIN_EMAIL"], "password": os.environ["ADMIN_PASSWORD"]}
        invented = {"content-type": "application/json", "x-forwarded-for": "198.51.100.7"}
        connection.request("POST", "/api/auth/login", json.dumps(account), invented)
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200, answer.read())
        connection.close()
        status, page = call(f"{URLS[0]}/api/auth/sessions", token=self.token)
        self.assertEqual(status, 200, page)
        addresses = {session["address"] for session in page}
        self.assertIn("127.0.0.9", addresses)
        self.assertNotIn("198.51.100.7", addresses)

    def test_2_requests_a_minute_are_counted_together(self):
        key = self.key("limited")
        status, page = call(f"{URLS[0]}/api/api-keys?limit=100", token=self.token)
        row = next(row for row in page["items"] if row["name"] == "limited")
        path = f"{URLS[0]}/api/api-keys/{row['id']}"
        request = urllib.request.Request(path, headers={"authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            tag = answer.headers["etag"]
        status, changed = call(path, {"name": "limited", "limits": {"rpm": 6}}, self.token, "PUT", [("if-match", tag)])
        self.assertEqual(status, 200, changed)
        # A limit that is new counts from then on.
        time.sleep(1.5)
        statuses = []
        for number in range(12):
            statuses.append(self.chat(URLS[number % 3], key)[0])
            time.sleep(0.6)
        self.assertEqual(statuses.count(200), 6, statuses)
        self.assertEqual(statuses.count(429), 6, statuses)

    def test_3_requests_in_flight_are_counted_together(self):
        key = self.key("places", max_concurrency=1)
        with self.held(URLS[0], key):
            until(lambda: self.chat(URLS[1], key)[0] == 429)
        until(lambda: self.chat(URLS[1], key)[0] == 200)

    def test_4_a_refused_key_is_left_alone_by_all_until_it_is_reset(self):
        key = self.key("refused")
        Upstream.refused = "sk-first-key-0001"
        until(lambda: [self.chat(URLS[0], key) and None, self.states(URLS[0])][1] == ["active", "quarantined"])
        for url in URLS[1:]:
            until(lambda url=url: self.states(url) == ["active", "quarantined"])
        Upstream.refused = ""
        status, answer = call(f"{URLS[2]}/api/key-pools/{self.pool}/reset", {}, self.token)
        self.assertEqual(status, 200, answer)
        for url in URLS:
            until(lambda url=url: self.states(url) == ["active", "active"])

    def test_5_without_a_hub_the_others_go_on(self):
        key = self.key("survivors")
        os.kill(HUBS[2][1], signal.SIGTERM)
        self.hubs.pop()
        statuses = [self.chat(BALANCER, key)[0] for _ in range(30)]
        self.assertEqual(statuses, [200] * 30)

    def away(self, url):
        with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
            return "\nbridge_sharing_away 1\n" in answer.read().decode()

    def test_6_a_frozen_shared_server_holds_nobody_up_and_lifts_no_limit(self):
        key, narrow = self.key("frozen"), self.key("narrow", max_concurrency=1)
        for url in self.hubs:
            until(lambda url=url: not self.away(url))
        os.kill(int(os.environ["REDIS_PID"]), signal.SIGSTOP)
        try:
            times = []

            def serves(url):
                began = time.monotonic()
                self.assertEqual(self.chat(url, key)[0], 200)
                times.append(time.monotonic() - began)
                return self.away(url)

            for url in self.hubs:
                until(lambda url=url: serves(url))
            # A round with the server is given up after a second; nobody waits for one.
            self.assertLess(statistics.median(times), 0.8)
            with self.held(self.hubs[0], narrow):
                self.assertEqual(self.chat(self.hubs[0], narrow)[0], 429)
        finally:
            os.kill(int(os.environ["REDIS_PID"]), signal.SIGCONT)
        for url in self.hubs:
            until(lambda url=url: not self.away(url))

    def test_7_without_the_shared_server_each_hub_counts_for_itself(self):
        key = self.key("alone")
        os.kill(int(os.environ["REDIS_PID"]), signal.SIGTERM)
        time.sleep(1)
        began = time.monotonic()
        statuses = [self.chat(url, key)[0] for url in self.hubs for _ in range(5)]
        self.assertEqual(statuses, [200] * 10)
        self.assertLess(time.monotonic() - began, 5, "no request waits for it")


if __name__ == "__main__":
    unittest.main(verbosity=2)
