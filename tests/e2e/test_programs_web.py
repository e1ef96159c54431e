# SPDX-License-Identifier: BSD-2-Clause
"""Programs of the web, unmodified, as servers and as clients on the stack: wget, nginx, haproxy, python3, node, perl, php."""

import os
import re
import signal

from harness import KERNEL, MIB, STACK, check, children_of, pattern_sha256, test, url_host, wait_for
from test_curl import download, start_server as start_http_on_kernel
from test_servers import nginx_start, write_pattern
from test_ssh import sha256_of

TOTAL = 4 * MIB


def url_of(address, port, path="/file"):
    return "http://%s:%d%s" % (url_host(address), port, path)


def serve_file(w):
    os.mkdir(w.path("www"))
    write_pattern(w.path("www/file"), TOTAL)


def fetch_many(w, run, url, count=30):
    """@count transfers at once, every byte checked."""
    run("curl", "-sSf", "--noproxy", "*", "-Z", "--parallel-max", str(count), "--parallel-immediate",
        "%s?[1-%d]" % (url.replace("[", "\\[").replace("]", "\\]"), count), "-o", w.path("got-#1"), deadline=120)
    for i in range(1, count + 1):
        check(sha256_of(w.path("got-%d" % i)) == pattern_sha256(TOTAL), "transfer %d differs" % i)
        os.unlink(w.path("got-%d" % i))


# ---- wget ----


@test(combos="first")
def wget_downloads_and_goes_on_where_it_stopped(w, family):
    serve_file(w)
    server = w.host_start("python3", "-m", "http.server", "8000", "--bind", KERNEL[family], "--directory", w.path("www"))
    w.wait_port(KERNEL[family], 8000, server)
    w.stack_run("wget", "-nv", "--no-proxy", "-O", w.path("got"), url_of(KERNEL[family], 8000))
    check(sha256_of(w.path("got")) == pattern_sha256(TOTAL), "what wget got differs")
    refused = w.stack_start("wget", "-nv", "--no-proxy", "-t", "1", "-O", w.path("none"), url_of(KERNEL[family], 8001))
    refused.expect(4)
    check("refused" in refused.err(), refused.err())


# ---- nginx ----


@test(combos="first")
def nginx_keeps_connections_alive(w, family):
    nginx_start(w, family)
    proc = w.host_run("curl", "-sSf", "--noproxy", "*", "-w", "%{num_connects} %{size_download}\\n", "-o", "/dev/null",
                      "%s?[1-50]" % ("http://%s/" % url_host(STACK[family])).replace("[", "\\[").replace("]", "\\]"))
    lines = [line.split() for line in proc.out().splitlines()]
    check(len(lines) == 50 and sum(int(n) for n, _ in lines) == 1 and all(s == "612" for _, s in lines), proc.out())


@test(combos="first", capture=False, stacks=("tapir",))
def nginx_killed_under_load_harms_nobody_else(w, family):
    """SIGKILL of master and workers with 100 connections: its clients are reset, another server on the stack notices nothing, and the
    next nginx has the port at once."""
    w.stack_peer("echo", STACK[family], 7100).wait_out("listening")
    server = nginx_start(w, family)
    wrk = w.host_start("wrk", "-c", "100", "-t", "2", "-d", "3", "http://%s/" % url_host(STACK[family]))
    wait_for(lambda: sum(s["state"].startswith("ESTAB") for s in w.sockets()) >= 100, "wrk makes no connections")
    for pid in [server.pid] + children_of(server.pid):
        os.kill(pid, signal.SIGKILL)
    check_echo(w, STACK[family], 7100)
    wrk.expect(0)
    check_echo(w, STACK[family], 7100)
    w.start(["rm", "-rf", w.path("www")]).expect(0)
    nginx_start(w, family)
    check(len(w.host_run("curl", "-gsSf", "--noproxy", "*", "http://%s/" % url_host(STACK[family])).out()) == 612, "index differs")


def check_echo(w, address, port):
    proc = w.host_run("python3", "-c", "import socket, sys\ns = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
                      "s.sendall(b'x' * 100000)\nn = 0\nwhile n < 100000:\n    n += len(s.recv(65536))\nprint('all')", address, str(port))
    check(proc.out() == "all\n", proc.out())


# ---- haproxy ----

HAPROXY = """
global
	maxconn 500
	nbthread 2
defaults
	timeout connect 10s
	timeout client 60s
	timeout server 60s
frontend http
	mode http
	bind {front}:8080
	default_backend web
frontend tcp
	mode tcp
	bind {front}:8081
	default_backend raw
backend web
	mode http
	option httpchk GET /bytes/10
	http-response set-header X-Through haproxy
	server one {back}:8080 check inter 500
backend raw
	mode tcp
	server one {back}:8080
"""


