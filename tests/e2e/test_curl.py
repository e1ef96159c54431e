# SPDX-License-Identifier: BSD-2-Clause
"""Unmodified curl on the stack against a server on the kernel: big, many, and everything that goes wrong."""

import hashlib
import os
import subprocess

from harness import ABSENT, BLACKHOLE, KERNEL, MIB, UNREACHABLE, check, pattern_chunks, pattern_sha256, test, url_host

PORT = 8080


def start_server(w, family):
    server = w.host_peer("http", KERNEL[family], PORT)
    server.wait_out("listening")
    return "http://%s:%d" % (url_host(KERNEL[family]), PORT)


def download(w, run_start, url, total):
    proc = run_start("curl", "-gsSf", "--noproxy", "*", url, stdout=subprocess.PIPE)
    digest, got = hashlib.sha256(), 0
    while True:
        data = proc.popen.stdout.read(MIB)
        if not data:
            break
        digest.update(data)
        got += len(data)
    proc.popen.stdout.close()
    proc.expect(0)
    check(got == total and digest.hexdigest() == pattern_sha256(total), "got %d bytes of %d, or different ones" % (got, total))


def upload(w, run_start, url, total):
    proc = run_start("curl", "-gsSf", "--noproxy", "*", "-T", "-", url, stdin=subprocess.PIPE)
    try:
        for chunk in pattern_chunks(total):
            proc.popen.stdin.write(chunk)
        proc.popen.stdin.close()
    except BrokenPipeError:
        pass  # curl's exit status tells more
    proc.expect(0, deadline=120)
    check(proc.out().strip() == pattern_sha256(total), "the server got different bytes: %r" % proc.out())


@test(smoke=True)
def curl_downloads_with_equal_hash(w, family):
    url = start_server(w, family)
    download(w, w.stack_start, "%s/bytes/%d" % (url, w.bulk_bytes), w.bulk_bytes)


@test(smoke=True)
def curl_uploads_with_equal_hash(w, family):
    url = start_server(w, family)
    upload(w, w.stack_start, url + "/upload", w.bulk_bytes)


@test(smoke=True)
def curl_200_parallel_transfers(w, family):
    url, total = start_server(w, family), 300000
    directory = w.path("parallel")
    os.mkdir(directory)
    w.stack_run("curl", "-sSf", "--noproxy", "*", "-Z", "--parallel-max", "200", "--parallel-immediate",
                "%s/bytes/%d?[1-200]" % (url.replace("[", "\\[").replace("]", "\\]"), total), "-o", directory + "/#1",
                deadline=120)
    want = pattern_sha256(total)
    for i in range(1, 201):
        with open("%s/%d" % (directory, i), "rb") as f:
            check(hashlib.sha256(f.read()).hexdigest() == want, "transfer %d differs" % i)


def curl_fails_with(w, status, *argv):
    # The deadline is only there so that a hang is a failure; curl itself is told of no limit unless the test is about one.
    w.stack_start("curl", "-gsS", "--noproxy", "*", "-o", "/dev/null", *argv).expect(status, deadline=150)


@test(combos="first", smoke=True)
def curl_gives_up_on_a_server_that_stalls(w, family):
    curl_fails_with(w, 28, "--max-time", "2", start_server(w, family) + "/stall")


@test(smoke=True)
def curl_sees_a_reset(w, family):
    curl_fails_with(w, 56, start_server(w, family) + "/reset")


@test(smoke=True)
def curl_sees_an_early_end(w, family):
    curl_fails_with(w, 18, start_server(w, family) + "/short")


@test(smoke=True)
def curl_is_refused(w, family):
    curl_fails_with(w, 7, "http://%s:81/" % url_host(KERNEL[family]))


@test(combos="first")
def curl_finds_a_neighbour_absent(w, family):
    curl_fails_with(w, 7, "http://%s/" % url_host(ABSENT[family]))


@test(combos="first")
def curl_is_told_that_a_host_is_unreachable(w, family):
    curl_fails_with(w, 7, "http://%s/" % url_host(UNREACHABLE[family]))


@test(combos="first")
def curl_times_out_when_nothing_answers(w, family):
    curl_fails_with(w, 28, "--connect-timeout", "2", "http://%s/" % url_host(BLACKHOLE[family]))


@test()
def curl_many_requests_over_one_connection(w, family):
    url = start_server(w, family)
    proc = w.stack_run("curl", "-sSf", "--noproxy", "*", "-w", "%{num_connects}\\n", "-o", "/dev/null",
                       "%s/bytes/1000?[1-100]" % url.replace("[", "\\[").replace("]", "\\]"))
    connects = [int(n) for n in proc.out().split()]
    check(len(connects) == 100 and sum(connects) == 1, "connections made: %s" % connects)
