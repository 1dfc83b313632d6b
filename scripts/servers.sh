# Scratch servers from Debian packages for tests: on loopback, with data in a scratch folder, ended by their process id.
# To be sourced. Each start_* sets `server_url`. Installs packages when it may and they are missing.

scratch=$(mktemp -d)
pids=""

finish() {
    for pid in $pids; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in $pids; do
        # A server that does not end in time is ended.
        for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.5
        done
        kill -9 "$pid" 2>/dev/null || true
    done
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM
chmod 711 "$scratch"
[ "$(id -u)" -ne 0 ] || chown nobody "$scratch"

say() { printf '%s\n' "$(basename "$0" .sh): $*" >&2; }

# Servers refuse to run as root: then another user of this machine runs them.
as_user() {
    if [ "$(id -u)" -eq 0 ]; then
        runuser -u nobody -- "$@"
    else
        "$@"
    fi
}

# Starts a server that stays in the foreground. `started` is it, or what passes on to it that it shall end.
begin() { # log command
    log=$1
    shift
    if [ "$(id -u)" -eq 0 ]; then
        runuser -u nobody -- "$@" >"$log" 2>&1 &
    else
        "$@" >"$log" 2>&1 &
    fi
    started=$!
    pids="$pids $started"
}

need() { # command package
    command -v "$1" >/dev/null 2>&1 && return 0
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "installing $2"
        apt-get update -qq >/dev/null
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null
    fi
    command -v "$1" >/dev/null 2>&1 || { say "$2 is not installed"; exit 1; }
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

wait_for() { # port pid
    for _ in $(seq 1 240); do
        kill -0 "$2" 2>/dev/null || return 1
        python3 -c "import socket; socket.create_connection(('127.0.0.1', $1), 1).close()" 2>/dev/null && return 0
        sleep 0.5
    done
    return 1
}

# The number of a process that writes it into a file, soon.
pid_in() { # file
    for _ in $(seq 1 60); do [ -s "$1" ] && break; sleep 0.5; done
    head -n 1 "$1"
}

start_postgres() { # further arguments of the server
    # Debian keeps the programs of each version apart.
    bin=${POSTGRES_BIN:-$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)}
    if [ -z "$bin" ]; then
        need pg_ctlcluster postgresql
        bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
    fi
    data="$scratch/postgres"
    port=$(free_port)
    as_user "$bin/initdb" -D "$data" -U bridge --auth=trust --encoding=UTF8 --locale=C.UTF-8 >"$scratch/initdb.log" 2>&1 \
        || { cat "$scratch/initdb.log" >&2; exit 1; }
    begin "$scratch/postgres.log" "$bin/postgres" -D "$data" -h 127.0.0.1 -p "$port" -k "$scratch" \
        -c fsync=off -c max_connections=300 "$@"
    wait_for "$port" "$started" || { cat "$scratch/postgres.log" >&2; exit 1; }
    # The server itself beside what started it.
    pids="$pids $(pid_in "$data/postmaster.pid")"
    # Who connects without naming a database gets the user's own.
    as_user "$bin/createdb" -h 127.0.0.1 -p "$port" -U bridge bridge
    server_url="postgres://bridge@127.0.0.1:$port"
}

start_mariadb() {
    need mariadbd mariadb-server
    data="$scratch/mariadb"
    port=$(free_port)
    as_user mkdir "$data"
    as_user mariadb-install-db --no-defaults --datadir="$data" --auth-root-authentication-method=normal \
        --skip-test-db >"$scratch/install.log" 2>&1 || { cat "$scratch/install.log" >&2; exit 1; }
    begin "$scratch/mariadb.log" mariadbd --no-defaults --datadir="$data" --bind-address=127.0.0.1 --port="$port" \
        --socket="$scratch/mariadb.sock" --pid-file="$data/server.pid" --skip-name-resolve \
        --innodb-flush-log-at-trx-commit=0 --max-connections=300
    wait_for "$port" "$started" || { cat "$scratch/mariadb.log" >&2; exit 1; }
    pids="$pids $(pid_in "$data/server.pid")"
    as_user mariadb --no-defaults --socket="$scratch/mariadb.sock" -u root \
        -e "CREATE USER bridge@'127.0.0.1' IDENTIFIED BY 'scratch'; GRANT ALL ON *.* TO bridge@'127.0.0.1'"
    server_url="mysql://bridge:scratch@127.0.0.1:$port"
}

start_redis() {
    need redis-server redis-server
    port=$(free_port)
    as_user redis-server --bind 127.0.0.1 --port "$port" --save "" --appendonly no --requirepass scratch \
        --dir "$scratch" --pidfile "$scratch/redis.pid" --daemonize yes --logfile "$scratch/redis.log"
    redis_pid=$(pid_in "$scratch/redis.pid")
    pids="$pids $redis_pid"
    wait_for "$port" "$redis_pid" || { cat "$scratch/redis.log" >&2; exit 1; }
    server_url="redis://:scratch@127.0.0.1:$port"
}
