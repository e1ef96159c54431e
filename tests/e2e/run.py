#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""run.py - runs the end-to-end tests: real programs, a real TAP, the kernel at the other end.

    run.py [--stack tapir|kernel] [--matrix default|first|everything|smoke|on-1500|...] [--only PATTERN] [--list]
           [--build DIR] [--tapird PATH] [--keep-going N]

It first puts itself into mount, PID and network namespaces of its own: whatever ends the run (a signal to us, SIGKILL included)
takes every process, device, namespace and file of it along. Prints `ok NAME (secs)` or `FAIL NAME` with all that is known about the
failure, and at the end `N passed, N failed` on a line of its own. Exit status 0 only if every test passed."""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import harness  # noqa: E402

PROGRAMS = ["ip", "nsenter", "unshare", "mount", "ethtool", "tcpdump", "tshark", "ping", "curl", "nginx", "wrk", "redis-server",
            "redis-benchmark", "redis-cli", "iperf3", "ssh", "scp", "sshd", "ssh-keygen", "strace", "setpriv", "make", "gcc", "musl-gcc", "go",
            "wget", "haproxy", "memcached", "mosquitto", "mosquitto_pub", "mosquitto_sub", "php", "node", "perl", "ncat", "socat", "unbound",
            "dnsmasq", "radvd", "ndisc6", "traceroute", "mtr", "dhcpd", "kea-dhcp4", "kea-dhcp6", "avahi-daemon", "bridge", "dig", "psql", "sftp", "python3.11"]


def parse_arguments():
    p = argparse.ArgumentParser(description="tapir's end-to-end tests")
    p.add_argument("--stack", choices=["tapir", "kernel"], default="tapir",
                   help="kernel: the same tests with the kernel in the stack's place (the reference)")
    p.add_argument("--matrix", default="default",
                   help="default: the whole list with offloads on at MTU 1500, a subset elsewhere; first: only the former; "
                        "everything; smoke: a short list; or one combination, e.g. off-1500")
    p.add_argument("--only", action="append", default=[], metavar="PATTERN", help="tests by name, * and ? allowed; may be repeated")
    p.add_argument("--list", action="store_true", help="show the tests and stop")
    p.add_argument("--build", default=os.path.join(harness.ROOT, "build"), help="where tapir and its library are")
    p.add_argument("--tapird", help="another tapird than the one in --build, e.g. build-san/tapird")
    args = p.parse_args()
    args.build = os.path.abspath(args.build)
    args.tapir = os.path.join(args.build, "tapir")
    args.tapird = os.path.abspath(args.tapird or os.path.join(args.build, "tapird"))
    args.sanitized = "build-san" in args.tapird
    args.smoke = args.matrix == "smoke"
    return args


def load_tests():
    for name in sorted(os.listdir(harness.HERE)):
        if name.startswith("test_") and name.endswith(".py"):
            __import__(name[:-3])


def missing(args):
    """What this machine lacks, as sentences."""
    texts = []
    if os.geteuid() != 0:
        texts.append("not root: the tests make network namespaces and open a TAP (run them with sudo)")
    if not os.path.exists("/dev/net/tun"):
        texts.append("no /dev/net/tun: load the tun module (modprobe tun)")
    os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"
    for program in PROGRAMS:
        if not any(os.access(os.path.join(d, program), os.X_OK) for d in os.environ["PATH"].split(":")):
            texts.append("program missing: %s (make deps installs it)" % program)
    if args.stack == "tapir":
        for path in (args.tapir, args.tapird, os.path.join(args.build, "libtapir-preload.so")):
            if not os.path.exists(path):
                texts.append("not built: %s (make)" % path)
    return texts


def end_child_on_signals(child):
    """From here on, a signal that ends us ends @child first."""

    def end(number, frame):
        os.kill(child, signal.SIGKILL)
        os._exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)


def die_with_parent():
    harness.libc.prctl(harness.PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def wait_and_exit(child):
    """Reaps whatever ends until @child does."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def enter_namespaces():
    """Returns in a process two generations below: we stay outside to hand on signals; our child is the first process of a PID
    namespace, which the kernel empties when that ends, and reaps orphans; its child does the work."""
    flags = 0x00020000 | 0x20000000 | harness.CLONE_NEWNET | 0x08000000  # mount, PID, network, IPC
    if harness.libc.unshare(flags):
        raise OSError(harness.ctypes.get_errno(), "unshare")
    for _ in range(2):
        child = os.fork()
        if child:
            end_child_on_signals(child)
            wait_and_exit(child)
        die_with_parent()
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)


