# SPDX-License-Identifier: BSD-2-Clause
"""Socket options: what the kernel answers is what the stack answers, except where client-lib/option_table.c says otherwise."""

import collections
import os

from harness import ROOT, Failure, check, test

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
