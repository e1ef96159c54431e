# SPDX-License-Identifier: BSD-2-Clause
"""Programs of the shell, and what programs do with descriptors: socat, ncat, bash's /dev/tcp, ssh's port forwarding, inetd and socket
activation, workers that share a listener, descriptors passed to a program that knows nothing of tapir."""

import hashlib
import os
import subprocess

from harness import KERNEL, MIB, STACK, check, pattern_chunks, pattern_sha256, test, url_host
from test_curl import download, start_server as start_http_on_kernel
from test_ssh import client_options, sha256_of, start_server as start_sshd

TOTAL = 8 * MIB


def sides(w, family):
    """(start of the server, run of the client, the server's address): each end on the stack once."""
    return (w.stack_start, w.host_run, STACK[family]), (w.host_start, w.stack_run, KERNEL[family])


def make_file(w, name="sent"):
    with open(w.path(name), "wb") as f:
        for chunk in pattern_chunks(TOTAL):
            f.write(chunk)
    return w.path(name)


def socat_address(kind, family, address, port, *options):
    if kind == "listen":
        return ",".join(["TCP%d-LISTEN:%d" % (family, port), "bind=" + url_host(address), "reuseaddr", *options])
    return ",".join(["TCP%d:%s:%d" % (family, url_host(address), port), *options])


# ---- socat and ncat ----


@test(combos="first")
def socat_copies_files_both_ways(w, family):
    sent = make_file(w)
    for start, run, address in sides(w, family):
        for port, flag in (7001, "-u"), (7002, "-U"):  # from the client to the server, and back
            got = w.path("got-%s-%d" % (start.__name__, port))
            here, there = "OPEN:" + sent, "OPEN:%s,creat,trunc" % got
            near, far = (here, there) if flag == "-u" else (there, here)
            server = start("socat", flag, socat_address("listen", family, address, port), far)
            run("socat", flag, near, socat_address("connect", family, address, port, "retry=50", "interval=0.1"))
            server.expect(0)
            check(sha256_of(got) == pattern_sha256(TOTAL), "port %d: what came over differs" % port)


@test(combos="first")
def socat_forks_and_execs_with_the_socket_as_stdin(w, family):
    """As inetd does: each connection is a child whose standard input and output are the socket itself."""
    sent = make_file(w)
    server = w.stack_start("socat", socat_address("listen", family, STACK[family], 7003, "fork", "max-children=50"),
                           "EXEC:sha256sum,nofork")
    w.wait_port(STACK[family], 7003, server)
    clients = [w.host_start("socat", "-t60", "STDIO,ignoreeof=0", socat_address("connect", family, STACK[family], 7003),
                            stdin=open(sent, "rb")) for _ in range(10)]
    for c in clients:
        c.expect(0)
        check(c.out().split() == [pattern_sha256(TOTAL), "-"], c.out())


@test(combos="first")
def socat_relays_between_stack_and_unix_socket(w, family):
    start_http_on_kernel(w, family)
    relay = w.stack_start("socat", "UNIX-LISTEN:%s,fork" % w.path("unix"), socat_address("connect", family, KERNEL[family], 8080))
    wait = w.host_start("sh", "-c", "until [ -S %s ]; do sleep 0.05; done" % w.path("unix"))
    wait.expect(0)
    proc = w.host_start("curl", "-gsSf", "--unix-socket", w.path("unix"), "http://x/bytes/%d" % TOTAL, stdout=subprocess.PIPE)
    digest = hashlib.sha256(proc.popen.stdout.read())
    proc.expect(0)
    check(relay.lives() and digest.hexdigest() == pattern_sha256(TOTAL), "what came over differs")


@test(combos="first")
def ncat_copies_a_file_and_brokers(w, family):
    sent = make_file(w)
    for start, run, address in sides(w, family):
        got = w.path("ncat-" + start.__name__)
        server = start("sh", "-c", "exec ncat -l --recv-only %s 7010 >%s" % (address, got), label="ncat -l")
        run("sh", "-c", "until ncat --send-only %s 7010 <%s; do sleep 0.1; done" % (address, sent))
        server.expect(0)
        check(sha256_of(got) == pattern_sha256(TOTAL), "what came over differs")
    broker = w.stack_start("ncat", "-l", "--broker", STACK[family], "7011")
    w.wait_port(STACK[family], 7011, broker)
    out = w.stack_run("bash", "-c", BROKERED, "bash", STACK[family], "7011").out()
    check(out == "hello to all\n", out)


