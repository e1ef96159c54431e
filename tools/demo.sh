#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# demo.sh - tapir at work, as a transcript: demo.sh BUILD-DIRECTORY (make demo builds it first).
#
# Everything happens in a network namespace of its own (with a user namespace around it when not root): the TAP is made there,
# and goes with it. Exit status 0 only if all of it worked. The programs' output is in BUILD-DIRECTORY/demo.log; nothing else
# stays behind.
set -uo pipefail

build=$(cd "${1:-build}" && pwd) || exit 64
if [ "${2:-}" != --inside ]; then
	if ! [ -e /dev/net/tun ]; then
		echo "demo: there is no /dev/net/tun, the kernel's door to TAP devices: as root, modprobe tun" >&2
		exit 69
	elif ! [ -w /dev/net/tun ]; then
		echo "demo: /dev/net/tun is not open to this user: try sudo make demo" >&2
		exit 77
	fi
	if [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null; then
		exec unshare -n -- "$0" "$build" --inside
	elif unshare -Urn true 2>/dev/null; then
		exec unshare -Urn -- "$0" "$build" --inside
	fi
	echo "demo: needs root, or a kernel that lets a user make user namespaces (unshare -Urn): try sudo make demo" >&2
	exit 77
fi

log=$build/demo.log
dir=$(mktemp -d) || exit 73
pids=()
export PATH=$build:$PATH TAPIR_SOCKET=$dir/tapir.sock
unset http_proxy all_proxy ALL_PROXY
: >"$log" || exit 73 # the shell says why

end() {
	trap '' INT TERM
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null
	done
	for pid in "${pids[@]}"; do
		for _ in $(seq 50); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.1
		done
		kill -9 "$pid" 2>/dev/null
	done
	wait
	rm -rf "$dir"
}
trap end EXIT
trap 'echo; echo "demo: interrupted"; exit 130' INT
trap 'exit 143' TERM

fail() {
	echo
	echo "demo: FAILED: $*"
	echo "demo: what the programs said is in $log; its end:"
	tail -n 15 "$log" | sed 's/^/    /'
	exit 1
} >&2

title() {
	printf '\n== %s\n' "$*"
}

# A command as it would be typed.
prompt() {
	local word line='$'
	for word; do
		case $word in
		*[!A-Za-z0-9_./:=%-]*) line+=" '$word'" ;;
		*) line+=" $word" ;;
		esac
	done
	echo "$line"
}

# Show a command and its output, and fail with it.
show() {
	prompt "$@"
	timeout 30 "$@" 2>&1 || fail "'$*' ended with status $?"
}

# The same for a command that goes on; $! is its pid.
show_start() {
	prompt "$@" | sed 's/$/ \&/'
	"$@" >>"$log" 2>&1 &
	pids+=($!)
}

# Wait until a command succeeds: wait_until WHAT COMMAND...
wait_until() {
	local what=$1
	shift
	for _ in $(seq 200); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.05
	done
	fail "waited ten seconds in vain for $what"
}

same_bytes() {
	local sum
	show sha256sum "$@"
	sum=$(sha256sum "$@" | cut -d ' ' -f 1 | sort -u | wc -l)
	[ "$sum" = 1 ] || fail "the files differ: $*"
}

cd "$dir" || exit 73
mkdir kernel stack
head -c 8388608 /dev/urandom >kernel/file
head -c 8388608 /dev/urandom >stack/file
ip link set lo up

title "A TAP, the kernel at 10.77.0.1 on one side and tapird at 10.77.0.2 on the other"
show_start tapird --socket "$TAPIR_SOCKET" --tap tap0 --addr 10.77.0.2/24 --addr fd77::2/64 \
	--host-addr 10.77.0.1/24 --host-addr fd77::1/64
daemon=$!
is_ready() {
	grep -qw ready "$log" || ! kill -0 "$daemon"
}
wait_until "tapird to be ready" is_ready
kill -0 "$daemon" 2>/dev/null || fail "tapird did not start"
grep -w ready "$log"

title "The kernel pings the stack, over both families"
show ping -n -c 3 -i 0.2 10.77.0.2
show ping -n -c 1 fd77::2
show tapir neigh

title "An unmodified curl on the stack fetches from a web server on the kernel"
(cd kernel && exec python3 -u -m http.server --bind 10.77.0.1 8000) >>"$log" 2>&1 &
pids+=($!)
echo '$ (cd kernel; python3 -m http.server --bind 10.77.0.1 8000) &'
wait_until "the kernel's web server" curl -s -o /dev/null --max-time 1 http://10.77.0.1:8000/
show_start tapir run curl -sS --limit-rate 3M -o fetched http://10.77.0.1:8000/file
fetch=$!
is_connected() {
	tapir ss -tnH | grep -q ':8000' || ! kill -0 "$fetch"
}
wait_until "curl's connection" is_connected
kill -0 "$fetch" 2>/dev/null || fail "curl on the stack has ended early"
sleep 0.7
show tapir ss -tni
wait "$fetch" || fail "curl on the stack ended with status $?"
same_bytes kernel/file fetched
grep -q '^10\.77\.0\.2 .*GET /file' "$log" || fail "the web server did not see the stack's address"
echo "(the web server saw:" "$(grep -m 1 '^10\.77\.0\.2 .*GET /file' "$log"))"

title "A kernel curl fetches from an unmodified web server on the stack, over IPv6"
(cd stack && exec tapir run python3 -u -m http.server --bind fd77::2 8001) >>"$log" 2>&1 &
server=$!
pids+=("$server")
echo '$ (cd stack; tapir run python3 -m http.server --bind fd77::2 8001) &'
is_listening() {
	tapir ss -tlnH | grep -q ':8001' || ! kill -0 "$server"
}
wait_until "the web server on the stack" is_listening
kill -0 "$server" 2>/dev/null || fail "the web server on the stack has ended early"
show tapir ss -tlnp
show curl -gsS -o served -w '%{size_download} bytes in %{time_total} s\n' 'http://[fd77::2]:8001/file'
same_bytes stack/file served

title "What the stack counted meanwhile"
show tapir stats 'link.*' 'tcp.*'

title "The end: SIGTERM, and the TAP is gone"
kill -TERM "$daemon"
wait "$daemon"
status=$?
[ "$status" = 0 ] || fail "tapird ended with status $status"
ip link show tap0 >/dev/null 2>&1 && fail "tap0 is still there"
echo
echo "demo: all of it worked"
