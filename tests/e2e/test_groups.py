# SPDX-License-Identifier: BSD-2-Clause
"""Groups: the kernel as the other host, and as a switch that snoops and asks. The bridge floods nothing to a group that nobody reported,
so whatever arrives does because of our reports."""

import os
import re

from harness import HERE, KERNEL, STACK, Netns, check, test, wait_for

ON_GROUP, ON_GROUPS, ON_MDNS = [os.path.join(HERE, name) for name in ("on_group.py", "on_groups.py", "on_mdns.py")]
GROUP = {4: "239.7.7.7", 6: "ff15::7777"}
OTHER = {4: "239.8.8.8", 6: "ff15::8888"}
FAR = {4: "10.77.0.3", 6: "fd77::3"}
PORT = 7500


def stack_ifindex(w):
    return str([l["ifindex"] for l in w.tapir_json("link") if l["name"] == w.tap][0]) if w.is_tapir else "2"


def start_in(w, ns, *argv, label):
    return w.start(ns.enter() + list(argv), label=label)


class KernelGuest:
    """A network namespace with a link and addresses as the stack's, where the kernel shows how it is done."""

    def __init__(self, w):
        self.ns = Netns("k" + w.id)
        for command in ("ip link set lo up", "ip link add tap0 type veth peer name other", "ip link set other up"):
            self.ns.run(*command.split())
        self.ns.sysctl("net.ipv6.conf.tap0.accept_dad", 0)
        for command in ("ip addr add 10.77.0.2/24 dev tap0", "ip -6 addr add fd77::2/64 dev tap0 nodad", "ip link set tap0 up",
                        "ip route add default via 10.77.0.1"):
            self.ns.run(*command.split())

    def __enter__(self):
        return self.ns

    def __exit__(self, *unused):
        self.ns.remove()


def same_answers(kernel, stack):
    kernel.expect(deadline=180)
    stack.expect(deadline=180)
    for theirs, ours in zip(kernel.out().split("\n"), stack.out().split("\n")):
        check(theirs == ours, "the kernel: %s\nthe stack:  %s" % (theirs, ours))
    check(kernel.out() == stack.out(), "one of them says more")


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def options_about_groups_answer_as_the_kernels(w):
    with KernelGuest(w) as ns:
        index = ns.run("ip", "-o", "link", "show", "tap0").split(":")[0]
        kernel = start_in(w, ns, "python3", ON_GROUPS, index, STACK[4], STACK[6], label="on_groups.py (kernel)")
        stack = w.stack_start("python3", ON_GROUPS, stack_ifindex(w), STACK[4], STACK[6])
        same_answers(kernel, stack)


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def group_sockets_answer_and_hear_as_the_kernels(w):
    """The same binary on both, dynamic and preloaded, static and noticed."""
    source, static = os.path.join(HERE, "group_conformance.c"), w.path("group_conformance")
    w.start(["gcc", "-static", "-D_GNU_SOURCE", "-O1", "-o", static, source]).expect()
    with KernelGuest(w) as ns:  # whose addresses are not checked for duplicates; the stack's are, and then are sources as any
        wait_for(lambda: all(a["state"] == "preferred" for a in w.tapir_json("addr")), lambda: "addresses in use: %s" % w.tapir_json("addr"))
        kernel = start_in(w, ns, static, "tap0", STACK[4], STACK[6], label="group_conformance (kernel)")
        programs = [os.path.join(w.config.build, "tests/e2e/group_conformance"), static]
        for program in programs:
            same_answers(kernel, w.stack_start(program, w.tap, STACK[4], STACK[6]))


