# SPDX-License-Identifier: BSD-2-Clause
"""What programs see of interfaces, addresses and names: the stack's, by every way there is to ask."""

import json
import os
import re

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
    out = w.stack_run("python3", os.path.join(HERE, "on_names.py"), "groups", env=dict(os.environ, HOST=w.host.path, LINK=w.tap)).out()
    check(out == "done\n", out)
