# SPDX-License-Identifier: BSD-2-Clause
"""Links that configure themselves, and several of them: tapird --dhcp against a real server, and with more than one TAP."""

import contextlib
import json
import os
import shutil
import socket
import struct

from harness import HERE, Netns, check, test, wait_for

SERVER = "10.66.0.1"
AT_ONCE = ["--set", "net.ipv4.conf.default.optimistic_acd=1"]  # use addresses of DHCP while they are probed, which takes seconds
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


def start_tapird_in(w, ns, directory, *flags):
    """The same from another working directory, for relative paths."""
    argv = ["sh", "-c", 'cd "$0" && exec "$@"', directory, w.config.tapird, "--name", "links-" + w.id, "--socket", w.path("d.sock"), *flags]
    return w.start(ns.enter() + argv, label="tapird (links)")


def tapir(w, *argv):
    return w.start([w.config.tapir, argv[0], "--socket", w.path("d.sock"), *argv[1:]], label="tapir " + argv[0]).expect(0)


def on_stack(w, *argv):
    return w.start([w.config.tapir, "run", "--socket", w.path("d.sock"), "--", *argv], label=argv[0] + " (on the stack)")


def addresses(w, origin):
    """Those that can be used."""
    return [a for a in json.loads(tapir(w, "addr", "--json").out()) if a["origin"] == origin and a["state"] != "tentative"]


def start_dnsmasq(w, ns, *flags):
    server = w.start(ns.enter() + DNSMASQ + ["--dhcp-leasefile=" + w.path("leases"), *flags], label="dnsmasq")
    server.wait_out("IP range")
    return server


