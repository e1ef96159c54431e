# SPDX-License-Identifier: BSD-2-Clause
"""make install into a directory of the test's own, the examples built against what it installed, and make uninstall."""

import os
import re
import subprocess

from harness import ROOT, STACK, check, test
from test_links import network, start_dnsmasq

FILES = ["bin/tapir", "sbin/tapird", "include/tapir/socket.h", "lib/libtapir.a", "lib/libtapir.so", "lib/libtapir.so.0",
         "lib/libtapir.so.0.1.0", "lib/libtapir-preload.so", "lib/pkgconfig/tapir.pc", "share/man/man1/tapir.1",
         "share/man/man1/tapir-run.1", "share/man/man3/tapir.3", "share/man/man8/tapird.8"]
PORT = 7300


def files_below(top):
    return sorted(os.path.relpath(os.path.join(d, f), top) for d, _, names in os.walk(top) for f in names)


def install(w, dest, target):
    w.start(["make", "-s", "-C", ROOT, target, "DESTDIR=" + dest, "PREFIX=/opt/tapir"]).expect(0, deadline=300)


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def install_puts_everything_in_place_and_uninstall_takes_it_away(w):
    dest = w.path("dest")
    install(w, dest, "install")
    found = files_below(dest + "/opt/tapir")
    check(not set(FILES) - set(found), "not installed: %s" % sorted(set(FILES) - set(found)))
    check(files_below(dest) == ["opt/tapir/" + f for f in found], "installed outside PREFIX: %s" % files_below(dest))
    soname = subprocess.run(["readelf", "-d", dest + "/opt/tapir/lib/libtapir.so"], stdout=subprocess.PIPE, text=True, check=True)
    check("[libtapir.so.0]" in soname.stdout, "soname: %s" % soname.stdout)
    for options, library in (["-D"], "libtapir.so"), ([], "libtapir.a"):
        names = subprocess.run(["nm", "-g", "--defined-only", "--format=posix"] + options + [dest + "/opt/tapir/lib/" + library],
                               stdout=subprocess.PIPE, text=True, check=True).stdout
        foreign = [n.split()[0] for n in names.split("\n") if len(n.split()) > 2 and not n.startswith("tapir_")]
        check(not foreign, "%s defines names that may clash with a program's: %s" % (library, foreign))
    install(w, dest, "uninstall")
    check(files_below(dest) == [], "left after uninstall: %s" % files_below(dest))


