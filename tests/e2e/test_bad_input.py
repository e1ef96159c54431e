# SPDX-License-Identifier: BSD-2-Clause
"""What nobody should send: frames into the TAP, bytes into the control socket. Dropped, counted by name, not logged, survived."""

import array
import errno
import json
import os
import random
import select
import socket
import struct
import threading

from frames import (ETH_ARP, ETH_IP4, ETH_IP6, FRAGMENT, ICMP, ICMP6, TCP, UDP, arp, eth, fragment6, icmp4, icmp6, ip4, ip6,
                    mac_bytes, tcp, udp)
from harness import KERNEL, MIB, STACK, check, test, wait_for

STRANGER = {4: "10.77.0.50", 6: "fd77::50"}  # never the kernel's own address: a frame must not teach the stack a wrong neighbour
OTHER_MAC = mac_bytes("02:00:00:00:00:50")
MANY = 200


class Injector:
    """Puts frames on the TAP from the kernel's side."""

    def __init__(self, w, family):
        w.host_run("ping", "-n", "-c", "1", "-W", "20", STACK[family])
        neighbours = json.loads(w.host.run("ip", "-j", "neigh", "show", STACK[family]))
        self.stack_mac = mac_bytes(neighbours[0]["lladdr"])
        self.socket = w.host.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind((w.tap, 0))

    def send(self, frame):
        self.socket.send(frame)

    def ip(self, family, packet, dst=None, src=OTHER_MAC):
        return eth(dst or self.stack_mac, src, ETH_IP4 if family == 4 else ETH_IP6, packet)


def cases4(inj):
    """(what is wrong, the frames, the counter that must move)"""
    s, d = STRANGER[4], STACK[4]
    good = udp(s, d, 9, 9, b"data")
    ip = lambda *a, **k: inj.ip(4, ip4(*a, **k))  # noqa: E731
    echo = icmp4(8, 0, b"\0\1\0\1" + b"e" * 56)
    return [
        ("destination of another host", [eth(OTHER_MAC, OTHER_MAC, ETH_IP4, ip4(s, d, UDP, good))], "eth.drop.other_host"),
        ("group address as Ethernet source", [inj.ip(4, ip4(s, d, UDP, good), src=mac_bytes("01:00:5e:00:00:01"))],
         "eth.drop.source"),
        ("unknown EtherType", [eth(inj.stack_mac, OTHER_MAC, 0x88B5, b"x" * 46)], "eth.drop.type"),
        ("no IP header at all", [inj.ip(4, b"")], "ip4.drop.short"),
        ("half an IP header", [inj.ip(4, ip4(s, d, UDP, good)[:12])], "ip4.drop.short"),
        ("version 5", [ip(s, d, UDP, good, version=5)], "ip4.drop.version"),
        ("header length 4 words", [ip(s, d, UDP, good, header_words=4)], "ip4.drop.header_len"),
        ("header longer than the packet", [inj.ip(4, ip4(s, d, UDP, b"", header_words=15))], "ip4.drop.header_len"),
        ("total length beyond the frame", [ip(s, d, UDP, good, total=1000)], "ip4.drop.length"),
        ("total length shorter than the header", [ip(s, d, UDP, good, total=19)], "ip4.drop.length"),
        ("wrong header checksum", [ip(s, d, UDP, good, bad_checksum=True)], "ip4.drop.checksum"),
        ("destination not ours", [ip(s, "10.77.0.77", UDP, good)], "ip4.drop.not_ours"),
        ("loopback source", [ip("127.0.0.1", d, UDP, good)], "ip4.drop.loopback"),
        ("loopback destination", [ip(s, "127.0.0.1", UDP, good)], "ip4.drop.loopback"),
        ("multicast source", [ip("224.0.0.1", d, UDP, good)], "ip4.drop.source"),
        ("land attack, UDP", [ip(d, d, UDP, udp(d, d, 9, 9, b"data"))], "ip4.drop.land"),
        ("land attack, TCP", [ip(d, d, TCP, tcp(d, d, 80, 80))], "ip4.drop.land"),
        ("source route", [ip(s, d, UDP, good, options=bytes([131, 7, 4, 10, 77, 0, 9, 0]))], "ip4.drop.source_route"),
        ("option longer than the header", [ip(s, d, UDP, good, options=bytes([7, 39, 4, 0]))], "ip4.drop.option"),
        ("unknown protocol", [ip(s, d, 253, b"x" * 20)], "ip4.drop.protocol"),
        ("wrong UDP checksum", [ip(s, d, UDP, udp(s, d, 9, 9, b"data", bad_checksum=True))], "udp.drop.checksum"),
        ("UDP length beyond the packet", [ip(s, d, UDP, udp(s, d, 9, 9, b"data", length=500))], "udp.drop.length"),
        ("UDP length 7", [ip(s, d, UDP, udp(s, d, 9, 9, b"data", length=7))], "udp.drop.length"),
        ("UDP to a closed port", [ip(s, d, UDP, udp(s, d, 9, 9, b"data"))], "udp.drop.no_socket"),
        ("wrong TCP checksum", [ip(s, d, TCP, tcp(s, d, 9, 80, bad_checksum=True))], "tcp.drop.checksum"),
        ("half a TCP header", [ip(s, d, TCP, tcp(s, d, 9, 80)[:12])], "tcp.drop.*"),
        ("TCP data offset 4", [ip(s, d, TCP, tcp(s, d, 9, 80, words=4))], "tcp.drop.*"),
        ("TCP data offset beyond the segment", [ip(s, d, TCP, tcp(s, d, 9, 80, words=15))], "tcp.drop.*"),
        ("wrong ICMP checksum", [ip(s, d, ICMP, icmp4(8, 0, b"\0\1\0\1data", bad_checksum=True))], "icmp.drop.checksum"),
        ("ICMP of 4 bytes", [ip(s, d, ICMP, icmp4(8, 0, b""))], "icmp.drop.*"),
        ("ICMP error with half a quotation", [ip(s, d, ICMP, icmp4(3, 3, b"\0" * 4 + b"\x45\0\0"))], "icmp.drop.quote"),
        ("overlapping fragments", [ip(s, d, ICMP, echo[:32], ident=n, flags=1) if k == 0 else
                                   ip(s, d, ICMP, echo[24:], ident=n, offset=3) for n in (1, 2, 3) for k in (0, 1)],
         "reasm.drop.overlap"),
        ("fragment beyond 65535 bytes", [ip(s, d, ICMP, b"x" * 64, ident=9, offset=8191)], "*.drop.*"),
        ("fragment of no multiple of 8", [ip(s, d, ICMP, b"x" * 33, ident=10, flags=1)], "*.drop.*"),
        ("half an ARP packet", [eth(inj.stack_mac, OTHER_MAC, ETH_ARP, arp(1, OTHER_MAC, s, bytes(6), d)[:20])], "arp.drop.short"),
        ("ARP of other hardware", [eth(inj.stack_mac, OTHER_MAC, ETH_ARP, arp(1, OTHER_MAC, s, bytes(6), d, hardware=6))],
         "arp.drop.format"),
        ("ARP with wrong address lengths", [eth(inj.stack_mac, OTHER_MAC, ETH_ARP, arp(1, OTHER_MAC, s, bytes(6), d, hlen=8))],
         "arp.drop.format"),
    ]