class Switch:
    """A bridge with the TAP and a veth to a third host as its ports, that learns groups from reports and asks for them."""

    def __init__(self, w, igmp, mld):
        self.w, self.far = w, Netns("f" + w.id)
        host = w.host
        host.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "1", "mcast_igmp_version", str(igmp),
                 "mcast_mld_version", str(mld), "mcast_startup_query_interval", "50", "mcast_query_interval", "100",
                 "mcast_query_response_interval", "50", "mcast_last_member_interval", "20", "mcast_membership_interval", "400")
        host.run("ip", "link", "set", "br0", "type", "bridge", "mcast_querier", "1")  # it keeps quiet for the response interval set by now
        host.sysctl("net.ipv6.conf.br0.accept_dad", 0)
        host.run("ip", "link", "add", "port1", "type", "veth", "peer", "name", "eth0", "netns", self.far.name)
        for port in (w.tap, "port1"):
            host.run("ip", "addr", "flush", "dev", port)
            host.run("ip", "link", "set", port, "master", "br0")
            host.run("ip", "link", "set", port, "up")
            host.run("ip", "link", "set", port, "type", "bridge_slave", "mcast_flood", "off", "mcast_router", "0")
        host.run("ip", "link", "set", "br0", "up")
        self.far.run("ip", "link", "set", "lo", "up")
        self.far.sysctl("net.ipv6.conf.eth0.accept_dad", 0)
        self.far.run("ip", "link", "set", "eth0", "up")
        for family, length in ((4, "/24"), (6, "/64")):
            host.run("ip", "addr", "add", KERNEL[family] + length, "dev", "br0")
            self.far.run("ip", "addr", "add", FAR[family] + length, "dev", "eth0")
        self.far_index = self.far.run("ip", "-o", "link", "show", "eth0").split(":")[0]

    def entries(self, group):
        return [line for line in self.w.host.run("bridge", "-d", "mdb", "show").split("\n") if " %s " % group in line and self.w.tap in line]

    def far_start(self, *argv):
        return start_in(self.w, self.far, "python3", ON_GROUP, *argv, label="on_group.py %s (far)" % argv[0])

    def close(self):
        self.far.remove()
        self.w.host.run("ip", "link", "del", "br0")


def heard(proc, text):
    return len(re.findall("^%s " % text, proc.out(), re.M))


def group_traffic(w, family, igmp, mld):
    switch = Switch(w, igmp, mld)
    index, group = stack_ifindex(w), GROUP[family]
    try:
        # In: nothing while nobody listens; everything once the stack has reported; nothing after it has left.
        say = switch.far_start("say", switch.far_index, group, str(PORT), "in")
        wait_for(lambda: w.stats().get("mld.in_queries" if family == 6 else "igmp.in_queries"), "a query of the bridge")
        check(not switch.entries(group), "the bridge knows of a member too early")
        hear = w.stack_start("python3", ON_GROUP, "hear", index, group, str(PORT))
        hear.wait_out("joined")
        wait_for(lambda: heard(hear, "in") > 3, "datagrams from the far host")
        check("from " + FAR[family] in hear.out(), hear.out())
        check(switch.entries(group), "traffic came without a report")
        queries = w.stats()["mld.in_queries" if family == 6 else "igmp.in_queries"]
        wait_for(lambda: w.stats()["mld.in_queries" if family == 6 else "igmp.in_queries"] > queries + 5, "more queries")
        before = heard(hear, "in")
        wait_for(lambda: heard(hear, "in") > before + 5, "traffic that goes on because queries are answered")
        groups = [g for g in w.tapir_json("maddr") if g["address"] == group]
        check(len(groups) == 1 and groups[0]["users"] == 1 and groups[0]["version"] == (mld if family == 6 else igmp), str(groups))
        hear.stop()
        wait_for(lambda: not switch.entries(group), lambda: "the bridge to forget us: %s" % switch.entries(group))
        check(not [g for g in w.tapir_json("maddr") if g["address"] == group and g["users"]], "a closed socket is still a member")
        say.stop()
        # Out: to a member at the far end.
        hear = switch.far_start("hear", switch.far_index, OTHER[family], str(PORT))
        hear.wait_out("joined")
        say = w.stack_start("python3", ON_GROUP, "say", index, OTHER[family], str(PORT), "out")
        wait_for(lambda: heard(hear, "out") > 3, "datagrams from the stack")
        check("from " + STACK[family] in hear.out(), hear.out())
        say.stop()
        hear.stop()
        w.stack_run("ping", "-n", "-c", "1", "-W", "20", FAR[family])  # solicited-node groups pass the switch too
    finally:
        switch.close()


@test(combos="first", stacks=("tapir",), tshark=True, options=[])
def group_traffic_through_a_snooping_switch(w, family):
    group_traffic(w, family, 3, 2)