BROKERED = """
exec 3<>/dev/tcp/$1/$2 4<>/dev/tcp/$1/$2
while :; do echo hello to all >&4; read -t 0.2 -u 3 line && break; done
echo "$line"
"""

# ---- bash ----

BASH = """
set -eu
address=$1 name=$2 port=$3
exec 3<>/dev/tcp/$address/$port
printf 'GET /bytes/1000 HTTP/1.0\\r\\n\\r\\n' >&3
while read -r line <&3 && [ "$line" != $'\\r' ]; do :; done
sha256sum <&3
exec 3>&-
curl -gsSf --noproxy '*' http://$name:$port/bytes/100000 | sha256sum
wget -q --no-proxy -O - http://$name:$port/bytes/100000 | sha256sum
python3 -c 'import sys, urllib.request as u
sys.stdout.buffer.write(u.build_opener(u.ProxyHandler({})).open(sys.argv[1]).read())' http://$name:$port/bytes/100000 | sha256sum
for i in 1 2 3 4 5 6 7 8; do (exec 5<>/dev/tcp/$address/$port; printf 'GET /bytes/50000 HTTP/1.0\\r\\n\\r\\n' >&5; cat <&5 | tail -c 50000 | sha256sum) & done
wait
if (exec 3<>/dev/tcp/$address/1) 2>&-; then echo connected; else echo refused; fi
"""


@test(combos="first")
def bash_calls_several_of_them(w, family):
    start_http_on_kernel(w, family)
    out = w.stack_run("bash", w.write("script", BASH), KERNEL[family], url_host(KERNEL[family]), "8080").out()
    want = [pattern_sha256(1000)] + [pattern_sha256(100000)] * 3 + [pattern_sha256(50000)] * 8 + ["refused"]
    check(out.replace("  -", "").split() == want, out)


# ---- ssh: forwarding and sftp ----


def forward_through_ssh(w, family, server_start, client_start, server_address):
    """-L to a web server that only the server's side reaches, -R back, many channels over one connection."""
    start_sshd(w, family, server_start, server_address)
    start_http_on_kernel(w, family)
    client = client_start("ssh", *client_options(w), "-p", "2222", "-N", "-o", "ExitOnForwardFailure=yes", "-o", "StreamLocalBindUnlink=yes",
                          "-L", "%s:%s:8080" % (w.path("forward"), url_host(KERNEL[family])), "root@" + server_address)
    w.host_start("sh", "-c", "until [ -S %s ]; do sleep 0.05; done" % w.path("forward")).expect(0)
    for _ in range(3):
        proc = w.host_start("curl", "-gsSf", "--unix-socket", w.path("forward"), "http://x/bytes/%d" % TOTAL, stdout=subprocess.PIPE)
        digest = hashlib.sha256(proc.popen.stdout.read())
        proc.expect(0)
        check(digest.hexdigest() == pattern_sha256(TOTAL), "what came through the tunnel differs")
    check(client.lives(), "ssh ended")


@test(combos="first")
def ssh_server_on_the_stack_forwards(w, family):
    forward_through_ssh(w, family, w.stack_start, w.host_start, STACK[family])


@test(combos="first")
def ssh_client_on_the_stack_forwards(w, family):
    forward_through_ssh(w, family, w.host_start, w.stack_start, KERNEL[family])