def cases6(inj):
    s, d = STRANGER[6], STACK[6]
    good = udp(s, d, 9, 9, b"data")
    ip = lambda *a, **k: inj.ip(6, ip6(*a, **k))  # noqa: E731
    echo = icmp6(s, d, 128, 0, b"\0\1\0\1" + b"e" * 56)
    na = struct.pack("!I", 0x60000000) + socket.inet_pton(socket.AF_INET6, s) + b"\2\1" + OTHER_MAC
    return [
        ("destination of another host", [eth(OTHER_MAC, OTHER_MAC, ETH_IP6, ip6(s, d, UDP, good))], "eth.drop.other_host"),
        ("half an IP header", [inj.ip(6, ip6(s, d, UDP, good)[:30])], "ip6.drop.short"),
        ("version 5", [ip(s, d, UDP, good, version=5)], "ip6.drop.version"),
        ("payload length beyond the frame", [ip(s, d, UDP, good, length=1000)], "ip6.drop.length"),
        ("destination not ours", [ip(s, "fd77::77", UDP, good)], "ip6.drop.not_ours"),
        ("loopback source", [ip("::1", d, UDP, good)], "ip6.drop.loopback"),
        ("loopback destination", [ip(s, "::1", UDP, good)], "ip6.drop.loopback"),
        ("multicast source", [ip("ff02::1", d, UDP, good)], "ip6.drop.source"),
        ("IPv4-mapped source", [ip("::ffff:10.77.0.50", d, UDP, good)], "ip6.drop.mapped"),
        ("land attack", [ip(d, d, TCP, tcp(d, d, 80, 80))], "ip6.drop.land"),
        ("unknown next header", [ip(s, d, 253, b"x" * 20)], "ip6.drop.protocol"),
        ("extension header cut off", [ip(s, d, 60, b"\x11")], "ip6.drop.*"),
        ("routing header type 0", [ip(s, d, 43, struct.pack("!BBBBI", UDP, 2, 0, 1, 0) + bytes(16) + good)], "ip6.drop.routing"),
        ("option that demands an answer", [ip(s, d, 60, struct.pack("!BBBBI", UDP, 0, 0x9E, 4, 0) + good)], "ip6.drop.option"),
        ("wrong UDP checksum", [ip(s, d, UDP, udp(s, d, 9, 9, b"data", bad_checksum=True))], "udp.drop.checksum"),
        ("UDP without a checksum", [ip(s, d, UDP, good[:6] + b"\0\0" + good[8:])], "udp.drop.no_checksum"),
        ("UDP length beyond the packet", [ip(s, d, UDP, udp(s, d, 9, 9, b"data", length=500))], "udp.drop.length"),
        ("UDP to a closed port", [ip(s, d, UDP, good)], "udp.drop.no_socket"),
        ("wrong TCP checksum", [ip(s, d, TCP, tcp(s, d, 9, 80, bad_checksum=True))], "tcp.drop.checksum"),
        ("wrong ICMP checksum", [ip(s, d, ICMP6, icmp6(s, d, 128, 0, b"\0\1\0\1data", bad_checksum=True))], "icmp.drop.checksum"),
        ("neighbour advertisement through a router", [ip(s, d, ICMP6, icmp6(s, d, 136, 0, na), hops=63)], "nd.drop.hop_limit"),
        ("neighbour advertisement cut off", [ip(s, d, ICMP6, icmp6(s, d, 136, 0, na[:10]), hops=255)], "nd.drop.*"),
        ("neighbour advertisement with an empty option",
         [ip(s, d, ICMP6, icmp6(s, d, 136, 0, na[:20] + bytes(8)), hops=255)], "nd.drop.format"),
        ("overlapping fragments",
         [ip(s, d, FRAGMENT, fragment6(ICMP6, 0, 1, n, echo[:32]) if k == 0 else fragment6(ICMP6, 3, 0, n, echo[24:]))
          for n in (1, 2, 3) for k in (0, 1)], "reasm.drop.overlap"),
        ("fragment of no multiple of 8", [ip(s, d, FRAGMENT, fragment6(ICMP6, 0, 1, 9, b"x" * 33))], "*.drop.*"),
    ]