@test(combos="first")
def haproxy_hands_http_and_tcp_on(w, family):
    """Clients of the kernel in front, the kernel's server behind: both of haproxy's sides are on the stack."""
    start_http_on_kernel(w, family)
    config = w.write("haproxy.cfg", HAPROXY.format(front=STACK[family], back=url_host(KERNEL[family])))
    server = w.stack_start("haproxy", "-db", "-f", config)
    for port in (8080, 8081):
        w.wait_port(STACK[family], port, server)
        download(w, w.host_start, url_of(STACK[family], port, "/bytes/%d" % TOTAL), TOTAL)
        fetch_many(w, w.host_run, url_of(STACK[family], port, "/bytes/%d" % TOTAL))
    head = w.host_run("curl", "-gsSf", "--noproxy", "*", "-D", "-", "-o", "/dev/null", url_of(STACK[family], 8080, "/bytes/10")).out()
    check("x-through: haproxy" in head.lower(), head)


@test(combos="first")
def haproxy_on_the_kernel_has_its_server_on_the_stack(w, family):
    server = w.stack_peer("http", STACK[family], 8080)
    server.wait_out("listening")
    config = w.write("haproxy.cfg", HAPROXY.format(front=KERNEL[family], back=url_host(STACK[family])))
    proxy = w.host_start("haproxy", "-db", "-f", config)
    for port in (8080, 8081):
        w.wait_port(KERNEL[family], port, proxy)
        download(w, w.stack_start, url_of(KERNEL[family], port, "/bytes/%d" % TOTAL), TOTAL)


# ---- python3 ----

PYTHON_CLIENTS = """
import asyncio, hashlib, http.client, sys, urllib.request
host, port, total = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
name = "[%s]" % host if ":" in host else host
urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({})))
with urllib.request.urlopen("http://%s:%d/bytes/%d" % (name, port, total)) as r:
    print("urllib", hashlib.sha256(r.read()).hexdigest())
c = http.client.HTTPConnection(host, port)
for i in range(20):
    c.request("PUT", "/", body=b"%d" % i * 5000)
    if c.getresponse().read() != hashlib.sha256(b"%d" % i * 5000).hexdigest().encode():
        sys.exit("http.client: answer %d differs" % i)
async def one():
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"GET /bytes/%d HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n" % total)
    await writer.drain()
    await reader.readuntil(b"\\r\\n\\r\\n")
    data = await reader.readexactly(total)
    writer.close()
    await writer.wait_closed()
    return hashlib.sha256(data).hexdigest()
async def many():
    return await asyncio.gather(*[one() for _ in range(20)])
print("asyncio", *set(asyncio.run(many())))
"""


@test(combos="first")
def python_clients_fetch_with_urllib_http_client_and_asyncio(w, family):
    start_http_on_kernel(w, family)
    out = w.stack_run("python3", w.write("clients.py", PYTHON_CLIENTS), KERNEL[family], "8080", str(TOTAL)).out()
    check(out.split() == ["urllib", pattern_sha256(TOTAL), "asyncio", pattern_sha256(TOTAL)], out)


PYTHON_SERVERS = """
import asyncio, os, socket, socketserver, sys, threading
host = sys.argv[1]
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(b"%d " % os.getpid() + line)
class V6(socketserver.TCPServer):
    address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
    allow_reuse_address, request_queue_size = True, 128
class Threading(socketserver.ThreadingMixIn, V6):
    daemon_threads = True
class Forking(socketserver.ForkingMixIn, V6):
    pass
async def echo(reader, writer):
    while line := await reader.readline():
        writer.write(b"%d " % os.getpid() + line)
        await writer.drain()
    writer.close()
async def serve():
    async with await asyncio.start_server(echo, host, 9003) as server:
        await server.serve_forever()
for port, kind in (9001, Threading), (9002, Forking):
    threading.Thread(target=kind((host, port), Echo).serve_forever, daemon=True).start()
asyncio.run(serve())
"""

LINES_CLIENT = """
import socket, sys
pids = set()
for turn in range(20):
    with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as s, s.makefile("rwb") as f:
        for i in range(50):
            f.write(b"line %d of %d\\n" % (i, turn))
        f.flush()
        s.shutdown(socket.SHUT_WR)
        for i in range(50):
            pid, text = f.readline().split(b" ", 1)
            pids.add(pid)
            if text != b"line %d of %d\\n" % (i, turn):
                sys.exit("line %d of %d: %r" % (i, turn, text))
        if f.read():
            sys.exit("more than was sent")
print(len(pids))
"""


@test(combos="first")
def python_socketserver_threads_and_forks_and_asyncio_serves(w, family):
    server = w.stack_start("python3", w.write("servers.py", PYTHON_SERVERS), STACK[family])
    client = w.write("client.py", LINES_CLIENT)
    for port, processes in (9001, 1), (9002, 20), (9003, 1):
        w.wait_port(STACK[family], port, server)
        out = w.host_run("python3", client, STACK[family], str(port)).out()
        check(out == "%d\n" % processes, "port %d: %s processes answered, not %d" % (port, out.strip(), processes))


# ---- node ----

