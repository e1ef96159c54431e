# SPDX-License-Identifier: BSD-2-Clause
"""lab.py - the place where bench.py measures: namespaces, the daemon, processes on chosen processors.

Everything dies with the driver, also when that is killed: each child has a parent-death signal (the daemon, which changes its
user and so loses that, a guard), a namespace lives as long as the process that holds it, and a TAP as long as its daemon. The one
thing outside is the initial namespace's list of allowed congestion controls; Cubic puts it back, except after SIGKILL.
"""

import ctypes
import fcntl
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
READY_SECONDS = 10  # a server or a daemon that takes longer has failed
OUTER_UID = "TAPIR_BENCH_UID"  # set inside a user namespace of our own: who started us outside
GRACE_SECONDS = 30  # what a run may take beyond its measuring time


class Failed(Exception):
    """A measurement that could not be made; the text says why."""


def spawn(argv, cpus=None, **kwargs):
    """Start a process on the given processors that ends with the driver."""

    def prepare():
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if cpus:
            os.sched_setaffinity(0, cpus)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    return subprocess.Popen(argv, preexec_fn=prepare, **kwargs)


def stop(process, seconds=5):
    """End a process that we started: SIGTERM, then SIGKILL."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


def read_line(process, seconds):
    """The next line of an unbuffered process's standard output; fails when none comes in time."""
    line = b""
    deadline = time.monotonic() + seconds
    while not line.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise Failed("no answer within %d s" % seconds)
        byte = os.read(process.stdout.fileno(), 1)
        if not byte:
            raise Failed("ended: " + process.stderr.read().decode(errors="replace").strip() if process.stderr else "ended")
        line += byte
    return line.decode().rstrip("\n")


def guard(pid):
    """A process that ends @pid when the driver is gone: its standard input ends then."""
    return subprocess.Popen(["sh", "-c", "read _; kill %d" % pid], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, start_new_session=True)


class Namespace:
    """A network namespace, held by a sleeping process."""

    def __init__(self):
        self.holder = spawn(["unshare", "--net", "sleep", "infinity"])
        mine = os.readlink("/proc/self/ns/net")
        deadline = time.monotonic() + READY_SECONDS
        while self._link() in (mine, None):
            if self.holder.poll() is not None or time.monotonic() > deadline:
                raise Failed("no network namespace (root, or user namespaces, are needed)")
            time.sleep(0.005)
        # A kernel address must be usable at once, and closed connections must not use up a client's ports.
        self.sh("ip link set lo up; for i in all default; do echo 0 >/proc/sys/net/ipv6/conf/$i/accept_dad; done;"
                "echo 1024 65535 >/proc/sys/net/ipv4/ip_local_port_range")
        self.congestion_control = self._set_cubic()

    def _link(self):
        try:
            return os.readlink("/proc/%d/ns/net" % self.holder.pid)
        except OSError:
            return None

    def _set_cubic(self):
        path = "/proc/sys/net/ipv4/tcp_congestion_control"
        self.sh("{ echo cubic >%s; } 2>/dev/null || true" % path)
        return self.sh("cat " + path).strip()

    def enter(self):
        return ["nsenter", "--net=/proc/%d/ns/net" % self.holder.pid, "--"]

    def sh(self, script):
        r = subprocess.run(self.enter() + ["sh", "-ec", script], capture_output=True, text=True)
        if r.returncode != 0:
            raise Failed("%s: %s" % (script, r.stderr.strip()))
        return r.stdout

    def close(self):
        stop(self.holder)


class Cubic:
    """Lets namespaces choose CUBIC while it is open: the initial namespace's list of allowed algorithms rules."""

    PATH = "/proc/sys/net/ipv4/tcp_allowed_congestion_control"

    def __init__(self):
        self.before = None
        try:
            allowed = open(self.PATH).read().split()
            if "cubic" not in allowed:
                with open(self.PATH, "w") as f:
                    f.write(" ".join(allowed + ["cubic"]))
                self.before = " ".join(allowed)
        except OSError:
            pass  # a namespace says what it has got

    def close(self):
        if self.before is not None:
            with open(self.PATH, "w") as f:
                f.write(self.before)
            self.before = None


class Lock:
    """One measurement at a time on a machine."""

    def __init__(self):
        self.file = open(os.path.join(tempfile.gettempdir(), "tapir-bench-%s.lock" % os.environ.get(OUTER_UID, os.getuid())), "w")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("another bench is running; waiting for it", file=sys.stderr)
            fcntl.flock(self.file, fcntl.LOCK_EX)