def group_socket(ns, family, link, port):
    """A member at the kernel's end of the link, and nowhere else."""
    index = int(ns.run("ip", "-o", "link", "show", link).split(":")[0])
    s = ns.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.encode())
    s.settimeout(60)
    s.bind(("", port))
    if family == socket.AF_INET:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, bytes(8) + struct.pack("=i", index))
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("239.7.7.7") + struct.pack("=4xi", index))
    else:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(family, "ff02::7777") + struct.pack("=I", index))
    return s


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def groups_on_two_links_are_two_groups(w):
    """What is said to the group on one link is heard as of that link, and answered there alone."""
    links = (("tap0", "10.77.1.2", "10.77.1.1"), ("tap1", "10.78.1.2", "10.78.1.1"))
    with network(w) as ns:
        ns.sysctl("net.ipv6.conf.default.accept_dad", 0)
        start_tapird(w, ns, *sum((["--tap", tap, "--addr", own + "/24", "--host-addr", host + "/24"] for tap, own, host in links), [])).wait_out("ready")
        wait_for(lambda: all(a["state"] == "preferred" for a in json.loads(tapir(w, "addr", "--json").out())), "addresses in use")
        hear = on_stack(w, "python3", os.path.join(HERE, "on_two_links.py"), *sum(((tap, own) for tap, own, _ in links), ()))
        hear.wait_out("joined")
        for family, group in ((socket.AF_INET, "239.7.7.7"), (socket.AF_INET6, "ff02::7777")):
            for tap, own, host in links:
                say = group_socket(ns, family, tap, 7701)
                say.sendto(("on " + tap).encode(), (group, 7700))
                data, sender = say.recvfrom(100)
                check(data == b"answer" and (sender[0] == own or sender[0].startswith("fe80::")), "%s: %r from %s" % (tap, data, sender))
                say.settimeout(0.3)
                try:
                    check(False, "%s: %s" % (tap, say.recvfrom(100)))
                except TimeoutError:
                    say.close()
        hear.expect()
        for tap, own, _ in links:
            check("on %s came by %s for %s" % (tap, tap, own) in hear.out(), hear.out())
            check("on %s came by %s 6" % (tap, tap) in hear.out(), hear.out())


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
def dhcp_without_a_server_gives_a_link_local_address_until_there_is_one(w):
    with network(w) as ns:
        make_tap(ns, "tap0")
        start_tapird(w, ns, "--dhcp", *AT_ONCE).wait_out("waiting for an address")
        wait_for(lambda: [a for a in addresses(w, "linklocal") if a["address"].startswith("169.254.")], "no address of 169.254/16", 60)
        # A server appears, and the cable is pulled and plugged in so that it need not be waited for.
        ns.run("ip", "addr", "add", SERVER + "/24", "dev", "tap0")
        start_dnsmasq(w, ns, "--interface=tap0", "--bind-interfaces", "--no-ping", "--dhcp-range=10.66.0.50,10.66.0.90,10m")
        for state in ("down", "up"):
            ns.run("ip", "link", "set", "tap0", state)
        wait_for(lambda: addresses(w, "dhcp"), "no lease although there is a server now")
        wait_for(lambda: not [a for a in addresses(w, "linklocal") if a["address"].startswith("169.254.")], "169.254/16 is still there")


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
        # the weak host model: an address of one link is an address on the other; ARP and link-local addresses know better
        ns.run("ip", "route", "add", "10.62.0.2/32", "via", "10.61.0.2")
        w.start(ns.enter() + ["ping", "-c", "1", "-W", "20", "10.62.0.2"], label="ping").expect(0)
        ns.run("ip", "route", "replace", "10.62.0.2/32", "dev", "tapa")
        w.start(ns.enter() + ["ping", "-c", "1", "-W", "2", "10.62.0.2"], label="ping").expect(1)
        ns.run("ip", "route", "del", "10.62.0.2/32")
        links = {l["name"]: l for l in json.loads(tapir(w, "link", "--json").out())}
        check(links["tapb"]["mtu"] == 1400, "tapb: %s" % links["tapb"])
        ns.run("ip", "link", "set", "tapb", "down")
        wait_for(lambda: on_stack(w, "ping", "-c", "1", "-W", "1", "10.62.0.1").wait() != 0, "a link that is down still carries packets")
        on_stack(w, "ping", "-c", "2", "-i", "0.2", "10.61.0.1").expect(0)
        ns.run("ip", "link", "set", "tapb", "up")
        ns.run("ip", "addr", "replace", "10.62.0.1/24", "dev", "tapb")
        wait_for(lambda: on_stack(w, "ping", "-c", "1", "-W", "1", "10.62.0.1").wait() == 0, "a link that is up again carries none")


ECHO = """
import socket
s = socket.create_server(("10.63.0.1", 7300))
print("listening", flush=True)
c, _ = s.accept()
while data := c.recv(100):
    c.sendall(data)
"""

TALK = """
import socket, sys, time
s = socket.create_connection(("10.63.0.1", 7300), 20)
print("connected", flush=True)
for i in range(60):
    s.sendall(b"%d" % i)
    if int(s.recv(100)) != i:
        sys.exit("wrong echo")
    time.sleep(0.05)
print("done")
"""