def matching(stats, pattern):
    """The sum of the counters that the pattern names: "tcp.drop.*", "*.drop.*", or one."""
    head, _, rest = pattern.partition(".drop.")
    return sum(v for k, v in stats.items()
               if k == pattern or (".drop." in k and rest == "*" and (head == "*" or k.startswith(head + ".drop."))))


def serves(w, family):
    """Ping is answered and a connection carries bytes, also now."""
    w.host_run("ping", "-n", "-c", "1", "-W", "20", STACK[family])
    server = w.stack_peer("http", STACK[family], 8081)
    w.wait_port(STACK[family], 8081, server)
    address = "[%s]" % STACK[6] if family == 6 else STACK[4]
    w.host_run("curl", "-gsSf", "--noproxy", "*", "-o", "/dev/null", "http://%s:8081/bytes/%d" % (address, MIB))
    server.kill()


@test(capture=False, smoke=True, stacks=("tapir",))
def bad_frames_are_dropped_and_counted_by_name(w, family):
    inj = Injector(w, family)
    log_bytes = len(w.daemon.err())
    problems = []
    for what, frames, counter in (cases4 if family == 4 else cases6)(inj):
        before = matching(w.stats(), counter)
        for frame in frames:
            inj.send(frame)
        try:
            wait_for(lambda: matching(w.stats(), counter) > before, "", deadline=5)
        except Exception:
            moved = {k: v for k, v in w.stats().items() if ".drop." in k and v}
            problems.append("%s: %s did not move; drops so far: %s" % (what, counter, moved))
        w.check_daemon_lives()
    for what, frames, counter in (cases4 if family == 4 else cases6)(inj):
        for _ in range(MANY):
            for frame in frames:
                inj.send(frame)
    serves(w, family)
    grown = w.daemon.err()[log_bytes:]
    check(not problems, "\n".join(problems))
    check(grown.count("\n") < 30, "logged for %d kinds of frames, %d each:\n%s" % (len(problems), MANY, grown[:2000]))


@test(capture=False, smoke=True, stacks=("tapir",))
def random_and_truncated_frames_do_no_harm(w, family):
    inj = Injector(w, family)
    seed = int.from_bytes(os.urandom(4), "big")
    print("    seed %d" % seed)
    rng = random.Random(seed)
    log_bytes, drops = len(w.daemon.err()), matching(w.stats(), "*.drop.*")
    whole = [f for _, frames, _ in (cases4 if family == 4 else cases6)(inj) for f in frames]
    s, d = STRANGER[family], STACK[family]
    build = ip4 if family == 4 else ip6
    whole += [inj.ip(family, build(s, d, TCP, tcp(s, d, 1000, 80, b"x" * 100, flags=f))) for f in (0, 1, 2, 4, 16, 18, 41, 63)]
    for turn in range(20000 if w.full else 5000):
        frame = bytearray(rng.choice(whole))
        kind = turn % 4
        if kind == 0:
            frame[14:] = rng.randbytes(rng.randrange(0, 200))
        elif kind == 1:
            del frame[rng.randrange(14, len(frame) + 1):]
        else:
            for _ in range(rng.randrange(1, 6)):
                frame[rng.randrange(12 if kind == 2 else min(14, len(frame) - 1), len(frame))] = rng.randrange(256)
        inj.send(bytes(frame) if len(frame) >= 14 else bytes(14))
    serves(w, family)
    check(matching(w.stats(), "*.drop.*") > drops + 100, "only %d drops were counted" % (matching(w.stats(), "*.drop.*") - drops))
    grown = w.daemon.err()[log_bytes:]
    check(grown.count("\n") < 50, "seed %d: logged for each packet:\n%s" % (seed, grown[:2000]))


