# SPDX-License-Identifier: BSD-2-Clause
"""Programs with bad luck, and ones that ask for much: what they do must not reach anybody else."""

import signal

from harness import KERNEL, STACK, check, test, wait_for

ECHO_CLIENT = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=30) as s:
    s.sendall(b"x" * 100000)
    n = 0
    while n < 100000:
        n += len(s.recv(65536))
print("all")
"""


def check_echo(w, address, port):
    out = w.host_run("python3", w.write("echo.py", ECHO_CLIENT), address, str(port)).out()
    check(out == "all\n", out)


MANY = """
import resource, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
count, held = min(10000, hard - 200), []
for i in range(count):
    held.append(socket.socket(family, socket.SOCK_DGRAM if i % 2 else socket.SOCK_STREAM))
    held[-1].bind((sys.argv[1], 0))
print("holds", len(held), flush=True)
sys.stdin.read()
"""


@test(combos="first", capture=False, stacks=("tapir",))
def ten_thousand_sockets_of_one_program_leave_others_alone(w, family):
    w.stack_peer("echo", STACK[family], 7200).wait_out("listening")
    many = w.stack_start("python3", w.write("many.py", MANY), STACK[family], stdin=-1)
    many.wait_out(r"holds \d{4,}")
    check_echo(w, STACK[family], 7200)
    many.signal(signal.SIGSTOP)
    check_echo(w, STACK[family], 7200)
    many.kill()
    wait_for(lambda: len(w.sockets()) < 10, "the sockets of a killed program stay")
    check_echo(w, STACK[family], 7200)


NEVER_READS = """
import socket, sys, time
held = [socket.create_connection((sys.argv[1], 7201)) for _ in range(50)]
for s in held:
    s.setblocking(False)
    try:
        while True:
            s.send(bytes(65536))
    except BlockingIOError:
        pass
print("full", flush=True)
sys.stdin.read()
"""


@test(combos="first", capture=False)
def peers_that_never_read_are_only_their_own_trouble(w, family):
    """Fifty peers on the kernel fill both directions of an echo server on the stack and stop; one that does read is served."""
    w.stack_peer("echo", STACK[family], 7201).wait_out("listening")
    slow = w.host_start("python3", w.write("slow.py", NEVER_READS), STACK[family], stdin=-1)
    slow.wait_out("full")
    check_echo(w, STACK[family], 7201)
    slow.signal(signal.SIGSTOP)
    check_echo(w, STACK[family], 7201)
    slow.kill()
    check_echo(w, STACK[family], 7201)


SURVIVOR = """
import errno, socket, sys
def echo():
    s = socket.create_connection((sys.argv[1], 7202), timeout=60)
    s.sendall(b"hello")
    assert s.recv(100) == b"hello"
    return s
s = echo()
print("connected", flush=True)
try:
    print("then", s.recv(1))
except OSError as e:
    print("then", errno.errorcode[e.errno], flush=True)
sys.stdin.readline()
echo()
print("connected again", flush=True)
"""


@test(combos="first", capture=False, stacks=("tapir",), options=[])
def program_goes_on_when_the_daemon_was_started_again(w, family):
    """Its connections end; what it opens afterwards is the new daemon's."""
    w.host_peer("echo", KERNEL[family], 7202).wait_out("listening")
    program = w.stack_start("python3", w.write("survivor.py", SURVIVOR), KERNEL[family], stdin=-1)
    program.wait_out("connected")
    w.daemon.kill()
    program.wait_out("then E")
    w.start_daemon()
    program.popen.stdin.write(b"\n")
    program.popen.stdin.close()
    program.expect(0)
    check(program.out().endswith("connected again\n"), program.out())
