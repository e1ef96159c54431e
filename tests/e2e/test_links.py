# SPDX-License-Identifier: BSD-2-Clause
"""Links that configure themselves, and several of them: tapird --dhcp against a real server, and with more than one TAP."""

import contextlib
import json

from harness import Netns, check, test, wait_for

SERVER = "10.66.0.1"
DNSMASQ = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--port=0", "--pid-file=",
           "--log-dhcp", "--log-facility=-", "--user=root"]


@contextlib.contextmanager
def network(w):
    """A namespace of its own, as a network that tapird knows nothing of."""
    ns = Netns("n" + w.id)
    try:
        ns.run("ip", "link", "set", "lo", "up")
        yield ns
    finally:
        for proc in w.procs:
            proc.kill()
        ns.remove()


def make_tap(ns, name, *addresses):
    ns.run("ip", "tuntap", "add", name, "mode", "tap")
    ns.run("ip", "link", "set", name, "up")
    for address in addresses:
        ns.run("ip", "addr", "add", address, "dev", name, *(["nodad"] if ":" in address else []))


def start_tapird(w, ns, *flags):
    socket_path = w.path("d.sock")
    return w.start(ns.enter() + [w.config.tapird, "--name", "links-" + w.id, "--socket", socket_path, *flags], label="tapird (links)")


def tapir(w, *argv):
    return w.start([w.config.tapir, argv[0], "--socket", w.path("d.sock"), *argv[1:]], label="tapir " + argv[0]).expect(0)


def on_stack(w, *argv):
    return w.start([w.config.tapir, "run", "--socket", w.path("d.sock"), "--", *argv], label=argv[0] + " (on the stack)")


def addresses(w, origin):
    return [a for a in json.loads(tapir(w, "addr", "--json").out()) if a["origin"] == origin]


def start_dnsmasq(w, ns, *flags):
    server = w.start(ns.enter() + DNSMASQ + ["--dhcp-leasefile=" + w.path("leases"), *flags], label="dnsmasq")
    server.wait_out("IP range")
    return server


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def dhcp_gives_address_and_route_and_the_same_one_again(w):
    with network(w) as ns:
        make_tap(ns, "tap0", SERVER + "/24")
        server = start_dnsmasq(w, ns, "--interface=tap0", "--bind-interfaces", "--dhcp-range=10.66.0.50,10.66.0.90,10m")
        daemon = start_tapird(w, ns, "--dhcp")
        daemon.wait_out(r"ready: addresses .*10\.66\.0\.")
        lease = addresses(w, "dhcp")
        check(len(lease) == 1, "not one address by DHCP: %s" % lease)
        routes = tapir(w, "route").out()
        check("default via %s" % SERVER in routes, "no default route: %s" % routes)
        on_stack(w, "ping", "-c", "2", "-i", "0.2", SERVER).expect(0)
        check(daemon.stop() == 0, "tapird did not end well")
        seen = server.err().count("DHCPDISCOVER")
        again = start_tapird(w, ns, "--dhcp")
        again.wait_out(r"ready: addresses .*10\.66\.0\.")
        check([a["address"] for a in addresses(w, "dhcp")] == [a["address"] for a in lease], "another address than before")
        check(server.err().count("DHCPDISCOVER") == seen, "the saved lease was not asked for first")


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def dhcp_without_a_server_gives_a_link_local_address(w):
    with network(w) as ns:
        make_tap(ns, "tap0")
        start_tapird(w, ns, "--dhcp").wait_out("waiting for an address")
        wait_for(lambda: [a for a in addresses(w, "linklocal") if a["address"].startswith("169.254.")], "no address of 169.254/16", 60)


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def several_taps_each_have_their_addresses(w):
    with network(w) as ns:
        daemon = start_tapird(w, ns, "--tap", "tapa", "--addr", "10.61.0.2/24", "--host-addr", "10.61.0.1/24", "--addr", "fd61::2/64",
                              "--host-addr", "fd61::1/64", "--tap", "tapb", "--addr", "10.62.0.2/24", "--host-addr", "10.62.0.1/24",
                              "--mtu", "1400", "--offload", "off")
        daemon.wait_out(r"ready: addresses .* on tapa,tapb")
        for address in ("10.61.0.2", "fd61::2", "10.62.0.2"):
            w.start(ns.enter() + ["ping", "-c", "2", "-i", "0.2", address], label="ping").expect(0)
        for address in ("10.61.0.1", "fd61::1", "10.62.0.1"):
            on_stack(w, "ping", "-c", "2", "-i", "0.2", address).expect(0)
        links = {l["name"]: l for l in json.loads(tapir(w, "link", "--json").out())}
        check(links["tapb"]["mtu"] == 1400, "tapb: %s" % links["tapb"])
        ns.run("ip", "link", "set", "tapb", "down")
        wait_for(lambda: on_stack(w, "ping", "-c", "1", "-W", "1", "10.62.0.1").wait() != 0, "a link that is down still carries packets")
        on_stack(w, "ping", "-c", "2", "-i", "0.2", "10.61.0.1").expect(0)
        ns.run("ip", "link", "set", "tapb", "up")
        ns.run("ip", "addr", "replace", "10.62.0.1/24", "dev", "tapb")
        wait_for(lambda: on_stack(w, "ping", "-c", "1", "-W", "1", "10.62.0.1").wait() == 0, "a link that is up again carries none")