@test(combos="first")
def ssh_remote_forward_listens_on_the_stack(w, family):
    """The forwarding's listener is the server's, on the stack; a session's child has no shim, and need not have one."""
    start_sshd(w, family, w.stack_start, STACK[family])
    with open(w.path("sshd_config"), "a") as f:
        f.write("GatewayPorts clientspecified\n")
    server = w.stack_start("/usr/sbin/sshd", "-D", "-e", "-f", w.path("sshd_config"), "-p", "2223", "-o", "ListenAddress=%s" %
                           url_host(STACK[family]))
    w.wait_port(STACK[family], 2223, server)
    start_http_on_kernel(w, family)
    target = url_host(KERNEL[family])
    w.host_start("ssh", *client_options(w), "-p", "2223", "-N", "-o", "ExitOnForwardFailure=yes",
                 "-R", "%s:7020:%s:8080" % (url_host(STACK[family]), target), "root@" + STACK[family])
    w.wait_port(STACK[family], 7020)
    download(w, w.host_start, "http://%s:7020/bytes/%d" % (url_host(STACK[family]), TOTAL), TOTAL)


@test(combos="first")
def sftp_puts_and_gets(w, family):
    sent = make_file(w)
    start_sshd(w, family, w.stack_start, STACK[family])
    batch = w.write("batch", "put %s %s\nget %s %s\nls -l %s\n" % (sent, w.path("there"), w.path("there"), w.path("back"), w.path("there")))
    out = w.host_run("sftp", *client_options(w), "-P", "2222", "-b", batch, "root@" + url_host(STACK[family])).out()
    check(str(TOTAL) in out, out)
    check(sha256_of(w.path("there")) == sha256_of(w.path("back")) == pattern_sha256(TOTAL), "a copy differs")


# ---- Descriptors ----

WORKERS = """
import os, select, signal, socket, sys
l = socket.create_server((sys.argv[1], 7030), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, backlog=512)
l.setblocking(False)
for _ in range(4):
    if os.fork() == 0:
        e = select.epoll()
        e.register(l, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        while True:
            e.poll()
            try:
                c, _ = l.accept()
            except BlockingIOError:
                continue
            c.setblocking(True)
            c.sendall(b"%d %d" % (os.getpid(), len(c.recv(100))))
            c.close()
print("listening", flush=True)
signal.pause()
"""

MANY_CLIENT = """
import socket, sys
pids, held = set(), []
for turn in range(5):
    held = [socket.create_connection((sys.argv[1], int(sys.argv[2]))) for _ in range(50)]
    for s in held:
        s.sendall(b"x" * 42)
    for s in held:
        pid, n = s.recv(100).split()
        assert n == b"42" and s.recv(1) == b""
        pids.add(pid)
        s.close()
print(len(pids))
"""


@test(combos="first")
def workers_accept_on_one_listener(w, family):
    w.stack_start("python3", w.write("workers.py", WORKERS), STACK[family]).wait_out("listening")
    out = w.host_run("python3", w.write("client.py", MANY_CLIENT), STACK[family], "7030").out()
    check(out.strip() in ("1", "2", "3", "4"), out)


ACTIVATION = """
import os, socket, sys
l = socket.create_server((sys.argv[1], 7031), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
os.dup2(l.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[2], sys.argv[2:])
"""

ACTIVATED = """
import os, socket
assert os.environ["LISTEN_PID"] == str(os.getpid()) and os.environ["LISTEN_FDS"] == "1"
l = socket.socket(fileno=3)
assert l.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1 and l.getsockname()[1] == 7031
print("listening", flush=True)
while True:
    c, peer = l.accept()
    c.sendall(b"%s %d" % (peer[0].encode(), len(c.recv(100, socket.MSG_WAITALL))))
    c.close()
"""


@test(combos="first")
def activated_program_finds_its_listener(w, family):
    """As systemd starts programs: the listening socket is descriptor 3, LISTEN_FDS says so."""
    w.stack_start("python3", w.write("starter.py", ACTIVATION), STACK[family], "python3", w.write("program.py", ACTIVATED)).wait_out("listening")
    out = w.host_run("bash", "-c", "exec 3<>/dev/tcp/$0/7031; head -c 100 /dev/zero >&3; cat <&3", STACK[family]).out()
    check(out == KERNEL[family] + " 100", out)


