# SPDX-License-Identifier: BSD-2-Clause
"""How tapird starts, refuses to start, and ends: one clear line and a status of sysexits(3); nothing left behind."""

import os
import shutil
import signal
import socket
import subprocess

from harness import AF, KERNEL, MIB, ROOT, STACK, check, children_of, test, url_host, wait_for

EX_USAGE, EX_UNAVAILABLE, EX_NOPERM, EX_CONFIG = 64, 69, 77, 78
PORT = 7100


def refuses(w, status, words, *argv):
    """tapird ends with @status and says one line that holds all of @words."""
    proc = w.start(w.host.enter() + list(argv), label="tapird (to be refused)")
    got = proc.wait(deadline=30)
    lines = proc.err().strip().split("\n")
    check(got == status, "%s: exit status %d, not %d: %s" % (" ".join(argv[-4:]), got, status, proc.err()))
    check(len(lines) == 1 and lines[0], "%s: not one line: %s" % (" ".join(argv[-4:]), proc.err()))
    for word in words:
        check(word in lines[0], "%s: says nothing of %r: %s" % (" ".join(argv[-4:]), word, lines[0]))


def other_daemon(w, *options):
    return [w.config.tapird, "--name", "other-" + w.id, "--socket", w.path("other.sock"), "--tap", "tap9", *options]


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def start_is_refused_for_a_name_or_tap_in_use(w):
    refuses(w, EX_UNAVAILABLE, [w.tap], *other_daemon(w, "--tap", w.tap))
    refuses(w, EX_UNAVAILABLE, [w.socket_path], *other_daemon(w, "--socket", w.socket_path))
    w.check_daemon_lives()
    check(len(w.sockets()) == 0, "the first daemon's socket no longer answers")


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def start_is_refused_for_flags_that_make_no_sense(w):
    for words, options in ((["addr", "10.77.0.300/24"], ["--addr", "10.77.0.300/24"]),
                           (["addr", "10.77.0.2"], ["--addr", "10.77.0.2"]),
                           (["addr", "fd77::2/129"], ["--addr=fd77::2/129"]),
                           (["addr", "fd77:::2/64"], ["--addr", "fd77:::2/64"]),
                           (["host-addr", "x"], ["--host-addr", "x"]),
                           (["gateway", "10.77.0.1/24"], ["--gateway", "10.77.0.1/24"]),
                           (["mtu", "20"], ["--mtu", "20"]),
                           (["offload", "maybe"], ["--offload", "maybe"]),
                           (["tap", "a-name-that-is-too-long"], ["--tap", "a-name-that-is-too-long"]),
                           (["--bogus"], ["--bogus"]),
                           (["--addr"], ["--addr"]),
                           (["stray"], ["stray"]),
                           (["net.ipv4.no_such_thing"], ["--set", "net.ipv4.no_such_thing=1"]),
                           (["net.ipv4.tcp_sack", "9"], ["--set", "net.ipv4.tcp_sack=9"])):
        refuses(w, EX_USAGE, words, *other_daemon(w, *options))


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def start_is_refused_for_a_bad_configuration_file(w):
    for text, words in (("addr = 10.77.0.2/24\nmtu = huge\n", [":2:", "mtu", "huge"]),
                        ("addr = 10.77.0.999/24\n", [":1:", "addr", "10.77.0.999/24"]),
                        ("# fine\n\ncolour = red\n", [":3:", "colour", "red"]),
                        ("no value here\n", [":1:"]),
                        ("offload = perhaps\n", [":1:", "offload", "perhaps"])):
        path = w.write("bad.conf", text)
        refuses(w, EX_CONFIG, [path] + words, *other_daemon(w, "--config", path))
    refuses(w, EX_CONFIG, [w.path("none.conf")], *other_daemon(w, "--config", w.path("none.conf")))


def copy_programs(w):
    """Where any user may run them."""
    directory = w.path("bin")
    os.mkdir(directory)
    for path in [w.config.tapird] + [os.path.join(w.config.build, n) for n in ("tapir", "libtapir-preload.so")]:
        shutil.copy(path, directory)
    return directory


def as_nobody():
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def start_is_refused_without_permission_for_the_tap(w):
    directory = copy_programs(w)
    os.chmod(w.test_dir, 0o777)
    refuses(w, EX_NOPERM, ["tap9"], *as_nobody(), directory + "/tapird", *other_daemon(w)[1:])


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def start_is_refused_without_dev_net_tun(w):
    refuses(w, EX_UNAVAILABLE, ["/dev/net/tun"], "unshare", "--mount", "sh", "-c",
            'mount -t tmpfs none /dev/net && exec "$@"', "sh", *other_daemon(w))


