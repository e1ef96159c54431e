# SPDX-License-Identifier: BSD-2-Clause
"""What an operator sees: ss, addr, route, neigh, link, stats, capture, and what the daemon does when there is nothing to do."""

import json
import os
import re
import signal
import socket
import subprocess

from harness import AF, KERNEL, MIB, STACK, check, require, test, wait_for
from test_curl import start_server

PORT = 7200


def connect_from_kernel(w, family, port):
    s = w.host.socket(AF[family], socket.SOCK_STREAM)
    s.settimeout(60)
    s.connect((STACK[family], port))
    return s


@test(combos="first", capture=False, smoke=True, stacks=("tapir",))
def ss_shows_every_socket_with_its_details(w, family):
    server = w.stack_peer("echo", STACK[family], PORT)
    w.wait_port(STACK[family], PORT, server)
    s = connect_from_kernel(w, family, PORT)
    s.sendall(b"x" * 100000)
    got = 0
    while got < 100000:
        got += len(s.recv(1 << 16))
    mine = s.getsockname()

    def record(state, peer_port):
        found = [r for r in w.sockets() if r["state"] == state and r["peer"]["port"] == peer_port and
                 r["local"]["port"] == PORT]
        return found[0] if len(found) == 1 else None

    listener = wait_for(lambda: record("LISTEN", 0), "no listener shown")
    check(listener["local"]["address"] == STACK[family] and listener["pid"] == server.pid, "listener: %s" % listener)
    stream = wait_for(lambda: record("ESTAB", mine[1]), "no connection shown")
    check(stream["peer"]["address"] == KERNEL[family] and stream["pid"] == server.pid, "connection: %s" % stream)
    check(stream["tcp_info"]["bytes_received"] == 100000, "tcp_info: %s" % stream["tcp_info"])
    # The kernel acknowledges the last segment when it sees fit.
    wait_for(lambda: record("ESTAB", mine[1])["tcp_info"]["bytes_acked"] >= 100000, "not all is acknowledged")
    for text in (w.tapir("ss", "-a").out(), w.tapir("ss", "-tin").out()):
        check(re.search(r"ESTAB.*%d" % mine[1], text), "not in the table: %s" % text)
    text = w.tapir("ss", "-tin").out()
    for word in ("cwnd:", "rtt:", "mss:"):
        check(word in text, "ss -tin shows no %s %s" % (word, text))
    s.close()


@test(families=None, combos="first", capture=False, smoke=True, stacks=("tapir",))
def addresses_routes_neighbours_and_counters_are_shown(w):
    for family in (4, 6):
        w.host_run("ping", "-n", "-c", "1", "-W", "20", STACK[family])
    addrs = w.tapir_json("addr")
    for family, length in ((4, 24), (6, 64)):
        check(any(a["address"] == STACK[family] and a["prefix_len"] == length for a in listed(addrs)), "addr: %s" % addrs)
        routes = listed(w.tapir_json("route"))
        check(any(r["dst"] in ("default", "0.0.0.0/0", "::/0") and r["gateway"] == KERNEL[family] for r in routes),
              "route: %s" % routes)
        neighbours = listed(w.tapir_json("neigh"))
        mac = json.loads(w.host.run("ip", "-j", "link", "show", w.tap))[0]["address"]
        check(any(n["address"] == KERNEL[family] and n["lladdr"] == mac for n in neighbours), "neigh: %s" % neighbours)
    stats = w.stats()
    check(stats["link.in"] > 0 and stats["link.out"] > 0, "stats: no frames counted")
    for command in ("addr", "route", "neigh", "link", "stats", "ss"):
        check(w.tapir(command).out().strip(), "tapir %s shows nothing" % command)
    for short, command in (("a", "addr"), ("r", "route"), ("n", "neigh")):
        check(w.tapir(short, "--help").out() == w.tapir(command, "--help").out(), "tapir %s" % short)
    for command in ("run", "ss", "addr", "route", "neigh", "maddr", "dhcp", "dns", "link", "stats", "set", "reload", "capture"):
        check("Usage: tapir %s" % command in w.tapir(command, "--help").out(), "tapir %s --help" % command)