def control_connection(w):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(20)
    s.connect(w.socket_path)
    return s


MAGIC, VERSION, HELLO = 0x72706174, 2, 1


def request(op, seq=1, version=VERSION, magic=MAGIC, body=b""):
    return struct.pack("=IHHIi", magic, version, op, seq, 0) + body


def is_closed(s):
    """Replies may come first."""
    try:
        while s.recv(1 << 16):
            pass
        return True
    except (ConnectionResetError, BrokenPipeError):
        return True
    except socket.timeout:
        return False


@test(families=None, capture=False, smoke=True, stacks=("tapir",))
def garbage_on_the_control_socket_closes_that_client_only(w):
    good = control_connection(w)
    seed = int.from_bytes(os.urandom(4), "big")
    print("    seed %d" % seed)
    rng = random.Random(seed)

    def good_is_served():
        good.send(request(HELLO))
        reply = good.recv(1 << 16)
        check(struct.unpack("=IHHIi", reply[:16])[4] == 0, "hello is refused: %r" % reply[:16])

    good_is_served()
    for what, message in (("wrong magic", request(HELLO, magic=1)), ("one byte", b"x"), ("random bytes", rng.randbytes(64)),
                          ("large", rng.randbytes(30000))):
        s = control_connection(w)
        s.send(message)
        check(is_closed(s), "%s (%d bytes): the client is not closed" % (what, len(message)))
        good_is_served()
    # Well-formed headers with anything behind them: an error or a close, never harm. Descriptors that come along are closed.
    with open("/dev/null", "rb") as null:
        for _ in range(3000 if w.full else 500):
            s = control_connection(w)
            op = rng.choice([*range(0, 16), 48, 49, *range(60, 72), rng.randrange(1 << 16)])
            body = rng.randbytes(rng.choice([0, 1, 4, 8, 16, 24, 40, 300]))
            fds = array.array("i", [null.fileno()] * rng.choice([0, 0, 1, 2, 5]))
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)] if fds else []
            try:
                s.sendmsg([request(op, version=rng.choice([VERSION] * 9 + [77]), body=body)], ancillary)
            except OSError:
                pass
            s.close()
    # So is the one that comes with an empty message; the check of the daemon's descriptors after the test sees any that is not.
    with open("/dev/null", "rb") as null:
        for _ in range(MANY):
            s = control_connection(w)
            s.sendmsg([b""], attached(null.fileno()))
            s.close()
    good_is_served()
    w.check_daemon_lives()
    serves(w, 4)


@test(families=None, capture=False, stacks=("tapir",), combos="first")
def silent_and_many_control_connections_do_no_harm(w):
    crowd = [control_connection(w) for _ in range(500)]
    serves(w, 4)
    for s in crowd:
        s.close()


SOCKET, BIND, CONNECT, LISTEN, SHUTDOWN, GETSOCKNAME, GETPEERNAME = range(2, 9)
BARE, NEXT_HEADER, RECV_ERROR, CHECK_SEND, RING_AGAIN = range(48, 53)
SETSOCKOPT, GETSOCKOPT, TAKE_ERROR, OUTQ, ADOPT, GET = 9, 10, 11, 12, 13, 66
CAPTURE = 67


def address4(address, port):
    return struct.pack("=HHI", socket.AF_INET, port, 0) + bytes(10) + b"\xff\xff" + socket.inet_aton(address)


def attached(fd):
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]


