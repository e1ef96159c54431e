# SPDX-License-Identifier: BSD-2-Clause
"""What becomes of the device under the stack: switched off, another MTU, deleted and made again, moved to another network. The link follows,
programs hear of it, connections go on when they can."""

import json
import time

from harness import check, test, wait_for
from test_links import AT_ONCE, addresses, conversation, make_tap, network, on_stack, start_dnsmasq, start_tapird, tapir


def tell_errno(w, address):
    """What connect() says."""
    program = ("import errno, socket, sys\n"
               "s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET)\n"
               "s.settimeout(20)\n"
               "try:\n"
               "    s.connect((sys.argv[1], 7300))\n"
               "except OSError as e:\n"
               "    print(errno.errorcode[e.errno])\n")
    return on_stack(w, "python3", "-c", program, address).expect(0).out().strip()


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def programs_hear_of_a_link_that_goes_down_and_of_its_mtu(w):
    with network(w) as ns:
        daemon = start_tapird(w, ns, "--addr", "10.63.0.2/24", "--host-addr", "10.63.0.1/24", "--addr", "fd63::2/64", "--gateway", "10.63.0.1")
        daemon.wait_out("ready")
        monitor = on_stack(w, "ip", "monitor", "link", "address", "route")
        wait_for(lambda: tapir(w, "addr", "add", "10.63.0.7/32") and tapir(w, "addr", "del", "10.63.0.7") and "10.63.0.7" in monitor.out(),
                 "ip monitor hears nothing")
        ns.run("ip", "link", "set", "tap0", "mtu", "1400")
        wait_for(lambda: "mtu 1400" in monitor.out(), "the MTU is not told: %s" % monitor.out())
        check("mtu 1400" in tapir(w, "link").out(), "the link has another MTU")
        ns.run("ip", "link", "set", "tap0", "down")
        for text in ("state DOWN", "Deleted default via 10.63.0.1", "Deleted fd63::/64"):
            wait_for(lambda: text in monitor.out(), lambda: "%r is not told: %s" % (text, monitor.out()))
        check("linkdown" in tapir(w, "route", "show", "default").out(), "the route is not marked")
        for address in ("10.63.0.1", "192.0.2.1", "fd63::1"):
            check(tell_errno(w, address) == "ENETUNREACH", "connect to %s over a link that is down" % address)
        before = len(monitor.out())
        ns.run("ip", "link", "set", "tap0", "up")
        ns.run("ip", "addr", "replace", "10.63.0.1/24", "dev", "tap0")
        wait_for(lambda: "default via 10.63.0.1" in monitor.out()[before:], "the route is not told to be back")
        wait_for(lambda: tell_errno(w, "10.63.0.1") == "ECONNREFUSED", "no way after the link is up again")
        check(daemon.err().count("link.down") == 1 and daemon.err().count("link.up") == 1, "not said once: %s" % daemon.err())
        check("Deleted 2: tap0    inet6" not in monitor.out(), "an address that is checked again was told to be gone: %s" % monitor.out())


