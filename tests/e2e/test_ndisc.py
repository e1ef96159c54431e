# SPDX-License-Identifier: BSD-2-Clause
"""Neighbour and router discovery among real hosts on one bridge: several radvd, the ndisc6 tools on the stack and against it, and
another host that has our address already."""

import contextlib
import json
import re

from harness import Netns, check, test, wait_for
from test_ipv6 import addresses, ping, shown, start_radvd, be_router, ROUTER, BEHIND
from test_links import make_tap, network, on_stack, start_tapird, tapir

FAR = "2001:db8:ffff::1"  # behind every router


@contextlib.contextmanager
def bridged(w, hosts):
    """A namespace with the stack's tap0 and a bridge, and a host in a namespace of its own for each name, on eth0."""
    with network(w) as ns, contextlib.ExitStack() as stack:
        ns.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        ns.sysctl("net.ipv6.conf.br0.disable_ipv6", 1)
        ns.run("ip", "link", "set", "br0", "up")
        make_tap(ns, "tap0")
        ns.run("ip", "link", "set", "tap0", "master", "br0")
        found = {}
        for name in hosts:
            host = Netns(name + w.id)
            stack.callback(host.remove)
            host.run("ip", "link", "set", "lo", "up")
            host.sysctl("net.ipv6.conf.default.accept_dad", 0)
            ns.run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", "%s%s" % (name, w.id))
            ns.run("ip", "link", "set", name, "master", "br0", "up")
            host.run("ip", "link", "set", "eth0", "up")
            found[name] = host
        stack.callback(lambda: [proc.kill() for proc in w.procs])
        yield ns, found


def make_router(w, host, link_local, config):
    host.sysctl("net.ipv6.conf.all.forwarding", 1)
    host.run("ip", "addr", "flush", "dev", "eth0")
    host.run("ip", "addr", "add", link_local + "/64", "dev", "eth0", "nodad")
    host.run("ip", "addr", "add", FAR + "/128", "dev", "lo")
    text = "interface eth0 {\n\tAdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4;\n\t%s\n};\n" % config
    return w.start(host.enter() + ["radvd", "--nodaemon", "--logmethod", "stderr", "--username", "root", "--pidfile",
                                   w.path("radvd-%s.pid" % link_local.replace(":", "")), "--config",
                                   w.write("radvd-%s.conf" % link_local.replace(":", ""), text)], label="radvd " + link_local)