@test(combos="first", stacks=("tapir",), tshark=True, options=[])
def group_traffic_through_a_switch_of_older_versions(w, family):
    group_traffic(w, family, 2, 1)


@test(combos="first", stacks=("tapir",), tshark=True, options=[])
def source_filters_hold_through_a_snooping_switch(w, family):
    switch = Switch(w, 3, 2)
    try:
        index = stack_ifindex(w)
        wrong = w.stack_start("python3", ON_GROUP, "hear", index, GROUP[family], str(PORT), KERNEL[family])
        wrong.wait_out("joined")
        say = switch.far_start("say", switch.far_index, GROUP[family], str(PORT), "in")
        right = w.stack_start("python3", ON_GROUP, "hear", index, GROUP[family], str(PORT), FAR[family])
        right.wait_out("joined")
        wait_for(lambda: heard(right, "in") > 3, "datagrams from the source that is wanted")
        check(heard(wrong, "in") == 0, wrong.out())
        groups = [g for g in w.tapir_json("maddr") if g["address"] == GROUP[family]]
        check(groups and groups[0]["mode"] == "include" and sorted(groups[0]["sources"]) == sorted([KERNEL[family], FAR[family]]), str(groups))
        for proc in (say, right, wrong):
            proc.stop()
    finally:
        switch.close()


@test(combos="first", stacks=("tapir", "kernel"), tshark=True)
def socat_group_traffic_both_ways(w, family):
    """socat joins with its own options, by address (IPv4) and by interface."""
    host_index, group = w.host.run("ip", "-o", "link", "show", w.tap).split(":")[0], GROUP[family]
    dev = stack_ifindex(w)
    if family == 4:
        listen = "UDP4-RECV:%d,ip-add-membership=%s:%s" % (PORT, group, STACK[4])
        send = "UDP4-DATAGRAM:%s:%d,ip-multicast-if=%s" % (group, PORT, KERNEL[4])
        back = "UDP4-DATAGRAM:%s:%d,ip-multicast-if=%s" % (OTHER[4], PORT, STACK[4])
    else:
        listen = "UDP6-RECV:%d,ipv6-join-group=[%s]:%s" % (PORT, group, dev)
        send = "UDP6-DATAGRAM:[%s]:%d,setsockopt-int=41:17:%s" % (group, PORT, host_index)
        back = "UDP6-DATAGRAM:[%s]:%d,setsockopt-int=41:17:%s" % (OTHER[6], PORT, dev)
    hear = w.stack_start("socat", "-u", listen, "STDOUT")
    say = w.host_start("sh", "-c", "while :; do echo hello; sleep 0.2; done | socat -u STDIN '%s'" % send, label="socat (sender)")
    wait_for(lambda: "hello" in hear.out(), "socat on the stack to hear the group")
    say.stop()
    hear.stop()
    hear = w.host_start("python3", ON_GROUP, "hear", host_index, OTHER[family], str(PORT), label="on_group.py")
    hear.wait_out("joined")
    say = w.stack_start("sh", "-c", "while :; do echo hello; sleep 0.2; done | socat -u STDIN '%s'" % back, label="socat (on the stack)")
    wait_for(lambda: "hello" in hear.out(), "the kernel to hear socat on the stack")
    say.stop()
    hear.stop()


IPERF_PORT = "5010"


def iperf_to(w, hear_start, say_run, group, *filters):
    """One second of datagrams to the group; every one but the last few must be there."""
    hear = hear_start("iperf", *filters[:1], "-s", "-u", "-p", IPERF_PORT, "-B", group + "%" + w.tap, "-i", "1", *filters[1:])
    wait_for(lambda: w.stats().get("igmp.out_reports", 0) + w.stats().get("mld.out_reports", 0) >= 1, "a report of the stack")
    hear.wait_out("Joining multicast|multicast group|UDP buffer size")
    say_run(hear)
    hear.signal(2)
    hear.wait()
    lines = re.findall(r"(\d+)/\s*(\d+) \((?:\d|\.|e|-)+%\)", hear.out())
    check(lines and int(lines[-1][1]) >= 80 and int(lines[-1][0]) == 0, hear.out() + hear.err())