def listed(value):
    """A list of records, bare or the only list in an object."""
    return value if isinstance(value, list) else next(v for v in value.values() if isinstance(v, list))


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def tools_say_clearly_when_there_is_no_daemon(w):
    for argv in (["ss"], ["stats"], ["capture"], ["run", "--", "true"]):
        proc = w.start([w.config.tapir] + argv, env=dict(os.environ, TAPIR_SOCKET=w.path("none.sock")))
        if argv[0] != "run":
            check(proc.wait() != 0, "tapir %s succeeds without a daemon" % argv[0])
            check(w.path("none.sock") in proc.err() and proc.err().count("\n") == 1, "tapir %s: %s" % (argv[0], proc.err()))
    proc = w.start([w.config.tapir, "run", "--socket", w.path("none.sock"), "--", "curl", "-sS", "http://127.0.0.1:1/"])
    check(proc.wait() != 0, "curl succeeds without a daemon")


@test(combos="all", capture=False, stacks=("tapir",))
def capture_is_read_by_tcpdump_and_tshark_with_comments(w, family):
    require("tshark")
    url = start_server(w, family)
    path = w.path("trace.pcapng")
    env = dict(os.environ, TAPIR_SOCKET=w.socket_path)
    proc = w.start([w.config.tapir, "capture", "-w", path], env=env)
    # The capture has begun when it holds a packet: make some until it does.
    wait_for(lambda: w.host_run("ping", "-n", "-c", "1", "-W", "20", STACK[family]) and os.path.exists(path) and
             os.path.getsize(path) > 200 or not proc.lives(), "nothing is captured")
    w.stack_run("curl", "-gsSf", "--noproxy", "*", "-o", "/dev/null", url + "/bytes/%d" % MIB)
    s = w.host.socket(AF[family], socket.SOCK_DGRAM)
    s.sendto(b"nobody listens", (STACK[family], 9))
    stats = w.stats()
    wait_for(lambda: w.stats()["udp.drop.no_socket"] >= 1, "the datagram is not dropped: %s" % stats)
    proc.signal(signal.SIGINT)
    proc.expect(0)
    done = subprocess.run(["tcpdump", "-nn", "-r", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    check(done.returncode == 0 and done.stdout.count("\n") > 10, "tcpdump: %s" % done.stderr)
    check(STACK[family] in done.stdout, "no packet of the stack's in the capture")
    done = subprocess.run(["tshark", "-n", "-r", path, "-T", "fields", "-e", "frame.protocols", "-e", "frame.comment"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    check(done.returncode == 0, "tshark: %s" % done.stderr)
    check("udp.drop.no_socket" in done.stdout, "no drop reason among the comments: %s" % done.stdout[-1500:])
    tcp_comments = [line for line in done.stdout.split("\n") if ":tcp" in line and line.split("\t")[-1]]
    check(tcp_comments, "no connection among the comments: %s" % done.stdout[-1500:])


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def mtu_changes_of_the_device_are_followed(w):
    for mtu in (1280, 4000, 1500):
        w.host.run("ip", "link", "set", w.tap, "mtu", str(mtu))
        wait_for(lambda: any(x["name"] == w.tap and x["mtu"] == mtu for x in listed(w.tapir_json("link"))),
                 lambda: "the link's MTU: %s" % w.tapir_json("link"))
        w.host_run("ping", "-n", "-c", "1", "-W", "20", "-s", "3000", STACK[4])
        w.stack_run("ping", "-n", "-c", "1", "-W", "20", "-s", "3000", KERNEL[4])


@test(families=None, combos="first", capture=False, stacks=("tapir",), options=[])
def idle_daemon_sleeps(w):
    w.host_run("ping", "-n", "-c", "1", "-W", "20", STACK[4])
    traces = []
    for pid in w.daemon_pids:
        traces.append(w.start(["strace", "-f", "-e", "trace=epoll_wait,epoll_pwait,epoll_pwait2,poll,ppoll,select", "-p", str(pid)]))
    for trace in traces:
        trace.wait_out("attached")
    # Ten seconds of nothing, as `sleep` counts them.
    w.start(["sleep", "10"]).expect(0)
    wakeups = 0
    for trace in traces:
        trace.signal(signal.SIGINT)
        trace.wait()
        wakeups += len(re.findall(r"= \d+", trace.err()))
    check(wakeups <= 50, "%d wake-ups in ten idle seconds:\n%s" % (wakeups, traces[-1].err()[-2000:]))
    w.check_daemon_lives()
