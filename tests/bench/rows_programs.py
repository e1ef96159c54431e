# SPDX-License-Identifier: BSD-2-Clause
"""rows_programs.py - programs that others wrote, measured: redis and nginx on the stack, their clients on the kernel."""

import os
import re
import resource
import shutil
import subprocess
import time

from lab import Failed, READY_SECONDS, memory_bytes, spawn, stop

REDIS_CLIENTS, WRK_CONNECTIONS = 50, 100
OPEN_CONNECTIONS = 20000
SPARE_DESCRIPTORS = 500  # of the daemon's, nginx's and the client's limit, which is the same

NGINX = """
daemon off;
worker_processes 1;
worker_rlimit_nofile {limit};
user nobody nogroup;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ use epoll; worker_connections {limit}; }}
http {{
	access_log off;
	sendfile on;
	keepalive_requests 1000000000;
	keepalive_timeout 600s;
	client_header_timeout 600s;
	client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
	uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
	server {{ listen {address}:{port} backlog=4096; root {dir}/www; }}
}}
"""


def host_of(address):
    return "[%s]" % address if ":" in address else address


class Server:
    """A program that serves at the near end until it is closed; ready when the far end can connect."""

    def __init__(self, lab, path, argv, port, cpus):
        self.process = spawn(path.prefix["near"] + argv, cpus, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_SECONDS
        probe = path.prefix["far"] + ["bash", "-c", "exec 3<>/dev/tcp/%s/%s" % (path.addr["near"], port)]
        while subprocess.run(probe, stderr=subprocess.DEVNULL).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                stop(self.process)
                raise Failed("%s does not accept connections" % argv[0])
            time.sleep(0.05)

    def close(self):
        stop(self.process)


def pin_all(path, o):
    pins = o.pins(o.daemon)
    if path.daemon:
        path.daemon.pin(pins.daemon)
    return pins


def per_operation(cpu, count):
    return (cpu / count * 1e6, "us/op") if count else None


# ---- redis ----


def redis_get(pipeline):
    def measure(lab, path_name, o):
        path, port = lab.path(path_name), lab.next_port()
        pins = pin_all(path, o)
        server = Server(lab, path, ["redis-server", "--bind", path.addr["near"], "--port", port, "--save", "", "--appendonly", "no",
                                    "--protected-mode", "no", "--dir", lab.directory], port, pins.near)
        # About that many seconds of work for the kernel.
        count = int(80000 * pipeline ** 0.5 * o.seconds)
        try:
            out, cpu = lab.run_client(path, "far", ["redis-benchmark", "-h", path.addr["near"], "-p", port, "-t", "get", "-n", str(count),
                                                    "-c", str(REDIS_CLIENTS), "-P", str(pipeline), "--csv"], pins.far, 10 * o.seconds)
        finally:
            server.close()
        m = re.search(r'^"GET","([0-9.]+)"', out, re.M)
        if not m:
            raise Failed("redis-benchmark said: " + out.strip()[-200:])
        return {"": float(m.group(1)) / 1000, "cpu": per_operation(cpu, count)}
    return measure


# ---- nginx ----


def nginx_start(lab, path, port, cpus):
    directory = os.path.join(lab.directory, "nginx-" + port)
    os.makedirs(directory + "/www")
    os.chmod(lab.directory, 0o755)
    with open(directory + "/www/index.html", "w") as f:
        f.write("x" * 612)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with open(directory + "/nginx.conf", "w") as f:
        f.write(NGINX.format(dir=directory, address=host_of(path.addr["near"]), port=port, limit=limit))
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not program:
        raise Failed("program missing: nginx")
    return Server(lab, path, [program, "-p", directory, "-c", directory + "/nginx.conf"], port, cpus)


def wrk(lab, path, port, cpus, seconds, connections, *options):
    """Requests a second, their median latency in us, and how many; fails when any request did."""
    out, cpu = lab.run_client(path, "far", ["wrk", "-t", "1", "-c", str(connections), "-d", "%d" % max(1, round(seconds)), "--latency",
                                            *options, "http://%s:%s/" % (host_of(path.addr["near"]), port)], cpus, seconds)
    rate, count = re.search(r"Requests/sec:\s+([0-9.]+)", out), re.search(r"(\d+) requests in", out)
    half = re.search(r"^\s+50%\s+([0-9.]+)(us|ms|s)", out, re.M)
    if not rate or not half or "Non-2xx" in out or "Socket errors" in out:
        raise Failed("wrk said: " + out.strip()[-400:])
    scale = {"us": 1, "ms": 1e3, "s": 1e6}[half.group(2)]
    return float(rate.group(1)), float(half.group(1)) * scale, int(count.group(1)), cpu


def nginx_requests(*options):
    def measure(lab, path_name, o):
        path, port = lab.path(path_name), lab.next_port()
        pins = pin_all(path, o)
        server = nginx_start(lab, path, port, pins.near)
        try:
            rate, _, count, cpu = wrk(lab, path, port, pins.far, o.seconds, WRK_CONNECTIONS, *options)
        finally:
            server.close()
        return {"": rate / 1000, "cpu": per_operation(cpu, count)}
    return measure


def slab_bytes():
    """The kernel's own memory, of the whole machine: what sockets cost there."""
    for line in open("/proc/meminfo"):
        if line.startswith("Slab:"):
            return int(line.split()[1]) * 1024
    return 0


def many_open(lab, path_name, o, open_idle):
    """One nginx with that many connections that say nothing; then one more that asks, again and again."""
    path = lab.new_daemon("many") if path_name == "tapir" else lab.path(path_name)
    count = min(o.open_connections, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - SPARE_DESCRIPTORS)
    things, port = [], lab.next_port()
    try:
        pins = pin_all(path, o)
        things.append(nginx_start(lab, path, port, pins.near))
        before, kernel_before = memory_bytes(path.daemon.pids) if path.daemon else None, slab_bytes()
        things.append(IdleClient(open_idle(lab, path, port, count, pins.far)))
        time.sleep(1)
        result = {"kernel bytes": (slab_bytes() - kernel_before) / count, "open": count}
        if path.daemon:
            result["daemon bytes"] = (memory_bytes(path.daemon.pids)["anonymous"] - before["anonymous"]) / count
        _, result["p50"], _, _ = wrk(lab, path, port, pins.far, o.seconds, 1)
        return result
    finally:
        for t in reversed(things):
            t.close()
        if path_name == "tapir":
            path.daemon.close()


class IdleClient:
    def __init__(self, process):
        self.process = process

    def close(self):
        stop(self.process)


# ---- socket() and connect() ----


def socket_and_connect(lab, path_name, o):
    path = lab.path(path_name)
    count = 2000 if o.seconds < 2 else 10000
    report = lab.pair(path, "far", ["hold-server"], ["connect-client", str(count)], o.pins(o.daemon), 30)
    return {"": report["us"], "cpu": per_operation(report["daemon_cpu_seconds"], count)}
