# SPDX-License-Identifier: BSD-2-Clause
"""Notify mode: static programs (glibc and musl), Go, set-user-id, trees of all kinds, and real programs put into it by --mode=notify."""

import os
import re
import shutil
import signal
import subprocess

from harness import ABSENT, HERE, KERNEL, MIB, STACK, Failure, check, pattern_sha256, test, url_host, wait_for

from test_clients import STREAMS_DIFFER

PORT, HTTP_PORT = 7000, 8080
SOURCES = os.path.join(HERE, "notify")
GO_ENV = dict(os.environ, CGO_ENABLED="0", GO111MODULE="off", GOFLAGS="", GOTOOLCHAIN="local")


def built(w, name, command, source, env=None):
    """A program made from @source once, kept beside the others."""
    directory = os.path.join(w.config.build, "tests/e2e/notify")
    program = os.path.join(directory, name)
    newest = max(os.path.getmtime(path) for path in (source, os.path.join(HERE, "conformance.h")))
    os.makedirs(directory, exist_ok=True)
    if not os.path.exists(program) or os.path.getmtime(program) < newest:
        env = dict(env or os.environ, GOCACHE=os.path.join(directory, "go-cache"))
        subprocess.run(command + ["-o", program + ".new", source], check=True, env=env)
        os.rename(program + ".new", program)
    return program


def static_c(w, source, compiler="musl-gcc", *flags):
    name = os.path.basename(source)[:-2] + "-" + compiler + ("" if "-static" in flags else "-dynamic")
    return built(w, name, [compiler, "-O1", "-std=gnu11", "-D_GNU_SOURCE", "-pthread"] + list(flags), source)


def calls(w, compiler="musl-gcc", *flags):
    return static_c(w, os.path.join(SOURCES, "calls.c"), compiler, *(flags or ("-static",)))


def go_peer(w):
    return built(w, "go-peer", ["go", "build"], os.path.join(SOURCES, "peer.go"), GO_ENV)


def run_options(w, *options):
    return w.guest.enter() + [w.config.tapir, "run", "--socket", w.socket_path] + list(options) + ["--"]


def start(w, *argv, options=("--mode=notify",), **kw):
    return w.start(run_options(w, *options) + [str(a) for a in argv], label=os.path.basename(argv[0]) + " (notify)", **kw)


def run(w, *argv, status=0, **kw):
    return start(w, *argv, **kw).expect(status)


def expect_verdict(proc):
    proc.wait(deadline=180)
    verdict = re.search(r"(\d+) passed, 0 failed", proc.out())
    check(verdict and int(verdict.group(1)) > 0, proc.out()[-3000:] + proc.err()[-1000:])


def start_http(w, family):
    w.host_peer("http", KERNEL[family], HTTP_PORT).wait_out("listening")
    return "http://%s:%d" % (url_host(KERNEL[family]), HTTP_PORT)


# ---- Static C ----


@test(combos="first", capture=False, stacks=("tapir",), smoke=True)
def static_calls_and_signals(w, family):
    for compiler in ("musl-gcc", "gcc"):
        expect_verdict(start(w, calls(w, compiler, "-static"), STACK[family], options=()))


# Where nothing stands between a program and its descriptor, a few things differ (client-lib/README.md).
DIFFERS = (
    "refused_nonblocking_connect_fails_read", "write_after_reset_tells_the_reset_then_raises_sigpipe", "calls_out_of_place",
    "datagrams_know_their_sender", "connected_datagrams_work_unhooked", "refused_datagram_is_told_once",
    "fresh_stream", "bytes_may_be_dropped_without_a_buffer", "queue_sizes_by_ioctl", "dissolved_connection_may_be_followed_by_another", "failed_connect_may_be_tried_again",
)


@test(combos="first", capture=False, stacks=("tapir",))
def static_conformance(w, family):
    w.host_peer("echo", KERNEL[family], PORT).wait_out("listening")
    program = static_c(w, os.path.join(HERE, "sock_conformance.c"), "gcc", "-DON_KERNEL", "-static")
    expect_verdict(start(w, program, "--skip", ",".join(DIFFERS), STACK[family], KERNEL[family], PORT, options=()))


