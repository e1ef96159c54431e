# SPDX-License-Identifier: BSD-2-Clause
"""Servers that keep data, unmodified on the stack with the kernel's clients, and the other way round: redis, memcached, mosquitto,
postgres, and the TCP side of dnsmasq and unbound."""

import hashlib
import os
import re
import shutil

from harness import KERNEL, ROOT, STACK, check, test, url_host, wait_for
from test_servers import redis_cli, redis_start

NOBODY = 65534


# ---- redis ----


@test(combos="first")
def redis_publishes_to_subscribers(w, family):
    redis_start(w, family)
    subscribers = [w.host_start("redis-cli", "-h", STACK[family], "subscribe", "news") for _ in range(5)]
    for s in subscribers:
        s.wait_out(r"subscribe\nnews\n1")
    for i in range(100):
        check(redis_cli(w, family, "publish", "news", "item %d" % i) == "5", "not everybody was told")
    for s in subscribers:
        s.wait_out(r"item 99\n")
        check(re.findall(r"item (\d+)", s.out()) == [str(i) for i in range(100)], "a subscriber missed something")


@test(combos="first")
def redis_replica_on_the_stack_follows_the_kernels(w, family):
    """The replica connects out; then it is made master, and the kernel's follows it over a connection that the stack accepts."""
    servers = {}
    for start, address in (w.host_start, KERNEL[family]), (w.stack_start, STACK[family]):
        directory = w.path("redis-" + address)
        os.mkdir(directory)
        servers[address] = start("redis-server", "--bind", address, "--port", "6379", "--protected-mode", "no", "--save", "",
                                 "--dir", directory, "--repl-diskless-sync-delay", "0")
        w.wait_port(address, 6379, servers[address])

    def ask(address, *argv):
        return w.host_run("redis-cli", "-h", address, *argv).out().strip()

    value = hashlib.sha256(b"redis").hexdigest() * 20000
    check(ask(KERNEL[family], "eval", "for i = 1, 1000 do redis.call('set', 'key' .. i, i) end return 1", "0") == "1", "eval")
    w.start(w.host.enter() + ["redis-cli", "-h", KERNEL[family], "-x", "set", "big"], stdin=open(w.write("value", value), "rb")).expect(0)
    for master, replica in (KERNEL[family], STACK[family]), (STACK[family], KERNEL[family]):
        ask(master, "replicaof", "no", "one")
        check(ask(replica, "replicaof", master, "6379") == "OK", "replicaof")
        wait_for(lambda: "master_link_status:up" in ask(replica, "info", "replication"), "the replica does not get through")
        check(ask(master, "incr", "turns") in "12", "incr")
        wait_for(lambda: ask(replica, "get", "turns") == ask(master, "get", "turns"), "the replica does not follow")
        check(ask(replica, "dbsize") == "1002" and ask(replica, "get", "big") == value, "the replica differs")


# ---- memcached ----

MEMCACHED_CLIENT = """
import hashlib, socket, sys
s = socket.create_connection((sys.argv[1], 11211))
f = s.makefile("rwb")
values = [hashlib.sha256(b"%d" % i).hexdigest().encode() * (i * 7 % 1000 + 1) for i in range(300)]
for i, v in enumerate(values):
    f.write(b"set k%d 0 0 %d\\r\\n%s\\r\\n" % (i, len(v), v))
f.flush()
for i in range(300):
    assert f.readline() == b"STORED\\r\\n", i
f.write(b"".join(b"get k%d\\r\\n" % i for i in range(300)))
f.flush()
for i, v in enumerate(values):
    assert f.readline() == b"VALUE k%d 0 %d\\r\\n" % (i, len(v)), i
    assert f.read(len(v) + 2) == v + b"\\r\\n" and f.readline() == b"END\\r\\n", i
print("all equal")
"""


@test(combos="first")
def memcached_stores_and_gives_back(w, family):
    for port_owner, server_start, client_run in (STACK, w.stack_start, w.host_run), (KERNEL, w.host_start, w.stack_run):
        address = port_owner[family]
        server = server_start("memcached", "-u", "nobody", "-l", address, "-p", "11211", "-U", "0", "-t", "4")
        w.wait_port(address, 11211, server)
        out = client_run("python3", w.write("client.py", MEMCACHED_CLIENT), address).out()
        check(out == "all equal\n", out)


# ---- mosquitto ----


@test(combos="first")
def mosquitto_carries_messages(w, family):
    """The broker is on the stack; one subscriber and the publishers are the kernel's, another subscriber is on the stack too."""
    config = w.write("mosquitto.conf", "listener 1883 %s\nallow_anonymous true\nuser nobody\npersistence false\nlog_type all\n" % STACK[family])
    broker = w.stack_start("mosquitto", "-c", config)
    w.wait_port(STACK[family], 1883, broker)
    subscribers = [start("mosquitto_sub", "-h", STACK[family], "-t", "news/#", "-q", "1", "-C", "201", label="mosquitto_sub")
                   for start in (w.host_start, w.stack_start)]
    broker.wait_out(r"(?s)Sending SUBACK.*Sending SUBACK")
    lines = w.write("lines", "".join("item %d\n" % i for i in range(200)))
    big = "x" * 200000
    w.start(w.host.enter() + ["mosquitto_pub", "-h", STACK[family], "-t", "news/a", "-q", "1", "-l"], stdin=open(lines, "rb")).expect(0)
    w.stack_run("mosquitto_pub", "-h", STACK[family], "-t", "news/b", "-q", "1", "-f", w.write("big", big))
    for s in subscribers:
        s.expect(0)
        check(re.findall(r"^item (\d+)$", s.out(), re.M) == [str(i) for i in range(200)] and big in s.out(), "a message is missing")