@contextlib.contextmanager
def conversation(w, ns):
    """A connection that must outlive what happens meanwhile."""
    w.start(ns.enter() + ["python3", "-c", ECHO], label="echo").wait_out("listening")
    client = on_stack(w, "python3", "-c", TALK)
    client.wait_out("connected")
    yield
    client.expect(0)


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def addresses_routes_and_neighbours_change_while_it_runs(w):
    with network(w) as ns:
        start_tapird(w, ns, "--addr", "10.63.0.2/24", "--host-addr", "10.63.0.1/24").wait_out("ready")
        with conversation(w, ns):
            tapir(w, "addr", "add", "10.63.0.9/24")
            tapir(w, "addr", "add", "fd63::9/64", "valid", "3600", "preferred", "600")
            w.start(ns.enter() + ["ping", "-c", "2", "-i", "0.2", "10.63.0.9"], label="ping").expect(0)
            tapir(w, "addr", "del", "10.63.0.9")
            w.start(ns.enter() + ["ping", "-c", "1", "-W", "1", "10.63.0.9"], label="ping").expect(1)
            tapir(w, "route", "add", "192.0.2.0/24", "via", "10.63.0.1", "metric", "5")
            check("192.0.2.0/24 via 10.63.0.1 dev tap0 proto static metric 5" in tapir(w, "route").out(), "the route is not there")
            ns.run("ip", "addr", "add", "192.0.2.7/32", "dev", "lo")
            on_stack(w, "ping", "-c", "2", "-i", "0.2", "192.0.2.7").expect(0)
            tapir(w, "route", "del", "192.0.2.0/24", "via", "10.63.0.1", "metric", "5")
            check(on_stack(w, "ping", "-c", "1", "-W", "1", "192.0.2.7").wait() != 0, "the route is still there")
            tapir(w, "route", "add", "default", "via", "10.63.0.1")
            on_stack(w, "ping", "-c", "2", "-i", "0.2", "192.0.2.7").expect(0)
            tapir(w, "route", "add", "unreachable", "192.0.2.7")
            refused = on_stack(w, "ping", "-c", "1", "-W", "1", "192.0.2.7")
            check(refused.wait() != 0 and "No route to host" in refused.err(), refused.err())
            tapir(w, "addr", "add", "10.64.0.1/32", "dev", "lo")
            tapir(w, "route", "replace", "192.0.2.7", "via", "10.63.0.1", "src", "10.64.0.1", "mtu", "1400")
            check("192.0.2.7 via 10.63.0.1 dev tap0 src 10.64.0.1 mtu 1400" in tapir(w, "route", "get", "192.0.2.7").out(), "another way")
            seen = on_stack(w, "ip", "route").expect(0).out()
            check("192.0.2.7 via 10.63.0.1 dev tap0 src 10.64.0.1 mtu 1400" in seen, "programs see another route: %s" % seen)
            tapir(w, "route", "flush", "dev", "tap0", "proto", "static")
            check("static" not in tapir(w, "route").out(), "there are static routes left")
            tapir(w, "maddr", "add", "239.7.7.7")
            check("239.7.7.7 users 1" in tapir(w, "maddr").out(), "the group is not there")
            tapir(w, "maddr", "del", "239.7.7.7")
            check("239.7.7.7 users 1" not in tapir(w, "maddr").out(), "the group is still there")
            tapir(w, "neigh", "add", "10.63.0.77", "lladdr", "02:00:5e:10:00:77")
            check("10.63.0.77 dev tap0 lladdr 02:00:5e:10:00:77" in tapir(w, "neigh").out(), "the neighbour is not there")
            tapir(w, "neigh", "del", "10.63.0.77")
            check("10.63.0.77" not in tapir(w, "neigh").out(), "the neighbour is still there")
        lifetimes = [a for a in json.loads(tapir(w, "addr", "--json").out()) if a["address"] == "fd63::9"]
        check(len(lifetimes) == 1 and 0 < lifetimes[0]["preferred_s"] <= 600 < lifetimes[0]["valid_s"] <= 3600, str(lifetimes))


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def changes_that_make_no_sense_are_refused_by_name(w):
    with network(w) as ns:
        start_tapird(w, ns, "--addr", "10.63.0.2/24", "--host-addr", "10.63.0.1/24").wait_out("ready")
        for words, status, argv in (("10.63.0.300", 64, ["addr", "add", "10.63.0.300/24"]),
                                    ("File exists", 65, ["addr", "add", "10.63.0.2/24"]),
                                    ("expected one of: dev, valid_lft, preferred_lft, nodad", 64, ["addr", "add", "10.63.0.3/24", "via", "10.63.0.1"]),
                                    ("no link of that name", 65, ["addr", "add", "10.63.0.3/24", "dev", "eth7"]),
                                    ("a host's address", 65, ["addr", "add", "224.0.0.5/24"]),
                                    ("no link has that address", 65, ["addr", "del", "10.63.0.3"]),
                                    ("loopback", 65, ["addr", "del", "127.0.0.1"]),
                                    ("on the network of no link", 65, ["route", "add", "192.0.2.0/24", "via", "198.51.100.1"]),
                                    ("no such route", 65, ["route", "del", "192.0.2.0/24"]),
                                    ("a multicast group", 65, ["maddr", "add", "10.63.0.3"]),
                                    ("no such group", 65, ["maddr", "del", "239.7.7.7"]),
                                    ("lladdr", 64, ["neigh", "add", "10.63.0.3"]),
                                    ("No such process", 65, ["route", "del", "192.0.2.0/24"]),
                                    ("No such file or directory", 65, ["route", "change", "192.0.2.0/24", "via", "10.63.0.1"]),
                                    ("File exists", 65, ["route", "add", "10.63.0.0/24", "via", "10.63.0.1"]),
                                    ("Network is unreachable", 65, ["route", "add", "default", "via", "fd63::1"]),
                                    ("source that is an address", 65, ["route", "add", "192.0.2.0/24", "via", "10.63.0.1", "src", "10.63.0.1"]),
                                    ("Network is unreachable", 65, ["route", "get", "192.0.2.1"]),
                                    ("no such neighbour", 65, ["neigh", "del", "10.63.0.3"])):
            proc = w.start([w.config.tapir, argv[0], "--socket", w.path("d.sock"), *argv[1:]], label="tapir " + " ".join(argv))
            proc.expect(status)
            check(words in proc.err(), "says nothing of %r: %s" % (words, proc.err()))
        shutil.copy(w.config.tapir, w.path("tapir"))
        for argv in (["addr", "add", "10.63.0.3/24"], ["reload"]):
            w.start(["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", "--", w.path("tapir"), argv[0], "--socket",
                     w.path("d.sock"), *argv[1:]], label="tapir %s by another user" % argv[0]).expect(77)


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def configuration_is_read_again_without_dropping_connections(w):
    with network(w) as ns:
        text = "addr = 10.63.0.2/24\n%s\nhost-addr = 10.63.0.1/24\nset = net.ipv4.tcp_sack=%d\n"
        path = w.write("t.conf", text % ("addr = 10.63.0.3/24", 1))
        daemon = start_tapird_in(w, ns, os.path.dirname(path), "--config", os.path.basename(path))
        daemon.wait_out("ready")
        with conversation(w, ns):
            w.write("t.conf", text % ("addr = 10.63.0.4/24\naddr = fd63::4/64", 0))
            tapir(w, "reload")
            shown = tapir(w, "addr").out()
            check("10.63.0.4/24" in shown and "fd63::4/64" in shown and "10.63.0.3/24" not in shown, shown)
            check(tapir(w, "get", "-n", "net.ipv4.tcp_sack").out().strip() == "0", "the tunable did not follow")
            w.write("t.conf", text % ("addr = 10.63.0.5/24", 7))
            bad = w.start([w.config.tapir, "reload", "--socket", w.path("d.sock")], label="tapir reload")
            bad.expect(78)
            check("tcp_sack" in bad.err() and ":4:" in bad.err(), bad.err())
            check("10.63.0.5" not in tapir(w, "addr").out(), "a bad configuration was taken in part")
            w.write("t.conf", text % ("addr = 10.63.0.6/24\nmtu = 1400", 0))
            daemon.signal(1)
            daemon.wait_out("change with a restart only")
            wait_for(lambda: "10.63.0.6/24" in tapir(w, "addr").out(), "SIGHUP did nothing")


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def dhcp_of_both_families_and_advertisements_by_dnsmasq(w):
    with network(w) as ns:
        make_tap(ns, "tap0", SERVER + "/24", "2001:db8:66::1/64")
        ns.sysctl("net.ipv6.conf.all.forwarding", 1)
        server = start_dnsmasq(w, ns, "--interface=tap0", "--bind-interfaces", "--dhcp-range=10.66.0.50,10.66.0.90,10m", "--enable-ra",
                               "--dhcp-range=2001:db8:66::100,2001:db8:66::1ff,slaac,64,10m",
                               "--dhcp-option=option6:dns-server,[2001:db8:66::53]", "--dhcp-option=option:mtu,1420")
        daemon = start_tapird(w, ns, "--dhcp", *AT_ONCE)
        daemon.wait_out("ready")
        wait_for(lambda: len(addresses(w, "dhcp")) == 2, "no address of each family by DHCP: %s" % server.err()[-600:])
        wait_for(lambda: [a for a in addresses(w, "slaac") if a["address"].startswith("2001:db8:66:")], "no address by advertisement")
        routes = tapir(w, "route").out()
        check("default via %s" % SERVER in routes and "default via fe80:" in routes, "no default routes: %s" % routes)
        links = {l["name"]: l for l in json.loads(tapir(w, "link", "--json").out())}
        check(links["tap0"]["mtu"] == 1420, "the server's MTU does not hold: %s" % links["tap0"])
        for address in (SERVER, "2001:db8:66::1"):
            on_stack(w, "ping", "-c", "2", "-i", "0.2", address).expect(0)