def compile_example(w, prefix, name, static):
    env = dict(os.environ, PKG_CONFIG_PATH=prefix + "/lib/pkgconfig", PKG_CONFIG_SYSROOT_DIR=w.path("dest"))
    flags = subprocess.run(["pkg-config", "--cflags", "--libs"] + (["--static"] if static else []) + ["tapir"], env=env,
                           stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    if static:
        flags = [prefix + "/lib/libtapir.a" if f == "-ltapir" else f for f in flags]
    program = w.path(name + ("-static" if static else ""))
    w.start(["gcc", "-Wall", "-Werror", "-o", program, os.path.join(ROOT, "tests/examples", name + ".c")] + flags).expect(0)
    return program


@test(families=(4, 6), combos="first", stacks=("tapir",))
def installed_library_builds_and_runs_the_examples(w, family):
    dest = w.path("dest")
    prefix = dest + "/opt/tapir"
    install(w, dest, "install")
    for static in (False, True):
        server, client = (compile_example(w, prefix, name, static) for name in ("tcp_server", "tcp_client"))
        env = dict(os.environ, TAPIR_SOCKET=w.socket_path, LD_LIBRARY_PATH=prefix + "/lib")
        port = PORT + static
        serving = w.start([server, str(port)], env=env)
        w.wait_port(STACK[family], port, serving)
        out = w.start([client, STACK[family], str(port), "hello"], env=env).expect(0).out()
        check(out == "hello\n", "the echo of hello: %r" % out)
        serving.kill()


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def installed_tapir_run_finds_its_library(w):
    dest = w.path("dest")
    install(w, dest, "install")
    env = dict(os.environ, TAPIR_SOCKET=w.socket_path)
    program = "import socket; s = socket.create_server(('%s', %d)); print(s.getsockname())" % (STACK[4], PORT + 2)
    out = w.start([dest + "/opt/tapir/bin/tapir", "run", "python3", "-c", program], env=env).expect(0).out()
    check(STACK[4] in out, "the program's socket: %s" % out)


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def readme_commands_work_as_they_stand(w):
    """The block after "Then:", in a namespace of its own; only sudo is left out, and programs are waited for."""
    dest = w.path("dest")
    install(w, dest, "install")
    with open(os.path.join(ROOT, "README.md")) as f:
        block = re.search(r"^Then:\n\n((?:    .*\n)+)", f.read(), re.M)
    check(block, "README.md has no block of commands after 'Then:'")
    lines = [line.strip().replace("sudo ", "") for line in block.group(1).split("\n")]
    script = ["set -ex"]
    for line in lines:
        script.append(line)
        if line.startswith("tapird"):
            script.append("until tapir ss >/dev/null 2>&1; do kill -0 $!; sleep 0.1; done; daemon=$!")
        elif re.search(r"&\s*(#.*)?$", line):
            script.append("until tapir ss -tlnH | grep -q :8000; do kill -0 $!; sleep 0.1; done")
    script.append("kill $!; kill $daemon; wait $daemon")
    prefix = dest + "/opt/tapir"
    env = {k: v for k, v in os.environ.items() if k != "TAPIR_SOCKET"}
    env["PATH"] = "%s/bin:%s/sbin:%s" % (prefix, prefix, env["PATH"])
    proc = w.start(["unshare", "-n", "sh", w.write("readme.sh", "\n".join(script) + "\n")], env=env, label="the README's commands")
    out = proc.expect(0).out()
    for pattern in (r"1 received", r"Directory listing", r"LISTEN.*:8000", r"tcp\.established +1 "):
        check(re.search(pattern, out), "the README's commands show no %r:\n%s" % (pattern, out))


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def readme_commands_for_an_unknown_network_work_as_they_stand(w):
    """The block that begins "On a network", on a bridge with dnsmasq; tapird is told to use IPv4's address at once, and waited for."""
    with open(os.path.join(ROOT, "README.md")) as f:
        block = re.search(r"^On a network that tapir knows nothing of.*\n\n((?:    .*\n)+)", f.read(), re.M)
        f.seek(0)
        changes = re.search(r"^A running daemon is changed.*\n\n((?:    .*\n)+)", f.read(), re.M)
    check(block and changes, "README.md lacks its blocks of commands")
    with network(w) as ns:
        ns.sysctl("net.ipv6.conf.all.forwarding", 1)
        ns.run("ip", "link", "add", "br0", "type", "bridge")
        ns.run("ip", "link", "set", "br0", "up")
        for address in ("192.168.7.1/24", "2001:db8:7::1/64", "fe80::1/64"):
            ns.run("ip", "addr", "add", address, "dev", "br0", *(["nodad"] if ":" in address else []))
        start_dnsmasq(w, ns, "--no-ping", "--interface=br0", "--bind-interfaces", "--dhcp-range=192.168.7.50,192.168.7.90,10m", "--enable-ra",
                      "--dhcp-range=2001:db8:7::100,2001:db8:7::1ff,slaac,64,10m")
        script = ["set -ex"]
        for line in block.group(1).split("\n") + changes.group(1).split("\n"):
            line = line.strip().replace("sudo ", "")
            line = line.replace("tapird --dhcp", "tapird --socket $TAPIR_SOCKET --set net.ipv4.conf.default.optimistic_acd=1 --dhcp")
            script.append(re.sub("^sleep [0-9]+.*", "daemon=$!\nuntil tapir addr | grep -c 'proto dhcp preferred' | grep -q 2; do kill -0 $daemon; sleep 0.2; done",
                                 line))
        script.append("kill $daemon; wait $daemon")
        env = dict(os.environ, TAPIR_SOCKET=w.path("readme.sock"), PATH="%s:%s" % (os.path.dirname(w.config.tapir), os.environ["PATH"]))
        proc = w.start(ns.enter() + ["sh", w.write("readme.sh", "\n".join(script) + "\n")], env=env, label="the README's commands")
        out = proc.expect(0).out()
    for pattern in (r"proto slaac preferred valid", r"default via fe80::1 dev tap0 proto slaac", r"tap0 inet bound 192\.168\.7\.", r" 1 received"):
        check(re.search(pattern, out), "the README's commands show no %r:\n%s" % (pattern, out))