def way(w, *words):
    """The router and the source towards an address, as `tapir route get` says."""
    route = json.loads(tapir(w, "route", "get", *words, "--json").out())[0]
    return route["gateway"], route["src"]


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def several_routers_on_one_link_are_used_as_they_say(w):
    with bridged(w, ("ra", "rb", "rc")) as (ns, hosts):
        first = make_router(w, hosts["ra"], "fe80::a", """AdvDefaultLifetime 600; AdvDefaultPreference low;
            prefix 2001:db8:a::/64 { }; RDNSS 2001:db8:a::53 { AdvRDNSSLifetime 300; }; DNSSL a.example { AdvDNSSLLifetime 300; };""")
        second = make_router(w, hosts["rb"], "fe80::b", """AdvDefaultLifetime 600; AdvDefaultPreference high;
            prefix 2001:db8:b::/64 { AdvOnLink off; }; RDNSS fe80::b { AdvRDNSSLifetime 300; };""")
        make_router(w, hosts["rc"], "fe80::c", """AdvDefaultLifetime 0; AdvLinkMTU 1400;
            route 2001:db8:cc::/48 { AdvRoutePreference low; AdvRouteLifetime 300; };""")
        hosts["ra"].run("ip", "addr", "add", "2001:db8:a::1/64", "dev", "eth0", "nodad")
        hosts["rb"].run("ip", "-6", "route", "add", "2001:db8:b::/64", "dev", "eth0")
        daemon = start_tapird(w, ns, "--tap", "tap0")
        daemon.wait_out("ready")
        wait_for(lambda: len(addresses(w, "slaac", "preferred")) == 2 and [r for r in shown(w, "route") if r["dst"] == "2001:db8:cc::/48"],
                 "not all routers were heard")
        mine = {a.split(":")[2]: a for a in addresses(w, "slaac", "preferred")}
        # the highest preference, and a source of that router's prefix; a source of the other's goes by the other
        check(way(w, FAR) == ("fe80::b", mine["b"]), "to far: %s" % (way(w, FAR),))
        check(way(w, FAR, "from", mine["a"])[0] == "fe80::a", "from the first: %s" % (way(w, FAR, "from", mine["a"]),))
        check(way(w, "2001:db8:cc::1")[0] == "fe80::c", "the more specific route: %s" % (way(w, "2001:db8:cc::1"),))
        # on-link is what is said to be
        check(way(w, "2001:db8:a::77")[0] is None, "the first prefix is not on-link")
        check(way(w, "2001:db8:b::77")[0] == "fe80::b", "the second prefix is on-link")
        ping(lambda *argv: on_stack(w, *argv).expect(0).out(), FAR)
        ping(lambda *argv: on_stack(w, *argv).expect(0).out(), FAR, "-I", mine["a"])
        dns = json.loads(tapir(w, "dns", "--json").out())
        check({"2001:db8:a::53", "fe80::b", "a.example"} <= {str(v).split("%")[0] for d in dns for v in d.values()}, "DNS: %s" % dns)
        # the better one says good-bye: the other takes over, for both sources
        second.stop()
        wait_for(lambda: way(w, FAR)[0] == "fe80::a", "the router that is left is not used")
        ping(lambda *argv: on_stack(w, *argv).expect(0).out(), FAR)
        # and the last one: nowhere to go, and somebody is looked for
        first.stop()
        wait_for(lambda: not [r for r in shown(w, "route") if r["dst"] == "default"], "there still is a router")
        dump = w.start(ns.enter() + ["tcpdump", "-l", "-n", "-i", "tap0", "-c", "1", "icmp6[0] == 133"], label="tcpdump")
        dump.wait_out("router solicitation")
        daemon.stop()


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def ndisc6_tools_on_the_stack_and_against_it(w):
    with network(w) as ns:
        be_router(ns)
        start_radvd(w, ns)
        daemon = start_tapird(w, ns, "--tap", "tap0")
        daemon.wait_out("ready")
        mine = wait_for(lambda: addresses(w, "slaac", "preferred"), "no address")[0]
        linklocal = wait_for(lambda: addresses(w, "linklocal", "preferred"), "no link-local address")[0]
        links = json.loads(tapir(w, "link", "--json").out())
        mac = [link["mac"] for link in links if link["name"] == "tap0"][0].upper()
        kernel_mac = re.search(r"link/ether (\S+)", ns.run("ip", "link", "show", "tap0")).group(1).upper()
        # on it: raw sockets, checksums by the stack, hop limits, filters, ancillary data
        out = on_stack(w, "ndisc6", ROUTER, "tap0").expect(0).out()
        check("Target link-layer address: " + kernel_mac in out, out)
        out = on_stack(w, "ndisc6", "-q", "-1", "-m", "2001:db8:77::99", "tap0").expect(2).out()
        check(not out.strip(), out)
        out = on_stack(w, "rdisc6", "-1", "tap0").expect(0).out()
        for line in ("Hop limit +: +33 ", "Router preference +: +high", "Prefix +: 2001:db8:77::/64", "Route +: 2001:db8:aaaa::/48",
                     "Recursive DNS server +: 2001:db8:77::53", "MTU +: +1400 bytes"):
            check(re.search(line, out), "no %r in %s" % (line, out))
        for tool in (["rltraceroute6", "-U"], ["rltraceroute6", "-I"], ["rltraceroute6", "-S"], ["tracert6"]):
            out = on_stack(w, *tool, "-n", "-m", "4", BEHIND).expect(0).out()
            check(re.search(r"^ 1  %s " % BEHIND, out, re.M), out)
        # against it
        for address in (mine, linklocal):
            check(mac in ns.run("ndisc6", "-1", "-q", address, "tap0").upper(), "ndisc6 finds no %s" % address)
        rdisc6 = w.start(ns.enter() + ["rdisc6", "-1", "-w", "300", "-r", "1", linklocal, "tap0"], label="rdisc6").wait()
        check(rdisc6 == 2, "a host answered as a router")
        daemon.stop()


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def address_that_another_host_has_is_left_to_it(w):
    """Linux has the address that the stack would make; both stay reachable, and each by its own."""
    with bridged(w, ("ra", "rh")) as (ns, hosts):
        make_router(w, hosts["ra"], "fe80::a", "AdvDefaultLifetime 600; prefix 2001:db8:a::/64 { };")
        hosts["ra"].run("ip", "addr", "add", "2001:db8:a::1/64", "dev", "eth0", "nodad")
        daemon = start_tapird(w, ns, "--tap", "tap0")
        daemon.wait_out("ready")
        wanted = wait_for(lambda: addresses(w, "slaac", "preferred"), "no address")[0]
        daemon.stop()
        hosts["rh"].run("ip", "addr", "add", wanted + "/64", "dev", "eth0", "nodad")
        daemon = start_tapird(w, ns, "--tap", "tap0")
        daemon.wait_out("ready")
        got = wait_for(lambda: addresses(w, "slaac", "preferred"), "no second address")[0]
        check(got != wanted, "the stack took %s" % wanted)
        check(addresses(w, "slaac", "duplicate") == [wanted], "duplicates: %s" % shown(w, "addr"))
        ping(lambda *argv: on_stack(w, *argv).expect(0).out(), wanted)
        ping(hosts["ra"].run, wanted)
        ping(hosts["ra"].run, got)
        neighbours = hosts["ra"].run("ip", "-6", "neigh")
        macs = {address: re.search(r"^%s .*lladdr (\S+)" % address, neighbours, re.M).group(1) for address in (wanted, got)}
        check(macs[wanted] != macs[got], neighbours)
        # Linux checks the other way round: what the stack has is not for it
        hosts["rh"].sysctl("net.ipv6.conf.eth0.accept_dad", 1)
        hosts["rh"].run("ip", "addr", "add", got + "/64", "dev", "eth0")
        wait_for(lambda: "dadfailed" in hosts["rh"].run("ip", "-6", "addr", "show", "dev", "eth0"), "Linux took the stack's address")
        ping(hosts["ra"].run, got)
        daemon.stop()


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def host_with_the_same_hardware_address_is_noticed(w):
    """RFC 4862 section 5.4.5: then nothing of IPv6 is right on the link, and it is left alone there."""
    mac = "02:77:00:00:00:01"
    with bridged(w, ("rh",)) as (ns, hosts):
        hosts["rh"].run("ip", "link", "set", "eth0", "down")
        hosts["rh"].run("ip", "link", "set", "eth0", "address", mac)
        hosts["rh"].run("ip", "link", "set", "eth0", "up")
        wait_for(lambda: "fe80::77:ff:fe00:1/64" in hosts["rh"].run("ip", "-6", "addr", "show", "dev", "eth0"), "Linux has no such address")
        daemon = start_tapird(w, ns, "--tap", "tap0", "--mac", mac, "--addr", "10.66.0.2/24")
        daemon.wait_out("ready")
        wait_for(lambda: addresses(w, "linklocal", "duplicate") == ["fe80::77:ff:fe00:1"], "the other host was not noticed")
        daemon.wait_out("link.ip6_off .*why=duplicate_linklocal")
        daemon.stop()
