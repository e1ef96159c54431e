#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""bench.py - measure tapir against the kernel: ratios within one run (README.md tells how and why).

Exit status: 0 when every row could be measured, 1 when one could not (or, with --strict, missed its goal)."""

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import OUTER_UID, Failed, Lab, Pins, Quiet  # noqa: E402
from rows import all_rows  # noqa: E402
from rows_programs import OPEN_CONNECTIONS  # noqa: E402

COLUMNS = "%-36s %-28s %-28s %-19s %-12s %-11s %s"


class Options:
    """How long, how often, on which processors."""

    def __init__(self, args):
        self.seconds = args.seconds or (1.0 if args.quick else 2.0)
        self.rounds = args.rounds or (2 if args.quick else 5)
        self.connections = 10000 if args.quick else 100000
        self.idle_connections = 1000 if args.quick else 10000
        self.open_connections = 5000 if args.quick else OPEN_CONNECTIONS
        self.idle_seconds = 3 if args.quick else 10
        self.cpus = sorted(os.sched_getaffinity(0))[:2]
        self.daemon = args.daemon
        self.quiet = Quiet(self.cpus)

    def pins(self, daemon):
        near, far = {self.cpus[0]}, {self.cpus[-1]}
        return Pins(near, far, {"near": near, "far": far, "float": near | far}[daemon])


def summary(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "values": values}


def text(s, digits, unit=""):
    return ("%.*f (%.*f..%.*f) %s" % (digits, s["median"], digits, s["min"], digits, s["max"], unit)).rstrip()


def run_row(lab, row, o):
    """Every round measures each path once, in turn, the first of them changing from round to round."""
    results = {p: [] for p in row.paths}
    for i in range(row.rounds or o.rounds):
        order = row.paths if i % 2 == 0 else tuple(reversed(row.paths))
        for path in order:
            o.quiet.wait()
            results[path].append(row.measure(lab, path, o))
    return results


def judge(goal, ours, ratio, cpu):
    value = {"ratio": ratio, "ours": ours, "cpu": cpu}[goal.of]
    return "met" if value is not None and goal.met(value["median"]) else "MISSED"


def evaluate(row, results):
    """The table's lines for a row: one a metric, and one for the daemon's CPU when that has a goal."""
    mine = results[row.paths[0]]
    costs = [r["cpu"] for r in mine if r.get("cpu")]
    cpu = dict(summary([c[0] for c in costs]), unit=costs[0][1]) if costs else None
    for m in row.metrics:
        line = {"row": row.name, "metric": m.name, "unit": m.unit, "goal": str(m.goal or ""), "verdict": "", "cpu": cpu}
        line["ours"] = summary([r[m.name] for r in mine])
        line["baseline"] = line["ratio"] = None
        if m.baseline:
            line["baseline_is"] = m.baseline
            line["baseline"] = summary([r[m.name] for r in results[m.baseline]])
            if min(line["baseline"]["values"]) > 0:
                line["ratio"] = summary([a[m.name] / b[m.name] for a, b in zip(mine, results[m.baseline])])
        if m.goal:
            line["verdict"] = judge(m.goal, line["ours"], line["ratio"], cpu)
        yield m, line
    goal = getattr(row, "cpu_goal", None)
    if goal and cpu:
        line = {"row": row.name, "metric": "daemon CPU", "unit": cpu["unit"], "goal": "ours %s %g" % (goal.op, goal.bound),
                "verdict": judge(goal, None, None, cpu), "cpu": None, "ours": cpu, "baseline": None, "ratio": None}
        yield None, line


def print_line(m, line):
    digits = m.digits if m else 3
    name = (line["row"] + " " + line["metric"]).strip()
    if line.get("baseline_is", "veth") != "veth":
        name += " (against %s)" % line["baseline_is"]
    print(COLUMNS % (name, text(line["ours"], digits, line["unit"]),
                     text(line["baseline"], digits) if line["baseline"] else "-",
                     text(line["ratio"], 2) if line["ratio"] else "-",
                     "%.2f %s" % (line["cpu"]["median"], line["cpu"]["unit"]) if line["cpu"] else "-",
                     line["goal"] or "reported", line["verdict"]), flush=True)


def first_match(path, key):
    for line in open(path):
        if line.startswith(key):
            return line.split(":", 1)[1].strip()
    return "unknown"


def machine():
    return {"kernel": platform.release(), "processor": first_match("/proc/cpuinfo", "model name"), "processors": os.cpu_count(),
            "memory": first_match("/proc/meminfo", "MemTotal"), "load": os.getloadavg()[0],
            "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}


def print_head(m, o, args, cubic):
    print("%(processor)s, %(processors)d processors, %(memory)s, Linux %(kernel)s, load %(load).2f, %(date)s" % m)
    print("MTU %d, IPv%d; %d rounds of %.1f s; near end on processor %d, far end on %d, daemon: %s"
          % (args.mtu, args.family, o.rounds, o.seconds, o.cpus[0], o.cpus[-1], o.daemon))
    if len(o.cpus) < 2:
        print("NOTE: only one processor may be used: both ends share it")
    if cubic != ["cubic"]:
        print("NOTE: CUBIC could not be set everywhere (congestion control: %s); ratios are not comparable" % ", ".join(cubic))
    print()
    print(COLUMNS % ("row", "ours: median (min..max)", "baseline: median (min..max)", "ratio", "daemon CPU", "goal", ""))


def parse_args():
    p = argparse.ArgumentParser(description="Measure tapir against the kernel.",
                                epilog="rows: " + " ".join(r.name for r in all_rows()))
    p.add_argument("--build", default="build", help="directory of the built programs (default: build)")
    p.add_argument("--quick", action="store_true", help="a few seconds a row: a rough idea")
    p.add_argument("--only", action="append", metavar="ROW", help="this row (may be repeated; a prefix will do)")
    p.add_argument("--json", metavar="FILE", help="write every figure to a file")
    p.add_argument("--rounds", type=int, help="interleaved measurements a row (5; --quick: 2)")
    p.add_argument("--seconds", type=float, help="of each measurement (2; --quick: 1)")
    p.add_argument("--mtu", type=int, default=1500)
    p.add_argument("--family", type=int, choices=(4, 6), default=4, help="IP version")
    p.add_argument("--daemon", choices=("near", "far", "float"), default="near",
                   help="whose processor the daemon shares: that of the end on the stack (near), of the end on the kernel (far), "
                        "or either as the scheduler likes (float)")
    p.add_argument("--strict", action="store_true", help="exit 1 also when a goal is missed")
    return p.parse_args()


def choose_rows(only):
    rows = all_rows()
    if not only:
        return rows
    for name in only:
        if not any(r.name.startswith(name) for r in rows):
            sys.exit("bench.py: no row %s; there are: %s" % (name, " ".join(r.name for r in rows)))
    return [r for r in rows if any(r.name.startswith(name) for name in only)]


def enter_user_namespace():
    """Without root: once more, as the root of a user namespace of our own."""
    if os.geteuid() == 0:
        return
    os.environ[OUTER_UID] = str(os.getuid())
    os.execvp("unshare", ["unshare", "--user", "--map-root-user", sys.executable] + sys.argv)


def measure_all(lab, rows, o, lines):
    failed = 0
    for row in rows:
        try:
            for m, line in evaluate(row, run_row(lab, row, o)):
                print_line(m, line)
                lines.append(line)
        except (Failed, OSError, subprocess.SubprocessError, ValueError) as e:
            failed += 1
            print("%-36s FAILED: %s" % (row.name, e), flush=True)
            lines.append({"row": row.name, "failed": str(e)})
    return failed


def main():
    args = parse_args()
    rows = choose_rows(args.only)
    enter_user_namespace()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    o = Options(args)
    m = machine()
    lines = []
    lab = Lab(os.path.abspath(args.build), args.mtu, args.family)
    try:
        cubic = lab.congestion_control()
        print_head(m, o, args, cubic)
        failed = measure_all(lab, rows, o, lines)
    finally:
        lab.close()
    missed = sum(line.get("verdict") == "MISSED" for line in lines)
    print("\n%d goals met, %d missed, %d rows could not be measured"
          % (sum(line.get("verdict") == "met" for line in lines), missed, failed))
    if o.quiet.in_vain:
        print("NOTE: %d of %d measurements began on a busy machine: expect noise" % (o.quiet.in_vain, o.quiet.waits))
    if args.json:
        with open(args.json, "w") as f:
            json.dump({"machine": m, "options": vars(args), "congestion_control": cubic, "lines": lines}, f, indent=1)
    return 1 if failed or (args.strict and missed) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except Failed as e:
        sys.exit("bench.py: %s" % e)
