# SPDX-License-Identifier: BSD-2-Clause
"""rows.py - what is measured: each Row runs a pair of programs over a path and yields its metrics; README.md explains them."""

import json
import re
import signal
import subprocess
import time

from lab import Failed, Pins, memory_bytes, read_line, spawn, stop
from rows_programs import many_open, nginx_requests, redis_get, socket_and_connect

GB = 1e9
UDP_IN_FLIGHT = 64
THREADS = 8
BATCH = 100
LINK_SECONDS = 2    # the kernel greets a new link: router solicitations, group reports
SETTLE_SECONDS = 2  # the last delayed acknowledgements


class Goal:
    """A bound on the median ratio, or on our own figure."""

    def __init__(self, op, bound, of="ratio"):
        self.op, self.bound, self.of = op, bound, of

    def met(self, value):
        return value >= self.bound if self.op == ">=" else value <= self.bound

    def __str__(self):
        return "%s%s %g" % ("" if self.of == "ratio" else "ours ", self.op, self.bound)


class Metric:
    """One line of the table: a figure, and what is asked of it."""

    def __init__(self, name, unit, goal=None, baseline="veth", digits=2):
        self.name, self.unit, self.goal, self.baseline, self.digits = name, unit, goal, baseline, digits


class Row:
    """Something to run. measure(lab, path name, options) returns {metric name: value, "cpu": (value, unit)}."""

    rounds = None  # None: as many as asked for
    paths = ("tapir", "veth")

    def __init__(self, name, metrics, measure, **attributes):
        self.name, self.metrics, self.measure = name, metrics, measure
        for k, v in attributes.items():
            setattr(self, k, v)


def server_end(direction):
    """in: the client is on the kernel and the server on the stack; out: the other way round."""
    return "near" if direction == "in" else "far"


def per_gb(cpu_s, nbytes):
    return (cpu_s / (nbytes / GB), "s/GB") if nbytes else None


def per_operation(cpu_s, count):
    return (cpu_s / count * 1e6, "us/op") if count else None


# ---- Bulk ----

def bulk(direction):
    def measure(lab, path_name, o):
        path = lab.path(path_name)
        ms = str(int(o.seconds * 1000))
        report = lab.pair(path, server_end(direction), ["bulk-server", "recv", ms], ["bulk-client", "send", ms],
                          o.pins(o.daemon), o.seconds, server_reports=True)
        return {"": report["bytes"] * 8 / report["seconds"] / 1e9, "cpu": per_gb(report["daemon_cpu_seconds"], report["bytes"]),
                "program_cpu": per_gb(report["cpu_seconds"], report["bytes"])}
    return measure


def iperf3(direction):
    def measure(lab, path_name, o):
        path = lab.path(path_name)
        server_at, client_at = ("near", "far") if direction == "in" else ("far", "near")
        pins, port, seconds = o.pins(o.daemon), lab.next_port(), max(1, round(o.seconds))
        cpus = {"near": pins.near, "far": pins.far}
        if path.daemon:
            path.daemon.pin(pins.daemon)
        server = lab.start_server(path, server_at, ["iperf3", "-s", "-1", "--forceflush", "-B", path.addr[server_at], "-p", port],
                                  cpus[server_at], ready="Server listening")
        try:
            out, cpu = lab.run_client(path, client_at, ["iperf3", "-c", path.addr[server_at], "-p", port, "-t", str(seconds), "-J"],
                                      cpus[client_at], seconds)
        finally:
            stop(server)
        end = json.loads(out)["end"]["sum_received"]
        return {"": end["bits_per_second"] / 1e9, "cpu": per_gb(cpu, end["bytes"])}
    return measure


# ---- Round trips ----

def round_trip(direction, one_core):
    def measure(lab, path_name, o):
        path = lab.path(path_name)
        pins = Pins({o.cpus[0]}, {o.cpus[0]}, {o.cpus[0]}) if one_core else o.pins(o.daemon)
        report = lab.pair(path, server_end(direction), ["rr-server"], ["rr-client", str(int(o.seconds * 1000))], pins, o.seconds)
        return {"p50": report["p50_us"], "p99": report["p99_us"],
                "cpu": per_operation(report["daemon_cpu_seconds"], report["trips"])}
    return measure


def udp_echo(direction, in_flight):
    def measure(lab, path_name, o):
        path = lab.path(path_name)
        report = lab.pair(path, server_end(direction), ["udp-server"],
                          ["udp-client", str(int(o.seconds * 1000)), str(in_flight)], o.pins(o.daemon), o.seconds)
        return {"": report["per_second"] / 1000, "cpu": per_operation(report["daemon_cpu_seconds"], report["echoed"])}
    return measure