def process_tree(pid):
    """pid and all its descendants."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = open("/proc/%s/stat" % name).read()
            except OSError:
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(name))
    tree, todo = [], [pid]
    while todo:
        p = todo.pop()
        tree.append(p)
        todo += children.get(p, [])
    return tree


def cpu_seconds(pids):
    """utime + stime of processes."""
    ticks = 0
    for pid in pids:
        fields = open("/proc/%d/stat" % pid).read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_SECOND


def memory_bytes(pids):
    """What processes hold for themselves and no other: {"rss": ..., "pss": ..., "anonymous": ...}."""
    sums = {"Rss": 0, "Pss": 0, "Anonymous": 0}
    for pid in pids:
        for line in open("/proc/%d/smaps_rollup" % pid):
            key, _, rest = line.partition(":")
            if key in sums:
                sums[key] += int(rest.split()[0]) * 1024
    return {k.lower(): v for k, v in sums.items()}


class Daemon:
    """tapird with its TAP in a namespace of its own, whose kernel is the other end."""

    def __init__(self, lab, label, offload, mtu):
        self.namespace = Namespace()
        self.socket = os.path.join(lab.directory, label + ".sock")
        self.log_path = os.path.join(lab.directory, label + ".log")
        argv = self.namespace.enter() + [
            os.path.join(lab.build, "tapird"), "--name", "bench-%d-%s" % (os.getpid(), label), "--socket", self.socket,
            "--tap", "tap0", "--mtu", str(mtu), "--offload", offload,
            "--addr", "10.77.0.2/24", "--addr", "fd77::2/64", "--host-addr", "10.77.0.1/24", "--host-addr", "fd77::1/64"]
        self.process = spawn(argv, stdin=subprocess.DEVNULL, stdout=open(self.log_path, "w"), stderr=subprocess.STDOUT)
        self.guard = guard(self.process.pid)
        deadline = time.monotonic() + READY_SECONDS
        while "ready" not in self.log():
            if self.process.poll() is not None or time.monotonic() > deadline:
                tail = self.log().strip().split("\n")[-1]
                self.close()
                raise Failed("tapird did not become ready: " + tail)
            time.sleep(0.01)
        self.pids = process_tree(self.process.pid)

    def log(self):
        return open(self.log_path).read()

    def pin(self, cpus):
        for pid in self.pids:
            for tid in os.listdir("/proc/%d/task" % pid):
                os.sched_setaffinity(int(tid), cpus)

    def alive(self):
        return self.process.poll() is None and all(os.path.exists("/proc/%d" % p) for p in self.pids)

    def close(self):
        stop(self.guard)
        stop(self.process)
        self.namespace.close()


class Quiet:
    """Waits until nothing else uses the processors, at most SECONDS_MAX at a time, and counts when that was in vain."""

    SAMPLE_SECONDS, BUSY_MAX, SECONDS_MAX = 0.1, 0.15, 10

    def __init__(self, cpus):
        self.keys = ["cpu%d" % c for c in cpus]
        self.waits = self.in_vain = 0

    def _ticks(self):
        """(busy, all) ticks of our processors so far."""
        busy = total = 0
        for line in open("/proc/stat"):
            fields = line.split()
            if fields[0] in self.keys:
                ticks = [int(t) for t in fields[1:9]]
                total += sum(ticks)
                busy += sum(ticks) - ticks[3] - ticks[4]
        return busy, total

    def wait(self):
        self.waits += 1
        deadline = time.monotonic() + self.SECONDS_MAX
        while time.monotonic() < deadline:
            before = self._ticks()
            time.sleep(self.SAMPLE_SECONDS)
            after = self._ticks()
            if after[0] - before[0] <= self.BUSY_MAX * (after[1] - before[1]):
                return
        self.in_vain += 1


class Path:
    """Two ends that can reach each other. Ours: "near" is on the stack, "far" on the kernel behind the TAP.
    The baseline: both on the kernel, joined by a veth pair."""

    def __init__(self, near, far, near_addr, far_addr, daemon=None):
        self.prefix = {"near": near, "far": far}
        self.addr = {"near": near_addr, "far": far_addr}
        self.daemon = daemon


class Pins:
    """Which processors the near end, the far end and the daemon may use."""

    def __init__(self, near, far, daemon):
        self.near, self.far, self.daemon = near, far, daemon


class Lab:
    """Namespaces and daemons, made when first asked for."""

    def __init__(self, build, mtu, family):
        self.build, self.mtu, self.family = build, mtu, family
        self.directory = tempfile.mkdtemp(prefix="tapir-bench-")
        self.bench = os.path.join(build, "tests/bench/bench")
        self.open_things = []
        self.paths = {}
        self.port = 20000
        try:
            self.lock = Lock()
            self.cubic = self._keep(Cubic())
            self.void = self._keep(Namespace())  # no link to anywhere: what runs on the stack here reaches nothing else
        except BaseException:
            self.close()
            raise

    def _keep(self, thing):
        self.open_things.append(thing)
        return thing

    def close(self):
        for thing in reversed(self.open_things):
            thing.close()
        self.open_things = []
        shutil.rmtree(self.directory, ignore_errors=True)

    def congestion_control(self):
        return sorted({n.congestion_control for n in self._namespaces()})

    def _namespaces(self):
        for thing in self.open_things:
            if isinstance(thing, Namespace):
                yield thing
            elif isinstance(thing, Daemon):
                yield thing.namespace

    def path(self, name):
        """"tapir", "tapir-notify" (the same daemon, --mode=notify), "tapir-off" (started with --offload off), "veth", "veth-off"."""
        if name == "tapir-notify" and name not in self.paths:
            self.paths[name] = self._through(self.path("tapir").daemon, "notify")
        if name not in self.paths:
            offload = "off" if name.endswith("-off") else "on"
            self.paths[name] = self._veth(offload) if name.startswith("veth") else self._tapir(name, offload)
        return self.paths[name]

    def _address(self, network, host):
        return "fd%d::%d" % (network, host) if self.family == 6 else "10.%d.0.%d" % (network, host)

    def _veth(self, offload):
        a, b = self._keep(Namespace()), self._keep(Namespace())
        a.sh("ip link add veth0 type veth peer name veth0 netns %d" % b.holder.pid)
        for n, host in ((a, 2), (b, 1)):
            n.sh("ip link set veth0 mtu %d up; ip addr add 10.78.0.%d/24 dev veth0; ip addr add fd78::%d/64 dev veth0"
                 % (self.mtu, host, host))
            if offload == "off":
                n.sh("ethtool -K veth0 tso off gso off gro off tx off rx off sg off >/dev/null")
        return Path(a.enter(), b.enter(), self._address(78, 2), self._address(78, 1))

    def _tapir(self, label, offload):
        return self._through(self._keep(Daemon(self, label, offload, self.mtu)), "preload")

    def _through(self, d, mode):
        run = [os.path.join(self.build, "tapir"), "run", "--socket", d.socket, "--mode", mode, "--"]
        return Path(self.void.enter() + run, d.namespace.enter(), self._address(77, 2), self._address(77, 1), d)

    def new_daemon(self, label):
        """A daemon of its own for one measurement; the caller closes its path's daemon."""
        path = self._tapir(label, "on")
        self.open_things.remove(path.daemon)
        return path

    def next_port(self):
        self.port += 1
        return str(self.port)

    def start_server(self, path, end, argv, cpus, ready="ready"):
        """Start a server at an end of the path and wait for its line that begins with @ready."""
        server = spawn(path.prefix[end] + argv, cpus, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            while not read_line(server, READY_SECONDS).startswith(ready):
                pass
        except Failed as e:
            stop(server)
            raise Failed("%s: %s" % (" ".join(argv[:2]), e))
        return server

    def run_client(self, path, end, argv, cpus, seconds):
        """Run a client to its end; returns its standard output and the daemon's CPU-seconds meanwhile."""
        before = cpu_seconds(path.daemon.pids) if path.daemon else 0
        client = spawn(path.prefix[end] + argv, cpus, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = client.communicate(timeout=seconds + GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failed("%s: not done %d s after its time" % (" ".join(argv[:2]), GRACE_SECONDS))
        finally:
            stop(client)
        if path.daemon and not path.daemon.alive():
            raise Failed("tapird ended: " + path.daemon.log().strip().split("\n")[-1])
        if client.returncode != 0:
            raise Failed("%s: status %d: %s" % (" ".join(argv[:2]), client.returncode,
                                                err.decode(errors="replace").strip() or out.decode(errors="replace").strip()))
        cpu = cpu_seconds(path.daemon.pids) - before if path.daemon else 0
        return out.decode(), cpu

    def pair(self, path, server_end, server, client, pins, seconds, server_reports=False):
        """Run the bench program's @server at one end and @client at the other.
        Returns the report of the client (of the server when @server_reports), with the daemon's CPU-seconds in it."""
        client_end = "far" if server_end == "near" else "near"
        cpus = {"near": pins.near, "far": pins.far}
        at = [path.addr[server_end], self.next_port()]
        if path.daemon:
            path.daemon.pin(pins.daemon)
        process = self.start_server(path, server_end, [self.bench, server[0]] + at + server[1:], cpus[server_end])
        try:
            out, cpu = self.run_client(path, client_end, [self.bench, client[0]] + at + client[1:], cpus[client_end], seconds)
            if server_reports:
                out = read_line(process, GRACE_SECONDS)
        except Failed as e:
            process.kill()
            raise Failed("%s %s" % (e, process.stderr.read().decode(errors="replace").strip()))
        finally:
            stop(process)
        report = json.loads(out)
        report["daemon_cpu_seconds"] = cpu
        return report
