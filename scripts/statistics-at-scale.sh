#!/usr/bin/env bash
# How long statistics take on very many requests: starts a PostgreSQL of its own, fills it, asks, and removes it.
#   ROWS=10000000 scripts/statistics-at-scale.sh
set -euo pipefail
cd "$(dirname "$0")/.."
rows=${ROWS:-10000000}
bin=${POSTGRES_BIN:-$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)}
if [ ! -x "$bin/initdb" ]; then
  echo "no PostgreSQL found; install its server or set POSTGRES_BIN" >&2
  exit 1
fi
cargo build --quiet --example statistics_at_scale
folder=$(mktemp -d)
# The server refuses to run as root.
as() { "$@"; }
if [ "$(id -u)" = 0 ]; then
  chown nobody "$folder"
  as() { runuser -u nobody -- "$@"; }
fi
cleanup() { as "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$folder"; }
trap cleanup EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
as "$bin/initdb" -D "$folder/data" -U bridge --auth=trust -E UTF8 --locale=C >/dev/null
# A small server's memory; durability does not matter for a database that is thrown away.
as "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" -o "-p $port -c listen_addresses=127.0.0.1 \
  -c unix_socket_directories=$folder -c fsync=off -c shared_buffers=512MB -c work_mem=64MB -c maintenance_work_mem=512MB -c max_wal_size=1GB -c wal_level=minimal -c max_wal_senders=0" start >/dev/null
"$bin/psql" -q -h 127.0.0.1 -p "$port" -U bridge postgres -c 'CREATE DATABASE bridge'
"${CARGO_TARGET_DIR:-target}/debug/examples/statistics_at_scale" "postgres://bridge@127.0.0.1:$port/bridge" "$rows"