def quic(direction):
    def measure(lab, path_name, o):
        path = lab.path(path_name)
        report = lab.pair(path, server_end(direction), ["quic-server"], ["quic-client", str(int(o.seconds * 1000))],
                          o.pins(o.daemon), o.seconds)
        return {"": report["bytes"] * 8 / report["seconds"] / 1e9, "cpu": per_gb(report["daemon_cpu_seconds"], report["bytes"])}
    return measure


# ---- Connections ----

def connections(direction):
    def measure(lab, path_name, o):
        path = lab.path(path_name)
        report = lab.pair(path, server_end(direction), ["conn-server", str(THREADS)],
                          ["conn-client", str(int(o.seconds * 1000)), str(THREADS)], o.pins(o.daemon), o.seconds)
        if report["failed"]:
            raise Failed("%(failed)d connections failed, %(done)d did not: %(error)s" % report)
        return {"": report["per_second"] / 1000, "cpu": per_operation(report["daemon_cpu_seconds"], report["done"])}
    return measure


def in_sequence(direction):
    def measure(lab, path_name, o):
        path = lab.path(path_name)
        report = lab.pair(path, server_end(direction), ["hold-server"], ["seq-client", str(o.connections), str(BATCH)],
                          o.pins(o.daemon), 120)
        return {"": report["per_second"] / 1000, "lost": o.connections - report["done"],
                "cpu": per_operation(report["daemon_cpu_seconds"], report["done"]), "report": report}
    return measure


# ---- At rest ----