# No bell reaches a program whose reads nobody sees: an error does not wake it, and poll() never says POLLERR. What has no address is the
# kernel's own send() on the pair, which says another errno, or none.
DGRAM_DIFFERS = (
    "refused_is_told_once_by_recv", "refused_is_told_once_by_send", "refused_is_told_once_by_so_error",
    "refused_is_queued_with_what_was_sent", "error_told_by_recv_stays_in_the_queue", "absent_neighbour_is_queued",
    "error_among_many_costs_none_of_them", "what_cannot_be_sent_fails_at_once", "connect_again_and_dissolve",
    "shutdown_for_writing_is_epipe",
)


@test(combos="first", capture=False, stacks=("tapir",))
def static_conformance_of_stream_ends(w, family):
    program = static_c(w, os.path.join(HERE, "stream_conformance.c"), "gcc", "-static")
    skip = ",".join(STREAMS_DIFFER + ("control_messages_are_looked_at", "close_waits_as_long_as_it_lingers",
                                      "mark_keeps_poll_quiet_and_read_takes_what_is_there"))
    expect_verdict(start(w, program, "--skip", skip, {4: "127.0.0.1", 6: "::1"}[family], options=()))


@test(combos="first", capture=False, stacks=("tapir",))
def static_conformance_of_datagrams(w, family):
    program = static_c(w, os.path.join(HERE, "dgram_conformance.c"), "gcc", "-static")
    expect_verdict(start(w, program, "--skip", ",".join(DGRAM_DIFFERS), STACK[family], KERNEL[family], ABSENT[family], options=()))


@test(combos="first", capture=False, stacks=("tapir",))
def dynamic_musl_program(w, family):
    expect_verdict(start(w, calls(w, "musl-gcc", "-O1"), STACK[family], "threads_connect_at_once", options=()))


# ---- Go ----


@test(smoke=True)
def go_client_downloads(w, family):
    url = start_http(w, family)
    go = go_peer(w)
    for size in (1, w.bulk_bytes):
        argv = [go, "get", "%s/bytes/%d" % (url, size)]
        proc = run(w, *argv, options=()) if w.is_tapir else w.start(w.guest.enter() + argv).expect(0)
        check(proc.out() == "200 %d %s\n" % (size, pattern_sha256(size)), proc.out())


@test(combos="first", stacks=("tapir",))
def go_server_answers_curl(w, family):
    server = start(w, go_peer(w), "serve", "%s:%d" % (url_host(STACK[family]), HTTP_PORT), options=())
    server.wait_out("listening")
    sizes = list(range(100000, 100020))
    each = [["-o", "/dev/null", "http://%s:%d/bytes/%d" % (url_host(STACK[family]), HTTP_PORT, size)] for size in sizes]
    proc = w.host_run("curl", "-gsSf", "--noproxy", "*", "-w", "%{size_download} ", *sum(each, []))
    check([int(n) for n in proc.out().split()] == sizes, proc.out())


@test(combos="first", capture=False, stacks=("tapir",), families=(4, 6))
def go_preemption_signals_lose_nothing(w, family):
    proc = run(w, go_peer(w), "churn", "%s:%d" % (url_host(STACK[family]), PORT), 400, options=())
    check(proc.out() == "served 400\n", proc.out())


@test(combos="first", capture=False, stacks=("tapir",), families=None)
def go_sees_the_stacks_interfaces(w):
    out = run(w, go_peer(w), "interfaces", options=()).out()
    check("%s/24" % STACK[4] in out and "%s/64" % STACK[6] in out, out)


# ---- Trees ----


