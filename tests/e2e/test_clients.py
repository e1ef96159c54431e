# SPDX-License-Identifier: BSD-2-Clause
"""Programs written for the occasion: the C conformance programs, datagrams, clients that are killed, a daemon that is."""

import os
import re
import signal

from harness import BLACKHOLE, KERNEL, MIB, ROOT, STACK, Failure, check, test, wait_for

PORT = 7000
# What client-lib/README.md says to differ.
STREAMS_DIFFER = ("bytes_after_shutdown_for_reading_are_read",)
LOOPBACK = {4: "127.0.0.1", 6: "::1"}


# Those that have tests of their own.
APART = ("dgram_conformance.c", "group_conformance.c", "poll_conformance.c", "rfc3542_conformance.c",
         "stream_conformance.c")


def conformance_programs(w, names=None):
    """Every C program of this directory, built: for libtapir, or for the kernel's sockets."""
    here = os.path.join(ROOT, "tests/e2e")
    names = names or [n[:-2] for n in sorted(os.listdir(here)) if n.endswith(".c") and n not in APART]
    check(names, "there is no C program in tests/e2e")
    for name in names:
        if w.is_tapir:
            program = os.path.join(w.config.build, "tests/e2e", name)
            check(os.access(program, os.X_OK), "not built: %s (make tests)" % program)
        else:
            program = w.path(name)
            w.start(["cc", "-D_GNU_SOURCE", "-DON_KERNEL", "-o", program, os.path.join(here, name + ".c"), "-lpthread"]).expect(0)
        yield program


def run_conformance(w, *argv):
    proc = w.start(w.guest.enter() + list(argv), env=dict(os.environ, TAPIR_SOCKET=w.socket_path), label=os.path.basename(argv[0]))
    proc.wait(deadline=180)
    verdict = re.search(r"(\d+) passed, (\d+) failed", proc.out())
    check(verdict and proc.popen.returncode == 0 and int(verdict.group(1)) > 0 and verdict.group(2) == "0",
          "%s: status %d\n%s" % (proc.label, proc.popen.returncode, proc.out()[-3000:] + proc.err()[-1000:]))


@test(smoke=True)
def conformance_of_the_c_library(w, family):
    """Linked with libtapir, not preloaded: on the stack itself and against a kernel peer. Prints `N passed, N failed` at its end."""
    w.host_peer("echo", KERNEL[family], PORT).wait_out("listening")
    for program in conformance_programs(w):
        run_conformance(w, program, STACK[family], KERNEL[family], str(PORT))


@test(combos="first", capture=False)
def conformance_of_streams(w, family):
    """The same binary everywhere: it knows nothing of tapir."""
    skip = ",".join(STREAMS_DIFFER) if w.is_tapir else "none"
    proc = w.stack_start(os.path.join(w.config.build, "tests/e2e/stream_conformance"), "--skip", skip, LOOPBACK[family])
    check(proc.wait(deadline=180) == 0, proc.out() + proc.err())


@test(combos="first", capture=False)
def poll_bits_in_every_state(w, family):
    for program in conformance_programs(w, ["poll_conformance"]):
        run_conformance(w, program, LOOPBACK[family])


@test(combos="first", stacks=("tapir",), options=[], capture=False)
def conformance_when_the_daemon_is_killed(w, family):
    for program in conformance_programs(w):
        run_conformance(w, program, "--kill", str(w.daemon.pid), STACK[family])
        check(w.daemon.wait() == -signal.SIGKILL, "the daemon was not killed")
    w.daemon = None


@test(smoke=True, tshark=True)
def udp_datagrams_of_every_size_to_the_kernel(w, family):
    w.host_peer("udp-echo", KERNEL[family], PORT).wait_out("listening")
    out = w.stack_peer("udp-client", KERNEL[family], PORT).expect(0).out()
    check(out == "all equal\n", out)


@test()
def udp_datagrams_of_every_size_to_the_stack(w, family):
    w.stack_peer("udp-echo", STACK[family], PORT).wait_out("listening")
    out = w.host_peer("udp-client", STACK[family], PORT).expect(0).out()
    check(out == "all equal\n", out)


@test(combos="first", capture=False)
def udp_datagrams_within_the_stack(w, family):
    w.stack_peer("udp-echo", STACK[family], PORT).wait_out("listening")
    out = w.stack_peer("udp-client", STACK[family], PORT).expect(0).out()
    check(out == "all equal\n", out)


@test(combos="first")
def udp_to_a_closed_port_is_refused_both_ways(w, family):
    for peer, address in ((w.stack_peer, KERNEL[family]), (w.host_peer, STACK[family])):
        out = peer("udp-refused", address, PORT).expect(0).out()
        check(out == "errno ECONNREFUSED\n", out)


@test(combos="first")
def tcp_to_a_closed_port_of_the_stack_is_refused(w, family):
    w.host_run("curl", "-gsS", "--noproxy", "*", "http://[%s]:81/" % STACK[6] if family == 6 else "http://%s:81/" % STACK[4],
               status=7)