def call(s, op, body=b"", fd=None):
    """One request: the error, and the descriptor that came back or None."""
    s.sendmsg([request(op, body=body)], attached(fd) if fd is not None else [])
    reply, ancillary, _, _ = s.recvmsg(1 << 16, 1024)
    fds = array.array("i")
    for _, _, data in ancillary:
        fds.frombytes(data[:len(data) // 4 * 4])
    return struct.unpack("=IHHIi", reply[:16])[4], fds[0] if fds else None


def open_socket(s, kind):
    error, fd = call(s, SOCKET, struct.pack("=iiii", socket.AF_INET, kind, 0, 0))
    check(error == 0 and fd is not None, "no socket: errno %d" % error)
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if kind == socket.SOCK_STREAM else socket.SOCK_SEQPACKET, fileno=fd)


def check_not_spinning(w, what):
    """Each look takes the daemon a few wake-ups; a loop that never sleeps makes thousands meanwhile."""
    before = w.stats()["daemon.wakeups"]
    for _ in range(5):
        after = w.stats()["daemon.wakeups"]
    check(after - before < 500, "%s: %d wake-ups while nothing happened" % (what, after - before))


@test(families=None, capture=False, smoke=True, stacks=("tapir",))
def requests_with_any_other_descriptor_are_refused(w):
    s = control_connection(w)
    mine = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    others = [socket.socket(), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), mine[0], s]
    epoll = select.epoll()
    fds = [*os.pipe(), os.dup(epoll.fileno()), os.memfd_create("x"),
           os.open("/dev/null", os.O_RDWR), os.open("/dev/net/tun", os.O_RDWR), os.open("/", os.O_PATH)]
    option = struct.pack("=iiII", socket.SOL_SOCKET, socket.SO_RCVBUF, 4, 0)
    bodies = {BIND: address4(STACK[4], 5000), CONNECT: address4(STACK[4], 5000), LISTEN: struct.pack("q", 5),
              SHUTDOWN: struct.pack("q", 1), GETSOCKNAME: b"", GETPEERNAME: b"", SETSOCKOPT: option + b"\0\0\1\0",
              GETSOCKOPT: option, TAKE_ERROR: b"", OUTQ: b"", BARE: b"", NEXT_HEADER: b"",
              RECV_ERROR: b"", CHECK_SEND: bytes(96), RING_AGAIN: b""}
    for fd in fds + [o.fileno() for o in others]:
        for op, body in bodies.items():
            error, _ = call(s, op, body, fd)
            check(error == errno.ENOTSOCK, "op %d with %s: errno %d" % (op, os.readlink("/proc/self/fd/%d" % fd), error))
    for fd in fds:
        os.close(fd)
    for o in others:
        o.close()


@test(families=None, capture=False, stacks=("tapir",))
def bare_datagrams_have_their_headers_told(w):
    s, kinds = control_connection(w), (socket.SOCK_DGRAM, socket.SOCK_STREAM)
    one, stream = (open_socket(s, kind) for kind in kinds)
    check(call(s, BARE, b"", stream.fileno())[0] == errno.EOPNOTSUPP, "a stream went bare")
    check(call(s, NEXT_HEADER, b"", one.fileno())[0] == errno.EOPNOTSUPP, "a framed socket told a header")
    for _ in range(2):
        check(call(s, BARE, b"", one.fileno())[0] == 0, "BARE failed")
    check(call(s, NEXT_HEADER, b"", one.fileno())[0] == errno.EAGAIN, "a header without a datagram")
    check(call(s, BIND, address4(STACK[4], 5000), one.fileno())[0] == 0, "bind failed")
    for text in ("first", "second"):
        w.host_run("python3", "-c", "import socket\ns = socket.socket(2, 2)\ns.bind(('%s', %d))\ns.sendto(b'%s', ('%s', 5000))" % (
            KERNEL[4], 6000 + len(text), text, STACK[4]))
    for text in (b"first", b"second"):
        select.select([one], [], [], 20)
        s.sendmsg([request(NEXT_HEADER)], attached(one.fileno()))
        header = s.recv(1 << 16)[16:]
        check(struct.unpack_from("=HH", header, 16) == (socket.AF_INET, 6000 + len(text)), repr(header))
        check(one.recv(100) == text, "not bare")
    one.close()
    stream.close()
    s.close()


FRESH = "\0tapir-fresh/%d/%d/%s"


def fresh(family=socket.AF_INET, protocol=socket.IPPROTO_TCP, kind=socket.SOCK_STREAM):
    """What a library makes for socket(): the daemon hears of it with the first request."""
    s = socket.socket(socket.AF_UNIX, kind)
    s.settimeout(20)
    s.bind(FRESH % (family, protocol, os.urandom(8).hex()))
    return s