def count_calls(pid, seconds):
    """System calls of a process and its threads in that time."""
    tracer = spawn(["strace", "-f", "-c", "-p", str(pid)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)
    time.sleep(seconds)
    tracer.send_signal(signal.SIGINT)
    err = tracer.communicate(timeout=10)[1].decode()
    if tracer.returncode not in (0, -signal.SIGINT, 128 + signal.SIGINT):
        raise Failed("strace: " + err.strip())
    total = re.search(r"^\s*100\.00\s+\S+\s+(?:\d+\s+)?(\d+)\s+(?:\d+\s+)?total", err, re.M)
    return int(total.group(1)) if total else 0


def calls_of_all(daemon, seconds):
    return sum(count_calls(pid, seconds) for pid in daemon.pids)


def open_idle(lab, path, port, count, cpus):
    """A client that holds that many idle connections."""
    client = spawn(path.prefix["far"] + [lab.bench, "idle-client", path.addr["near"], port, str(count)], cpus,
                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        opened = json.loads(read_line(client, 120))["opened"]
        if opened != count:
            raise Failed("only %d of %d connections opened" % (opened, count))
    except Failed:
        stop(client)
        raise
    return client


def echo_each(client, count):
    client.stdin.write(b"echo\n")
    client.stdin.flush()
    alive = json.loads(read_line(client, 120))["alive"]
    if alive != count:
        raise Failed("only %d of %d idle connections answered" % (alive, count))


def at_rest(lab, path_name, o):
    """Memory and wake-ups of a fresh daemon: alone, then with idle connections, then after each of them carried an echo.
    Growth is counted from the first tenth of the connections on, so that what is set up once is not charged to each."""
    path = lab.new_daemon("rest")
    things = []
    pins, port, few = o.pins(o.daemon), lab.next_port(), o.idle_connections // 10
    try:
        time.sleep(LINK_SECONDS)
        result = {"calls alone": calls_of_all(path.daemon, o.idle_seconds)}
        path.daemon.pin(pins.daemon)
        things.append(lab.start_server(path, "near", [lab.bench, "hold-server", path.addr["near"], port], pins.near))
        things.append(open_idle(lab, path, port, few, pins.far))
        before = memory_bytes(path.daemon.pids)
        client = open_idle(lab, path, port, o.idle_connections, pins.far)
        things.append(client)
        time.sleep(SETTLE_SECONDS)
        idle = memory_bytes(path.daemon.pids)
        result["calls with idle connections"] = calls_of_all(path.daemon, o.idle_seconds)
        echo_each(client, o.idle_connections)
        time.sleep(SETTLE_SECONDS)
        echoed = memory_bytes(path.daemon.pids)
        for what in ("anonymous", "pss", "rss"):
            result["bytes, " + what] = (idle[what] - before[what]) / o.idle_connections
            result["bytes after an echo, " + what] = (echoed[what] - before[what]) / o.idle_connections
        return result
    finally:
        for t in reversed(things):
            stop(t)
        path.daemon.close()


def nginx_with_many_open(lab, path_name, o):
    return many_open(lab, path_name, o, open_idle)


RATE, RATIO_RR = Goal(">=", 0.5), Goal("<=", 2.5)
NO_LOSS = Goal("<=", 0, of="ours")
HANDFUL = Goal("<=", 20, of="ours")
BULK, BULK_OFF = Goal(">=", 0.30), Goal(">=", 0.10)
CPU_PER_GB = Goal("<=", 0.35, of="cpu")


def program_rows():
    """Programs that others wrote, with both ways into the stack."""
    rows = []
    for name, unit, goal, measure in (
            ("redis-get", "k/s", Goal(">=", 0.6), redis_get(1)), ("redis-get-P16", "k/s", Goal(">=", 0.8), redis_get(16)),
            ("nginx-keep-alive", "k/s", Goal(">=", 0.6), nginx_requests()),
            ("nginx-close", "k/s", Goal(">=", 0.4), nginx_requests("-H", "Connection: close"))):
        rows.append(Row(name, [Metric("", unit, goal)], measure))
        rows.append(Row(name + "-notify", [Metric("", unit)], measure, paths=("tapir-notify", "veth")))
    rows.append(Row("nginx-many-open", [
        Metric("open", "connections", baseline=None, digits=0),
        Metric("p50", "us", digits=0),
        Metric("kernel bytes", "B/conn", digits=0),
        Metric("daemon bytes", "B/conn", baseline=None, digits=0),
    ], nginx_with_many_open, rounds=1))
    return rows


def notify_rows():
    """The rows above by way of seccomp notifications, against the preload way; rates and costs against the kernel's too."""
    rows = []
    for d in ("in", "out"):
        rows.append(Row("bulk-%s-notify" % d, [Metric("", "Gbit/s", Goal(">=", 0.95), baseline="tapir")], bulk(d),
                        paths=("tapir-notify", "tapir")))
    for name, unit, metrics, measure in (
            ("iperf3-%s-notify", "Gbit/s", [""], iperf3), ("rr-%s-notify", "us", ["p50", "p99"], lambda d: round_trip(d, False)),
            ("udp-%s-notify", "k/s", [""], lambda d: udp_echo(d, UDP_IN_FLIGHT)), ("conn-%s-notify", "k/s", [""], connections)):
        for d in ("in", "out"):
            rows.append(Row(name % d, [Metric(m, unit) for m in metrics] +
                            [Metric(m, unit, baseline="tapir") for m in metrics], measure(d), paths=("tapir-notify", "veth", "tapir")))
    rows.append(Row("socket-connect", [Metric("", "us", digits=1)], socket_and_connect))
    rows.append(Row("socket-connect-notify", [Metric("", "us", digits=1)], socket_and_connect, paths=("tapir-notify", "veth")))
    return rows


def all_rows():
    rows = []
    for d in ("in", "out"):
        rows.append(Row("bulk-" + d, [Metric("", "Gbit/s", BULK)], bulk(d), cpu_goal=CPU_PER_GB))
    for d in ("in", "out"):
        rows.append(Row("iperf3-" + d, [Metric("", "Gbit/s", BULK)], iperf3(d)))
    for d in ("in", "out"):
        rows.append(Row("bulk-off-" + d, [Metric("", "Gbit/s", BULK_OFF), Metric("", "Gbit/s", None, baseline="veth-off")],
                        bulk(d), paths=("tapir-off", "veth", "veth-off")))
    for one_core, name, goal in ((False, "rr-", RATIO_RR), (True, "rr-one-core-", None)):
        for d in ("in", "out"):
            rows.append(Row(name + d, [Metric("p50", "us", goal), Metric("p99", "us", goal)], round_trip(d, one_core)))
    for d in ("in", "out"):
        rows.append(Row("udp-" + d, [Metric("", "k/s", RATE, digits=1)], udp_echo(d, UDP_IN_FLIGHT)))
    for d in ("in", "out"):
        rows.append(Row("udp-flood-" + d, [Metric("", "k/s", digits=1)], udp_echo(d, 0)))
    for d in ("in", "out"):
        rows.append(Row("quic-" + d, [Metric("", "Gbit/s", RATE)], quic(d)))
    for d in ("in", "out"):
        rows.append(Row("conn-" + d, [Metric("", "k/s", RATE)], connections(d)))
    for d in ("in", "out"):
        rows.append(Row("seq-" + d, [Metric("", "k/s"), Metric("lost", "connections", NO_LOSS, digits=0)], in_sequence(d), rounds=1))
    rows += program_rows() + notify_rows()
    rows.append(Row("rest", [
        Metric("calls alone", "calls", HANDFUL, baseline=None, digits=0),
        Metric("calls with idle connections", "calls", HANDFUL, baseline=None, digits=0),
        Metric("bytes, anonymous", "B/conn", Goal("<=", 1024, of="ours"), baseline=None, digits=0),
        Metric("bytes, pss", "B/conn", None, baseline=None, digits=0),
        Metric("bytes after an echo, anonymous", "B/conn", None, baseline=None, digits=0),
    ], at_rest, rounds=1, paths=("tapir",)))
    return rows
