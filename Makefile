# Everything here works on a fresh machine with Rust, Node and Python.

.PHONY: run ui test check bench dist fmt

# The hub with its built-in upstream: no keys and no network needed.
run: ui
	cargo run --locked -p bridge -- serve --demo

# The interface, which the hub carries in its executable; built when its sources are newer. schema.d.ts is made from
# openapi.json, also by `make check`.
ui: admin-ui/build/index.html
admin-ui/node_modules/.package-lock.json: admin-ui/package-lock.json
	cd admin-ui && npm install --no-save --no-audit --no-fund
	touch $@
admin-ui/build/index.html: admin-ui/node_modules/.package-lock.json openapi/openapi.json \
		$(shell find admin-ui/src admin-ui/static -type f ! -name schema.d.ts) $(wildcard admin-ui/*.ts admin-ui/*.js admin-ui/package.json)
	cd admin-ui && npm run --silent api && npm run --silent build

# Everything: unit, golden and end-to-end tests, administration and ledger on PostgreSQL and MariaDB too, three hubs together,
# then the vendors' SDKs against the running hub, and the interface in a real browser.
# Always the whole workspace: a part of it alone has other features of what it shares, and builds all of that again.
test: ui
	cargo test --locked --workspace
	scripts/databases.sh
	cargo build --locked --workspace --bins
	tests/cluster/run.sh target/debug/bridge
	tests/gauntlet/run.sh target/debug/bridge
	tests/contract/run.sh target/debug/bridge
	tests/sdk/run.sh target/debug/bridge
	admin-ui/e2e/run.sh

check: admin-ui/node_modules/.package-lock.json
	cargo fmt --all -- --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	scripts/check-repository.sh
	scripts/licences.py
	cd scripts && python3 -B -m unittest -q test_licences
	cd admin-ui && npm run --silent check

fmt:
	cargo fmt --all

# What ships: the whole program optimised, laid out by what it does under load, and its size, with the licences of all
# that it is made of.
dist: ui
	scripts/dist.sh

# CPU per request and per chunk, memory per stream, cold start of what ships; beside nginx and a minimal proxy.
bench: dist
	cargo build --locked --release -p bridge-bench
	ulimit -n $$(ulimit -H -n); target/release/bridge-bench run