DHCPD = """
authoritative;
ddns-update-style none;
option rfc3442 code 121 = array of unsigned integer 8;
subnet 10.67.0.0 netmask 255.255.255.0 {
    range 10.67.0.50 10.67.0.60;
    default-lease-time 8;
    max-lease-time 8;
    option routers 10.67.0.254;
    option rfc3442 24, 192, 0, 2, 10, 67, 0, 1, 0, 10, 67, 0, 1;
    option domain-name "example.org";
}
"""


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def dhcp_from_the_isc_server_is_renewed_and_has_classless_routes(w):
    with network(w) as ns:
        make_tap(ns, "tap0", "10.67.0.1/24")
        w.write("dhcpd.leases", "")
        server = w.start(ns.enter() + ["dhcpd", "-d", "-4", "--no-pid", "-cf", w.write("dhcpd.conf", DHCPD), "-lf",
                                       w.path("dhcpd.leases"), "tap0"], label="dhcpd")
        server.wait_out("Socket/fallback")
        start_tapird(w, ns, "--dhcp", *AT_ONCE).wait_out(r"ready: addresses .*10\.67\.0\.")
        routes = tapir(w, "route").out()
        check("192.0.2.0/24 via 10.67.0.1" in routes and "default via 10.67.0.1" in routes, routes)
        check("10.67.0.254" not in routes, "the router counts although there are classless routes: %s" % routes)
        wait_for(lambda: server.err().count("DHCPACK") >= 2, "the lease was not renewed: %s" % server.err()[-600:], 60)
        check(len(addresses(w, "dhcp")) == 1 and server.err().count("DHCPDISCOVER") == 1, server.err()[-600:])


