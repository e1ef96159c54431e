# SPDX-License-Identifier: BSD-2-Clause
"""libtapir for people who write programs: its names, its README's examples, and the host's kernel as its other backend."""

import os
import re
import subprocess

from harness import KERNEL, ROOT, STACK, check, test

PORT = 7777  # of the examples

# The calls of a socket program. PLAIN is what <tapir/socket.h> has with tapir_ in front; SHIM_ONLY is more of what `tapir run` must see.
PLAIN = """socket connect bind listen accept accept4 shutdown getsockname getpeername getsockopt setsockopt ioctl fcntl
    send recv sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg read write readv writev close dup dup2 dup3 poll ppoll
    getaddrinfo freeaddrinfo getnameinfo gethostbyname gethostbyname2 gethostbyaddr gethostbyname_r gethostbyname2_r gethostbyaddr_r
    getifaddrs freeifaddrs if_nameindex if_freenameindex if_nametoindex if_indextoname
    setsourcefilter getsourcefilter setipv4sourcefilter getipv4sourcefilter""".split()
SHIM_ONLY = """fcntl64 close_range closefrom chroot prctl getaddrinfo_a __read_chk __recv_chk __recvfrom_chk
    __socket __connect __send __recv __sendmmsg __read __write __fcntl __close __dup2
    __poll_chk __ppoll_chk
    execl execle execlp execv execve execvp execvpe posix_spawn posix_spawnp""".split()


def exported(path):
    out = subprocess.run(["nm", "-D", "--defined-only", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines()}


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def every_call_has_its_name(w):
    with open(os.path.join(ROOT, "client-lib/include/tapir/socket.h")) as f:
        header = f.read()
    macros = set(re.findall(r"^#define (\w+)(?:\(\))? tapir_\1\b", header, re.M))
    check(macros == set(PLAIN), "TAPIR_POSIX_NAMES: missing %s, too many %s" % (set(PLAIN) - macros, macros - set(PLAIN)))
    api = exported(os.path.join(w.config.build, "libtapir.so"))
    missing = {"tapir_" + name for name in PLAIN} - api
    check(not missing and all(name.startswith("tapir_") for name in api), "libtapir.so: missing %s of %s" % (missing, api))
    shim = {name for name in exported(os.path.join(w.config.build, "libtapir-preload.so")) if not name.startswith("tapir_")}
    wanted = set(PLAIN) | set(SHIM_ONLY)
    check(shim == wanted, "the shim: missing %s, unexpected %s" % (wanted - shim, shim - wanted))


def build_examples(w):
    """The programs of client-lib/README.md, by the names in their first lines."""
    with open(os.path.join(ROOT, "client-lib/README.md")) as f:
        blocks = re.findall(r"```c\n(/\* (\w+)\.c.*?)```", f.read(), re.S)
    check({name for _, name in blocks} == {"client", "server"}, "README.md has other programs: %s" % [name for _, name in blocks])
    for text, name in blocks:
        w.start(["cc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-I", os.path.join(ROOT, "client-lib/include"), "-o", w.path(name),
                 w.write(name + ".c", text), os.path.join(w.config.build, "libtapir.a"), "-lpthread"], label="cc").expect(0)


def start(w, ns, name, *argv, backend, path=None):
    env = dict(os.environ, TAPIR_BACKEND=backend, TAPIR_SOCKET=path or w.socket_path)
    return w.start(ns.enter() + [w.path(name)] + list(argv), env=env, label="%s (%s)" % (name, backend))


@test(combos="first", capture=False, stacks=("tapir",))
def examples_of_the_readme_run_on_both_backends(w, family):
    build_examples(w)
    nowhere = w.path("nowhere.sock")
    # One server on the stack, one on the kernel; the namespace called guest has no interface of the kernel's.
    for server, address, client, there in ((("tapir", w.guest), STACK[family], ("kernel", w.host), None),
                                           (("auto", w.guest), STACK[family], ("auto", w.host), nowhere),
                                           (("kernel", w.host), KERNEL[family], ("tapir", w.guest), None),
                                           (("kernel", w.host), KERNEL[family], ("auto", w.guest), None)):
        s = start(w, server[1], "server", address, backend=server[0])
        w.wait_port(address, PORT, s)
        out = start(w, client[1], "client", address, backend=client[0], path=there).expect(0).out()
        check(out == "hello\n", "%s to %s: %r" % (client, server, out))
        s.kill()
    s = start(w, w.guest, "server", STACK[family], backend="tapir", path=nowhere)
    check(s.wait() == 1 and "Network is down" in s.err(), "without a daemon: %s" % s.report())
    s = start(w, w.guest, "server", STACK[family], backend="kernal")
    check(s.wait() == 1 and "TAPIR_BACKEND" in s.err(), "a word that is none: %s" % s.report())
    # Under tapir run the environment has no say, and the static library goes together with the shim.
    s = w.start(w.guest.enter() + w.run_prefix() + [w.path("server"), STACK[family]], env=dict(os.environ, TAPIR_BACKEND="kernel"), label="server")
    w.wait_port(STACK[family], PORT, s)
    out = start(w, w.host, "client", STACK[family], backend="kernel").expect(0).out()
    check(out == "hello\n", "under tapir run: %r" % out)


DATAGRAMS = r"""
#include <stdio.h>
#include <string.h>
#include <tapir/socket.h>
int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST }, *to;
	char got[100];
	ssize_t n;
	int fd;

	if (argc < 3 || !tapir_available(TAPIR_SOCKETS) || tapir_getaddrinfo(argv[1], argv[2], &hints, &to))
		return 2;
	fd = tapir_socket(to->ai_family, SOCK_DGRAM, 0);
	tapir_sendto(fd, "datagram", 8, 0, to->ai_addr, to->ai_addrlen);
	n = tapir_recvfrom(fd, got, sizeof(got), 0, NULL, NULL);
	printf("%zd %.*s\n", n, (int)n, got);
	return 0;
}
"""


@test(combos="first", capture=False, stacks=("tapir",))
def programs_with_libtapir_run_under_tapir_run_too(w, family):
    """Linked with the shared library, the archive, or wholly static: no datagram gets two headers."""
    w.host_peer("udp-echo", KERNEL[family], PORT).wait_out("listening")
    source, include = w.write("datagrams.c", DATAGRAMS), os.path.join(ROOT, "client-lib/include")
    for name, link in (("shared", ["-L" + w.config.build, "-ltapir", "-Wl,-rpath," + w.config.build]),
                       ("archive", [os.path.join(w.config.build, "libtapir.a"), "-lpthread"]),
                       ("static", ["-static", os.path.join(w.config.build, "libtapir.a"), "-lpthread"])):
        w.start(["cc", "-D_GNU_SOURCE", "-I", include, "-o", w.path(name), source] + link, label="cc").expect(0)
        out = w.stack_run(w.path(name), KERNEL[family], str(PORT)).out()
        check(out == "8 datagram\n", "%s under tapir run: %r" % (name, out))
        out = w.start(w.guest.enter() + [w.path(name), KERNEL[family], str(PORT)], env=dict(os.environ, TAPIR_SOCKET=w.socket_path),
                      label=name).expect(0).out()
        check(out == "8 datagram\n", "%s by itself: %r" % (name, out))