@test(families=None, capture=False, smoke=True, stacks=("tapir",))
def fresh_streams_of_every_shape_hurt_nobody(w):
    """The daemon connects what a client shows it as a fresh stream: whatever that is, it must not sleep, nor lose a descriptor."""
    s = control_connection(w)
    check(call(s, 1)[0] == 0, "hello is refused")
    base = w.count_fds()
    listener, connected, there, full = fresh(), fresh(), socket.socket(socket.AF_UNIX), fresh()
    listener.listen(0)
    listener.setblocking(False)
    there.bind("")
    there.listen()
    connected.connect(there.getsockname())
    full.connect(there.getsockname())
    full.setblocking(False)
    try:
        while True:
            full.send(bytes(65536))
    except BlockingIOError:
        pass
    for x in (listener, connected, full, fresh(kind=socket.SOCK_SEQPACKET), fresh(kind=socket.SOCK_DGRAM)):
        error, _ = call(s, BIND, address4(STACK[4], 0), x.fileno())
        check(error == errno.ENOTSOCK, "%s: errno %d" % (x, error))
    for family, protocol, want in ((socket.AF_INET, 17, errno.EPROTONOSUPPORT), (socket.AF_UNIX, 6, errno.EAFNOSUPPORT), (99999, 6, errno.EAFNOSUPPORT)):
        with fresh(family, protocol) as x:
            error, _ = call(s, BIND, address4(STACK[4], 0), x.fileno())
        check(error == want, "family %d, protocol %d: errno %d" % (family, protocol, error))
    for name in ("\0tapir-fresh/", "\0tapir-fresh/2", "\0tapir-fresh/2/6", "\0tapir-fresh//6/x", "\0tapir-fresh/%s/6/" % ("9" * 80)):
        with socket.socket(socket.AF_UNIX) as x:
            x.bind(name)
            check(call(s, BIND, address4(STACK[4], 0), x.fileno())[0] != 77, "cannot be")
    # Shut down before, or while another thread changes it under the daemon's hands.
    for how in (socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR):
        with fresh() as x:
            try:
                x.shutdown(how)
            except OSError:
                pass
            call(s, CONNECT, address4(STACK[4], 9), x.fileno())
    stop, box = threading.Event(), [listener]

    def disturb():
        while not stop.is_set():
            for act in (lambda x: x.listen(0), lambda x: x.connect(there.getsockname()), lambda x: x.send(b"x"), lambda x: x.shutdown(socket.SHUT_WR)):
                try:
                    act(box[0])
                except OSError:
                    pass

    there.settimeout(0)
    thread = threading.Thread(target=disturb)
    thread.start()
    for _ in range(300):
        x = fresh()
        x.setblocking(False)
        box[0] = x
        call(s, CONNECT, address4(KERNEL[4], 9), x.fileno())
        x.close()
        while True:
            try:
                there.accept()[0].close()
            except OSError:
                break
    stop.set()
    thread.join()
    # Opened twice is opened once; a stranger cannot come through the daemon's door.
    with fresh() as x:
        for port in (0, 0):
            error, _ = call(s, BIND, address4(STACK[4], port), x.fileno())
        check(error == errno.EINVAL, "bound twice: errno %d" % error)
        check(x.getpeername() == "tapir-stream", "the peer is called %r" % x.getpeername())
    for x in (listener, connected, there, full):
        x.close()
    room = w.socket_path + ".room"
    check(os.stat(room).st_mode & 0o777 == 0o700, "others may enter %s" % room)
    wait_for(lambda: w.count_fds() <= base, lambda: "%d descriptors, %d before" % (w.count_fds(), base))
    check_not_spinning(w, "after odd streams")
    serves(w, 4)
    s.close()


@test(families=None, capture=False, smoke=True, stacks=("tapir",))
def only_an_end_of_a_new_pair_is_adopted(w):
    """Not both ends of anything: the daemon would answer itself for ever, and with its own rights."""
    s = control_connection(w)
    check(call(s, 1)[0] == 0, "hello is refused")
    base = w.count_fds()
    s.sendmsg([request(ADOPT)], attached(s.fileno()))
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind("")
    s.sendmsg([request(ADOPT)], attached(listener.fileno()))
    listener.listen()
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.connect(listener.getsockname())
    accepted, _ = listener.accept()
    datagrams = open_socket(s, socket.SOCK_DGRAM)
    for x in (listener, client, accepted, datagrams):
        s.sendmsg([request(ADOPT)], attached(x.fileno()))
    datagrams.close()
    check(call(s, 1)[0] == 0, "hello is refused")
    wait_for(lambda: w.count_fds() <= base, lambda: "%d descriptors, not %d" % (w.count_fds(), base))
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    a.send(request(GET, body=b"net.ipv4.tcp_sack".ljust(256, b"\0")))
    for end in (a, b):
        s.sendmsg([request(ADOPT)], attached(end.fileno()))
    check(call(s, 1)[0] == 0, "hello is refused")
    check(w.count_fds() == base + 1, "both ends were adopted")
    check_not_spinning(w, "a pair whose both ends were offered")
    for x in (a, b, client, accepted, listener, s):
        x.close()


@test(families=None, capture=False, smoke=True, stacks=("tapir",))
def adopted_connection_may_be_closed_while_we_keep_a_copy(w):
    s = control_connection(w)
    for _ in range(50):
        ours, given = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(20)
        s.sendmsg([request(ADOPT)], attached(given.fileno()))
        check(call(ours, 1)[0] == 0, "hello is refused")
        ours.send(b"garbage")  # for which the daemon closes its copy, but not ours
        check(call(s, 1)[0] == 0, "hello is refused")
        for _ in range(3):
            ours.send(request(1))
            check(call(s, 1)[0] == 0, "hello is refused")
        given.close()
        ours.close()
    w.check_daemon_lives()