GIVER = """
import socket, sys
l = socket.create_server((sys.argv[1], 7032), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print("listening", flush=True)
while True:
    c, _ = l.accept()
    u = socket.socket(socket.AF_UNIX)
    u.connect(sys.argv[2])
    socket.send_fds(u, [b"one"], [c.fileno()])
    u.close()
    c.close()
"""

TAKER = """
import hashlib, os, socket, sys
assert "LD_PRELOAD" not in os.environ
l = socket.socket(socket.AF_UNIX)
l.bind(sys.argv[1])
l.listen()
print("listening", flush=True)
while True:
    u, _ = l.accept()
    _, (fd,), _, _ = socket.recv_fds(u, 100, 1)
    h = hashlib.sha256()
    while data := os.read(fd, 65536):
        h.update(data)
    os.write(fd, h.hexdigest().encode())
    os.close(fd)
"""


@test(combos="first")
def descriptor_passed_to_a_program_that_knows_nothing_of_tapir(w, family):
    """SCM_RIGHTS: the taker was not started through tapir; it reads to the end, writes, and closes."""
    sent = make_file(w)
    w.host_start("python3", w.write("taker.py", TAKER), w.path("unix")).wait_out("listening")
    w.stack_start("python3", w.write("giver.py", GIVER), STACK[family], w.path("unix")).wait_out("listening")
    for _ in range(3):
        client = w.host_start("socat", "-t60", "STDIO", socat_address("connect", family, STACK[family], 7032), stdin=open(sent, "rb"))
        client.expect(0)
        check(client.out() == pattern_sha256(TOTAL), client.out())


LOOK = """
import os, socket, subprocess, sys
l = socket.create_server((sys.argv[1], 7033), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
for program in ["ss", "-tan"], ["ls", "-l", "/proc/%d/fd" % os.getpid()]:
    print(subprocess.run(program, check=True, capture_output=True, text=True).stdout)
assert l.getsockname()[1] == 7033
"""


@test(combos="first", capture=False)
def ss_runs_on_the_stack_and_shows_the_kernels(w, family):
    """ss asks the kernel over netlink, which is left alone: it works, and knows nothing of the stack's sockets (tapir ss does)."""
    out = w.stack_run("python3", w.write("look.py", LOOK), STACK[family]).out()
    check("State" in out and "socket:[" in out, out)


# ---- Resets ----

FILLER = """
import errno, socket, sys, threading
l = socket.create_server((sys.argv[1], 7040), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print("listening", flush=True)
c, _ = l.accept()
try:
    while True:
        c.send(b"x" * 65536)
except OSError as e:
    print("writes", errno.errorcode[e.errno], flush=True)
"""

RESETTER = """
import select, socket, struct, sys
s = socket.create_connection((sys.argv[1], 7040))
s.setblocking(False)
quiet = 0
while quiet < 3:  # until nobody takes anything any more, which is when the server sleeps in send()
    try:
        s.send(b"y" * 65536)
        quiet = 0
    except BlockingIOError:
        quiet += not select.select([], [s], [], 0.3)[1]
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()
"""


@test(combos="first")
def reset_wakes_a_writer_that_does_not_read(w, family):
    server = w.stack_start("python3", w.write("filler.py", FILLER), STACK[family])
    server.wait_out("listening")
    w.host_run("python3", w.write("resetter.py", RESETTER), STACK[family])
    server.expect(0)
    check(server.out() == "listening\nwrites ECONNRESET\n", server.out())


AGAIN = """
import socket, sys
for i in range(2000):
    s, t = [socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET) for _ in range(2)]
    s.bind((sys.argv[1], 0))
    if i % 2:
        s.listen()
    name = s.getsockname()
    s.close()
    t.bind(name)
    t.close()
print("every port was free")
"""


@test(combos="first", capture=False)
def port_is_free_when_close_has_returned(w, family):
    noise = [w.stack_start("python3", "-c", "import socket\nwhile True:\n    socket.socket().close()") for _ in range(2)]
    out = w.stack_run("python3", w.write("again.py", AGAIN), STACK[family]).out()
    check(out == "every port was free\n" and all(n.lives() for n in noise), out)
