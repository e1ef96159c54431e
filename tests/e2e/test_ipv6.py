# SPDX-License-Identifier: BSD-2-Clause
"""The stack as an IPv6 host that nobody told of its network: radvd's advertisements, the kernel's neighbour discovery."""

import json
import re

from harness import check, test, wait_for
from test_links import make_tap, network, on_stack, start_tapird, tapir

ROUTER = "2001:db8:77::1"
BEHIND = "2001:db8:ffff::1"  # an address of the router that is not on the link

RADVD = """
interface tap0 {
	AdvSendAdvert on;
	MinRtrAdvInterval 3;
	MaxRtrAdvInterval 4;
	AdvDefaultLifetime 600;
	AdvDefaultPreference high;
	AdvCurHopLimit 33;
	AdvReachableTime 20000;
	AdvRetransTimer 900;
	AdvLinkMTU 1400;
	AdvOtherConfigFlag on;
	prefix 2001:db8:77::/64 { AdvOnLink on; AdvAutonomous on; AdvValidLifetime 86400; AdvPreferredLifetime 14400; };
	prefix 2001:db8:78::/64 { AdvOnLink on; AdvAutonomous off; AdvValidLifetime 7200; AdvPreferredLifetime 3600; };
	prefix 2001:db8:79::/64 { AdvOnLink off; AdvAutonomous on; AdvValidLifetime 7200; AdvPreferredLifetime 0; };
	route 2001:db8:aaaa::/48 { AdvRoutePreference low; AdvRouteLifetime 300; };
	RDNSS 2001:db8:77::53 { AdvRDNSSLifetime 120; };
	DNSSL example.org { AdvDNSSLLifetime 120; };
};
"""


def start_radvd(w, ns, text=RADVD):
    return w.start(ns.enter() + ["radvd", "--nodaemon", "--logmethod", "stderr", "--username", "root", "--pidfile", w.path("radvd.pid"),
                                 "--config", w.write("radvd.conf", text)], label="radvd")


def be_router(ns):
    ns.sysctl("net.ipv6.conf.all.forwarding", 1)
    ns.sysctl("net.ipv6.conf.default.accept_dad", 0)
    make_tap(ns, "tap0", ROUTER + "/64")
    ns.run("ip", "addr", "add", BEHIND + "/128", "dev", "lo")


def shown(w, what):
    return json.loads(tapir(w, what, "--json").out())


def addresses(w, origin, state):
    return sorted(a["address"] for a in shown(w, "addr") if a["origin"] == origin and a["state"] == state)


def start_configured(w, ns):
    """tapird, and the two addresses that it makes: preferred, deprecated."""
    daemon = start_tapird(w, ns, "--tap", "tap0")
    daemon.wait_out("ready")
    found = wait_for(lambda: (addresses(w, "slaac", "preferred"), addresses(w, "slaac", "deprecated"))
                     if addresses(w, "slaac", "preferred") and addresses(w, "slaac", "deprecated") else None,
                     "no addresses came of the advertisements")
    return daemon, found[0], found[1]


