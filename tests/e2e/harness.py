# SPDX-License-Identifier: BSD-2-Clause
"""harness.py - a world in which real programs meet the stack, and what every test must leave behind.

A *world* is two network namespaces: `host`, the kernel's side, with the TAP (or, for --stack kernel, one end of a veth pair), and
`guest`, where the programs "on the stack" run. With tapir the guest namespace has no interface at all, not even its loopback is
up, so that nothing can pass over the kernel by accident; with --stack kernel it holds the other end of the veth pair, and the
same tests show what the kernel itself does: the reference that says whether a test is right.

Everything happens inside mount, PID and network namespaces of the run (run.py makes them): when the run ends, however it ends,
the kernel takes processes, namespaces, devices and files with it.

Promises: waits are on conditions, with generous deadlines; nothing measures time. After each test the daemon lives, its log has no
sanitizer report, its sockets are gone, its descriptors are back to where they were, and its memory is bounded."""

import ctypes
import fnmatch
import hashlib
import json
import os
import re
import resource
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PEERS = os.path.join(HERE, "peers.py")
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
GIB = 1 << 30
MIB = 1 << 20
DEADLINE = 60  # seconds: the usual bound on something that takes far less

KERNEL = {4: "10.77.0.1", 6: "fd77::1"}
STACK = {4: "10.77.0.2", 6: "fd77::2"}
ABSENT = {4: "10.77.0.99", 6: "fd77::99"}  # on the link, but nobody has it
UNREACHABLE = {4: "203.0.113.1", 6: "2001:db8:a::1"}  # the kernel answers with an ICMP error
BLACKHOLE = {4: "198.51.100.1", 6: "2001:db8:b::1"}  # the kernel says nothing
AF = {4: socket.AF_INET, 6: socket.AF_INET6}

COMBOS = [("on", 1500), ("on", 9000), ("off", 1500), ("off", 9000)]

libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """A test found what must not be."""


def check(condition, text):
    if not condition:
        raise Failure(text)


def wait_for(condition, text, deadline=DEADLINE):
    """Returns condition()'s first true value; fails with @text (a string or a function) at the deadline."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure("waited %d s in vain: %s" % (deadline, text() if callable(text) else text))
        time.sleep(0.02)


def url_host(address):
    return "[%s]" % address if ":" in address else address


# ---- The tests and their names ---------------------------------------------------------------------------------------

TESTS = []


class Test:
    def __init__(self, function, families, combos, stacks, smoke, tshark, capture, options):
        self.function, self.families, self.combos, self.stacks = function, families, combos, stacks
        self.smoke, self.tshark, self.capture, self.options = smoke, tshark, capture, options
        self.name = function.__name__


def test(families=(4, 6), combos="all", stacks=("tapir", "kernel"), smoke=False, tshark=False, capture=True, options=None):
    """Declares a test function(world, family), or function(world) with families=None.

    combos: "all" of the matrix, or "first" (offloads on, MTU 1500). smoke: part of the short run against sanitizers. capture:
    tcpdump reads along and every packet is decoded afterwards; tshark: by tshark too. options: of a daemon of the test's own
    ([] for the usual ones); None: it shares the combination's daemon with other tests."""

    def add(function):
        TESTS.append(Test(function, families, combos, stacks, smoke, tshark, capture, options))
        return function

    return add


def list_cases(stack, matrix, only):
    """All (name, test, family, combo) of a run, grouped by combination so that worlds are shared."""
    cases = []
    for combo in COMBOS:
        label = "%s-%d" % combo
        if matrix in ("first", "smoke") and combo != COMBOS[0]:
            continue
        if "-" in matrix and matrix != label:
            continue
        for t in TESTS:
            if stack not in t.stacks or (matrix == "smoke" and not t.smoke):
                continue
            if t.combos == "first" and combo != COMBOS[0] and matrix != "everything":
                continue
            for family in t.families or (None,):
                name = "/".join([t.name] + (["v%d" % family] if family else []) + [label])
                if not only or any(fnmatch.fnmatch(name, p) or fnmatch.fnmatch(name, p + "/*") for p in only):
                    cases.append((name, t, family, combo))
    return cases


