#!/usr/bin/env python3
"""Licences of what ships: the crates in the two executables, and the npm packages behind the interface.

    scripts/licences.py          refuses a licence that deny.toml does not allow
    scripts/licences.py FILE     does the same, then writes the texts of all of them into one file

Needs Rust and Python 3.11, and for the texts admin-ui/node_modules. Knows nothing of how things are built.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ["bridge", "bridge-admin"]
TARGET = "x86_64-unknown-linux-gnu"
RULE = "=" * 100

LICENCE_FILE = re.compile(r"^(un)?licen[cs]e|^copying|^copyright|^notice", re.I)
CODE = {".rs", ".c", ".h", ".cc", ".js", ".ts", ".svelte", ".json", ".toml", ".py", ".go", ".pl", ".sh", ".html", ".css"}
# What stands there is not in what ships.
ASIDE = {"tests", "test", "benches", "examples", "fuzz", "node_modules", "target", ".git"}

MIT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""


class Package(NamedTuple):
    """Something that ships."""

    kind: str
    name: str
    version: str
    licence: str
    authors: tuple[str, ...]
    folder: Path

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.version} ({self.licence})"


class Refused(Exception):
    """Why something must not ship."""


# --- licence expressions ---------------------------------------------------------------------------------------------


def parsed(expression: str):
    """An SPDX expression as a tree: a licence, or ("AND" | "OR", left, right). OR binds less than AND, WITH most."""
    # Cargo once wrote OR as a slash.
    tokens = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))
    tree, rest = alternatives(tokens)
    if rest:
        raise Refused(f"`{expression}` is no licence expression")
    return tree


def alternatives(tokens: list[str]):
    return chain(tokens, "OR", lambda rest: chain(rest, "AND", single))


def chain(tokens: list[str], word: str, part):
    tree, rest = part(tokens)
    while rest and rest[0] == word:
        right, rest = part(rest[1:])
        tree = (word, tree, right)
    return tree, rest


def single(tokens: list[str]):
    match tokens:
        case ["(", *rest]:
            tree, rest = alternatives(rest)
            if not rest or rest[0] != ")":
                raise Refused("a parenthesis of a licence expression is open")
            return tree, rest[1:]
        case [name, "WITH", exception, *rest] if is_name(name) and is_name(exception):
            return f"{name} WITH {exception}", rest
        case [name, *rest] if is_name(name):
            return name, rest
    raise Refused("a licence expression ends too early")


def is_name(token: str) -> bool:
    return token not in ("AND", "OR", "WITH") and re.fullmatch(r"[A-Za-z0-9.+:-]+", token) is not None


def chosen(tree, allowed: set[str]) -> list[str] | None:
    """The licences that a package is taken under; nothing where it cannot be."""
    match tree:
        case ("AND", left, right):
            both = [chosen(left, allowed), chosen(right, allowed)]
            return None if None in both else sorted({*both[0], *both[1]})
        case ("OR", left, right):
            return chosen(left, allowed) or chosen(right, allowed)
    return [tree] if tree in allowed else None


def taken(package: Package, allowed: set[str]) -> list[str]:
    try:
        licences = chosen(parsed(package.licence), allowed)
    except Refused as why:
        raise Refused(f"{package}: {why}") from None
    if licences is None:
        raise Refused(f"{package}: deny.toml does not allow this licence")
    return licences


# --- what ships ------------------------------------------------------------------------------------------------------


def cargo(*arguments: str) -> str:
    command = ["cargo", *arguments, "--locked"]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def crates() -> list[Package]:
    """The crates of others that are linked into the programs. The graph of `cargo metadata` has optional crates that no
    feature asks for, so which they are is the word of `cargo tree`."""
    named = [word for program in PROGRAMS for word in ("-p", program)]
    tree = cargo("tree", "-e", "normal,no-proc-macro", "--target", TARGET, "--prefix", "none", "-f", "{p}", *named)
    linked = {tuple(line.split()[:2]) for line in tree.splitlines() if line.strip()}
    metadata = json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", TARGET))
    return [
        Package("crate", p["name"], p["version"], p["license"] or "none", tuple(p["authors"]), Path(p["manifest_path"]).parent)
        for p in metadata["packages"]
        if p["source"] and (p["name"], f"v{p['version']}") in linked
    ]


def npm_packages() -> list[Package]:
    """What the interface depends on but for its development, with what those depend on."""
    ui = ROOT / "admin-ui"
    lock = json.loads((ui / "package-lock.json").read_text())["packages"]
    tools = lock[""]["devDependencies"]
    waiting = [("", name) for name in lock[""]["dependencies"]]
    found: dict[str, Package] = {}
    while waiting:
        user, name = waiting.pop()
        place = nearest(lock, user, name)
        if place in found:
            continue
        entry, folder = lock[place], ui / place
        licence = entry.get("license") or by_text(folder)
        found[place] = Package("npm", name, entry["version"], str(licence), npm_authors(folder), folder)
        optional = entry.get("peerDependenciesMeta", {})
        # A peer that is a tool of the interface, such as its bundler, does not ship.
        peers = [other for other in entry.get("peerDependencies", {}) if other not in tools and other not in optional]
        waiting += [(place, other) for other in [*entry.get("dependencies", {}), *peers]]
    return list(found.values())


def npm_authors(folder: Path) -> tuple[str, ...]:
    manifest = folder / "package.json"
    author = json.loads(manifest.read_text()).get("author") if manifest.is_file() else None
    name = author.get("name") if isinstance(author, dict) else author
    return (name,) if name else ()


def by_text(folder: Path) -> str:
    """The licence of a package that names none: its text says it, to the letter."""
    files = [path.read_text(errors="replace") for path in folder.glob("*") if LICENCE_FILE.match(path.name)]
    return "MIT" if any(essence(MIT) in essence(text) for text in files) else "none"


def nearest(lock: dict, user: str, name: str) -> str:
    """Where Node finds a package for one that uses it: beside it, or further up."""
    folder = user
    while True:
        place = f"{folder}/node_modules/{name}".lstrip("/")
        if place in lock:
            return place
        if not folder:
            raise Refused(f"admin-ui/package-lock.json has no `{name}`")
        folder = folder.rpartition("/node_modules/")[0] if "/node_modules/" in folder else ""


# --- the texts -------------------------------------------------------------------------------------------------------


def texts(package: Package) -> list[str]:
    """The licence files of a package, those of what it brings along included."""
    if not package.folder.is_dir():
        raise Refused(f"{package.folder} is not there: `make ui` fetches it")
    found = []
    for folder, below, names in os.walk(package.folder):
        below[:] = sorted(set(below) - ASIDE)
        # A folder of licences, as REUSE lays them out.
        is_all = Path(folder).name.lower() == "licenses"
        for name in sorted(names):
            path = Path(folder) / name
            if (is_all or LICENCE_FILE.match(name)) and path.suffix.lower() not in CODE and path.is_file():
                found.append(path.read_text(errors="replace").strip())
    return [text for text in found if text]


def essence(text: str) -> str:
    """What is the same in two texts that differ in how they are laid out."""
    return " ".join(text.split())


def standard(licence: str, package: Package, all_texts: list[str]) -> str:
    """The usual text of a licence, for a package without one of its own."""
    authors = ", ".join(re.sub(r"\s*[<(].*", "", author) for author in package.authors)
    head = f"Copyright (c) {authors or f'the authors of {package.name}'}"
    if licence == "MIT":
        return f"{head}\n\n{MIT}"
    if licence == "Apache-2.0":
        # The shortest of those that others carry whole: without a remark of theirs.
        whole = [text for text in all_texts if is_apache(text)]
        if whole:
            return f"{head}\n\n{min(whole, key=len)}"
    raise Refused(f"{package} has no text of its licence, and {licence} is not known here")


def is_apache(text: str) -> bool:
    plain = essence(text)
    return plain.startswith("Apache License Version 2.0, January 2004") and "9. Accepting Warranty" in plain


def written(packages: list[Package], licences: dict[Package, list[str]]) -> str:
    own = {package: texts(package) for package in packages}
    all_texts = [text for found in own.values() for text in found]
    bearers: dict[str, tuple[str, list[str]]] = {}
    without = []
    for package in packages:
        found = own[package]
        if not found:
            without.append(str(package))
            found = [standard(licence, package, all_texts) for licence in licences[package]]
        for text in found:
            bearers.setdefault(essence(text), (text, []))[1].append(str(package))
    head = [
        "What LLM Bridge is made of, and under which licences.",
        f"{len(packages)} packages, {len(bearers)} texts. Each text stands once, below the packages that carry it.",
        "What some of them bring along without a text (SQLite, Swagger UI) stands in THIRD-PARTY.md.",
    ]
    if without:
        head += ["", "These carry no text; they stand below the usual text of the licence that they name, with their authors:", ""]
        head += [f"  {name}" for name in without]
    parts = ["\n".join(head)]
    for text, names in sorted(bearers.values(), key=lambda bearer: (-len(set(bearer[1])), bearer[1][0], bearer[0])):
        parts.append("\n".join([RULE, *dict.fromkeys(names), "-" * 100, "", text]))
    return "\n\n".join(parts) + "\n"


def main(arguments: list[str]) -> int:
    allowed = set(tomllib.loads((ROOT / "deny.toml").read_text())["licenses"]["allow"])
    packages = sorted(crates() + npm_packages())
    licences, refusals = {}, []
    for package in packages:
        try:
            licences[package] = taken(package, allowed)
        except Refused as why:
            refusals.append(str(why))
    if refusals:
        print("\n".join(refusals), file=sys.stderr)
        return 1
    for path in arguments:
        Path(path).write_text(written(packages, licences))
        print(f"{path}: the licences of {len(packages)} packages")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refused as why:
        sys.exit(str(why))