@test(combos="first", stacks=("tapir",), options=[])
def iperf_sends_to_groups_both_ways(w, family):
    """iperf 2 joins by its own means: any source, and one by name (SSM)."""
    version = ["-V"] if family == 6 else ["-e"]
    ssm = {4: "232.7.7.7", 6: "ff35::7777"}[family]

    def say(run, group, source):
        def until_heard(hear):
            for _ in range(5):  # the first datagrams may be on their way before the member is ready
                run("iperf", version[0], "-c", group + ("%" + w.tap if family == 6 else ""), "-u", "-p", IPERF_PORT, "-T", "4", "-n", "120000",
                    "-b", "2M", "-B", source)
                if re.search("connected with", hear.out()):
                    return
        return until_heard

    if family == 4:
        w.host.run("ip", "route", "add", "224.0.0.0/3", "dev", w.tap)
    iperf_to(w, w.stack_start, say(w.host_run, GROUP[family], KERNEL[family]), GROUP[family], *version)
    iperf_to(w, w.host_start, say(w.stack_run, OTHER[family], STACK[family]), OTHER[family], *version)
    iperf_to(w, w.stack_start, say(w.host_run, ssm, KERNEL[family]), ssm, *version, "--ssm-host", KERNEL[family])


AVAHI = """[server]
host-name=%s
allow-interfaces=%s
use-ipv4=%s
use-ipv6=%s
enable-dbus=%s
disallow-other-stacks=no
[publish]
publish-workstation=yes
"""


# The system's bus, for one pair of avahi's programs.
BUS = """<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth><policy context="default"><allow user="*"/>
<allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>
"""


def avahi(w, family, name, dbus):
    config = w.write("avahi-%s.conf" % name, AVAHI % (name, w.tap, "yes" if family == 4 else "no", "yes" if family == 6 else "no", dbus))
    # It insists on its files in /run: of a mount namespace of its own.
    return ["unshare", "-m", "sh", "-c", "mkdir -p /run/avahi-daemon && mount -t tmpfs none /run/avahi-daemon && "
            "exec avahi-daemon --no-drop-root --no-chroot --no-rlimits --no-proc-title -f " + config]


@test(combos="first", stacks=("tapir", "kernel"), tshark=True)
def a_service_is_discovered_by_mdns(w, family):
    """avahi on the kernel's side publishes its host; a browser on the stack asks the group and hears the answer there."""
    w.host.run("ip", "link", "set", w.tap, "multicast", "on")
    w.host_start(*avahi(w, family, "kernel-side", "no"), label="avahi-daemon")
    out = w.stack_run("python3", ON_MDNS, stack_ifindex(w), str(family), "_workstation._tcp.local").out()
    check("kernel-side" in out, out)


@test(combos="first", stacks=("tapir",), tshark=True)
def avahi_on_the_stack_and_avahi_in_the_kernel_find_each_other(w, family):
    """Each publishes its host; avahi-browse asks each over a bus of its own, and must find both."""
    for name, start in (("on-the-stack", w.stack_start), ("kernel-side", w.host_start)):
        bus = w.path("bus-" + name)
        w.host_start("dbus-daemon", "--nofork", "--nopidfile", "--config-file", w.write("bus-%s.conf" % name, BUS % bus))
        wait_for(lambda: os.path.exists(bus), "the bus of " + name)
        start("env", "DBUS_SYSTEM_BUS_ADDRESS=unix:path=" + bus, *avahi(w, family, name, "yes"), label="avahi-daemon " + name)
    for name, address in (("on-the-stack", KERNEL[family]), ("kernel-side", STACK[family])):
        other = {"on-the-stack": "kernel-side", "kernel-side": "on-the-stack"}[name]

        def found():
            browse = w.host_start("env", "DBUS_SYSTEM_BUS_ADDRESS=unix:path=" + w.path("bus-" + name), "avahi-browse", "-t", "-r", "-p",
                                  "_workstation._tcp")
            browse.wait()
            return any(line.startswith("=") and other + ".local;" + address in line for line in browse.out().split("\n"))

        wait_for(found, "%s to find %s at %s" % (name, other, address))
