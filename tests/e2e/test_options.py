# SPDX-License-Identifier: BSD-2-Clause
"""Socket options: what the kernel answers is what the stack answers, except where client-lib/option_table.c says otherwise."""

import collections
import os
import re

from harness import ROOT, Failure, check, test, wait_for

REAL, EMULATED, REFUSED = range(3)
ON = {"tcp": 1, "udp": 2, "ping": 4, "icmp": 8, "raw": 8}

Row = collections.namedtuple("Row", "on answer refused_set refused_get since")


def probe(w):
    path = os.path.join(w.config.build, "tests/options/probe")
    check(os.access(path, os.X_OK), "not built: %s (make tests)" % path)
    return path


def read_table(w):
    rows = {}
    for line in w.start([probe(w), "--table"]).expect(0).out().splitlines():
        level, name, on, answer, refused_set, refused_get, since = line.split("\t")
        rows[level + " " + name] = Row(int(on), int(answer), refused_set, refused_get, tuple(map(int, since.split("."))))
    return rows


def read_answers(proc):
    """What came back, by what was asked, in order: the same may be asked several times."""
    answers = collections.OrderedDict()
    for line in proc.expect(0, deadline=240).out().splitlines():
        key, _, answer = line.partition("\t")
        answers.setdefault(key, []).append(answer)
    return answers


def kernel_version():
    return tuple(int(n) for n in os.uname().release.split("-")[0].split(".")[:2])


def is_allowed(row, call, i, state, on_kernel, on_stack):
    """A difference that the table names: a refusal, or, having refused, that what is shown has not changed."""
    if row.answer != REFUSED:
        return False
    if call.startswith("set"):
        return on_stack == row.refused_set
    if row.refused_get != "-":
        return on_stack == row.refused_get
    return on_stack.startswith("ok") and on_kernel.startswith("ok") and (i > 0 or state != "fresh")


def compare(table, kernel, stack):
    for key, answers in kernel.items():
        kind, state, level, name, call = key.split(" ", 4)
        row = table[level + " " + name]
        if row.since > kernel_version():
            continue
        if not row.on & ON[kind[:-1]] and call.startswith("set") and "ok" in answers:
            yield "%s: the table says that there is no such option here, the kernel takes it" % key
        for i, on_kernel in enumerate(answers):
            on_stack = stack.get(key, [])[i:i + 1]
            on_stack = on_stack[0] if on_stack else "was not asked"
            if on_stack != on_kernel and not is_allowed(row, call, i, state, on_kernel, on_stack):
                yield "%s: kernel %s, stack %s" % (key, on_kernel, on_stack)
            if row.answer == REFUSED and row.refused_set != "-" and call.startswith("set") and on_stack == "ok":
                yield "%s: the table says refused, the stack takes it" % key