@test(families=(4, 6), combos="first", capture=False, stacks=("tapir",))
def two_stacks_talk_to_each_other(w, family):
    with network(w) as ns:
        ns.run("ip", "link", "add", "br0", "type", "bridge")
        ns.run("ip", "link", "set", "br0", "up")
        stacks = []
        for i, tap in ((1, "tapa"), (2, "tapb")):
            make_tap(ns, tap)
            ns.run("ip", "link", "set", tap, "master", "br0")
            path = w.path("%s.sock" % tap)
            daemon = w.start(ns.enter() + [w.config.tapird, "--name", tap + w.id, "--socket", path, "--tap", tap, "--addr",
                                           "10.68.0.%d/24" % i, "--addr", "fd68::%d/64" % i], label="tapird " + tap)
            daemon.wait_out("ready")
            stacks.append([w.config.tapir, "run", "--socket", path, "--"])
        to = {4: "10.68.0.1", 6: "fd68::1"}[family]
        w.start(stacks[1] + ["ping", "-c", "2", "-i", "0.2", to], label="ping").expect(0)
        server = w.start(stacks[0] + ["iperf3", "-s", "-1", "-p", "7301", "--forceflush"], label="iperf3 server")
        server.wait_out("Server listening")
        w.start(stacks[1] + ["iperf3", "-c", to, "-p", "7301", "-n", "64M"], label="iperf3 client").expect(0)
        server.expect(0)


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def two_stacks_with_devices_of_one_name_have_link_addresses_of_their_own(w):
    """On one switch they would else be one host: one link-local address, one DUID."""
    macs = []
    for i in range(2):
        path = w.path("%d.sock" % i)
        ns = Netns("n%d%s" % (i, w.id))
        try:
            daemon = w.start(ns.enter() + [w.config.tapird, "--socket", path, "--tap", "tap0", "--addr", "10.68.0.1/24"], label="tapird")
            daemon.wait_out("ready")
            links = w.start([w.config.tapir, "link", "--socket", path, "--json"], label="tapir link").expect(0).out()
            macs.append([link["mac"] for link in json.loads(links) if link["name"] == "tap0"])
        finally:
            ns.remove()
    check(len(macs[0]) == 1 and macs[0] != macs[1], "link addresses %s" % macs)