@test(combos="first", capture=False, stacks=("tapir",))
def preloaded_shell_starts_static_programs(w, family):
    """With their names, descriptors, directory and process ids as always."""
    static, go, url = calls(w), go_peer(w), start_http(w, family)
    script = """
        cd /usr && exec 7</dev/null
        curl -gsSf --noproxy '*' -o /dev/null %(url)s/bytes/10 || exit 1
        (exec -a renamed sh -c 'exec %(static)s %(own)s threads_connect_at_once') || exit 2
        %(go)s get %(url)s/bytes/10 || exit 3
        exec python3 -c 'import os, subprocess, sys; os.execv("%(go)s", ["other-name", "self"])'
    """ % {"url": url, "static": static, "go": go, "own": STACK[family]}
    proc = run(w, "bash", "-c", script, options=())
    last = proc.out().splitlines()[-1].split()
    check(last == ["other-name", "/usr", str(proc.pid), "true"], proc.out())


@test(combos="first", capture=False, stacks=("tapir",))
def one_supervisor_for_a_whole_tree(w, family):
    url = start_http(w, family)
    script = "curl -gsSf --noproxy '*' -o /dev/null %s/bytes/10 && %s %s threads_connect_at_once && exec %s get %s/bytes/10" % (
        url, calls(w), STACK[family], go_peer(w), url)
    check("200 10" in run(w, "sh", "-c", script).out(), "the last of the tree got nothing")


@test(combos="first", capture=False, stacks=("tapir",), families=(4, 6))
def set_user_id_programs_run_unprivileged(w, family):
    program = w.path("set-uid")
    shutil.copy(go_peer(w), program)
    os.chmod(program, 0o4755)
    os.chmod(w.test_dir, 0o755)
    url = start_http(w, family)
    command = w.guest.enter() + ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", w.config.tapir, "run", "-v", "--socket",
                                 w.socket_path, "--", program, "get", url + "/bytes/10"]
    proc = w.start(command, label="set-uid").expect(0)
    check("200 10" in proc.out() and "without those privileges" in proc.err(), proc.out() + proc.err())


# ---- The end of either side ----