@test(families=None, combos="first", capture=False, stacks=("tapir",), options=[])
def every_option_answers_as_on_the_kernel(w):
    """On every kind of socket, fresh, bound, listening, connected and accepted; values in and out of range, short and long."""
    with open("/proc/sys/net/ipv4/tcp_rmem") as f:
        w.tapir("set", "net.ipv4.tcp_rmem", " ".join(f.read().split()))  # SO_RCVLOWAT goes by it
    for name in ("rmem_max", "wmem_max"):
        with open("/proc/sys/net/core/" + name) as f:
            w.tapir("set", "net.core." + name, f.read().strip())
    w.host.sysctl("net.ipv4.ping_group_range", "0 2147483647")
    table = read_table(w)
    kernel = read_answers(w.host_start(probe(w)))
    stack = read_answers(w.stack_start(probe(w)))
    check(len(kernel) > 50000, "only %d questions were asked" % len(kernel))
    differences = list(compare(table, kernel, stack))
    if differences:
        raise Failure("%d differences, e.g.\n%s" % (len(differences), "\n".join(differences[::max(1, len(differences) // 40)])))


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def the_page_of_options_is_the_table(w):
    page = w.start([probe(w), "--markdown"]).expect(0).out()
    with open(os.path.join(ROOT, "client-lib/OPTIONS.md")) as f:
        check(f.read() == page, "make it anew: build/tests/options/probe --markdown >client-lib/OPTIONS.md")


ORIGINAL_DESTINATION = """
import socket
for family, address, level, option in ((socket.AF_INET, "127.0.0.1", 0, 20), (socket.AF_INET6, "::1", 41, 74)):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind((address, 5555))
    s.setsockopt(level, option, 1)
    socket.socket(family, socket.SOCK_DGRAM).sendto(b"x", (address, 5555))
    print(s.recvmsg(10, 200)[:2])
"""


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def original_destinations_are_told_as_on_the_kernel(w):
    program = w.write("destination.py", ORIGINAL_DESTINATION)
    on_kernel, on_stack = w.host_run("python3", program).out(), w.stack_run("python3", program).out()
    check(on_stack == on_kernel and on_kernel.count("(0, 20,") == 1, "kernel: %s\nstack: %s" % (on_kernel, on_stack))


RECEIVE_MARK = """
import select, socket
l = socket.create_server(("127.0.0.1", 0))
a = socket.create_connection(l.getsockname())
b = l.accept()[0]
p = select.poll()
p.register(b, select.POLLIN)
def mark(n):
    b.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, n)
mark(5)
a.sendall(b"abc")
print(p.poll(100))
a.sendall(b"de")
print(bool(p.poll(-1)), b.recv(10))
a.sendall(b"xy")
print(p.poll(100))
mark(2)
print(bool(p.poll(-1)), b.recv(10))
mark(5)
a.sendall(b"q")
a.close()
print(bool(p.poll(-1)), b.recv(9), b.recv(9))
"""


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def receive_marks_hold_a_poller_back_as_on_the_kernel(w):
    program = w.write("mark.py", RECEIVE_MARK)
    on_kernel, on_stack = w.host_run("python3", program).out(), w.stack_run("python3", program).out()
    check(on_stack == on_kernel and "abcde" in on_kernel, "kernel: %s\nstack: %s" % (on_kernel, on_stack))


UNPRIVILEGED = """
import socket
def ask(s, level, name, value):
    try:
        s.setsockopt(level, name, value)
        print(level, name, value, "ok")
    except OSError as e:
        print(level, name, value, e.errno)
s = socket.socket(socket.AF_INET6)
for level, name, values in ((1, socket.SO_MARK, (0, 1)), (1, 32, (9999,)), (1, 33, (9999,)), (1, 12, (6, 7, -1)), (1, 1, (0, 1)),
                            (0, 19, (0, 1)), (41, 75, (0, 1)), (1, 25, (b"lo", b"tap0", b"")), (1, 62, (1, 0))):
    for value in values:
        ask(s, level, name, value)
"""


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def privileged_options_are_refused_to_others_as_on_the_kernel(w):
    """SO_MARK, SO_*BUFFORCE, SO_PRIORITY, SO_DEBUG, IP[V6]_TRANSPARENT, and leaving a link for another."""
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "python3", "-c", UNPRIVILEGED]
    on_kernel = w.host_run(*as_nobody).out()
    on_stack = w.stack_run(*as_nobody).out()
    check(on_stack == on_kernel and on_kernel.count(" 1\n") >= 6, "kernel:\n%sstack:\n%s" % (on_kernel, on_stack))


# ---- tapir run --report, --strict ----

# What it asks: refused thrice by the program, once by a child, once by what it becomes, which dies of a signal.
ASKER = """
import os, socket, sys
def ask(level, name, value):
    try:
        socket.socket().setsockopt(level, name, value)
    except OSError:
        pass
for _ in range(3):
    ask(socket.SOL_SOCKET, socket.SO_INCOMING_CPU, 1)
ask(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)       # taken
ask(socket.IPPROTO_UDP, 103, 1)                      # no such option for TCP, on Linux either
if os.fork() == 0:
    ask(socket.IPPROTO_TCP, 23, 5)
    os._exit(0)
os.wait()
code = "import os, socket\\ntry: socket.socket().setsockopt(1, 26, bytes(16))\\nexcept OSError: pass\\nos.kill(os.getpid(), %s)"
os.execvp(sys.executable, [sys.executable, "-c", code % sys.argv[1]])
"""
CPU = ("3", "setsockopt(SOL_SOCKET, SO_INCOMING_CPU)", "1", "ENOPROTOOPT")
FASTOPEN = ("1", "setsockopt(IPPROTO_TCP, TCP_FASTOPEN)", "5", "ENOPROTOOPT")
FILTER = ("1", "setsockopt(SOL_SOCKET, SO_ATTACH_FILTER)", "16 bytes", "ENOPROTOOPT")


def read_report(text):
    rows = []
    for line in text.splitlines():
        m = re.match(r" *(\d+)  python3\S* +(\S+, \S+\)) +(\d+(?: bytes)?) +(E\w+)$", line)
        if m:
            rows.append(m.groups())
    return sorted(rows)


def run_asker(w, *argv, status, signal="0"):
    program = w.write("asker.py", ASKER)
    return w.start(w.guest.enter() + [w.config.tapir, "run", "--socket", w.socket_path, *argv, "python3", program, signal]).expect(status).err()


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def report_sums_up_what_a_process_tree_was_refused(w):
    """Both ways in; across fork, exec, _exit and a signal that kills."""
    for mode in ("preload", "notify"):
        for signal, status in (("0", 0), ("9", -9)):
            err = run_asker(w, "--report", "--mode=" + mode, status=status, signal=signal)
            check(read_report(err) == sorted([CPU, FASTOPEN, FILTER]), "%s, signal %s: %s" % (mode, signal, err))
    err = w.start(w.guest.enter() + [w.config.tapir, "run", "--socket", w.socket_path, "--report", "true"]).expect(0).err()
    check("nothing was refused" in err, err)


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def strict_tells_at_once_and_fails_the_run(w):
    err = run_asker(w, "--strict", status=70)
    told = re.findall(r"^tapir: python3\S*\[\d+\]: (.*): refused with ENOPROTOOPT$", err, re.M)
    check(sorted(told) == sorted(row[1] for row in (CPU, FASTOPEN, FILTER)), err)
    # A status of the program's own is not hidden.
    run_asker(w, "--strict", status=-15, signal="15")
    w.start(w.guest.enter() + [w.config.tapir, "run", "--socket", w.socket_path, "--strict", "sh", "-c", "exit 3"]).expect(3)
    # Told while the program runs, and gone when told to go.
    asks = w.write("asks.py", "import socket, time\nfor o in (49, 26):\n  try: socket.socket().setsockopt(1, o, 1)\n  except OSError: pass\n"
                   "print('asked', flush=True)\ntime.sleep(600)\n")
    proc = w.start(w.guest.enter() + [w.config.tapir, "run", "--socket", w.socket_path, "--strict", "python3", asks])
    wait_for(lambda: proc.err().count("refused with") == 2, lambda: proc.err())
    proc.signal(15)
    proc.expect(-15)
