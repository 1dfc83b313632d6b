#!/bin/sh
# Runs the tests of the admin API and of the ledger on PostgreSQL and on MariaDB.
#
#   scripts/databases.sh [postgres] [mariadb]      both by default
set -eu

cd "$(dirname "$0")/.."
wanted="${*:-postgres mariadb}"
. scripts/servers.sh

for one in $wanted; do
    case "$one" in
        postgres | mariadb) "start_$one" ;;
        *) say "unknown: $one"; exit 2 ;;
    esac
    say "running the tests on $one"
    TEST_DATABASE_SERVER="$server_url" cargo test --locked --workspace --test admin --test ledger -- --test-threads=2
done
say "done"
