"""Drives a running hub with the vendors' own Python SDKs: every client with every upstream, every case.

HUB_URL, HUB_KEY   the hub
MODELS             comma-separated, one model per upstream, for example demo-anthropic/demo-model
CLIENTS            optional: only these (openai, openai-responses, anthropic, gemini)
UPSTREAM           demo (default) or strict: which prompts the upstream understands
DIRECT             1 when HUB_URL is the upstream itself

Prints a table and exits with 1 when anything failed.
"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import anthropic_messages
import gemini_generate
import openai_chat
import openai_responses
from world import NotApplicable, World, from_environment

CLIENTS = {module.DIALECT: module for module in (openai_chat, openai_responses, anthropic_messages, gemini_generate)}
DISRUPTIVE = ("errors", "broken_stream")
# Seconds until a rate limit of an earlier run is over.
PATIENCE = 30


def run_model(url, key, model, strict, direct, clients):
    """All clients with one model, one after the other: a break of one case must not hit a neighbour's."""
    worlds = [World(url, key, model, strict, direct, name) for name in clients]
    plan = [(world, case) for world in worlds for case in CLIENTS[world.client].CASES]
    # A rate limit silences the key for all clients: it comes last.
    plan.sort(key=lambda step: step[1].__name__ == "rate_limit")
    settle(worlds[0])
    return {(world.client, case.__name__): judge(world, case) for world, case in plan}


def judge(world, case):
    """The verdict on one case; after a disruptive one the hub must answer again as if nothing had been."""
    try:
        case(world)
        if case.__name__ in DISRUPTIVE:
            CLIENTS[world.client].text(world)
        return "ok"
    except NotApplicable:
        return "-"
    except Exception as error:  # every failure is a finding, whatever its kind
        return f"{type(error).__name__}: {error}"


def settle(world):
    """Waits until a rate limit of an earlier run is over, but never for long."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            return CLIENTS[world.client].text(world)
        except Exception:  # the cases will say what is wrong
            time.sleep(1)


def main():
    url, key, models, strict, direct = from_environment()
    clients = [name for name in os.environ.get("CLIENTS", "").split(",") if name] or list(CLIENTS)
    if not models:
        sys.exit("MODELS is empty")
    began = time.monotonic()
    with ThreadPoolExecutor(len(models)) as pool:
        runs = list(pool.map(lambda model: run_model(url, key, model, strict, direct, clients), models))
    failures = show(models, runs)
    total = sum(len(run) for run in runs)
    print(f"\npython: {total - failures} of {total} passed or not applicable, {failures} failed, {time.monotonic() - began:.1f} s")
    sys.exit(1 if failures else 0)


def show(models, runs):
    """The table, then every failure in full; returns how many there are."""
    columns = [model.split("/")[0] for model in models]
    width = max(len(column) for column in columns) + 2
    print(f"{'client':<18}{'case':<22}" + "".join(f"{column:<{width}}" for column in columns))
    for name, case in sorted(runs[0], key=lambda row: list(CLIENTS).index(row[0])):
        marks = [run[name, case] for run in runs]
        cells = "".join(f"{mark if mark in ('ok', '-') else 'FAIL':<{width}}" for mark in marks)
        print(f"{name:<18}{case:<22}{cells}")
    failed = [(name, case, column, run[name, case]) for column, run in zip(columns, runs) for name, case in run if run[name, case] not in ("ok", "-")]
    for name, case, column, verdict in failed:
        print(f"\nFAIL {name} -> {column}: {case}\n     {verdict[:600]}")
    return len(failed)


if __name__ == "__main__":
    main()