@test(families=None, capture=False, smoke=True, stacks=("tapir",))
def captures_that_are_not_read_end_with_their_reader(w):
    s = control_connection(w)
    check(call(s, 1)[0] == 0, "hello is refused")
    base = w.count_fds()
    readers = []
    for _ in range(4):
        error, fd = call(s, CAPTURE, bytes(8))
        check(error == 0, "capture: errno %d" % error)
        readers.append(socket.socket(fileno=fd))
    for r in readers[:2]:  # its own end must not keep it, nor anything else
        for given in (r, s):
            try:
                r.sendmsg([b"x"], attached(given.fileno()))
                check(False, "a capture's reader may write")
            except BrokenPipeError:
                pass
    readers[2].shutdown(socket.SHUT_RD)
    on_wire = w.host.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def some_are_missed():
        for _ in range(500):
            on_wire.sendto(bytes(1400), (STACK[4], 9))
        return w.stats()["capture.missed"] > 0

    wait_for(some_are_missed, "nothing was missed")
    on_wire.close()
    serves(w, 4)
    for r in readers:
        r.close()
    wait_for(lambda: w.count_fds() <= base, lambda: "%d descriptors, %d before" % (w.count_fds(), base))
    s.close()


@test(families=None, capture=False, smoke=True, stacks=("tapir",))
def sockets_misused_as_plain_descriptors_do_no_harm(w):
    s = control_connection(w)
    for how in (socket.SHUT_WR, socket.SHUT_RD, socket.SHUT_RDWR):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            x = open_socket(s, kind)
            x.shutdown(how)
            check(call(s, 1)[0] == 0, "hello is refused")
            check_not_spinning(w, "%s after shutdown(%s)" % (kind, how))
            x.close()
    # Junk on a listener fills its pair, and no more; connections still come through it.
    listener = open_socket(s, socket.SOCK_STREAM)
    check(call(s, BIND, address4(STACK[4], 6001), listener.fileno())[0] == 0, "bind")
    check(call(s, LISTEN, struct.pack("q", 5), listener.fileno())[0] == 0, "listen")
    listener.setblocking(False)
    try:
        while True:
            listener.send(bytes(4096))
    except BlockingIOError:
        pass
    check_not_spinning(w, "a listener full of junk")
    listener.settimeout(20)
    client = open_socket(s, socket.SOCK_STREAM)
    call(s, CONNECT, address4(STACK[4], 6001), client.fileno())
    message, ancillary, _, _ = listener.recvmsg(1000, 100)
    check(len(message) == 64 and len(ancillary) == 1, "no connection comes through")
    os.close(array.array("i", ancillary[0][2][:4])[0])
    # One that carries its own descriptor would stay when it is closed. Only kernels since 6.16 let us refuse.
    stream = open_socket(s, socket.SOCK_STREAM)
    for x in (listener, client, stream) if tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 16) else ():
        x.settimeout(0)
        try:
            x.sendmsg([b"x"], attached(x.fileno()))
        except OSError:
            pass
    stream.close()
    # Datagrams of no and of too many bytes, without address, and behind headers of nonsense.
    d = open_socket(s, socket.SOCK_DGRAM)
    ident = int(d.getpeername().split(b"/")[-1], 16)
    rng = random.Random(1)
    for size in (0, 1, 8, 87, 88, 89, 65507, 65508, 66000, 100000):
        d.send(bytes(size))
    for _ in range(500):
        d.send(struct.pack("=QII", ident, rng.choice([88, 88, 0, 87, 1 << 31]), rng.randrange(128)) + rng.randbytes(72)
               + bytes(rng.choice([0, 100, 60000])))
    wait_for(lambda: w.stats()["dgram.drop.malformed"] > 0, "malformed datagrams are not counted")
    check_not_spinning(w, "a datagram socket with nonsense written to it")
    for x in (listener, client, d, s):
        x.close()
    serves(w, 4)


@test(families=None, capture=False, stacks=("tapir",), combos="first")
def clients_that_never_read_hurt_themselves_only(w):
    base, crowd = w.count_fds(), []
    for body in (request(1), request(SOCKET, body=struct.pack("=iiii", socket.AF_INET, socket.SOCK_STREAM, 0, 0)),
                 request(64, body=struct.pack("=II", 7, 0))):
        s = control_connection(w)
        s.setblocking(False)
        try:
            for _ in range(2000):
                s.send(body)
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            pass
        crowd.append(s)
    serves(w, 4)
    check_not_spinning(w, "clients that never read")
    for s in crowd:
        s.close()
    wait_for(lambda: w.count_fds() <= base, lambda: "%d descriptors, %d before" % (w.count_fds(), base))