# ---- postgres ----


def as_nobody(*argv):
    return ("setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups", "--", *argv)


def postgres_bin():
    """Debian keeps the server's programs out of PATH."""
    root = "/usr/lib/postgresql"
    found = sorted(os.listdir(root)) if os.path.isdir(root) else []
    check(found, "program missing: initdb (package postgresql-15)")
    return os.path.join(root, found[-1], "bin")


def readable_copy(w):
    """tapir and its library where everybody may read them: the tree may be in somebody's home directory."""
    if not w.is_tapir:
        return []
    os.mkdir(w.path("bin"))
    for name in os.listdir(w.config.build):
        if name == "tapir" or name.startswith("libtapir"):
            shutil.copy(os.path.join(w.config.build, name), w.path("bin"))
    return [w.path("bin/tapir"), "run", "--socket", w.socket_path, "--"]


@test(combos="first")
def postgres_answers_psql_and_pgbench(w, family):
    bin_dir, data = postgres_bin(), w.path("data")
    os.mkdir(data)
    os.chown(data, NOBODY, NOBODY)
    w.start([*as_nobody(bin_dir + "/initdb", "-D", data, "-U", "tapir", "-A", "trust", "-N", "--no-locale", "-E", "UTF8")],
            env=dict(os.environ, LC_ALL="C"), label="initdb").expect(0)
    with open(data + "/pg_hba.conf", "a") as f:
        f.write("host all all %s/%d trust\n" % (KERNEL[family], 32 if family == 4 else 128))
    server = w.start(w.guest.enter() + readable_copy(w) + list(as_nobody(
        bin_dir + "/postgres", "-D", data, "-h", STACK[family], "-p", "5432", "-k", "", "-c", "fsync=off")),
        label="postgres (on the stack)")
    w.wait_port(STACK[family], 5432, server)
    url = "postgresql://tapir@%s/postgres" % url_host(STACK[family])
    wait_for(lambda: w.host_start("psql", url, "-Atc", "select 1").wait() == 0, "postgres does not become ready")
    out = w.host_run("psql", url, "-Atc", "create table t (i int, s text)", "-c",
                     "insert into t select i, md5(i::text) from generate_series(1, 20000) i", "-c",
                     "select count(*), sum(i), md5(string_agg(s, '' order by i)) from t", "-c", "select inet_client_addr()").out()
    joined = "".join(hashlib.md5(b"%d" % i).hexdigest() for i in range(1, 20001))
    check(out.splitlines()[2:] == ["20000|200010000|%s" % hashlib.md5(joined.encode()).hexdigest(),
                                   KERNEL[family]], out)
    copy = w.host_run("psql", url, "-Atc", "copy (select s from t order by i) to stdout").out()
    check(copy == "".join(hashlib.md5(b"%d" % i).hexdigest() + "\n" for i in range(1, 20001)), "what was copied out differs")
    w.host_run(bin_dir + "/pgbench", "-i", "-q", "-h", STACK[family], "-U", "tapir", "postgres")
    bench = w.host_run(bin_dir + "/pgbench", "-c", "8", "-t", "50", "-h", STACK[family], "-U", "tapir", "postgres").out()
    check("400/400" in bench, bench)
    server.stop()


# ---- name servers over TCP ----


def dig(w, family, *options):
    return w.host_run("dig", "@" + STACK[family], "-p", "5300", "+tcp", "+short", "+tries=1", *options).out().split()


@test(combos="first")
def dnsmasq_answers_over_tcp(w, family):
    server = w.stack_start("dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--port=5300", "--user=root", "--bind-interfaces",
                           "--listen-address=" + STACK[family], "--host-record=one.test,192.0.2.1", "--conf-file=/dev/null",
                           "--pid-file=" + w.path("pid"), *("--txt-record=big.test,%s%d" % ("t" * 200, i) for i in range(20)))
    w.wait_port(STACK[family], 5300, server)
    check(dig(w, family, "one.test", "A") == ["192.0.2.1"], "another address")
    check(len(dig(w, family, "big.test", "TXT")) == 20, "the long answer is not whole")


UNBOUND = """
server:
	interface: {address}
	port: 5300
	do-daemonize: no
	chroot: ""
	username: ""
	pidfile: "{dir}/unbound.pid"
	use-syslog: no
	access-control: 0.0.0.0/0 allow
	access-control: ::/0 allow
	num-threads: 2
	local-zone: "test." static
	local-data: "one.test. A 192.0.2.1"
remote-control:
	control-enable: no
"""


@test(combos="first")
def unbound_answers_over_tcp(w, family):
    server = w.stack_start("unbound", "-d", "-c", w.write("unbound.conf", UNBOUND.format(address=STACK[family], dir=w.test_dir)))
    w.wait_port(STACK[family], 5300, server)
    names = ["one.test", "A"] * 20
    check(dig(w, family, "+keepopen", *names) == ["192.0.2.1"] * 20, "another answer")
