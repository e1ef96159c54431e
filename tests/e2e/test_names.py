# SPDX-License-Identifier: BSD-2-Clause
"""What programs see of interfaces, addresses and names: the stack's, by every way there is to ask."""

import json
import os
import re
import subprocess

from harness import HERE, KERNEL, STACK, check, test


def interfaces_by(w, *argv):
    """What the program prints: JSON, {interface: [addresses]}."""
    return {name: set(addresses) for name, addresses in json.loads(w.stack_run(*argv).out()).items()}


def expect_interfaces(w, found):
    """lo and tap0 with the stack's addresses; what is link-local depends on the device."""
    kept = {name: {a for a in addresses if not a.startswith("fe80:")} for name, addresses in found.items()}
    wanted = {"lo": {"127.0.0.1", "::1"}, w.guest_interface(): {STACK[4], STACK[6]}}
    check(kept == wanted, "%s, not %s" % (kept, wanted))


NODE = """const all = require("os").networkInterfaces();
console.log(JSON.stringify(Object.fromEntries(Object.entries(all).map(([k, v]) => [k, v.map(a => a.address)]))))"""

@test(families=None, combos="first", capture=False, smoke=True)
def programs_see_the_stacks_interfaces(w):
    expect_interfaces(w, interfaces_by(w, "python3", os.path.join(HERE, "on_names.py"), "getifaddrs"))
    expect_interfaces(w, interfaces_by(w, "python3", os.path.join(HERE, "on_names.py"), "netlink"))
    links = json.loads(w.stack_run("ip", "-j", "addr").out())
    expect_interfaces(w, {i["ifname"]: {a["local"] for a in i["addr_info"]} for i in links})
    expect_interfaces(w, interfaces_by(w, "node", "-e", NODE))
    out = w.stack_run("python3", os.path.join(HERE, "on_names.py"), "ioctl", w.guest_interface(), STACK[4]).out()
    check(out == "done\n", out)


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def iproute2_asks_the_stack(w):
    for address, way in (("198.51.100.1", "via %s dev tap0 src %s" % (KERNEL[4], STACK[4])),
                         (KERNEL[4], "dev tap0 src %s" % STACK[4]), (STACK[4], "dev lo src %s" % STACK[4]),
                         (KERNEL[6], "dev tap0 src %s" % STACK[6])):
        out = w.stack_run("ip", "route", "get", address).out()
        check(way in out, "the way to %s: %s" % (address, out))
    check("default via %s dev tap0" % KERNEL[4] in w.stack_run("ip", "route").out(), "no default route")
    check("default via %s dev tap0" % KERNEL[6] in w.stack_run("ip", "-6", "route").out(), "no default route of IPv6")
    for family, flag in ((4, "-4"), (6, "-6")):
        w.host_run("ping", "-n", "-c", "1", "-W", "20", STACK[family])
        out = w.stack_run("ip", flag, "neigh").out()
        check(re.search(r"^%s dev tap0 lladdr \S+" % re.escape(KERNEL[family]), out, re.M), "neighbours: %s" % out)
    refused = w.stack_run("ip", "addr", "add", "192.0.2.1/24", "dev", "tap0", status=2)
    check("Operation not permitted" in refused.err(), refused.err())


@test(families=None, combos="first", capture=False, stacks=("tapir",), smoke=True, options=[])
def netlink_sockets_stand_what_programs_do_with_them(w):
    out = w.stack_run("python3", os.path.join(HERE, "on_names.py"), "hostile").out()
    check(out == "done\n", out)
    out = w.stack_run("python3", os.path.join(HERE, "on_names.py"), "groups", env=dict(os.environ, TAPIR=w.config.tapir, TAPIR_SOCKET=w.socket_path, HOST=w.host.path, LINK=w.tap)).out()
    check(out == "done\n", out)


HOSTS = """127.0.0.1 localhost
::1 localhost ip6-localhost
192.0.2.44 four.example.org four Alias.Four
2001:db8::66 six.example.org six
2001:db8::77 both
10.77.0.77 both
10.77.0.130 many
10.77.0.3 many
127.0.0.9 many
fd77::9 many
fe80::9 many
"""


def mount_files(w):
    """Our own hosts(5), and no other source of names, for this run's namespace only."""
    subprocess.run(["mount", "--bind", w.write("hosts", HOSTS), "/etc/hosts"], check=True)
    subprocess.run(["mount", "--bind", w.write("nsswitch.conf", "hosts: files\nservices: files\nprotocols: files\n"), "/etc/nsswitch.conf"],
                   check=True)


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def look_ups_answer_as_glibc_does(w):
    """Without a resolver: everything that literals, services and hosts(5) can say, and the order of what they say."""
    mount_files(w)
    try:
        script = os.path.join(HERE, "on_lookup.py")
        stack, kernel = w.stack_run("python3", script).out().splitlines(), w.host_run("python3", script).out().splitlines()
    finally:
        subprocess.run(["umount", "/etc/hosts", "/etc/nsswitch.conf"], check=False)
    differ = ["%s\n  glibc's: %s" % (a, b) for a, b in zip(stack, kernel) if a != b]
    check(len(kernel) > 1000 and len(stack) == len(kernel), "%d and %d lines" % (len(stack), len(kernel)))
    check(not differ, "%d of %d differ:\n%s" % (len(differ), len(kernel), "\n".join(differ[:60])))


STATIC = r"""
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>

int main(void)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *to;
	struct ifaddrs *list;
	int links = 0, addresses = 0;

	if (getaddrinfo("10.77.0.1", "80", &hints, &to) || getifaddrs(&list))
		return 1;
	for (struct ifaddrs *i = list; i; i = i->ifa_next) {
		links += i->ifa_addr && i->ifa_addr->sa_family == AF_PACKET;
		addresses += i->ifa_addr && i->ifa_addr->sa_family == AF_INET;
	}
	printf("%d links, %d addresses, tap0 is %u\n", links, addresses, if_nametoindex("tap0"));
	return 0;
}
"""


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def static_programs_see_the_stacks_interfaces(w):
    """From inside the C library, where no name can be preloaded: glibc and musl ask netlink, each in its way."""
    source = w.write("static.c", STATIC)
    for cc in ("cc", "musl-gcc"):
        w.start([cc, "-D_GNU_SOURCE", "-static", "-o", w.path(cc), source], label=cc).expect(0)
        for _ in range(5):
            out = w.stack_run(w.path(cc)).out()
            check(out == "2 links, 2 addresses, tap0 is 2\n", "%s: %r" % (cc, out))