def prepare_files():
    """/run is ours alone from here on."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], check=True)
    for path in ("/run/netns", "/run/sshd", "/run/e2e"):
        os.mkdir(path)


class Runner:
    def __init__(self, args):
        self.args, self.world, self.world_key = args, None, None
        self.passed, self.failed = 0, []

    def world_for(self, test, combo):
        """The shared world of the combination, or one of the test's own."""
        key = None if test.options is not None else combo
        if self.world and (key is None or key != self.world_key):
            self.close_world()
        if not self.world:
            self.world, self.world_key = harness.World(self.args, combo, test.options), key
            self.world.open()
        return self.world

    def close_world(self, broken=False):
        """Ends the world. A shared daemon that did its work must end well, which counts as a test."""
        if not self.world:
            return
        world, self.world = self.world, None
        if world.daemon and not broken and world.options is None:
            name = "daemon_ends_well/%s-%d" % world.combo
            try:
                world.end_daemon()
                self.passed += 1
                print("ok %s" % name)
            except harness.Failure as e:
                self.failed.append(name)
                print("FAIL %s\n  %s\n%s" % (name, e, world.daemon.report()))
        world.close()

    def run_case(self, name, test, family, combo):
        start = time.monotonic()
        problem = ""
        try:
            world = self.world_for(test, combo)
            wire = harness.Wire(world) if test.capture else None
            test.function(world, *([family] if family else []))
            if wire:
                wire.stop(test.tshark)
            if world.is_tapir and world.daemon:
                world.check_daemon_lives()
        except harness.Failure as e:
            problem = str(e)
        except Exception:
            problem = traceback.format_exc()
        if not problem and self.world:
            try:
                self.world.end_test()
                if self.world.is_tapir and self.world.daemon:
                    self.world.check_daemon_idle()
            except harness.Failure as e:
                problem = "afterwards: %s" % e
        if problem:
            self.failed.append(name)
            print("FAIL %s\n  %s" % (name, problem.replace("\n", "\n  ")))
            if self.world:
                print(self.world.report())
                self.world.end_test()
            self.close_world(broken=True)  # a failure must not spoil the tests after it
        else:
            self.passed += 1
            print("ok %s (%.1f)" % (name, time.monotonic() - start))
            if test.options is not None:
                self.close_world()
        sys.stdout.flush()


def main():
    args = parse_arguments()
    load_tests()
    cases = harness.list_cases(args.stack, args.matrix, args.only)
    if args.list:
        print("\n".join(name for name, *_ in cases))
        return 0
    texts = missing(args)
    for text in texts:
        print("FAIL cannot run: %s" % text)
    if texts or not cases:
        print("0 passed, %d failed" % max(1, len(cases)))
        return 1
    args.run_id = "%d-%04x" % (os.getpid(), random.SystemRandom().randrange(1 << 16))
    sys.stdout.flush()
    enter_namespaces()
    prepare_files()
    runner = Runner(args)
    for case in cases:
        runner.run_case(*case)
    runner.close_world()
    for name in runner.failed:
        print("failed: %s" % name)
    print("%d passed, %d failed" % (runner.passed, len(runner.failed)))
    return 1 if runner.failed else 0


if __name__ == "__main__":
    sys.exit(main())
