# SPDX-License-Identifier: BSD-2-Clause
"""OpenSSH: the server on the stack and the client on the kernel, and the other way round."""

import hashlib
import os
import subprocess

from harness import KERNEL, MIB, STACK, check, pattern_chunks, pattern_sha256, test, url_host

PORT = 2222


def start_server(w, family, start, address):
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", w.path(name)], check=True)
    config = w.write("sshd_config", "\n".join([
        "Port %d" % PORT, "ListenAddress %s" % url_host(address), "HostKey %s" % w.path("host"),
        "AuthorizedKeysFile %s" % w.path("user.pub"), "StrictModes no", "UsePAM no", "PermitRootLogin yes",
        "PasswordAuthentication no", "PidFile none", "MaxStartups 100:30:200",
        "Subsystem sftp internal-sftp", ""]))
    server = start("/usr/sbin/sshd", "-D", "-e", "-f", config)
    w.wait_port(address, PORT, server)


def client_options(w):
    return ["-F", "none", "-i", w.path("user"), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "LogLevel=ERROR", "-o", "BatchMode=yes"]


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        for data in iter(lambda: f.read(MIB), b""):
            digest.update(data)
    return digest.hexdigest()


def copy_both_ways(w, run, address):
    total = 100 * MIB if w.full else 20 * MIB
    with open(w.path("sent"), "wb") as f:
        for chunk in pattern_chunks(total):
            f.write(chunk)
    out = run("ssh", *client_options(w), "-p", str(PORT), "root@" + address, "echo over; echo there >&2; exit 7", status=7)
    check(out.out() == "over\n" and out.err() == "there\n", "the remote command said %r, %r" % (out.out(), out.err()))
    remote = "root@%s:" % url_host(address)
    run("scp", *client_options(w), "-P", str(PORT), w.path("sent"), remote + w.path("there"), deadline=180)
    check(sha256_of(w.path("there")) == pattern_sha256(total), "the copy there differs")
    os.unlink(w.path("sent"))
    run("scp", *client_options(w), "-P", str(PORT), remote + w.path("there"), w.path("back"), deadline=180)
    check(sha256_of(w.path("back")) == pattern_sha256(total), "the copy back differs")


@test()
def ssh_server_on_the_stack_copies_both_ways(w, family):
    start_server(w, family, w.stack_start, STACK[family])
    copy_both_ways(w, w.host_run, STACK[family])


@test(combos="first")
def ssh_client_on_the_stack_copies_both_ways(w, family):
    start_server(w, family, w.host_start, KERNEL[family])
    copy_both_ways(w, w.stack_run, KERNEL[family])