@test(combos="first", capture=False)
def tcp_within_the_stack(w, family):
    """Server and client both on the stack, over its own address: its loopback."""
    w.stack_peer("http", STACK[family], PORT).wait_out("listening")
    out = w.stack_run("curl", "-gsSf", "--noproxy", "*", "-o", "/dev/null", "-w", "%{size_download}",
                      "http://%s:%d/bytes/%d" % ("[%s]" % STACK[6] if family == 6 else STACK[4], PORT, 20 * MIB)).out()
    check(out == str(20 * MIB), out)


@test(combos="first", capture=False, smoke=True, stacks=("tapir",))
def killed_client_with_1000_sockets_leaves_nothing(w, family):
    w.host_peer("sink", KERNEL[family], PORT).wait_out("listening")
    memory = []
    for _ in range(10):
        client = w.stack_peer("many", KERNEL[family], PORT, 1000, STACK[family])
        client.wait_out("holds 1000")
        have = len(w.sockets())
        check(have >= 1000, "tapir ss shows %d sockets of 1000" % have)
        client.kill()
        wait_for(lambda: not w.sockets(), lambda: "%d sockets are left, e.g. %s" % (len(w.sockets()), w.sockets()[:3]))
        wait_for(lambda: w.count_fds() <= w.daemon_fds,
                 lambda: "tapird holds %d descriptors, %d when it was ready" % (w.count_fds(), w.daemon_fds))
        memory.append(w.rss_bytes())
    # Under the address sanitizer freed memory stays for a while; there, the leak check at the daemon's end must do.
    check(w.config.sanitized or max(memory[5:]) <= max(memory[:3]) + 4 * MIB, "tapird's memory grows: %s" % memory)


BLOCKS = ("read", "write", "accept", "connect", "recvfrom", "recv_connected", "poll", "epoll", "select_udp")


@test(combos="first", capture=False, stacks=("tapir",), options=[])
def killed_daemon_fails_every_call_at_once(w, family):
    w.host_peer("hold", KERNEL[family], PORT).wait_out("listening")
    clients = {}
    for what in BLOCKS:
        clients[what] = w.stack_peer("block", what, KERNEL[family], STACK[family], BLACKHOLE[family], PORT)
    for what, client in clients.items():
        client.wait_out("blocks")
        wait_for(lambda: sleeps(client.pid), "%s does not block" % what)
    os.killpg(w.daemon.pid, signal.SIGKILL)
    w.daemon.popen.wait()
    w.daemon = None
    problems = []
    for what, client in clients.items():
        try:
            client.expect(0, deadline=20)
        except Failure as e:
            problems.append("%s: %s" % (what, e))
            continue
        first, then = client.out().split("\n")[1:3]
        if not re.match(r"errno E(CONNRESET|CONNABORTED|NETDOWN|PIPE|CONNREFUSED|IO|BADF|NOTCONN|SHUTDOWN)$", first):
            problems.append("%s: %s" % (what, first))
        if not re.match(r"then E(NETDOWN|CONNREFUSED|CONNRESET|NOENT|CONNABORTED|PIPE)$", then):
            problems.append("%s, afterwards: %s" % (what, then))
    check(not problems, "\n".join(problems))


def sleeps(pid):
    with open("/proc/%d/stat" % pid) as f:
        return f.read().rsplit(")", 1)[1].split()[0] == "S"


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def stopped_clients_hold_up_nobody(w):
    """Clients stopped with open streams, one that receives and one that sends: the others go on, and when they run again, so do they."""
    server = w.host_peer("http", KERNEL[4], PORT)
    server.wait_out("listening")
    url = "http://%s:%d" % (KERNEL[4], PORT)
    size = 16 * MIB
    path = w.path("upload")
    with open(path, "wb") as f:
        f.truncate(size)
    limit = ["--limit-rate", "8M"]  # so that they are under way when they are stopped
    stopped = [w.stack_start("curl", "-gsSf", "--noproxy", "*", *limit, "-o", "/dev/null", "-w", "%{size_download}",
                             "%s/bytes/%d" % (url, size)),
               w.stack_start("curl", "-gsSf", "--noproxy", "*", *limit, "-o", "/dev/null", "-w", "%{size_upload}", "-T", path, url + "/x")]
    wait_for(lambda: sum(s["state"] == "ESTAB" for s in w.sockets()) == 2, lambda: "no two streams: %s" % w.sockets())
    for client in stopped:
        with open("/proc/%d/comm" % client.pid) as f:
            check(f.read() == "curl\n", "not curl itself would be stopped")
        client.signal(signal.SIGSTOP)
    for _ in range(3):
        out = w.stack_run("curl", "-gsSf", "--noproxy", "*", "-o", "/dev/null", "-w", "%{size_download}", "%s/bytes/%d" % (url, 8 * MIB)).out()
        check(out == str(8 * MIB), out)
    w.host_run("ping", "-n", "-c", "1", "-W", "20", STACK[4])
    check(all(client.lives() for client in stopped), "a stopped client ended")
    for client in stopped:
        client.signal(signal.SIGCONT)
    for client in stopped:
        check(client.expect(0).out() == str(size), client.out())