@test(families=(4, 6), combos="first", capture=False, stacks=("tapir",))
def mtu_changes_under_a_connection(w, family):
    address = {4: "10.63.0.1", 6: "fd63::1"}[family]
    with network(w) as ns:
        start_tapird(w, ns, "--addr", "10.63.0.2/24", "--host-addr", "10.63.0.1/24", "--addr", "fd63::2/64", "--host-addr",
                     "fd63::1/64").wait_out("ready")
        w.start(ns.enter() + ["iperf3", "-s", "-p", "7301", "--forceflush"], label="iperf3 server").wait_out("Server listening")
        for direction in ([], ["-R"]):
            client = on_stack(w, "iperf3", "-c", address, "-p", "7301", "-t", "2", "--forceflush", *direction)
            client.wait_out("connected to")
            for mtu in (1280, 9000, 1400, 4000, 1500):
                ns.run("ip", "link", "set", "tap0", "mtu", str(mtu))
                wait_for(lambda: "mtu %d" % mtu in tapir(w, "link").out(), "the link does not follow to %d" % mtu)
                time.sleep(0.2)
            client.expect(0)


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def device_that_is_deleted_and_made_again_is_used_again(w):
    with network(w) as ns:
        make_tap(ns, "tap0", "10.63.0.1/24")
        daemon = start_tapird(w, ns, "--addr", "10.63.0.2/24")
        daemon.wait_out("ready")
        with conversation(w, ns):
            ns.run("ip", "link", "del", "tap0")
            daemon.wait_out("TAP tap0 was deleted")
            check("state\": \"down" in tapir(w, "link", "--json").out(), "the link is not down")
            make_tap(ns, "tap0", "10.63.0.1/24")
            daemon.wait_out("TAP tap0 is there again")
        check(daemon.err().count("was deleted") == 1, daemon.err())
        w.start(ns.enter() + ["ping", "-c", "1", "-W", "20", "10.63.0.2"], label="ping").expect(0)


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def one_of_two_devices_that_is_deleted_takes_nothing_from_the_other(w):
    """They are tapird's own: nobody makes them again, and the daemon ends with the last."""
    with network(w) as ns:
        daemon = start_tapird(w, ns, "--tap", "tapa", "--addr", "10.62.0.2/24", "--host-addr", "10.62.0.1/24", "--tap", "tapb", "--addr",
                              "10.63.0.2/24", "--host-addr", "10.63.0.1/24")
        daemon.wait_out("ready")
        with conversation(w, ns):
            ns.run("ip", "link", "del", "tapa")
            daemon.wait_out("TAP tapa was deleted")
        ns.run("ip", "link", "del", "tapb")
        check(daemon.wait() == 69, "exit status")


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def device_that_moves_to_another_bridge_is_configured_by_its_network(w):
    with network(w) as ns:
        ns.sysctl("net.ipv6.conf.all.forwarding", 1)
        make_tap(ns, "tap0")
        for i in (1, 2):
            ns.run("ip", "link", "add", "br%d" % i, "type", "bridge")
            ns.run("ip", "link", "set", "br%d" % i, "up")
            ns.run("ip", "addr", "add", "10.66.%d.1/24" % i, "dev", "br%d" % i)
            ns.run("ip", "addr", "add", "2001:db8:%d::1/64" % i, "dev", "br%d" % i, "nodad")
        ns.run("ip", "link", "set", "tap0", "master", "br1")
        start_dnsmasq(w, ns, "--no-ping", "--dhcp-authoritative", "--enable-ra", "--interface=br1", "--interface=br2", "--bind-dynamic",
                      *["--dhcp-range=10.66.%d.50,10.66.%d.90,10m" % (i, i) for i in (1, 2)],
                      *["--dhcp-range=2001:db8:%d::,ra-only,64,10m" % i for i in (1, 2)])
        daemon = start_tapird(w, ns, "--dhcp", *AT_ONCE)
        daemon.wait_out("ready: ")

        def are_of(i):
            return ([a for a in addresses(w, "dhcp") if a["address"].startswith("10.66.%d." % i)] and
                    [a for a in addresses(w, "slaac") if a["address"].startswith("2001:db8:%d:" % i) and a["state"] == "preferred"])

        wait_for(lambda: are_of(1), "no addresses of the first network")
        ns.run("ip", "link", "set", "tap0", "master", "br2")
        daemon.wait_out("now a port of the bridge br2")
        wait_for(lambda: are_of(2), lambda: "no addresses of the second network: %s" % tapir(w, "addr").out())
        old = [a for a in addresses(w, "slaac") if a["address"].startswith("2001:db8:1:") and a["state"] == "preferred"]
        check(not old and len(addresses(w, "dhcp")) == 1, "addresses of the first network are in use: %s" % tapir(w, "addr").out())
        for address in ("10.66.2.1", "2001:db8:2::1"):
            on_stack(w, "ping", "-c", "1", "-W", "20", address).expect(0)


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def device_that_tapird_makes_is_up_and_configured_once_it_is_on_a_bridge(w):
    with network(w) as ns:
        ns.run("ip", "link", "add", "br0", "type", "bridge")
        ns.run("ip", "link", "set", "br0", "up")
        ns.run("ip", "addr", "add", "10.66.1.1/24", "dev", "br0")
        start_dnsmasq(w, ns, "--no-ping", "--interface=br0", "--bind-interfaces", "--dhcp-range=10.66.1.50,10.66.1.90,10m")
        daemon = start_tapird(w, ns, "--dhcp", *AT_ONCE)
        daemon.wait_out("waiting for an address")
        check("UP" in ns.run("ip", "link", "show", "tap0"), "the device is not up")
        ns.run("ip", "link", "set", "tap0", "master", "br0")
        daemon.wait_out(r"ready: addresses .*10\.66\.1\.")
        lease = [x for x in json.loads(tapir(w, "dhcp", "--json").out()) if x["family"] == "inet"]
        check(len(lease) == 1 and lease[0]["state"] == "bound" and lease[0]["server"] == "10.66.1.1" and
              lease[0]["address"].startswith("10.66.1.") and 0 < lease[0]["renew_s"] <= 300 < lease[0]["expire_s"] <= 600, "lease: %s" % lease)