def supervisor_of(proc):
    """Supervisors leave the program's session; their name is in /proc."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/comm" % pid) as comm, open("/proc/%s/cmdline" % pid, "rb") as cmdline:
                if comm.read() == "tapir-notify\n" and str(proc.marker).encode() in cmdline.read():
                    return int(pid)
        except OSError:
            pass
    return None


@test(combos="first", capture=False, stacks=("tapir",), families=(4, 6))
def supervisor_ends_with_the_last_program(w, family):
    server = start(w, go_peer(w), "serve", "%s:%d" % (url_host(STACK[family]), HTTP_PORT), options=())
    server.marker = "%s:%d" % (url_host(STACK[family]), HTTP_PORT)
    server.wait_out("listening")
    supervisor = wait_for(lambda: supervisor_of(server), "a supervisor")
    os.kill(supervisor, signal.SIGTERM)  # as systemd sends it to all of a service: the program may need it for its own end
    w.host_run("curl", "-gsSf", "--noproxy", "*", "-o", "/dev/null", "http://%s/bytes/10" % server.marker)
    server.kill()
    wait_for(lambda: not os.path.exists("/proc/%d" % supervisor), "the supervisor to end")
    again = start(w, go_peer(w), "serve", "%s:%d" % (url_host(STACK[family]), HTTP_PORT), options=())
    again.wait_out("listening")


@test(combos="first", capture=False, stacks=("tapir",), families=(4, 6))
def program_without_its_supervisor_gets_errors(w, family):
    script = "import socket, sys\nprint('ready', flush=True)\nsys.stdin.readline()\ntry:\n socket.socket()\nexcept OSError as e:\n print(e.errno)"
    proc = start(w, "python3", "-c", script, stdin=subprocess.PIPE)
    proc.marker = "sys.stdin.readline"
    proc.wait_out("ready")
    os.kill(wait_for(lambda: supervisor_of(proc), "a supervisor"), signal.SIGKILL)
    proc.popen.stdin.write(b"\n")
    proc.popen.stdin.close()
    check(proc.expect(0).out() == "ready\n38\n", proc.out())  # ENOSYS


@test(combos="first", capture=False, stacks=("tapir",), families=None)
def exit_status_and_signal_are_the_programs(w):
    run(w, "sh", "-c", "exit 7", status=7)
    run(w, "sh", "-c", "kill -TERM $$", status=-signal.SIGTERM)
    run(w, "/nowhere", status=127)
    proc = start(w, "sleep", "1000")
    wait_for(lambda: os.path.exists("/proc/%d/comm" % proc.pid) and open("/proc/%d/comm" % proc.pid).read() == "sleep\n", "sleep")
    proc.popen.send_signal(signal.SIGTERM)
    proc.expect(-signal.SIGTERM)


# ---- Real programs ----


@test(combos="first", stacks=("tapir",), smoke=True)
def curl_under_notify(w, family):
    url, size = start_http(w, family), 20 * MIB
    proc = run(w, "sh", "-c", "curl -gsSf --noproxy '*' %s/bytes/%d | sha256sum" % (url, size))
    check(proc.out().split()[0] == pattern_sha256(size), proc.out())


@test(combos="first", stacks=("tapir",))
def python_datagrams_under_notify(w, family):
    w.host_peer("udp-echo", KERNEL[family], PORT).wait_out("listening")
    out = run(w, "python3", os.path.join(HERE, "peers.py"), "udp-client", KERNEL[family], PORT).out()
    check(out == "all equal\n", out)


@test(combos="first", stacks=("tapir",), capture=False)
def redis_under_notify(w, family):
    server = start(w, "redis-server", "--port", PORT, "--bind", STACK[family], "--save", "", "--appendonly", "no", "--protected-mode", "no")
    wait_for(lambda: "Ready to accept connections" in server.out(), server.out)
    out = w.host_run("redis-benchmark", "-h", STACK[family], "-p", str(PORT), "-q", "-n", "2000", "-c", "50", "-t", "set,get", "--csv").out()
    check("GET" in out and "SET" in out, out)


@test(combos="first", stacks=("tapir",), capture=False)
def nginx_under_notify(w, family):
    w.write("index.html", "x" * 100000)
    w.write("nginx.conf", """
        daemon off; worker_processes 2; pid %(d)s/pid; error_log stderr; user root;
        events { worker_connections 200; }
        http { access_log off; client_body_temp_path %(d)s/b; proxy_temp_path %(d)s/p; fastcgi_temp_path %(d)s/f;
               uwsgi_temp_path %(d)s/u; scgi_temp_path %(d)s/s;
               server { listen %(a)s:%(p)d; root %(d)s; } }""" % {"d": w.test_dir, "a": url_host(STACK[family]), "p": HTTP_PORT})
    server = start(w, "nginx", "-c", w.path("nginx.conf"), "-e", "stderr")
    url = "http://%s:%d/index.html" % (url_host(STACK[family]), HTTP_PORT)
    probe = ["curl", "-gsSf", "--noproxy", "*", "-o", "/dev/null", "-w", "%{size_download}", url]

    def answers():
        check(server.popen.poll() is None, server.err())
        proc = w.host_start(*probe)
        proc.wait()
        return proc.out() == "100000"

    wait_for(answers, server.err)
    out = w.host_run("wrk", "-t", "1", "-c", "20", "-d", "2", url).out()
    check("Non-2xx" not in out and "Socket errors" not in out, out)
    server.popen.send_signal(signal.SIGQUIT)
    server.expect(0)


@test(families=(4, 6), combos="first", capture=False, stacks=("tapir",))
def strace_follows_the_program_and_not_its_supervisor(w, family):
    url = start_http(w, family) + "/bytes/100"
    tapir = [w.config.tapir, "run", "--socket", w.socket_path, "--mode=notify", "--"]
    strace = ["strace", "-f", "-o", "/dev/null"]
    for argv in (strace + tapir, tapir + strace):
        w.start(argv + ["curl", "-sS", "-o", "/dev/null", url], label=" ".join(argv[:1])).expect(0)