@test(families=None, combos="first", capture=False, stacks=("tapir",), smoke=True)
def start_from_a_configuration_file_and_notify(w):
    """sd_notify(3) says READY=1 when it can serve, not before; a stop leaves nothing."""
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(w.path("notify"))
    os.chmod(w.path("notify"), 0o777)
    notify.settimeout(60)
    config = w.write("good.conf", "\n".join([
        "# the keys are the flags", "name = file-" + w.id, "tap = tap8", "addr = 10.78.0.2/24", "addr = fd78::2/64",
        "host-addr = 10.78.0.1/24", "host-addr = fd78::1/64", "mtu = 1400", "socket = " + w.path("file.sock"),
        "set = net.ipv4.tcp_sack=0", ""]))
    proc = w.start(w.host.enter() + [w.config.tapird, "--config", config], env=dict(os.environ, NOTIFY_SOCKET=w.path("notify")),
                   label="tapird (from a file)")
    messages = b""
    while b"READY=1" not in messages:
        messages += notify.recv(4096) + b"\n"
    w.host_run("ping", "-n", "-c", "1", "-W", "20", "10.78.0.2")
    w.host_run("ping", "-n", "-c", "1", "-W", "20", "fd78::2")
    check("mtu 1400" in w.host.run("ip", "link", "show", "tap8"), "the MTU is not set")
    check(proc.stop() == 0, "exit status %d" % proc.popen.returncode)
    check(not os.path.exists(w.path("file.sock")), "the control socket is left behind")
    check("tap8" not in w.host.run("ip", "link"), "the TAP is left behind")


@test(combos="first", stacks=("tapir",), options=[], capture=False, smoke=True)
def stop_with_open_connections_closes_them_properly(w, family):
    server = w.stack_peer("echo", STACK[family], PORT)
    w.wait_port(STACK[family], PORT, server)
    peers = []
    for _ in range(20):
        s = w.host.socket(AF[family], socket.SOCK_STREAM)
        s.settimeout(60)
        s.connect((STACK[family], PORT))
        s.sendall(b"hello")
        check(s.recv(5, socket.MSG_WAITALL) == b"hello", "no echo")
        peers.append(s)
    w.daemon.signal(signal.SIGTERM)
    for s in peers:
        try:
            check(s.recv(100) == b"", "bytes instead of an end")
        except ConnectionResetError:
            check(False, "reset instead of a FIN")
        s.close()
    check(w.daemon.wait() == 0, "exit status %d" % w.daemon.popen.returncode)
    check(w.tap + ":" not in w.host.run("ip", "link"), "the TAP is left behind")
    check(not os.path.exists(w.socket_path), "the control socket is left behind")
    check(children_of(w.daemon.pid) == [], "a process is left behind")
    w.daemon = None


@test(families=None, combos="first", stacks=("tapir",), options=[], capture=False)
def stop_by_sigint_and_start_again_at_once(w):
    for number in (signal.SIGINT, signal.SIGTERM):
        w.daemon.signal(number)
        check(w.daemon.wait() == 0, "exit status %d" % w.daemon.popen.returncode)
        w.start_daemon()
        w.host_run("ping", "-n", "-c", "1", "-W", "20", STACK[4])
    # A daemon that was killed leaves its socket file: the next one takes its place.
    os.killpg(w.daemon.pid, signal.SIGKILL)
    w.daemon.popen.wait()
    w.start_daemon()
    w.host_run("ping", "-n", "-c", "1", "-W", "20", STACK[4])


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def start_without_root_in_namespaces_of_its_own(w):
    directory = copy_programs(w)
    os.chmod(w.test_dir, 0o777)
    # The node of this machine may be root's alone; what is tested is that no more than it is needed.
    subprocess.run(["mknod", w.path("tun"), "c", "10", "200"], check=True)
    os.chmod(w.path("tun"), 0o666)
    allowed = w.start(as_nobody() + ["unshare", "-Urn", "true"])
    if allowed.wait() != 0:
        print("    this kernel gives user namespaces to root only: %s" % allowed.err().strip())
        return
    path = w.path("rootless.sock")
    daemon = w.start(["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /dev/net/tun && exec "$@"', w.path("tun")] + as_nobody() +
                     ["unshare", "-Urn", directory + "/tapird", "--socket", path, "--tap", "tap0", "--addr", STACK[4] + "/24",
                      "--addr", STACK[6] + "/64", "--host-addr", KERNEL[4] + "/24", "--host-addr", KERNEL[6] + "/64"],
                     label="tapird (rootless)")
    daemon.wait_out(r"\bready\b")
    inside = ["nsenter", "--net=/proc/%d/ns/net" % daemon.pid, "--"]
    for family in (4, 6):
        server = w.start(inside + ["python3", os.path.join(ROOT, "tests/e2e/peers.py"), "http", KERNEL[family], "8080"])
        server.wait_out("listening")
        out = w.start(as_nobody() + [directory + "/tapir", "run", "--socket", path, "--", "curl", "-gsSf", "--noproxy", "*", "-o",
                                     "/dev/null", "-w", "%{size_download}",
                                     "http://%s:8080/bytes/%d" % (url_host(KERNEL[family]), MIB)]).expect(0).out()
        check(out == str(MIB), out)
        server.kill()
    check(daemon.stop() == 0, "exit status %d" % daemon.popen.returncode)


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def demo_works_and_leaves_nothing(w):
    os.mkdir(w.path("tmp"))
    before = processes(), os.listdir("/run/netns"), sorted(os.listdir("/run"))
    proc = w.start(["make", "-s", "-C", ROOT, "demo"], env=dict(os.environ, TMPDIR=w.path("tmp")),
                   label="make demo").expect(0, deadline=300)
    for word in ("curl", "ping", "tapir ss", "tapir stats"):
        check(word in proc.out(), "the transcript has no %s:\n%s" % (word, proc.out()))
    after = processes(), os.listdir("/run/netns"), sorted(os.listdir("/run"))
    check(after == before, "left behind: before %s, after %s" % (before, after))
    check(os.listdir(w.path("tmp")) == [], "left behind: %s" % os.listdir(w.path("tmp")))


def processes():
    return sorted(children_of(1))
