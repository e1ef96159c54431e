# SPDX-License-Identifier: BSD-2-Clause
"""Programs that speak UDP, unmodified, at either end: name servers and their clients, socat, ncat, asyncio, and the ways to a host behind
routers."""

import contextlib

from harness import KERNEL, STACK, Netns, check, test, wait_for
from test_programs_data import UNBOUND

PORT = 5301


def ends(w, family, stack_serves):
    """Who starts the server, at which address, and who its clients."""
    if stack_serves:
        return w.stack_start, STACK[family], w.host_run
    return w.host_start, KERNEL[family], w.stack_run


# ---- Name servers ----


def ask(run, address, *words, port=PORT):
    return run("dig", "@" + address, "-p", str(port), "+tries=10", "+time=2", "+notcp", "+short", *words).out().split()


def names_are_answered(w, family, server, address, run, port):
    wait_for(lambda: ask(run, address, "one.test", "A", port=port) == ["192.0.2.1"], "no answer: " + server.out() + server.err())
    check(ask(run, address, *["one.test", "A"] * 20, port=port) == ["192.0.2.1"] * 20, "another answer")
    out = run("host", "-t", "A", "-p", str(port), "-W", "10", "one.test", address).out()
    check("one.test has address 192.0.2.1" in out, out)


@test(combos="first")
def dnsmasq_answers_over_udp(w, family):
    for stack_serves in (True, False):
        start, address, run = ends(w, family, stack_serves)
        server = start("dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--port=%d" % PORT, "--user=root", "--bind-interfaces",
                       "--listen-address=" + address, "--host-record=one.test,192.0.2.1", "--conf-file=/dev/null",
                       "--edns-packet-max=4096", "--pid-file=" + w.path("pid"),
                       *("--txt-record=big.test,%s%d" % ("t" * 200, i) for i in range(15)))
        names_are_answered(w, family, server, address, run, PORT)
        large = ask(run, address, "+bufsize=4096", "+ignore", "big.test", "TXT")
        check(len(large) == 15, "an answer in fragments is not whole: %d records" % len(large))
        server.stop()


@test(combos="first")
def unbound_answers_over_udp(w, family):
    for stack_serves in (True, False):
        start, address, run = ends(w, family, stack_serves)
        conf = UNBOUND.format(address=address, dir=w.test_dir)
        server = start("unbound", "-d", "-c", w.write("unbound-%d.conf" % stack_serves, conf))
        names_are_answered(w, family, server, address, run, 5300)
        server.stop()


@test(combos="first")
def dig_hears_at_once_that_nobody_serves(w, family):
    proc = w.stack_start("dig", "@" + KERNEL[family], "-p", "9", "+tries=1", "+time=15", "+notcp", "one.test")
    proc.wait(deadline=60)
    check("connection refused" in proc.out() + proc.err(), proc.out() + proc.err())


# ---- Echoes ----


def bracketed(address):
    return "[%s]" % address if ":" in address else address


@test(combos="first")
def socat_echoes_datagrams(w, family):
    for stack_serves in (True, False):
        start, address, run = ends(w, family, stack_serves)
        server = start("socat", "-dd", "UDP%d-RECVFROM:%d,bind=%s,fork" % (family, PORT, bracketed(address)), "EXEC:cat")
        wait_for(lambda: "receiving on" in server.err() or "starting" in server.err(), "socat does not start: " + server.err())
        text = w.write("text-%d" % stack_serves, "some words\n")
        out = run("socat", "-t", "1", "UDP%d:%s:%d" % (family, bracketed(address), PORT), "OPEN:%s!!STDOUT" % text).out()
        check(out == "some words\n", repr(out))
        server.stop()


@test(combos="first")
def ncat_talks_over_udp(w, family):
    for stack_serves in (True, False):
        start, address, run = ends(w, family, stack_serves)
        server = start("ncat", "-u", "-l", "-e", "/bin/cat", address, str(PORT))

        def answered():
            return "hello" in run("sh", "-c", "(echo hello; sleep 1) | ncat -u -i 2 %s %d; true" % (address, PORT)).out()
        wait_for(answered, "no echo: " + server.err())
        server.stop()