# ---- Processes -------------------------------------------------------------------------------------------------------


def before_exec():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Proc:
    """A program of a test, in a process group of its own; what it prints goes to files, so that it never blocks on us."""

    def __init__(self, argv, directory, serial, env=None, stdin=None, stdout=None, label=""):
        self.argv, self.label = argv, label or os.path.basename(argv[0])
        self.out_path = os.path.join(directory, "%03d-out" % serial)
        self.err_path = os.path.join(directory, "%03d-err" % serial)
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.popen = subprocess.Popen(argv, stdin=stdin or subprocess.DEVNULL, stdout=stdout or out, stderr=err,
                                          env=env, start_new_session=True, preexec_fn=before_exec)
        self.pid = self.popen.pid

    def out(self):
        with open(self.out_path, errors="replace") as f:
            return f.read()

    def err(self):
        with open(self.err_path, errors="replace") as f:
            return f.read()

    def lives(self):
        return self.popen.poll() is None

    def wait(self, deadline=DEADLINE):
        try:
            return self.popen.wait(deadline)
        except subprocess.TimeoutExpired:
            raise Failure("%s did not end within %d s" % (self.label, deadline)) from None

    def wait_out(self, pattern, deadline=DEADLINE):
        """Waits until what it printed (either way) matches; returns the match."""

        def seen():
            match = re.search(pattern, self.out() + "\n" + self.err())
            check(match or self.lives(), "%s ended (status %s) before it said %r" % (self.label, self.popen.returncode, pattern))
            return match

        return wait_for(seen, "%s never said %r" % (self.label, pattern), deadline)

    def expect(self, status=0, deadline=DEADLINE):
        rc = self.wait(deadline)
        check(rc == status, "%s: exit status %d, not %d: %s" % (self.label, rc, status, tail(self.err() or self.out(), 600)))
        return self

    def signal(self, number):
        if self.lives():
            os.kill(self.pid, number)

    def kill(self):
        """SIGKILL to the whole group that we started."""
        if self.lives():
            os.killpg(self.pid, signal.SIGKILL)
            self.popen.wait()

    def stop(self, deadline=DEADLINE):
        """SIGTERM, and its end."""
        self.signal(signal.SIGTERM)
        return self.wait(deadline)

    def report(self, brief=False):
        state = "still running" if self.lives() else "status %d" % self.popen.returncode
        if brief and self.popen.returncode == 0:
            return "  $ %s\n    (%s)" % (" ".join(self.argv), state)
        text = ["  $ %s\n    (%s)" % (" ".join(self.argv), state)]
        for name, content in (("stdout", self.out()), ("stderr", self.err())):
            if content.strip():
                text.append("    %s: %s" % (name, tail(content, 2000).replace("\n", "\n    ")))
        return "\n".join(text)


def tail(text, n):
    text = text.strip()
    return text if len(text) <= n else "[...]" + text[-n:]


