# SPDX-License-Identifier: BSD-2-Clause
"""DHCP of both families against the servers that networks have: dnsmasq, ISC's dhcpd, Kea. Each test has a bridge of its own with the
server on it; everything that passes is decoded afterwards, with checksums, and must be clean."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import types

import frames
from harness import CHECKSUM_COMPLAINT, LENGTH_COMPLAINT, Netns, Wire, check, test, wait_for
from test_links import AT_ONCE, DNSMASQ, addresses, make_tap, network, on_stack, start_tapird, tapir

MALFORMED = re.compile(r"\[\||malformed|invalid|bad opt|unknown option length|\[oversize")


# ---- The network -----------------------------------------------------------------------------------------------------


def make_bridge(ns, name, *own):
    """A switch on which the kernel has @own addresses, and makes its checksums itself, so that they can be looked at."""
    ns.run("ip", "link", "add", name, "type", "bridge", "mcast_snooping", "0")
    ns.run("ethtool", "-K", name, "tx", "off")
    ns.run("ip", "link", "set", name, "up")
    for address in own:
        ns.run("ip", "addr", "add", address, "dev", name, *(["nodad"] if ":" in address else []))


def plug(ns, tap, bridge):
    """Into this switch, and out of the one before: the carrier goes and comes."""
    ns.run("ip", "link", "set", tap, "down")
    ns.run("ip", "link", "set", tap, "master", bridge)
    ns.run("ip", "link", "set", tap, "up")


def announce(host, address):
    """What arping -U sends: @address is the host's."""
    with host.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(("eth0", 0))
        mac = s.getsockname()[4]
        s.send(frames.eth(b"\xff" * 6, mac, frames.ETH_ARP, frames.arp(1, mac, address, bytes(6), address)))


