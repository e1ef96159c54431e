# SPDX-License-Identifier: BSD-2-Clause
"""iperf3, which moves data in every pattern: each way, both at once, eight streams, datagrams. No rate is judged."""

import json

from harness import KERNEL, MIB, STACK, check, test


def run_iperf(w, server_start, client_start, address, *options):
    server = server_start("iperf3", "-s", "-1", "-B", address, "--forceflush")
    server.wait_out("Server listening")
    proc = client_start("iperf3", "-c", address, "-J", *options)
    proc.expect(0, deadline=180)
    server.expect(0)
    result = json.loads(proc.out())
    check("error" not in result, "iperf3: %s" % result.get("error"))
    return result["end"]


def check_tcp(w, server_start, client_start, address):
    n = str((256 if w.full else 64) * MIB)
    for options in (["-n", n], ["-n", n, "-R"], ["-n", n, "-P", "8"], ["-n", n, "-P", "8", "-R"], ["-t", "2", "--bidir"]):
        end = run_iperf(w, server_start, client_start, address, *options)
        names = ["sum_received"] + (["sum_received_bidir_reverse"] if "--bidir" in options else [])
        for name in names:
            check(end[name]["bytes"] > 0, "%s: nothing received (%s)" % (" ".join(options), name))
        if "-n" in options and "-R" not in options:
            check(end["sum_sent"]["bytes"] >= int(n), "%s: sent only %d bytes" % (" ".join(options), end["sum_sent"]["bytes"]))


@test(capture=False, smoke=True)
def iperf3_server_on_the_stack(w, family):
    check_tcp(w, w.stack_start, w.host_start, STACK[family])


@test(capture=False)
def iperf3_client_on_the_stack(w, family):
    check_tcp(w, w.host_start, w.stack_start, KERNEL[family])


def check_udp(w, server_start, client_start, address):
    for options in (["-b", "20M"], ["-b", "20M", "-R"], ["-b", "20M", "-l", "8000"], ["-b", "20M", "-P", "4"])[:4 if w.full else 2]:
        # A machine that stands still for a moment overruns the receiver's buffer, with any stack: so three attempts.
        for _ in range(3):
            total = run_iperf(w, server_start, client_start, address, "-u", "-t", "1", *options)["sum"]
            check(total["packets"] > 0 and total["bytes"] > 0, "%s: nothing sent" % " ".join(options))
            if total["lost_packets"] <= total["packets"] / 100:
                break
        else:
            check(False, "%s: lost %d of %d datagrams at a modest rate, and before" %
                  (" ".join(options), total["lost_packets"], total["packets"]))


@test()
def iperf3_udp_server_on_the_stack(w, family):
    check_udp(w, w.stack_start, w.host_start, STACK[family])


@test(combos="first")
def iperf3_udp_client_on_the_stack(w, family):
    check_udp(w, w.host_start, w.stack_start, KERNEL[family])