# ---- Link-local addresses, and two links ----

SCOPES = os.path.join(HERE, "on_scopes.py")


def scopes_with_the_kernel(w, ns):
    """The lines of on_scopes.py where the kernel is the host with two links; @ns is the network."""
    host = Netns("k" + w.id)
    try:
        host.run("ip", "link", "set", "lo", "up")
        host.sysctl("net.ipv6.conf.default.accept_dad", 0)
        for name in ("tapa", "tapb"):
            ns.run("ip", "link", "add", "net" + name, "type", "veth", "peer", "name", name, "netns", host.name)
            ns.run("ip", "link", "set", "net" + name, "up")
            host.run("ip", "link", "set", name, "addrgenmode", "eui64", "up")
            ns.run("ip", "addr", "add", "fe80::1/64", "dev", "net" + name, "nodad")
        wait_for(lambda: host.run("ip", "-6", "addr", "show", "scope", "link", "-tentative").count("fe80:") == 2, "no link-local addresses")
        peer = w.start(ns.enter() + ["python3", SCOPES, "peer", "nettapa", "nettapb"], label="fe80::1, twice")
        peer.wait_out("listening")
        script = w.write("on_scopes.py", open(SCOPES).read().replace("data.decode()", "data.decode()[3:]"))
        out = w.start(host.enter() + ["python3", script, "client", "tapa", "tapb"], label="on_scopes.py (kernel)").expect(0).out()
        peer.kill()
        return out.splitlines()
    finally:
        host.remove()


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def links_of_link_local_addresses_mean_what_they_mean_to_the_kernel(w):
    with network(w) as ns:
        for key in ("accept_dad", "addr_gen_mode"):
            ns.sysctl("net.ipv6.conf.default." + key, 0 if key == "accept_dad" else 1)
        kernel = scopes_with_the_kernel(w, ns)
        check("udp connect B = ('B', 'fe80::1%B', 'mine@B%B')" in kernel, "the kernel's: %s" % kernel)
        daemon = start_tapird(w, ns, "--tap", "tapa", "--addr", "10.61.0.2/24", "--host-addr", "10.61.0.1/24", "--host-addr", "fe80::1/64",
                              "--tap", "tapb", "--addr", "10.62.0.2/24", "--host-addr", "fe80::1/64")
        daemon.wait_out("ready")
        wait_for(lambda: len([a for a in addresses(w, "linklocal") if a["state"] == "preferred"]) == 2, "no link-local addresses")
        w.start(ns.enter() + ["python3", SCOPES, "peer", "tapa", "tapb"], label="fe80::1, twice").wait_out("listening")
        stack = on_stack(w, "python3", SCOPES, "client", "tapa", "tapb").expect(0).out().splitlines()
        different = ["%s   (kernel: %s)" % (s, k) for s, k in zip(stack, kernel) if s != k]
        check(len(stack) == len(kernel) > 80 and not different, "\n".join(different))
