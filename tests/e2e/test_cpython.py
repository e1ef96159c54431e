# SPDX-License-Identifier: BSD-2-Clause
"""CPython's own network test modules, on the stack's loopback and on the kernel's at the same time: the same tests must pass.

The library that knows nothing of tapir is the judge here: what passes on the kernel and does not on the stack is a failure, unless
REFUSED names it with its reason. Where a module differs it is run once more, alone: some of its tests measure time, and this machine
may be busy. Debian's python3.11 with libpython3.11-testsuite; no other python will do."""

import fnmatch
import os
import xml.etree.ElementTree

from harness import Failure, Netns, check, test, wait_for

PYTHON = "/usr/bin/python3.11"

# The longest first, so that the short ones run beside them.
MODULES = ["asyncio", "ssl", "imaplib", "xmlrpc", "socket", "selectors", "poll", "ftplib", "poplib", "asyncore", "select", "httpservers",
           "urllib2_localnet", "smtplib", "asynchat", "socketserver", "httplib", "epoll"]
NOTIFY_MODULES = ["socket", "socketserver", "select", "epoll"]
AT_ONCE = 4
DEADLINE = 180

# What is not run at all, on either side.
NOT_RUN = {
    "*VSOCK*": "AF_VSOCK is not the stack's; on some machines the kernel hangs in it",
    "*UDPLITE*": "IPPROTO_UDPLITE is refused (EPROTONOSUPPORT, as by a kernel built without it)",
}

# Tests that pass on the kernel and may fail on the stack, each with its reason.
REFUSED = {
    "test.test_epoll.*.test_control_and_wait":
        "wants bytes sent over loopback to be there when send() returns; from the stack they come a moment later",
}


class Module:
    """One module's run: on the stack (the way that @mode says), or on the kernel's loopback in namespace @ns."""

    def __init__(self, w, name, mode, ns=None):
        self.name, self.side = name, "kernel" if ns else "stack"
        self.path = w.path("%s-%s-%d" % (name, self.side, w.proc_serial))
        os.mkdir(self.path)
        argv = [PYTHON, "-m", "test", "-u", "network", "-v", "--timeout", str(DEADLINE), "--tempdir", self.path,
                "--junit-xml", self.path + ".xml"]
        for pattern in NOT_RUN:
            argv += ["-i", pattern]
        argv.append("test_" + name)
        label = "test_%s (%s)" % (name, self.side)
        if ns:
            self.proc = w.start(ns.enter() + argv, label=label)
        else:
            self.proc = w.start(w.guest.enter() + [w.config.tapir, "run", "--socket", w.socket_path, "--mode", mode, "--"] + argv, label=label)

    def results(self):
        """What became of each test, by name."""
        if not os.path.exists(self.path + ".xml"):
            raise Failure("%s was not finished: %s" % (self.proc.label, self.proc.report()[-3000:]))
        found = {}
        for case in xml.etree.ElementTree.parse(self.path + ".xml").iter("testcase"):
            bad = [e for e in case if e.tag in ("failure", "error")]
            skipped = case.get("status") == "notrun" or case.get("result") == "suppressed" or case.find("skipped") is not None
            found[case.get("name")] = ("failed", (bad[0].text or "").strip()) if bad else ("skipped" if skipped else "passed", "")
        return found


def is_refused(name):
    return any(fnmatch.fnmatch(name, pattern) for pattern in REFUSED)


def differences(stack, kernel):
    """Tests that pass on the kernel and not on the stack, as lines."""
    ours = stack.results()
    lines = []
    for name, (result, _) in sorted(kernel.results().items()):
        mine, why = ours.get(name, ("missing", ""))
        if result == "passed" and mine != "passed" and not is_refused(name):
            lines.append("%s: %s%s" % (name, mine, "\n" + why[-1500:] if why else ""))
    return lines


def run_modules(w, ns, names, at_once, mode):
    """Runs every module on both sides, @at_once of them at a time; returns what differs, by module."""
    waiting, running, found = list(names), [], {}
    while waiting or running:
        while waiting and len(running) < at_once:
            name = waiting.pop(0)
            running.append((Module(w, name, mode), Module(w, name, mode, ns)))
        pair = wait_for(lambda: next((p for p in running if not any(m.proc.lives() for m in p)), None),
                        lambda: "still running: %s" % [m.proc.label for p in running for m in p if m.proc.lives()], DEADLINE + 30)
        running.remove(pair)
        lines = differences(*pair)
        if lines:
            found[pair[0].name] = lines
    return found


def compare(w, names, mode):
    check(os.path.exists("/usr/lib/python3.11/test/test_socket.py"), "package missing: libpython3.11-testsuite")
    ns = Netns("c" + w.id)
    try:
        ns.run("ip", "link", "set", "lo", "up")
        found = run_modules(w, ns, names, AT_ONCE, mode)
        if found:
            found = run_modules(w, ns, list(found), 1, mode)
    finally:
        ns.remove()
    check(not found, "%d tests pass on the kernel and not here:\n%s"
          % (sum(map(len, found.values())), "\n".join(line for lines in found.values() for line in lines)))


@test(families=None, combos="first", stacks=("tapir",), capture=False)
def cpython_tests_pass_as_on_the_kernel(w):
    compare(w, MODULES, "preload")


@test(families=None, combos="first", stacks=("tapir",), capture=False)
def cpython_tests_pass_in_notify_mode(w):
    compare(w, NOTIFY_MODULES, "notify")
