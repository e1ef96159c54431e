#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# deps.sh - install what tapir needs from the distribution: deps.sh build|demo|test...
#
# Says nothing and does nothing when all is there. Installs as root, or through sudo. No service that comes with a test
# program (nginx, redis, sshd) is started or enabled by it: this may be somebody's own machine.
set -eu

BUILD="gcc libc6-dev make pkg-config libcap-dev libinih-dev libjansson-dev"
DEMO="curl python3 iproute2 iputils-ping"
TEST="libcmocka-dev iproute2 iputils-ping tcpdump tshark curl nginx-light redis-server redis-tools wrk netbase iperf3
	openssh-server openssh-client python3 strace ethtool socat avahi-daemon avahi-utils dbus-daemon iperf dnsmasq-base isc-dhcp-server kea-dhcp4-server
	kea-dhcp6-server radvd ndisc6 traceroute mtr-tiny golang-go musl-tools
	wget haproxy memcached mosquitto mosquitto-clients php-cli nodejs perl ncat unbound bind9-dnsutils postgresql-15
	python3.11 libpython3.11-testsuite"
# The services among them, by their units' names.
UNITS="avahi-daemon nginx redis-server ssh iperf3 isc-dhcp-server kea-dhcp4-server kea-dhcp6-server radvd
	haproxy memcached mosquitto postgresql unbound"

say() {
	echo "tapir: $*" >&2
}

# The fuzzer's run-time library has clang's version in its name.
clang_packages() {
	version=$(apt-cache depends clang 2>/dev/null | sed -n 's/^ *Depends: clang-\([0-9][0-9]*\)$/\1/p' | head -n 1)
	echo "clang libclang-rt-${version:-14}-dev"
}

# Any flavour of nginx will do; asking for another one would remove it.
is_installed() {
	[ "$1" = nginx-light ] && [ -x /usr/sbin/nginx ] && return
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Without dpkg all we can do is look whether a build would work.
check_elsewhere() {
	if command -v cc >/dev/null && command -v pkg-config >/dev/null && pkg-config --exists jansson libcap inih; then
		return
	fi
	say "cannot install what is missing: there is no apt-get here. Debian calls it: $BUILD"
	exit 1
}

wanted=
for group in "$@"; do
	case $group in
	build) wanted="$wanted $BUILD" ;;
	demo) wanted="$wanted $DEMO" ;;
	test) wanted="$wanted $TEST $(clang_packages)" ;;
	*)
		say "deps.sh: unknown group '$group'; expected build, demo or test"
		exit 64
		;;
	esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	check_elsewhere
	exit 0
fi

missing=
for package in $wanted; do
	case " $missing " in *" $package "*) continue ;; esac
	is_installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null || { [ ! -t 0 ] && ! sudo -n true 2>/dev/null; }; then
		say "not root and no sudo; as root run: apt-get install -y --no-install-recommends$missing"
		exit 1
	fi
	as_root=sudo
fi

# While packages are set up, Debian asks policy-rc.d whether a service may start (101: no). One that is there already is
# somebody's decision, and stays.
policy=/usr/sbin/policy-rc.d
own_policy=
end() {
	[ -z "$own_policy" ] || $as_root rm -f "$policy"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
if [ ! -e "$policy" ]; then
	own_policy=$(mktemp)
	printf '#!/bin/sh\n# Left by an interrupted "make deps" of tapir; may be removed.\nexit 101\n' >"$own_policy"
	$as_root install -m 755 "$own_policy" "$policy"
	rm -f "$own_policy"
fi

say "installing$missing"
log=$(mktemp)
run() {
	$as_root env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1
}
run apt-get update -qq || true # the lists that are there may do
# shellcheck disable=SC2086 # words are meant
if ! run apt-get install -y -qq --no-install-recommends $missing; then
	tail -n 20 "$log" >&2
	rm -f "$log"
	say "apt-get could not install$missing (its words are above)"
	exit 1
fi
rm -f "$log"

# Nor are they to start with the machine, if it was we who brought them.
for unit in $UNITS; do
	case $unit:$missing in
	nginx:*nginx-light* | redis-server:*redis-server* | ssh:*openssh-server* | iperf3:*iperf3* | \
	kea-dhcp4-server:*kea-dhcp4-server* | kea-dhcp6-server:*kea-dhcp6-server* | radvd:*radvd* | \
	haproxy:*haproxy* | memcached:*memcached* | mosquitto:*mosquitto* | postgresql:*postgresql-15* | unbound:*unbound*)
		if command -v systemctl >/dev/null; then
			$as_root systemctl disable --quiet "$unit.service" >/dev/null 2>&1 || true
		elif command -v update-rc.d >/dev/null; then
			$as_root update-rc.d "$unit" disable >/dev/null 2>&1 || true
		fi
		;;
	esac
done
