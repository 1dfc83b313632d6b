"""Prints what the strict simulator refused although no case had asked for it; fails when there is anything.

Errors that a case plays on purpose are marked as scenarios in the simulator's log, and the unknown model is a case, too.
"""

import json
import sys
import urllib.request


def expected(entry):
    asked = entry.get("rejected") == "scenario"
    return asked or "missing-model" in entry["path"] or "missing-model" in json.dumps(entry.get("body"))


def main():
    with urllib.request.urlopen(sys.argv[1] + "/__log?rejected", timeout=10) as answer:
        entries = [entry for entry in json.load(answer)["items"] if not expected(entry)]
    for entry in entries:
        print(f"REFUSED {entry['path']} by {entry.get('rejected')}: {json.dumps(entry.get('answer'))[:300]}")
        print(f"        {json.dumps(entry.get('body'))[:1500]}")
    print(f"strict upstream: {len(entries)} requests of the hub were refused")
    sys.exit(1 if entries else 0)


if __name__ == "__main__":
    main()
