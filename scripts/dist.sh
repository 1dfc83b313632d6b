#!/usr/bin/env bash
# What ships, in target/dist: the programs optimised as a whole and laid out by what the hub does under load. Two
# builds: one that counts, run under the load of `bridge-bench train`, and the one that ships, made with the counts.
# The counts need llvm-profdata, the compiler's own (`rustup component add llvm-tools`) or that of LLVM 19 or later, as
# Debian has it, and Linux, which the bench reads its figures from; elsewhere the programs are built all the same, and
# are slower.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p "${CARGO_TARGET_DIR:-target}"
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
host=$(rustc -vV | sed -n 's/^host: //p')
profile=$target/profile
flags=${RUSTFLAGS:-}
# With a target that is named, build scripts and macros are built without these flags.
build() { RUSTFLAGS="$flags $1" cargo build --locked --profile dist --target "$host" "${@:2}"; }

# The counts belong to the sources and the compiler: where neither has changed, they are as good as new.
state=$({ rustc -vV; echo "$flags"; find Cargo.toml Cargo.lock src translator/src migration/src benches/src -type f -print0 | sort -z | xargs -0 sha256sum; } | sha256sum)

count() {
    rm -rf "$profile"
    mkdir -p "$profile"
    # Only what ships needs to be optimised across crates; what counts does not, and is built in half the time.
    build "-Cprofile-generate=$profile -Clto=off -Clinker-plugin-lto=no" -p bridge
    cargo build --locked --release -p bridge-bench
    "$target/release/bridge-bench" train --hub "$target/$host/dist/bridge"
    "$profdata" merge -o "$profile/bridge.profdata" "$profile"/*.profraw
    rm "$profile"/*.profraw
    echo "$state" > "$profile/state"
}

# What merges the counts: the compiler's own, or another that reads what it writes. Nothing where there is none.
merger() {
    local own
    own=$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata
    [ -x "$own" ] || rustup component add llvm-tools >&2 || true
    command -v "$own" llvm-profdata-22 llvm-profdata-21 llvm-profdata-20 llvm-profdata-19 | head -n 1
}

profdata=
[ "$(uname)" != Linux ] || profdata=$(merger || true)
if [ -z "$profdata" ] && [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    apt-get install -y --no-install-recommends llvm-19 >&2 || true
    profdata=$(merger || true)
fi
if [ -n "$profdata" ]; then
    [ "$(cat "$profile/state" 2>/dev/null)" = "$state" ] || count
    # Each by itself, as the hub was counted: what is built together shares features, and is named otherwise than the counts.
    use="-Cprofile-use=$profile/bridge.profdata"
    build "$use" -p bridge
    build "$use" -p bridge-admin
else
    echo "dist: no llvm-profdata here, nor could one be installed: building without counts, for a slower program" >&2
    build "" -p bridge -p bridge-admin
fi
mkdir -p "$target/dist"
cp "$target/$host/dist/bridge" "$target/$host/dist/bridge-admin" "$target/dist/"
scripts/licences.py "$target/dist/THIRD-PARTY-LICENSES.txt"
ls -l "$target/dist/bridge" "$target/dist/bridge-admin"