def children_of(pid):
    """All descendants of @pid."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/stat" % entry) as f:
                    parents[int(entry)] = int(f.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                pass
    found, todo = [], [pid]
    while todo:
        parent = todo.pop()
        new = [p for p, q in parents.items() if q == parent]
        found += new
        todo += new
    return found


# ---- Namespaces ------------------------------------------------------------------------------------------------------


class Netns:
    def __init__(self, name):
        self.name, self.path = name, "/run/netns/" + name
        subprocess.run(["ip", "netns", "add", name], check=True)

    def enter(self):
        return ["nsenter", "--net=" + self.path, "--"]

    def run(self, *argv):
        done = subprocess.run(self.enter() + list(argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Failure("%s in namespace %s: %s" % (" ".join(argv), self.name, done.stdout.strip()))
        return done.stdout

    def sysctl(self, key, value):
        """/proc/sys/net shows the namespace of the process that opens it."""
        self.run("sh", "-c", "echo %s > /proc/sys/%s" % (value, key.replace(".", "/")))

    def socket(self, family, kind, protocol=0):
        """A socket that lives in this namespace, for our own use."""
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(self.path, os.O_RDONLY)
        try:
            if libc.setns(there, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                return socket.socket(family, kind, protocol)
            finally:
                libc.setns(home, CLONE_NEWNET)
        finally:
            os.close(home)
            os.close(there)

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], check=False)


# ---- The world -------------------------------------------------------------------------------------------------------


class World:
    serial = 0

    def __init__(self, config, combo, options=None):
        World.serial += 1
        self.config, self.combo = config, combo
        self.offload, self.mtu = combo
        self.full = combo == COMBOS[0] and not config.smoke
        self.bulk_bytes = GIB if self.full else 64 * MIB if not config.smoke else 16 * MIB
        self.is_tapir = config.stack == "tapir"
        self.id = "%s-%d" % (config.run_id, World.serial)
        self.dir = "/run/e2e/" + self.id
        self.tap = "tap0"
        self.socket_path = os.path.join(self.dir, "tapir.sock")
        self.options = options
        self.test_dir = self.dir + "/test"
        self.procs, self.proc_serial = [], 0
        self.daemon = None
        self.host = self.guest = None

    # -- building it up and taking it down

    def open(self):
        os.makedirs(self.test_dir)
        os.chmod(self.dir, 0o755)
        self.host, self.guest = Netns("h" + self.id), Netns("g" + self.id)
        for key in ("all", "default"):
            self.host.sysctl("net.ipv6.conf.%s.accept_dad" % key, 0)
        self.host.run("ip", "link", "set", "lo", "up")
        self.host.sysctl("net.ipv4.ip_forward", 1)
        self.host.sysctl("net.ipv6.conf.all.forwarding", 1)
        if self.is_tapir:
            self.start_daemon()
        else:
            self.make_kernel_guest()
        for command in (["route", "add", "blackhole", "198.51.100.0/24"], ["route", "add", "unreachable", "203.0.113.0/24"],
                        ["-6", "route", "add", "blackhole", "2001:db8:b::/48"],
                        ["-6", "route", "add", "unreachable", "2001:db8:a::/48"]):
            self.host.run("ip", *command)
        return self

    def make_kernel_guest(self):
        """The reference: the kernel on both sides of a veth pair."""
        self.guest.sysctl("net.ipv6.conf.default.accept_dad", 0)
        self.host.run("ip", "link", "add", self.tap, "type", "veth", "peer", "name", "eth0", "netns", self.guest.name)
        for ns, dev, side in ((self.host, self.tap, KERNEL), (self.guest, "eth0", STACK)):
            ns.run("ip", "link", "set", dev, "mtu", str(self.mtu), "up")
            ns.run("ip", "addr", "add", side[4] + "/24", "dev", dev)
            ns.run("ip", "addr", "add", side[6] + "/64", "dev", dev)
            if self.offload == "off":
                ns.run("ethtool", "-K", dev, "tx", "off", "rx", "off", "tso", "off", "gso", "off", "gro", "off")
        self.guest.run("ip", "link", "set", "lo", "up")
        self.guest.run("ip", "route", "add", "default", "via", KERNEL[4])
        self.guest.run("ip", "-6", "route", "add", "default", "via", KERNEL[6])
        self.guest.sysctl("net.ipv4.ping_group_range", "'0 2147483647'")

    def daemon_argv(self, *options):
        argv = [self.config.tapird, "--name", "e2e-" + self.id, "--socket", self.socket_path, "--tap", self.tap]
        for family, length in ((4, 24), (6, 64)):
            argv += ["--addr", "%s/%d" % (STACK[family], length), "--host-addr", "%s/%d" % (KERNEL[family], length),
                     "--gateway", KERNEL[family]]
        if self.mtu != 1500:
            argv += ["--mtu", str(self.mtu)]
        if self.offload == "off":
            argv += ["--offload", "off"]
        return argv + (self.options or []) + list(options)

    def start_daemon(self):
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0:quarantine_size_mb=1", UBSAN_OPTIONS="print_stacktrace=1")
        self.daemon = self.start(self.host.enter() + self.daemon_argv(), env=env, label="tapird", directory=self.dir)
        self.procs.remove(self.daemon)
        self.daemon.wait_out(r"\bready\b")
        self.daemon_pids = self.pids_of_daemon()
        self.daemon_fds = self.count_fds()

    def end_daemon(self):
        """SIGTERM at the end of its work: it must end well, and a sanitized one must have lost no memory."""
        if self.daemon and self.daemon.lives():
            status = self.daemon.stop()
            check(status == 0, "after SIGTERM tapird's exit status was %d" % status)
            found = re.search(r".*(AddressSanitizer|LeakSanitizer|runtime error:).*", self.daemon.err())
            check(not found, "tapird at its end: %s" % (found and found.group(0)))

    def close(self):
        for proc in self.procs:
            proc.kill()
        if self.daemon:
            self.daemon.kill()
        for ns in (self.host, self.guest):
            if ns:
                ns.remove()
        subprocess.run(["rm", "-rf", self.dir], check=False)

    # -- programs

    def start(self, argv, directory=None, **kw):
        self.proc_serial += 1
        try:
            proc = Proc(argv, directory or self.test_dir, self.proc_serial, **kw)
        except FileNotFoundError:
            raise Failure("program missing: %s" % argv[0]) from None
        self.procs.append(proc)
        return proc

    def host_start(self, *argv, **kw):
        """Starts a program on the kernel's side."""
        require(argv[0])
        return self.start(self.host.enter() + list(argv), label=kw.pop("label", os.path.basename(argv[0])), **kw)

    def stack_start(self, *argv, **kw):
        """Starts a program on the stack."""
        require(argv[0])
        return self.start(self.guest.enter() + self.run_prefix() + list(argv),
                          label=kw.pop("label", os.path.basename(argv[0]) + " (on the stack)"), **kw)

    def run_prefix(self):
        return [self.config.tapir, "run", "--socket", self.socket_path, "--"] if self.is_tapir else []

    def guest_interface(self):
        """As programs on the stack see it."""
        return "tap0" if self.is_tapir else "eth0"

    def host_run(self, *argv, status=0, deadline=DEADLINE, **kw):
        return self.host_start(*argv, **kw).expect(status, deadline)

    def stack_run(self, *argv, status=0, deadline=DEADLINE, **kw):
        return self.stack_start(*argv, **kw).expect(status, deadline)

    def host_peer(self, *args, **kw):
        return self.host_start("python3", PEERS, *[str(a) for a in args], label="peers.py " + str(args[0]), **kw)

    def stack_peer(self, *args, **kw):
        return self.stack_start("python3", PEERS, *[str(a) for a in args], label="peers.py %s (on the stack)" % args[0], **kw)

    def path(self, name):
        """A file of this test."""
        return os.path.join(self.test_dir, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def wait_port(self, address, port, server=None):
        """Until something accepts connections there, as seen from the kernel's side."""

        def accepts():
            check(server is None or server.lives(), "%s ended before it listened" % (server and server.label))
            s = self.host.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
            s.settimeout(5)
            try:
                s.connect((address, port))
                return True
            except OSError:
                return False
            finally:
                s.close()

        wait_for(accepts, "nothing listens on %s port %d" % (address, port))

    # -- the daemon, looked at from outside

    def tapir(self, *argv, status=0, deadline=DEADLINE):
        env = dict(os.environ, TAPIR_SOCKET=self.socket_path)
        return self.start([self.config.tapir] + list(argv), env=env, label="tapir " + argv[0]).expect(status, deadline)

    def tapir_json(self, *argv):
        proc = self.tapir(*argv, "--json")
        try:
            value = json.loads(proc.out())
        except ValueError as e:
            raise Failure("tapir %s --json: %s: %s" % (" ".join(argv), e, tail(proc.out(), 300))) from None
        self.procs.remove(proc)
        return value

    def stats(self):
        """Counters by name."""
        value = self.tapir_json("stats")
        if isinstance(value, dict) and "stats" in value:
            value = value["stats"]
        if isinstance(value, list):
            return {r["name"]: r["value"] for r in value}
        return {k: v["value"] if isinstance(v, dict) else v for k, v in value.items()}

    def sockets(self, with_time_wait=False):
        value = self.tapir_json("ss", "-a")
        records = value["sockets"] if isinstance(value, dict) else value
        return [r for r in records if with_time_wait or r["state"] != "TIME-WAIT"]

    def pids_of_daemon(self):
        return [self.daemon.pid] + children_of(self.daemon.pid)

    def count_fds(self):
        return sum(len(os.listdir("/proc/%d/fd" % p)) for p in self.daemon_pids)

    def rss_bytes(self):
        total = 0
        for pid in self.daemon_pids:
            with open("/proc/%d/status" % pid) as f:
                total += int(re.search(r"VmRSS:\s*(\d+)", f.read()).group(1)) << 10
        return total

    def check_daemon_lives(self):
        check(self.daemon.lives(), "tapird ended, status %s" % self.daemon.popen.returncode)
        check(self.pids_of_daemon() == self.daemon_pids, "a process of tapird died: %s, now %s"
              % (self.daemon_pids, self.pids_of_daemon()))
        found = re.search(r".*(AddressSanitizer|LeakSanitizer|runtime error:|Assertion).*", self.daemon.err())
        check(not found, "tapird's log: %s" % (found and found.group(0)))

    def check_daemon_idle(self):
        """What must hold between tests."""
        self.check_daemon_lives()
        wait_for(lambda: not self.sockets(), lambda: "sockets nobody holds are left: %s" % self.sockets())
        wait_for(lambda: self.count_fds() <= self.daemon_fds,
                 lambda: "tapird holds %d descriptors, %d when it was ready" % (self.count_fds(), self.daemon_fds))
        limit = 512 * MIB if not self.config.sanitized else 4 * GIB
        check(self.rss_bytes() < limit, "tapird's memory: %d MiB" % (self.rss_bytes() >> 20))

    # -- after a test

    def end_test(self):
        """Ends what the test left running (it may leave servers to us), by pid: all that lives here and is not the daemon."""
        for proc in self.procs:
            proc.kill()
        self.procs = []
        keep = {1, os.getpid()} | set(self.pids_of_daemon() if self.daemon and self.daemon.lives() else [])
        for pid in children_of(1):
            if pid not in keep:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        subprocess.run(["rm", "-rf", self.test_dir], check=False)
        os.mkdir(self.test_dir)

    def report(self):
        text = [p.report(brief=True) for p in self.procs[:-4]] + [p.report() for p in self.procs[-4:]]
        if os.path.exists(self.path("wire.pcap")):
            done = subprocess.run(["tcpdump", "-nn", "-r", self.path("wire.pcap")], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, errors="replace", check=False)
            text.append("  the wire's end:\n%s" % tail(done.stdout, 3000))
        if self.daemon:
            text.append(self.daemon.report())
            if self.daemon.lives():
                for argv in (["ss", "-a"], ["neigh"], ["link"], ["stats"]):
                    done = subprocess.run([self.config.tapir] + argv, env=dict(os.environ, TAPIR_SOCKET=self.socket_path),
                                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
                    text.append("  tapir %s:\n%s" % (argv[0], tail(done.stdout, 6000)))
        return "\n".join(text)


def require(program):
    paths = [program] if "/" in program else [os.path.join(d, program) for d in os.environ["PATH"].split(":")]
    check(any(os.access(p, os.X_OK) for p in paths), "program missing: %s" % program)


# ---- What goes over the wire, decoded --------------------------------------------------------------------------------

LENGTH_COMPLAINT = re.compile(
    r"truncated-ip|bytes missing|bad length|bad-len|bad hdr length|bad hlen|length \d+ \(?<|wrong length|invalid length|"
    r"\[header length|IP\d bad|ip6? truncated|, bad cksum")
CHECKSUM_COMPLAINT = re.compile(r"\(incorrect|bad udp cksum|bad icmp6 cksum|wrong icmp cksum|bad cksum|incorrect icmp")


class Wire:
    """tcpdump on the kernel's end of the link while a test runs; afterwards every packet is decoded."""

    def __init__(self, world):
        self.world, self.path = world, world.path("wire.pcap")
        # Checksums need whole packets; with offloads on they are not on the wire, and headers do.
        self.proc = world.host_start("tcpdump", "-i", world.tap, "--immediate-mode", "-U", "-w", self.path, "-B", "32768",
                                     "-Z", "root", "-s", "0" if world.offload == "off" else "200")
        self.proc.wait_out(r"listening on")

    def has_read_all(self):
        """SIGUSR1 makes tcpdump tell its counts."""
        before = len(self.proc.err())
        self.proc.signal(signal.SIGUSR1)
        counts = wait_for(lambda: re.search(r"(\d+) packets captured, (\d+) packets received by filter, (\d+) packets dropped",
                                            self.proc.err()[before:]), "tcpdump tells no counts")
        captured, received, dropped = (int(n) for n in counts.groups())
        return captured + dropped >= received

    def stop(self, tshark):
        wait_for(self.has_read_all, "tcpdump does not keep up")
        self.proc.signal(signal.SIGINT)
        self.proc.expect(0)
        self.decode()
        if tshark:
            self.decode_tshark()
        os.unlink(self.path)

    def decode(self):
        complaints, lines = [], 0
        reader = subprocess.Popen(["tcpdump", "-nn", "-vv", "-r", self.path], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, errors="replace")
        for line in reader.stdout:
            lines += 1
            if LENGTH_COMPLAINT.search(line) or (self.world.offload == "off" and CHECKSUM_COMPLAINT.search(line)):
                complaints.append(line.strip())
        check(reader.wait() == 0, "tcpdump cannot read its own capture")
        check(lines > 0, "tcpdump saw nothing on %s" % self.world.tap)
        check(not complaints, "tcpdump complains of %d packets, e.g.\n    %s" % (len(complaints), "\n    ".join(complaints[:5])))

    def decode_tshark(self):
        require("tshark")
        prefs = []
        if self.world.offload == "off":
            for protocol in ("ip", "tcp", "udp"):
                prefs += ["-o", protocol + ".check_checksum:TRUE"]
        wrong = "_ws.malformed" + "".join(" || %s.checksum.status == 0" % p for p in ("ip", "tcp", "udp", "icmp", "icmpv6") if prefs)
        # What we send inside TCP and UDP is nobody's protocol, whatever the port says or the bytes look like.
        done = subprocess.run(["tshark", "-n", "-r", self.path, "-c", "20000", "-d", "tcp.port==1-65535,data",
                               "-d", "udp.port==1-65535,data", *prefs, "-Y", wrong],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        check(done.returncode == 0, "tshark: %s" % done.stderr)
        check(not done.stdout.strip(), "tshark complains:\n%s" % tail(done.stdout, 800))


# ---- Data that shows where it was damaged ----------------------------------------------------------------------------

BLOCK = hashlib.shake_256(b"tapir e2e").digest(MIB - 29)
HASHES = {}


def pattern_chunks(total):
    """@total bytes in chunks; each begins with its number, so that no two places are alike."""
    number = 0
    while total > 0:
        chunk = number.to_bytes(8, "big") + BLOCK
        if total < len(chunk):
            chunk = chunk[:total]
        yield chunk
        total -= len(chunk)
        number += 1


def pattern_sha256(total):
    if total not in HASHES:
        h = hashlib.sha256()
        for chunk in pattern_chunks(total):
            h.update(chunk)
        HASHES[total] = h.hexdigest()
    return HASHES[total]