def ping(run, address, *options):
    out = run("ping", "-6", "-n", "-c", "1", "-W", "20", *options, address)
    check(" 1 received" in out, out)
    return out


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def radvd_configures_the_stack(w):
    with network(w) as ns:
        be_router(ns)
        dump = w.start(ns.enter() + ["tcpdump", "-i", "tap0", "-U", "-w", w.path("nd.pcap")], label="tcpdump")
        wait_for(lambda: "listening on" in dump.err(), "tcpdump does not listen")
        start_radvd(w, ns)
        daemon, preferred, deprecated = start_configured(w, ns)
        check(len(preferred) == 1 and preferred[0].startswith("2001:db8:77:"), "preferred: %s" % preferred)
        check(len(deprecated) == 1 and deprecated[0].startswith("2001:db8:79:"), "deprecated: %s" % deprecated)
        mine = preferred[0]
        routes = {(r["dst"], r["origin"]): r for r in shown(w, "route") if r["family"] == "inet6"}
        default = routes.get(("default", "slaac"), {})
        check(default.get("preference") == 1 and 0 < default.get("lifetime_s", 0) <= 600, "routes: %s" % routes)
        check(routes.get(("2001:db8:aaaa::/48", "slaac"), {}).get("preference") == -1, "routes: %s" % routes)
        check(("2001:db8:77::/64", "slaac") in routes and ("2001:db8:78::/64", "slaac") in routes, "routes: %s" % routes)
        check(("2001:db8:79::/64", "slaac") not in routes, "routes: %s" % routes)
        dns = shown(w, "dns")
        check([d.get("server") for d in dns] == ["2001:db8:77::53", None] and dns[1]["domain"] == "example.org", "dns: %s" % dns)
        check(all(0 < d["lifetime_s"] <= 120 and d["origin"] == "slaac" and d["dev"] == "tap0" for d in dns), "dns: %s" % dns)
        life = [a for a in shown(w, "addr") if a["address"] == mine][0]
        check(14000 < life["preferred_s"] <= 14400 and 86000 < life["valid_s"] <= 86400, "lifetimes: %s" % life)

        # both ways, on the link and beyond it; the hop limit is the router's
        out = ping(ns.run, mine)
        check("ttl=33" in out, "hop limit: %s" % out)
        ping(lambda *argv: on_stack(w, *argv).expect(0).out(), ROUTER)
        ping(lambda *argv: on_stack(w, *argv).expect(0).out(), BEHIND)
        # the kernel's neighbour discovery finds it
        out = ns.run("ndisc6", "-1", "-w", "5000", mine, "tap0")
        check(re.search(r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}", out), "ndisc6: %s" % out)
        # datagrams larger than the advertised MTU go out in fragments of it, and come back in such of the kernel's
        ping(lambda *argv: on_stack(w, *argv).expect(0).out(), ROUTER, "-s", "5000")
        dump.signal(15)
        dump.wait()
        text = w.start(["tcpdump", "-vv", "-n", "-r", w.path("nd.pcap")], label="tcpdump -r").expect(0).out()
        for word in ("bad ", "incorrect", "malformed", "truncated", "[|"):
            check(word not in text, "tcpdump says %r: %s" % (word, [line for line in text.split("\n") if word in line][:3]))
        check("neighbor solicitation" in text, text[-2000:])
        daemon.stop()


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def stable_address_is_the_same_after_a_restart_and_temporary_ones_are_not(w):
    with network(w) as ns:
        be_router(ns)
        start_radvd(w, ns)
        daemon, preferred, deprecated = start_configured(w, ns)
        daemon.stop()
        daemon = start_tapird(w, ns, "--tap", "tap0", "--set", "net.ipv6.conf.all.use_tempaddr=2")
        daemon.wait_out("ready")
        wait_for(lambda: addresses(w, "slaac", "preferred") == preferred, "not the same address: %s" % preferred)
        wait_for(lambda: addresses(w, "slaac", "deprecated") == deprecated, "not the same address: %s" % deprecated)
        temporary = wait_for(lambda: addresses(w, "temporary", "preferred"), "no temporary address")
        check(len(temporary) == 1 and temporary[0].startswith("2001:db8:77:"), "temporary: %s" % temporary)
        daemon.stop()


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def link_that_comes_back_finds_its_router_again(w):
    with network(w) as ns:
        be_router(ns)
        radvd = start_radvd(w, ns)
        daemon, preferred, _ = start_configured(w, ns)
        ping(ns.run, preferred[0])
        ns.run("ip", "link", "set", "tap0", "down")
        wait_for(lambda: "link.down" in daemon.out() + daemon.err(), "nothing is said of the link")
        radvd.stop()
        ns.run("ip", "link", "set", "tap0", "up")
        ns.run("ip", "addr", "replace", ROUTER + "/64", "dev", "tap0", "nodad")
        start_radvd(w, ns)
        wait_for(lambda: addresses(w, "slaac", "preferred") == preferred, "the address did not come back: %s" % preferred)
        ping(ns.run, preferred[0])
        daemon.stop()


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def router_that_leaves_is_left(w):
    """radvd says so with a lifetime of zero when it ends."""
    with network(w) as ns:
        be_router(ns)
        radvd = start_radvd(w, ns)
        daemon, _, _ = start_configured(w, ns)
        radvd.stop()
        wait_for(lambda: not [r for r in shown(w, "route") if r["dst"] == "default" and r["origin"] == "slaac"], "it is still the router")
        ping(lambda *argv: on_stack(w, *argv).expect(0).out(), ROUTER)  # a neighbour all the same
        daemon.stop()


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def link_local_addresses_with_their_scope_both_ways(w):
    with network(w) as ns:
        ns.sysctl("net.ipv6.conf.default.accept_dad", 0)
        make_tap(ns, "tap0", "fe80::77/64")
        daemon = start_tapird(w, ns, "--tap", "tap0", "--addr", "10.66.0.2/24")
        daemon.wait_out("ready")
        mine = wait_for(lambda: addresses(w, "linklocal", "preferred"), "no link-local address")[0]
        ping(ns.run, mine + "%tap0")
        ping(lambda *argv: on_stack(w, *argv).expect(0).out(), "fe80::77%tap0")
        server = w.start(ns.enter() + ["socat", "-u", "TCP6-LISTEN:7300,reuseaddr", "STDOUT"], label="socat")
        program = ("import socket, time\n"
                   "to = socket.getaddrinfo('fe80::77%tap0', 7300, socket.AF_INET6, socket.SOCK_STREAM)[0][4]\n"
                   "for _ in range(200):\n"
                   "    s = socket.socket(socket.AF_INET6)\n"
                   "    try:\n"
                   "        s.connect(to)\n"
                   "        break\n"
                   "    except ConnectionRefusedError:\n"
                   "        time.sleep(0.05)\n"
                   "s.sendall(b'over the link\\n')\n"
                   "print(s.getpeername()[3] == to[3] > 0, s.getsockname()[3] == to[3])\n")
        out = on_stack(w, "python3", "-c", program).expect(0).out()
        check("True True" in out, out)
        server.wait_out("over the link")
        daemon.stop()


SERVE = """
import http.server, socket, sys
class Server(http.server.HTTPServer):
    address_family = socket.AF_INET6
    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(socket.getaddrinfo(sys.argv[1], 7300, type=socket.SOCK_STREAM)[0][4])
        self.server_name, self.server_port = "test", 7300
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(("hello " + self.client_address[0]).encode())
server = Server(None, Handler)
print("listening", flush=True)
server.serve_forever()
"""


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def link_local_web_servers_are_reached_by_name_of_the_link(w):
    """http://[fe80::77%25tap0]/: from the stack in both ways of running programs, to the stack, and on the stack itself."""
    with network(w) as ns:
        ns.sysctl("net.ipv6.conf.default.accept_dad", 0)
        make_tap(ns, "tap0", "fe80::77/64")
        start_tapird(w, ns, "--tap", "tap0", "--addr", "10.66.0.2/24").wait_out("ready")
        mine = wait_for(lambda: addresses(w, "linklocal", "preferred"), "no link-local address")[0]
        w.start(ns.enter() + ["python3", "-c", SERVE, "fe80::77%tap0"], label="the kernel's server").wait_out("listening")
        on_stack(w, "python3", "-c", SERVE, mine + "%tap0").wait_out("listening")
        curl = ["curl", "-gsSf", "--noproxy", "*", "--max-time", "30"]
        run = [w.config.tapir, "run", "--socket", w.path("d.sock")]
        for argv in (run + ["--"] + curl + ["http://[fe80::77%25tap0]:7300/"], run + ["--mode=notify", "--"] + curl + ["http://[fe80::77%25tap0]:7300/"],
                     run + ["--"] + curl + ["--interface", "tap0", "http://[fe80::77]:7300/"],
                     run + ["--"] + curl + ["http://[%s%%25tap0]:7300/" % mine]):
            out = w.start(argv, label=" ".join(argv[-2:])).expect(0).out()
            check("hello " + mine in out, out)
        out = ns.run(*curl, "http://[%s%%25tap0]:7300/" % mine)
        check("hello fe80::" in out, out)


OFF_LINK = """
interface br0 {
	AdvSendAdvert on;
	MinRtrAdvInterval 3;
	MaxRtrAdvInterval 4;
	prefix 2001:db8:77::/64 { AdvOnLink off; AdvAutonomous on; };
};
"""


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def kernel_router_redirects_one_stack_to_the_other(w):
    """Two stacks and the kernel on a bridge, and a prefix that is not said to be on-link: the first packet goes by the router, which
    tells of the shorter way (RFC 4861 section 8)."""
    with network(w) as ns:
        ns.sysctl("net.ipv6.conf.all.forwarding", 1)
        ns.sysctl("net.ipv6.conf.default.accept_dad", 0)
        ns.run("ip", "link", "add", "br0", "type", "bridge")
        for tap in ("tap0", "tap1"):
            make_tap(ns, tap)
            ns.run("ip", "link", "set", tap, "master", "br0")
        ns.run("ip", "link", "set", "br0", "up")
        ns.run("ip", "addr", "add", ROUTER + "/64", "dev", "br0", "nodad")
        start_radvd(w, ns, OFF_LINK)
        daemon = start_tapird(w, ns, "--tap", "tap0")
        other = w.start(ns.enter() + [w.config.tapird, "--name", "other-" + w.id, "--socket", w.path("other.sock"), "--tap", "tap1"],
                        label="tapird (the other)")
        daemon.wait_out("ready")
        other.wait_out("ready")

        def of_other():
            out = w.start([w.config.tapir, "addr", "--socket", w.path("other.sock"), "--json"], label="tapir addr").expect(0).out()
            return [a["address"] for a in json.loads(out) if a["origin"] == "slaac" and a["state"] == "preferred"]

        there = wait_for(of_other, "the other stack got no address")[0]
        wait_for(lambda: addresses(w, "slaac", "preferred"), "the stack got no address")
        check(not [r for r in shown(w, "route") if r["dst"] == "2001:db8:77::/64"], "the prefix is on-link")

        def redirected():
            ping(lambda *argv: on_stack(w, *argv).expect(0).out(), there)
            return [r for r in shown(w, "route") if r["origin"] == "redirect" and r["dst"] == there + "/128" and r["gateway"] is None]

        wait_for(redirected, "no redirect was followed")
        ping(lambda *argv: on_stack(w, *argv).expect(0).out(), there)
        check([n for n in shown(w, "neigh") if n["address"] == there], "the other is no neighbour")
        daemon.stop()
        other.stop()
