#!/bin/sh
# How long statistics take on very many requests: fills a PostgreSQL of its own, asks, and removes it.
#
#   ROWS=10000000 scripts/statistics-at-scale.sh
set -eu

cd "$(dirname "$0")/.."
. scripts/servers.sh

cargo build --locked --quiet --example statistics_at_scale
# A small server's memory.
start_postgres -c shared_buffers=512MB -c work_mem=64MB -c maintenance_work_mem=512MB -c max_wal_size=1GB \
    -c wal_level=minimal -c max_wal_senders=0
"${CARGO_TARGET_DIR:-target}/debug/examples/statistics_at_scale" "$server_url/bridge" "${ROWS:-10000000}"