NODE_SERVER = """
const http = require("http"), crypto = require("crypto"), cluster = require("cluster");
const [host, port, workers] = [process.argv[2], +process.argv[3], +process.argv[4]];
if (workers && cluster.isPrimary) {
	let up = 0;
	cluster.on("listening", () => { if (++up == workers) console.log("listening"); });
	for (let i = 0; i < workers; i++)
		cluster.fork();
} else {
	http.createServer((req, res) => {
		const hash = crypto.createHash("sha256");
		req.on("data", (d) => hash.update(d)).on("end", () => {
			res.setHeader("X-Pid", process.pid);
			res.end(req.method == "PUT" ? hash.digest("hex") : Buffer.alloc(+req.url.split("/")[2], "tapir"));
		});
	}).listen(port, host, () => { if (!workers) console.log("listening"); });
}
"""

NODE_CLIENT = """
const http = require("http"), crypto = require("crypto");
const [host, port, total] = [process.argv[2], +process.argv[3], +process.argv[4]];
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
let left = 40;
const ports = new Set(), pids = new Set();
function get(i) {
	const body = Buffer.alloc(total, "body " + i), want = crypto.createHash("sha256").update(body).digest("hex");
	const req = http.request({ host, port, agent, method: "PUT", path: "/", headers: { "Content-Length": total } }, (res) => {
		let text = "";
		pids.add(res.headers["x-pid"]);
		ports.add(res.socket.localPort);
		res.setEncoding("utf8").on("data", (d) => text += d).on("end", () => {
			if (text != want)
				throw new Error("answer " + i + " differs");
			if (!--left) {
				console.log(ports.size, pids.size);
				agent.destroy();
			}
		});
	});
	req.end(body);
}
for (let i = 0; i < 40; i++)
	get(i);
"""


@test(combos="first")
def node_serves_alone_and_in_a_cluster(w, family):
    program, client = w.write("server.js", NODE_SERVER), w.write("client.js", NODE_CLIENT)
    for port, workers in (9100, 0), (9101, 2):
        server = w.stack_start("node", program, STACK[family], str(port), str(workers))
        server.wait_out("listening")
        connections, pids = w.host_run("node", client, STACK[family], str(port), "100000").out().split()
        check(int(connections) <= 4 and 1 <= int(pids) <= max(1, workers),
              "%s connections, %s processes answered" % (connections, pids))
        if workers:
            pids = set()
            for _ in range(20):
                head = w.host_run("curl", "-gsS", "--noproxy", "*", "-D", "-", "-o", "/dev/null",
                                  url_of(STACK[family], port, "/bytes/1")).out()
                pids.add(re.search(r"X-Pid: (\d+)", head).group(1))
            check(len(pids) == workers, "%d workers of %d answered" % (len(pids), workers))


@test(combos="first")
def node_client_keeps_its_connections(w, family):
    w.host_start("node", w.write("server.js", NODE_SERVER), KERNEL[family], "9100", "0").wait_out("listening")
    connections, _ = w.stack_run("node", w.write("client.js", NODE_CLIENT), KERNEL[family], "9100", "100000").out().split()
    check(int(connections) <= 4, "40 requests over %s connections, not 4" % connections)


# ---- perl and php ----

PERL = """
use strict; use IO::Socket::IP;
$| = 1;
my ($mode, $host, $port) = @ARGV;
if ($mode eq "server") {
	my $l = IO::Socket::IP->new(LocalHost => $host, LocalPort => $port, Listen => 16, ReuseAddr => 1, Type => SOCK_STREAM) or die "listen: $@";
	print "listening\\n";
	while (my $c = $l->accept) {
		my $sum = 0;
		while (<$c>) { last if /^end/; $sum += $_; }
		print $c "sum $sum from ", $c->peerhost, "\\n";
		close $c;
	}
} else {
	my $c = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port, Type => SOCK_STREAM) or die "connect: $@";
	print $c "$_\\n" for 1 .. 100000;
	print $c "end\\n";
	print scalar <$c>;
	print "eof\\n" unless defined(my $more = <$c>);
}
"""


def perl_adds(w, server_start, client_run, server_address, client_address):
    program = w.write("sum.pl", PERL)
    server_start("perl", program, "server", server_address, "9200").wait_out("listening")
    out = client_run("perl", program, "client", server_address, "9200").out()
    check(out == "sum 5000050000 from %s\neof\n" % client_address, out)


@test(combos="first")
def perl_serves_and_asks(w, family):
    perl_adds(w, w.stack_start, w.host_run, STACK[family], KERNEL[family])


@test(combos="first")
def perl_asks_the_kernel(w, family):
    perl_adds(w, w.host_start, w.stack_run, KERNEL[family], STACK[family])


@test(combos="first")
def php_builtin_server_serves_files_and_scripts(w, family):
    serve_file(w)
    w.write("www/sum.php", "<?php echo hash('sha256', file_get_contents('php://input')), ' ', $_SERVER['REMOTE_ADDR'];")
    server = w.stack_start("php", "-S", "%s:9300" % url_host(STACK[family]), "-t", w.path("www"))
    w.wait_port(STACK[family], 9300, server)
    download(w, w.host_start, url_of(STACK[family], 9300), TOTAL)
    out = w.host_run("curl", "-gsSf", "--noproxy", "*", "--data-binary", "@" + w.path("www/file"),
                     url_of(STACK[family], 9300, "/sum.php")).out()
    check(out.split() == [pattern_sha256(TOTAL), KERNEL[family]], out)
