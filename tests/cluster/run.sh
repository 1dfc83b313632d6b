#!/bin/sh
# Three hubs on one PostgreSQL, sharing through Redis, behind the load balancer of deploy/cluster: as the compose file
# has them, but as processes on loopback.
# usage: tests/cluster/run.sh HUB_PROGRAM
set -eu

[ $# = 1 ] || { echo "usage: $0 HUB_PROGRAM" >&2; exit 2; }
hub=$(realpath "$1")
cd "$(dirname "$0")/../.."
. scripts/servers.sh
need nginx nginx

start_postgres
export DATABASE_URL="$server_url"
start_redis
export REDIS_URL="$server_url" REDIS_PID="$redis_pid"
export ENCRYPTION_KEY=cluster-encryption-key-0123456789abcdef JWT_SECRET_KEY=cluster-session-key-0123456789abcdef
# The balancer alone, and not the clients of these tests, which have addresses of their own.
export TRUSTED_PROXIES=127.0.0.1
export ADMIN_EMAIL=admin@cluster.test ADMIN_PASSWORD=correct-horse-battery-9

hubs=""
for number in 1 2 3; do
    port=$(free_port)
    mkdir -p "$scratch/hub-$number"
    (cd "$scratch/hub-$number" && exec "$hub" serve --host 127.0.0.1 --port "$port" >"$scratch/hub-$number.log" 2>&1) &
    pids="$pids $!"
    hubs="$hubs $port:$!"
    sed_hubs="${sed_hubs:-}s/hub-$number:8000/127.0.0.1:$port/;"
done
# All at once on an empty database, as compose starts them.
for one in $hubs; do
    wait_for "${one%:*}" "${one#*:}" || { cat "$scratch"/hub-*.log >&2; exit 1; }
done

balancer=$(free_port)
# The very file that ships, with this machine's ports.
{
    printf 'pid %s/nginx.pid;\nerror_log %s/nginx.log;\n' "$scratch" "$scratch"
    sed -e "$sed_hubs" -e "s/listen 8000/listen 127.0.0.1:$balancer/" -e 's/worker_processes auto/worker_processes 1/' \
        -e "s#access_log off;#access_log off; client_body_temp_path $scratch/body; proxy_temp_path $scratch/proxy; fastcgi_temp_path $scratch/f; uwsgi_temp_path $scratch/u; scgi_temp_path $scratch/s;#" \
        deploy/cluster/nginx.conf
} >"$scratch/nginx.conf"
as_user nginx -c "$scratch/nginx.conf" -g 'daemon on;'
pids="$pids $(pid_in "$scratch/nginx.pid")"

if ! HUBS="$hubs" BALANCER="http://127.0.0.1:$balancer" python3 -B tests/cluster/cluster.py; then
    tail -n 20 "$scratch"/hub-*.log >&2
    exit 1
fi
