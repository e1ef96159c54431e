# SPDX-License-Identifier: BSD-2-Clause
"""Unmodified servers on the stack, reached from the kernel: nginx, redis, python's http.server."""

import hashlib
import os
import re
import signal
import subprocess

from harness import MIB, STACK, check, children_of, pattern_chunks, pattern_sha256, test, url_host, wait_for
from test_curl import download

NGINX = """
daemon off;
master_process on;
worker_processes 2;
user nobody nogroup;
pid {dir}/nginx.pid;
error_log stderr notice;
events {{ use epoll; worker_connections 2048; }}
http {{
	access_log off;
	sendfile on;
	keepalive_requests 1000000;
	client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
	uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
	server {{
		listen {address}:80 backlog=1024;
		root {dir}/www;
		location /reloads {{ return 200 "{text}"; }}
	}}
}}
"""


def write_pattern(path, total):
    with open(path, "wb") as f:
        for chunk in pattern_chunks(total):
            f.write(chunk)


def nginx_configure(w, family, text):
    return w.write("nginx.conf", NGINX.format(dir=w.test_dir, address=url_host(STACK[family]), text=text))


def nginx_start(w, family):
    os.mkdir(w.path("www"))
    w.write("www/index.html", "x" * 612)
    server = w.stack_start("nginx", "-p", w.test_dir, "-c", nginx_configure(w, family, "before"), label="nginx (on the stack)")
    w.wait_port(STACK[family], 80, server)
    wait_for(lambda: len(children_of(server.pid)) == 2, "nginx has %d workers" % len(children_of(server.pid)))
    return server


def fetch(w, family, path):
    return w.host_run("curl", "-gsSf", "--noproxy", "*", "http://%s%s" % (url_host(STACK[family]), path)).out()


@test(smoke=True)
def nginx_serves_a_big_file_with_sendfile(w, family):
    nginx_start(w, family)
    total = min(w.bulk_bytes, 256 * MIB)
    write_pattern(w.path("www/big"), total)
    download(w, w.host_start, "http://%s/big" % url_host(STACK[family]), total)


@test(combos="first", capture=False)
def nginx_reloads_under_load(w, family):
    server = nginx_start(w, family)
    check(fetch(w, family, "/reloads") == "before", "nginx answers something else")
    wrk = w.host_start("wrk", "-c", "200", "-t", "2", "-d", "5", "http://%s/" % url_host(STACK[family]))
    for turn in range(3):
        old = set(children_of(server.pid))
        nginx_configure(w, family, "after %d" % turn)
        server.signal(signal.SIGHUP)
        wait_for(lambda: not old & set(children_of(server.pid)), "old workers do not end")
        check(turn or wrk.lives(), "wrk ended before the first reload did")
        check(fetch(w, family, "/reloads") == "after %d" % turn, "nginx has not taken the new configuration")
    out = wrk.expect(0).out()
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    connect, read, write, timeout = (int(n) for n in errors.groups()) if errors else (0, 0, 0, 0)
    # A keep-alive connection that a leaving worker closes while the next request is on its way reads as an error, with the
    # kernel too: at most one a connection and reload. Nothing else may fail.
    check(requests > 0 and connect == 0 and timeout == 0 and read + write <= 3 * 200, out)
    check("Non-2xx" not in out, out)
    server.signal(signal.SIGQUIT)
    server.expect(0)


@test(combos="first")
def nginx_restarts_on_the_same_port(w, family):
    for _ in range(3):
        if os.path.isdir(w.path("www")):
            subprocess.run(["rm", "-rf", w.path("www")], check=True)
        server = nginx_start(w, family)
        check(len(fetch(w, family, "/")) == 612, "index differs")
        server.signal(signal.SIGTERM)
        server.expect(0)


def redis_start(w, family):
    server = w.stack_start("redis-server", "--bind", STACK[family], "--port", "6379", "--protected-mode", "no", "--save", "",
                           "--appendonly", "no", "--dir", w.test_dir)
    w.wait_port(STACK[family], 6379, server)
    return server


def redis_cli(w, family, *argv):
    return w.host_run("redis-cli", "-h", STACK[family], *argv).out().strip()


@test(smoke=True)
def redis_takes_values_and_benchmarks(w, family):
    redis_start(w, family)
    value = hashlib.sha256(STACK[family].encode()).hexdigest() * 1000
    check(redis_cli(w, family, "set", "key", value) == "OK", "set")
    check(redis_cli(w, family, "get", "key") == value, "get gives another value")
    for pipeline in ("1", "16"):
        count = "20000" if w.full else "4000"
        out = w.host_run("redis-benchmark", "-h", STACK[family], "-t", "set,get,incr", "-n", count, "-c", "50", "-P", pipeline,
                         "--csv", deadline=180).out()
        check("rror" not in out, out)
        for name in ("SET", "GET", "INCR"):
            m = re.search(r'"%s","([0-9.]+)"' % name, out)
            check(m and float(m.group(1)) > 0, "no rate of %s: %s" % (name, out))
    check(redis_cli(w, family, "get", "counter:__rand_int__") == str(2 * int(count)), "increments were lost")


@test(combos="first", smoke=True)
def python_http_server_serves_files(w, family):
    os.mkdir(w.path("www"))
    total = 4 * MIB
    write_pattern(w.path("www/file"), total)
    server = w.stack_start("python3", "-m", "http.server", "8000", "--bind", STACK[family], "--directory", w.path("www"))
    w.wait_port(STACK[family], 8000, server)
    url = "http://%s:8000/file" % url_host(STACK[family])
    download(w, w.host_start, url, total)
    w.host_run("curl", "-sSf", "--noproxy", "*", "-Z", "--parallel-max", "50", "--parallel-immediate",
               "%s?[1-50]" % url.replace("[", "\\[").replace("]", "\\]"), "-o", w.path("got-#1"), deadline=120)
    for i in range(1, 51):
        with open(w.path("got-%d" % i), "rb") as f:
            check(hashlib.sha256(f.read()).hexdigest() == pattern_sha256(total), "transfer %d differs" % i)
        os.unlink(w.path("got-%d" % i))