@test(families=None, capture=False, stacks=("tapir",), combos="first", options=["--user-sockets-max", "200"])
def who_opens_sockets_until_refused_leaves_others_alone(w):
    os.setegid(65534)
    os.seteuid(65534)  # a user of its own; the rest of the test is root
    try:
        s = control_connection(w)
    finally:
        os.seteuid(0)
        os.setegid(0)
    have = [open_socket(s, socket.SOCK_DGRAM) for _ in range(200)]
    for _ in range(3):
        check(call(s, SOCKET, struct.pack("=iiii", socket.AF_INET, socket.SOCK_DGRAM, 0, 0)) == (errno.EMFILE, None), "there is no limit")
    serves(w, 4)
    for x in have:
        x.close()
    wait_for(lambda: not w.sockets(), "sockets are left")
    open_socket(s, socket.SOCK_DGRAM).close()
    s.close()


@test(families=None, capture=False, stacks=("tapir",))
def questions_about_datagrams_may_be_nonsense(w):
    s, kinds = control_connection(w), (socket.SOCK_DGRAM, socket.SOCK_STREAM)
    one, stream = (open_socket(s, kind) for kind in kinds)
    dice = random.Random(7)
    check(call(s, CHECK_SEND, bytes(96), stream.fileno())[0] == errno.EOPNOTSUPP, "a stream was asked")
    check(call(s, RECV_ERROR, b"", stream.fileno())[0] == errno.EAGAIN, "a stream has a queue")
    for _ in range(20):
        check(call(s, RING_AGAIN, b"", one.fileno())[0] == 0 and call(s, RING_AGAIN, b"", stream.fileno())[0] == 0, "RING_AGAIN failed")
        check(call(s, RECV_ERROR, b"", one.fileno())[0] == errno.EAGAIN, "an error out of nothing")
    for length in (0, 1, 88, 95, 97, 4000):
        check(call(s, CHECK_SEND, bytes(length), one.fileno())[0] == errno.EBADMSG, "%d bytes were read" % length)
    for _ in range(300):
        body = bytearray(dice.randbytes(96))
        if dice.random() < 0.7:  # an address that makes sense, something else that does not
            body[16:40] = address4(dice.choice((KERNEL[4], STACK[4], "255.255.255.255", "224.0.0.1")), dice.choice((0, 9)))
        if dice.random() < 0.5:
            body[88:92] = struct.pack("=I", dice.choice((0, 1, 65507, 65508, 0xffffffff)))
        call(s, CHECK_SEND, bytes(body), one.fileno())
    check(call(s, GETSOCKNAME, b"", one.fileno())[0] == 0, "the socket is gone")
    one.close()
    stream.close()
    serves(w, 4)
    check_not_spinning(w, "questions without an answer")


def nonsense_controls(dice):
    """Control messages behind a header: of every type that has a meaning, with lengths that are right, and that are not."""
    out = b""
    for _ in range(dice.randrange(1, 5)):
        level, kind = dice.choice(((0, 7), (41, 54), (41, 59), (41, 55), (41, 57), (41, 3), (41, 4), (41, 5), (41, 11), (41, 33), (41, 62), (1, 1)))
        data = bytearray(dice.randbytes(dice.choice((0, 1, 2, 4, 7, 8, 24, 40, 256))))
        if len(data) > 4 and dice.random() < 0.7:
            data[1:4] = bytes((max(0, len(data) // 8 - 1), dice.choice((0, 2, 4)), dice.randrange(3)))
        length = len(data) if dice.random() < 0.8 else dice.choice((0xffffffff, 0x80000000, len(data) + 9, 3))
        out += struct.pack("=HHI", level, kind, length) + data + bytes(-len(data) % 8)
    return out


@test(families=None, capture=False, stacks=("tapir",), combos="first")
def control_messages_may_be_nonsense(w):
    s, dice = control_connection(w), random.Random(11)
    error, fd = call(s, SOCKET, struct.pack("=iiii", socket.AF_INET6, socket.SOCK_DGRAM, 0, 0))
    check(error == 0, "no socket: errno %d" % error)
    d = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=fd)
    ident = int(d.getpeername().split(b"/")[-1], 16)
    to = struct.pack("=HHI", socket.AF_INET6, 9, 0) + socket.inet_pton(socket.AF_INET6, KERNEL[6])
    for _ in range(400):
        controls = nonsense_controls(dice)
        told = 88 + (len(controls) if dice.random() < 0.9 else dice.randrange(1, 4000))
        header = struct.pack("=QII", ident, told, 0) + to + bytes(24) + struct.pack("=IhhIIQ", 0, -1, -1, 0, 0, 0)
        d.send(header + controls + bytes(dice.choice((0, 8, 3000))))
        call(s, CHECK_SEND, header + struct.pack("=II", 8, 0) + controls, d.fileno())
    check(call(s, GETSOCKNAME, b"", d.fileno())[0] == 0, "the socket is gone")
    d.close()
    serves(w, 4)
    check_not_spinning(w, "control messages of nonsense")