ASYNCIO = """
import asyncio, sys

class Server(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport
        print("listening", flush=True)
    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)

class Client(asyncio.DatagramProtocol):
    def __init__(self):
        self.got, self.error = asyncio.Queue(), asyncio.get_running_loop().create_future()
    def datagram_received(self, data, addr):
        self.got.put_nowait(data)
    def error_received(self, error):
        self.error.set_result(type(error).__name__)

async def main(what, address, port):
    loop = asyncio.get_running_loop()
    if what == "server":
        await loop.create_datagram_endpoint(Server, local_addr=(address, port))
        await asyncio.sleep(3600)
    transport, client = await loop.create_datagram_endpoint(Client, remote_addr=(address, port))
    for i in range(200):
        transport.sendto(b"%d" % i)
        assert await client.got.get() == b"%d" % i
    refused, client = await loop.create_datagram_endpoint(Client, remote_addr=(address, 9))
    refused.sendto(b"x")
    print(await client.error)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@test(combos="first")
def asyncio_moves_datagrams_and_hears_refusals(w, family):
    for stack_serves in (True, False):
        start, address, run = ends(w, family, stack_serves)
        server = start("python3", "-c", ASYNCIO, "server", address, str(PORT))
        server.wait_out("listening")
        out = run("python3", "-c", ASYNCIO, "client", address, str(PORT)).out()
        check(out == "ConnectionRefusedError\n", out)
        server.stop()


# ---- Behind a router ----

FAR = {4: "10.88.0.2", 6: "fd88::2"}
NEAR = {4: "10.88.0.1", 6: "fd88::1"}


@contextlib.contextmanager
def host_behind_the_router(w):
    """The kernel's end forwards; behind it there is one more host."""
    far, near = Netns("f" + w.id), "far" + w.id[-8:]
    try:
        far.sysctl("net.ipv6.conf.default.accept_dad", 0)
        w.host.run("ip", "link", "add", near, "type", "veth", "peer", "name", "eth0", "netns", far.name)
        for ns, dev, side in ((w.host, near, NEAR), (far, "eth0", FAR)):
            ns.run("ip", "link", "set", dev, "up")
            ns.run("ip", "addr", "add", side[4] + "/24", "dev", dev)
            ns.run("ip", "addr", "add", side[6] + "/64", "dev", dev)
        far.run("ip", "link", "set", "lo", "up")
        far.run("ip", "route", "add", "default", "via", NEAR[4])
        far.run("ip", "-6", "route", "add", "default", "via", NEAR[6])
        for ns in (far, w.host):
            ns.sysctl("net.ipv4.icmp_ratelimit", 0)
            ns.sysctl("net.ipv6.icmp.ratelimit", 0)
        yield far
    finally:
        w.host.run("sh", "-c", "ip link del %s 2>/dev/null || true" % near)
        far.remove()


@test(combos="first", capture=False)
def traceroute_ping_and_mtr_through_a_router(w, family):
    with host_behind_the_router(w) as far:
        w.stack_run("ping", "-n", "-c", "2", "-i", "0.2", "-W", "20", FAR[family])
        for how in ([], ["-I"], ["-T"], ["-U"]):
            out = w.stack_run("traceroute", "-%d" % family, "-n", "-q", "1", "-w", "20", "-m", "4", *how, FAR[family]).out()
            hops = [line.split()[1] for line in out.splitlines() if line.startswith(" ")]
            check(hops == [KERNEL[family], FAR[family]], "%s: %s" % (how, out))
        for how in ([], ["-u"]):
            out = w.stack_run("mtr", "-%d" % family, "-n", "-r", "-c", "1", "-G", "2", *how, FAR[family]).out()
            check(KERNEL[family] in out and FAR[family] in out, "%s: %s" % (how, out))
        out = w.stack_run("ping", "-n", "-c", "1", "-t", "1", "-W", "20", FAR[family], status=1).out()
        check("Time to live exceeded" in out or "Hop limit" in out, out)
        far.run("ip", "link", "set", "eth0", "mtu", "1400")
        w.host.run("ip", "link", "set", "far" + w.id[-8:], "mtu", "1400")
        proc = w.stack_start("ping", "-n", "-c", "2", "-i", "0.2", "-W", "20", "-M", "do", "-s", "1440", FAR[family])
        proc.wait()
        said = proc.out() + proc.err()
        check("mtu" in said.lower() and "1400" in said, said)