class LanWire(Wire):
    """tcpdump on a switch; every line of what it says of the packets is looked at."""

    def __init__(self, w, ns, bridge):
        super().__init__(types.SimpleNamespace(path=lambda name: w.path(bridge + name), tap=bridge, offload="off",
                                               host_start=lambda *argv: w.start(ns.enter() + list(argv), label="tcpdump " + bridge)))

    def decode(self):
        done = subprocess.run(["tcpdump", "-nn", "-vv", "-r", self.path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              errors="replace", check=True)
        lines = done.stdout.splitlines()
        bad = [l.strip() for l in lines if LENGTH_COMPLAINT.search(l) or CHECKSUM_COMPLAINT.search(l) or MALFORMED.search(l)]
        check(lines, "tcpdump saw nothing on %s" % self.world.tap)
        check(not bad, "tcpdump complains, e.g.\n    %s" % "\n    ".join(bad[:5]))


@contextlib.contextmanager
def lan(w, *own, taps=("tap0",)):
    """A namespace with a switch, taps in it, and somebody who reads along."""
    with network(w) as ns:
        ns.sysctl("net.ipv6.conf.default.accept_dad", 0)  # servers want to open sockets on link-local addresses at once
        make_bridge(ns, "br0", *own)
        for tap in taps:
            make_tap(ns, tap)
            ns.run("ip", "link", "set", tap, "master", "br0")
        wire = LanWire(w, ns, "br0")
        yield ns
        wire.stop(False)


@contextlib.contextmanager
def host_on(w, ns, name, bridge="br0"):
    """Another host on the switch: a namespace of the kernel's, its device is eth0."""
    other = Netns(name + w.id)
    try:
        ns.run("ip", "link", "add", "v" + name, "type", "veth", "peer", "name", "eth0", "netns", other.name)
        ns.run("ip", "link", "set", "v" + name, "master", bridge, "up")
        other.run("ethtool", "-K", "eth0", "tx", "off")
        other.run("ip", "link", "set", "eth0", "up")
        yield other
    finally:
        other.remove()


# ---- Servers ---------------------------------------------------------------------------------------------------------


def start_dnsmasq(w, ns, bridge, *flags):
    server = w.start(ns.enter() + DNSMASQ + ["--dhcp-leasefile=" + w.path("leases-" + bridge), "--interface=" + bridge, "--bind-interfaces",
                                             "--no-ping", *flags], label="dnsmasq " + bridge)
    server.wait_out("IP range|router advertisement|stateless")
    return server


def start_client(w, ns, *flags):
    """tapird that can be asked, with an address or without."""
    daemon = start_tapird(w, ns, *flags)
    daemon.wait_out("waiting for an address")
    return daemon


def start_kea(w, ns, version, config):
    """From a copy of its program: where AppArmor confines Kea, it does so by the path, and to other directories than a test's."""
    program = "kea-dhcp%d" % version
    shutil.copy("/usr/sbin/" + program, w.path(program))
    config.update({"interfaces-config": {"interfaces": ["br0"], **({"dhcp-socket-type": "raw"} if version == 4 else {})},
                   "lease-database": {"type": "memfile", "persist": False},
                   "loggers": [{"name": program, "severity": "DEBUG", "debuglevel": 40, "output_options": [{"output": "stdout"}]}]})
    if version == 6:
        config["data-directory"] = w.path("")
    path = w.write(program + ".conf", json.dumps({"Dhcp%d" % version: config}))
    env = dict(os.environ, KEA_PIDFILE_DIR=w.path(""), KEA_LOCKFILE_DIR=w.path(""))
    server = w.start(ns.enter() + [w.path(program), "-c", path], label=program, env=env)
    server.wait_out("DHCP%d_STARTED" % version)
    return server


RADVD = """
interface br0 { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; %s
  prefix %s { AdvAutonomous off; }; };
"""


def start_radvd(w, ns, flags, prefix):
    ns.sysctl("net.ipv6.conf.all.forwarding", 1)
    return w.start(ns.enter() + ["radvd", "--nodaemon", "--logmethod", "stderr", "--username", "root", "--pidfile", w.path("radvd.pid"),
                                 "--config", w.write("radvd.conf", RADVD % (flags, prefix))], label="radvd")


def dns(w):
    """("nameserver", text) and ("search", text) by DHCP."""
    text = tapir(w, "dns").out()
    return [tuple(l.split()[:2]) for l in text.splitlines() if "proto dhcp" in l]


def seconds_left(w, address):
    found = [a["valid_s"] for a in addresses(w, "dhcp") if a["address"] == address]
    return found[0] if found else 0


def stat(w, name):
    found = re.search(r"^%s +(\d+)" % re.escape(name), tapir(w, "stats").out(), re.M)
    return int(found.group(1)) if found else 0


def has(w, prefix, origin="dhcp"):
    return [a["address"] for a in addresses(w, origin) if a["address"].startswith(prefix)]


# ---- Kea -------------------------------------------------------------------------------------------------------------

KEA4 = {
    "valid-lifetime": 7, "renew-timer": 2, "rebind-timer": 4, "authoritative": True,
    "option-def": [{"name": "classless", "code": 121, "type": "binary"}],
    "subnet4": [{"subnet": "10.71.0.0/24", "pools": [{"pool": "10.71.0.50 - 10.71.0.60"}], "option-data": [
        {"name": "domain-name-servers", "data": "10.71.0.53, 10.71.0.54"}, {"name": "domain-search", "data": "a.example.org, b.example.org"},
        {"name": "ntp-servers", "data": "10.71.0.123"}, {"name": "interface-mtu", "data": "1400"}, {"name": "routers", "data": "10.71.0.254"},
        {"code": 121, "space": "dhcp4", "csv-format": False, "data": "18C000020A47000100" + "0A470001"}]}],
}


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def kea_gives_a_lease_with_everything_renews_it_and_vanishes(w):
    with lan(w, "10.71.0.1/24") as ns:
        server = start_kea(w, ns, 4, KEA4)
        start_tapird(w, ns, "--dhcp", "--offload", "off", *AT_ONCE).wait_out(r"ready: addresses .*10\.71\.0\.")
        check(set(dns(w)) == {("search", "a.example.org"), ("search", "b.example.org"), ("nameserver", "10.71.0.53"),
                                 ("nameserver", "10.71.0.54")}, tapir(w, "dns").out())
        routes = tapir(w, "route").out()
        check("192.0.2.0/24 via 10.71.0.1" in routes and "default via 10.71.0.1" in routes and "10.71.0.254" not in routes, routes)
        links = {l["name"]: l for l in json.loads(tapir(w, "link", "--json").out())}
        check(links["tap0"]["mtu"] == 1400, str(links["tap0"]))
        shown = tapir(w, "dhcp").out()
        check("tap0 inet bound 10.71.0." in shown and "server 10.71.0.1" in shown and "ntp 10.71.0.123" in shown and "mtu 1400" in shown, shown)
        on_stack(w, "ping", "-c", "1", "10.71.0.1").expect(0)
        address = has(w, "10.71.0.")[0]
        wait_for(lambda: server.out().count("DHCP4_LEASE_ALLOC") >= 2 and seconds_left(w, address) > 5, "the lease is not renewed")
        server.stop()
        wait_for(lambda: not has(w, "10.71.0."), "the lease is over, and its address is still there")
        check("10.71.0." not in tapir(w, "route").out() and not dns(w), "what came with the lease is still there")
        links = {l["name"]: l for l in json.loads(tapir(w, "link", "--json").out())}
        check(links["tap0"]["mtu"] == 1500, str(links["tap0"]))
        start_kea(w, ns, 4, KEA4)
        plug(ns, "tap0", "br0")
        wait_for(lambda: has(w, "10.71.0."), "no lease although the server is back")


KEA6 = {
    "preferred-lifetime": 8, "valid-lifetime": 12, "renew-timer": 2, "rebind-timer": 6,
    "subnet6": [{"subnet": "2001:db8:71::/64", "interface": "br0", "rapid-commit": False, "pools": [{"pool": "2001:db8:71::1000 - 2001:db8:71::10ff"}],
                 "option-data": [{"name": "dns-servers", "data": "2001:db8:71::53"},
                                 {"name": "domain-search", "data": "six.example.org, seven.example.org"}]}],
}


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def leases_are_renewed_and_given_back_when_dhcp_is_turned_off(w):
    with lan(w, "2001:db8:71::1/64", "10.71.0.1/24") as ns:
        server = start_kea(w, ns, 6, KEA6)
        server4 = start_dnsmasq(w, ns, "br0", "--dhcp-range=10.71.0.50,10.71.0.60,10m")
        start_radvd(w, ns, "AdvManagedFlag on; AdvOtherConfigFlag on;", "2001:db8:71::/64")
        conf = w.write("t.conf", "dhcp = on\noffload = off\n")
        start_client(w, ns, "--config", conf, *AT_ONCE)
        address = wait_for(lambda: has(w, "2001:db8:71::10"), "no address: %s" % server.out()[-600:])[0]
        on_stack(w, "ping", "-6", "-c", "1", "2001:db8:71::1").expect(0)
        check(set(dns(w)) == {("search", "seven.example.org"), ("search", "six.example.org"), ("nameserver", "2001:db8:71::53")},
              tapir(w, "dns").out())
        wait_for(lambda: "DHCP6_LEASE_RENEW" in server.out() or "renewed" in server.out(), "it is not renewed: %s" % server.out()[-900:])
        wait_for(lambda: seconds_left(w, address) > 9, "the renewal does not count")
        wait_for(lambda: has(w, "10.71.0."), "no IPv4 lease")
        w.write("t.conf", "dhcp = off\noffload = off\n")
        tapir(w, "reload")
        wait_for(lambda: "DHCP6_RELEASE_NA" in server.out() and "RELEASE" in server.out(), "it is not released: %s" % server.out()[-900:])
        server4.wait_out("DHCPRELEASE")
        check(not has(w, "2001:db8:71::10") and not has(w, "10.71.0."), "the addresses are still there")


# ---- ISC -------------------------------------------------------------------------------------------------------------

DHCPD6 = """
default-lease-time 60;
option dhcp6.name-servers 2001:db8:72::53;
option dhcp6.domain-search "isc.example.org";
option dhcp6.rapid-commit;
subnet6 2001:db8:72::/64 { %s }
"""


def start_dhcpd6(w, ns, subnet):
    w.write("dhcpd6.leases", "")
    server = w.start(ns.enter() + ["dhcpd", "-d", "-6", "--no-pid", "-cf", w.write("dhcpd6.conf", DHCPD6 % subnet), "-lf",
                                   w.path("dhcpd6.leases"), "br0"], label="dhcpd -6")
    server.wait_out("Server starting service")
    return server


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def the_isc_server_gives_parameters_alone_and_then_an_address(w):
    with lan(w, "2001:db8:72::1/64") as ns:
        server = start_dhcpd6(w, ns, "range6 2001:db8:72::1000 2001:db8:72::10ff;")
        radvd = start_radvd(w, ns, "AdvOtherConfigFlag on;", "2001:db8:72::/64")
        start_client(w, ns, "--dhcp", "--offload", "off", *AT_ONCE)
        wait_for(lambda: set(dns(w)) == {("search", "isc.example.org"), ("nameserver", "2001:db8:72::53")}, "no parameters")
        check("Information-request" in server.err() and "Solicit" not in server.err(), server.err()[-600:])
        radvd.stop()
        start_radvd(w, ns, "AdvManagedFlag on;", "2001:db8:72::/64")
        wait_for(lambda: has(w, "2001:db8:72::10"), "no address: %s" % server.err()[-600:])
        on_stack(w, "ping", "-6", "-c", "1", "2001:db8:72::1").expect(0)


# ---- dnsmasq ---------------------------------------------------------------------------------------------------------


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def dnsmasq_in_each_of_its_advertisement_modes(w):
    with lan(w, "10.73.0.1/24", "2001:db8:73::1/64") as ns:
        ns.sysctl("net.ipv6.conf.all.forwarding", 1)
        for mode, origins, parameters in (("2001:db8:73::,ra-stateless", {"slaac"}, True), ("2001:db8:73::,ra-only", {"slaac"}, False),
                                          ("2001:db8:73::,ra-names", {"slaac"}, False),
                                          ("::100,::1ff,constructor:br0,64,10m", {"dhcp"}, True),
                                          ("::100,::1ff,constructor:br0,slaac,64,10m", {"dhcp", "slaac"}, True)):
            server = start_dnsmasq(w, ns, "br0", "--enable-ra", "--ra-param=br0,4", "--dhcp-range=" + mode,
                                   "--dhcp-option=option6:dns-server,[2001:db8:73::53]", "--dhcp-option=option6:domain-search,m.example.org")
            daemon = start_client(w, ns, "--dhcp", "--offload", "off", *AT_ONCE)
            for origin in origins:
                wait_for(lambda: has(w, "2001:db8:73:", origin), "%s: no address by %s" % (mode, origin))
            if parameters:
                wait_for(lambda: ("nameserver", "2001:db8:73::53") in dns(w) and ("search", "m.example.org") in dns(w), "%s: no parameters" % mode)
            on_stack(w, "ping", "-6", "-c", "1", "2001:db8:73::1").expect(0)
            check(set(a["origin"] for a in json.loads(tapir(w, "addr", "--json").out()) if a["address"].startswith("2001:db8:73:")) == origins,
                  "%s: %s" % (mode, tapir(w, "addr").out()))
            check(daemon.stop() == 0, "tapird did not end well")
            server.stop()


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def an_offered_address_that_another_host_has_is_declined(w):
    with lan(w, "10.74.0.1/24", "2001:db8:74::1/64") as ns, host_on(w, ns, "a") as other:
        ns.sysctl("net.ipv6.conf.all.forwarding", 1)
        other.run("ip", "addr", "add", "10.74.0.50/24", "dev", "eth0")
        other.run("ip", "addr", "add", "2001:db8:74::100/64", "dev", "eth0", "nodad")
        server = start_dnsmasq(w, ns, "br0", "--dhcp-range=10.74.0.50,10.74.0.50,10m", "--enable-ra",
                               "--dhcp-range=2001:db8:74::100,2001:db8:74::100,64,10m")
        start_client(w, ns, "--dhcp", "--offload", "off")
        server.wait_out(r"DHCPDECLINE\(br0\) 10\.74\.0\.50 ")
        check(not has(w, "10.74."), tapir(w, "addr").out())
        check(stat(w, "arp.conflicts") >= 1, "the conflict was not counted")
        server.wait_out(r"DHCPDECLINE\(br0\) 00:03:")
        wait_for(lambda: not has(w, "2001:db8:74:"), "an address that is declined is used")  # it may be offered again at once


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def a_host_that_takes_our_addresses_gets_them_when_it_insists(w):
    with lan(w, "10.75.0.1/24", "2001:db8:75::1/64") as ns, host_on(w, ns, "a") as other:
        ns.sysctl("net.ipv6.conf.all.forwarding", 1)
        server = start_dnsmasq(w, ns, "br0", "--dhcp-range=10.75.0.50,10.75.0.60,10m", "--enable-ra",
                               "--dhcp-range=2001:db8:75::100,2001:db8:75::1ff,64,10m")
        start_tapird(w, ns, "--dhcp", "--offload", "off", "--set", "net.ipv4.conf.default.acd_probes=1").wait_out("ready")
        four = wait_for(lambda: has(w, "10.75."), "no IPv4 address")[0]
        six = wait_for(lambda: has(w, "2001:db8:75:"), "no IPv6 address")[0]
        wait_for(lambda: {a["state"] for a in addresses(w, "dhcp")} == {"preferred"}, "the addresses are not checked")
        other.run("ip", "addr", "add", "2001:db8:75::77/64", "dev", "eth0", "nodad")
        other.run("ip", "addr", "add", "10.75.0.99/24", "dev", "eth0")
        other.run("ping", "-c", "1", four)
        # The kernel checks before it takes an IPv6 address: ours is defended, and it does without.
        other.run("ip", "addr", "add", six + "/64", "dev", "eth0")
        wait_for(lambda: "dadfailed" in other.run("ip", "addr", "show", "dev", "eth0"), "the IPv6 address is not defended")
        # It does not check an IPv4 one: we say once that it is ours, and then yield.
        other.run("ip", "addr", "add", four + "/24", "dev", "eth0")
        announce(other, four)
        wait_for(lambda: stat(w, "arp.defended") == 1, "the IPv4 address is not defended")
        check(has(w, four), "the address was given up at once")
        announce(other, four)
        server.wait_out("DHCPDECLINE.*" + re.escape(four))
        check(not has(w, four), tapir(w, "addr").out())
        check(has(w, six), "the IPv6 address is gone")


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def a_link_that_moves_to_another_network_has_its_addresses_there(w):
    with lan(w, "10.76.1.1/24", "2001:db8:76:1::1/64") as ns:
        ns.sysctl("net.ipv6.conf.all.forwarding", 1)
        make_bridge(ns, "br1", "10.76.2.1/24", "2001:db8:76:2::1/64")
        wire = LanWire(w, ns, "br1")
        servers = [start_dnsmasq(w, ns, "br%d" % i, "--dhcp-authoritative", "--dhcp-range=10.76.%d.50,10.76.%d.60,10m" % (i + 1, i + 1),
                                 "--enable-ra", "--ra-param=br%d,4" % i,
                                 "--dhcp-range=2001:db8:76:%d::100,2001:db8:76:%d::1ff,64,10m" % (i + 1, i + 1)) for i in (0, 1)]
        start_client(w, ns, "--dhcp", "--offload", "off", *AT_ONCE)
        wait_for(lambda: has(w, "10.76.1.") and has(w, "2001:db8:76:1:"), "no addresses on the first network")
        discovers = servers[0].err().count("DHCPDISCOVER")
        plug(ns, "tap0", "br0")
        wait_for(lambda: servers[0].err().count("DHCPREQUEST") >= 2, "the address is not asked for again")
        wait_for(lambda: "DHCPCONFIRM" in servers[0].err(), "the IPv6 address is not confirmed")
        check(has(w, "10.76.1.") and has(w, "2001:db8:76:1:") and servers[0].err().count("DHCPDISCOVER") == discovers,
              "a network that is the same as before is not recognized")
        plug(ns, "tap0", "br1")
        wait_for(lambda: has(w, "10.76.2.") and has(w, "2001:db8:76:2:"), "no addresses on the second network: %s" % servers[1].err()[-900:])
        check("DHCPNAK" in servers[1].err() and stat(w, "dhcp4.naks") == 1, "the second network's server did not refuse the address")
        check(not has(w, "10.76.1.") and not has(w, "2001:db8:76:1:"), tapir(w, "addr").out())
        wait_for(lambda: "2001:db8:76:2::/64" in tapir(w, "route").out(), "the second network's router was not heard")
        for address in ("10.76.2.1", "2001:db8:76:2::1"):
            on_stack(w, "ping", "-c", "1", address).expect(0)
        wire.stop(False)


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def two_links_have_a_lease_each_and_ask_for_both_again(w):
    with lan(w, "10.77.1.1/24", taps=("tapa",)) as ns:
        make_bridge(ns, "br1", "10.77.2.1/24")
        make_tap(ns, "tapb")
        plug(ns, "tapb", "br1")
        servers = [start_dnsmasq(w, ns, "br%d" % i, "--dhcp-range=10.77.%d.50,10.77.%d.60,10m" % (i + 1, i + 1)) for i in (0, 1)]
        flags = ["--tap", "tapa", "--dhcp", "--offload", "off", "--tap", "tapb", "--dhcp", "--offload", "off", *AT_ONCE]
        daemon = start_tapird(w, ns, *flags)
        daemon.wait_out(r"ready: addresses .*10\.77\.[12]\..*10\.77\.[12]\.")
        before = sorted(has(w, "10.77."))
        for address in ("10.77.1.1", "10.77.2.1"):
            on_stack(w, "ping", "-c", "1", address).expect(0)
        ids = [open(w.path("leases-br%d" % i)).read().split()[4] for i in (0, 1)]
        check(ids[0][:14] != ids[1][:14] and ids[0][14:] == ids[1][14:], "one identifier for the host, and one of each link: %s" % ids)
        os.kill(daemon.pid, signal.SIGKILL)
        daemon.wait()
        seen = [s.err().count("DHCPDISCOVER") for s in servers]
        start_tapird(w, ns, *flags).wait_out(r"ready: addresses .*10\.77\.[12]\..*10\.77\.[12]\.")
        check(sorted(has(w, "10.77.")) == before, "other addresses than before")
        check([s.err().count("DHCPDISCOVER") for s in servers] == seen, "the leases were not asked for first")


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def a_server_behind_a_relay_gives_a_lease(w):
    with lan(w, "10.78.0.1/24") as ns, network_behind(w, ns) as server_ns:
        server = w.start(server_ns.enter() + DNSMASQ + ["--dhcp-leasefile=" + w.path("leases"), "--no-ping",
                                                        "--dhcp-range=10.78.0.50,10.78.0.60,255.255.255.0,10m",
                                                        "--dhcp-option=option:router,10.78.0.1"], label="dnsmasq (server)")
        server.wait_out("IP range")
        relay = w.start(ns.enter() + DNSMASQ + ["--dhcp-relay=10.78.0.1,10.79.0.2"], label="dnsmasq (relay)")
        relay.wait_out("relay from")
        start_tapird(w, ns, "--dhcp", "--offload", "off", *AT_ONCE).wait_out(r"ready: addresses .*10\.78\.0\.")
        check("DHCPACK" in server.err(), server.err()[-600:])
        check("default via 10.78.0.1" in tapir(w, "route").out(), tapir(w, "route").out())


@contextlib.contextmanager
def network_behind(w, ns):
    """Another network, of which @ns is the router."""
    other = Netns("s" + w.id)
    try:
        ns.run("ip", "link", "add", "up0", "type", "veth", "peer", "name", "eth0", "netns", other.name)
        ns.run("ip", "addr", "add", "10.79.0.1/24", "dev", "up0")
        ns.run("ip", "link", "set", "up0", "up")
        ns.sysctl("net.ipv4.ip_forward", 1)
        other.run("ip", "addr", "add", "10.79.0.2/24", "dev", "eth0")
        other.run("ip", "link", "set", "eth0", "up")
        other.run("ip", "route", "add", "default", "via", "10.79.0.1")
        yield other
    finally:
        other.remove()
