# SPDX-License-Identifier: BSD-2-Clause
"""Which addresses go to the stack: tapir run --keep and --only. The program runs in the kernel's namespace, where both stacks lead somewhere."""

import os

from harness import HERE, KERNEL, STACK, check, test

PORT = 7300
LOOPBACK = {4: "127.0.0.1", 6: "::1"}


def run_in_both(w, rules, *argv, status=0, env=None):
    return w.host_start(w.config.tapir, "run", "--socket", w.socket_path, *rules, "--", *[str(a) for a in argv], label=argv[0],
                        env=env).expect(status)


@test(combos="first", stacks=("tapir",), smoke=True)
def kept_addresses_stay_on_the_host(w, family):
    for kind in ("echo", "udp-echo"):
        for address in (LOOPBACK[family], KERNEL[family]):
            w.host_peer(kind, address, PORT).wait_out("listening")
    for mode in ("preload", "notify"):
        out = run_in_both(w, ["--mode", mode, "--keep", LOOPBACK[family], "--keep", ":%d" % (PORT + 9)], "python3",
                          os.path.join(HERE, "on_policy.py"), LOOPBACK[family], KERNEL[family], STACK[family], PORT, mode).out()
        check(out == "done\n", "%s: %s" % (mode, out))


@test(combos="first", capture=False, stacks=("tapir",))
def only_these_addresses_go_to_the_stack(w, family):
    for address in (LOOPBACK[family], KERNEL[family]):
        w.host_peer("http", address, PORT).wait_out("listening")
    for address, own in ((LOOPBACK[family], LOOPBACK[family]), (KERNEL[family], STACK[family])):
        url = "http://%s:%d/bytes/10" % ("[%s]" % address if family == 6 else address, PORT)
        out = run_in_both(w, ["--only", KERNEL[family]], "curl", "-gsSf", "--noproxy", "*", "-o", "/dev/null", "-w", "%{local_ip}", url).out()
        check(out == own, "%s was reached from %s" % (address, out))


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def bad_rules_are_named(w):
    for option in ("--keep", "--only"):
        proc = run_in_both(w, [option, "10.0.0.0/8", option, "10.0.0.0/40"], "true", status=64)
        check("'10.0.0.0/40'" in proc.err() and "0 to 32" in proc.err(), proc.err())
    code = "import socket\ntry:\n socket.socket()\nexcept OSError as e:\n print(e.errno)"
    proc = run_in_both(w, [], "python3", "-c", code, env=dict(os.environ, TAPIR_KEEP="::1,here"))
    check("TAPIR_KEEP: 'here'" in proc.err() and proc.out() == "22\n", proc.err() + proc.out())
