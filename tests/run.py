#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""run.py - runs kinds of tests and adds them up.

    tests/run.py [--logs DIR] KIND...        KIND: unit packet sim examples fuzz e2e

unit, packet, sim: every program of tests/KIND, built with sanitizers (build-san), and the scripts check_*.py there; examples:
those of tests/examples that need nothing but the engine, exit status 0 expected (the others are run by e2e); fuzz: every target
for FUZZ_SECONDS (10); e2e: tests/e2e/run.py with the normal build, then its short list against the sanitized tapird. What a kind prints goes to
DIR/KIND.log (build/logs), its failures to the terminal too. The last line is `N passed, N failed`; a test that does not run, or
that says nothing, has failed. Exit status 0 only if nothing failed."""

import argparse
import glob
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SAN_ENV = {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
PROGRAM_SECONDS_MAX = 900  # only so that a hang ends


def show_tail(text, lines=60):
    for line in text.rstrip().split("\n")[-lines:]:
        print("    " + line)


def run_program(argv, log, env=None):
    """Returns (status, output); status None: it had to be ended."""
    log.write("$ %s\n" % " ".join(argv))
    log.flush()
    proc = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            env=dict(os.environ, **(env or {})))
    try:
        out, status = proc.communicate(timeout=PROGRAM_SECONDS_MAX)[0], proc.returncode
    except subprocess.TimeoutExpired:
        proc.kill()
        out, status = proc.communicate()[0], None
    text = out.decode(errors="replace")
    log.write(text + "\n")
    return status, text


def report(kind, name, passed, failed, seconds, text):
    print("%-7s %-4s %s: %d passed, %d failed (%.1f s)" % (kind, "FAIL" if failed else "ok", name, passed, failed, seconds))
    if failed:
        show_tail(text)
    sys.stdout.flush()


def run_cmocka(kind, log):
    """Every program tests/KIND/test_*.c and script tests/KIND/check_*.py, counted by its TAP lines."""
    passed = failed = 0
    sources = sorted(glob.glob(os.path.join(ROOT, "tests", kind, "test_*.c"))) + \
        sorted(glob.glob(os.path.join(ROOT, "tests", kind, "check_*.py")))
    if not sources:
        print("%-7s FAIL there are no tests" % kind)
        return 0, 1
    for source in sources:
        name = os.path.splitext(os.path.basename(source))[0]
        program = source if source.endswith(".py") else os.path.join(ROOT, "build-san", "tests", kind, name)
        start = time.monotonic()
        if not os.access(program, os.X_OK):
            report(kind, name, 0, 1, 0, "not built: %s (make SAN=1 tests)" % program)
            failed += 1
            continue
        status, text = run_program([program], log, dict(SAN_ENV, CMOCKA_MESSAGE_OUTPUT="TAP"))
        ok = len(re.findall(r"^ok \d+", text, re.M))
        bad = len(re.findall(r"^not ok \d+", text, re.M))
        if (status != 0 and not bad) or not ok + bad:
            bad += 1
            text += "\n(ended with status %s)" % status
        report(kind, name, ok, bad, time.monotonic() - start, text)
        passed, failed = passed + ok, failed + bad
    return passed, failed


def run_examples(log):
    """tests/examples/engine_*.c, each a whole program."""
    passed = failed = 0
    for source in sorted(glob.glob(os.path.join(ROOT, "tests/examples/engine_*.c"))):
        name = os.path.basename(source)[:-2]
        start = time.monotonic()
        program = os.path.join(ROOT, "build-san/tests/examples", name)
        status, text = run_program([program], log, SAN_ENV) if os.access(program, os.X_OK) else (None, "not built: " + program)
        report("examples", name, status == 0, status != 0, time.monotonic() - start, text)
        passed, failed = passed + (status == 0), failed + (status != 0)
    return passed, failed


def run_fuzz(log):
    passed = failed = 0
    targets = sorted(glob.glob(os.path.join(ROOT, "tests/fuzz/fuzz_*.c")))
    if not targets:
        print("fuzz    FAIL there are no targets")
        return 0, 1
    for source in targets:
        name = os.path.basename(source)[:-2]
        start = time.monotonic()
        status, text = run_program(["make", "-s", "fuzz", "FUZZ_TARGET=" + name,
                                    "FUZZ_SECONDS=" + os.environ.get("FUZZ_SECONDS", "10")], log)
        report("fuzz", name, status == 0, status != 0, time.monotonic() - start, text)
        passed, failed = passed + (status == 0), failed + (status != 0)
    return passed, failed


def run_e2e(log):
    """Its lines are shown as they come: it takes minutes."""
    passed = failed = 0
    for options in ([], ["--matrix", "smoke", "--tapird", os.path.join(ROOT, "build-san/tapird")]):
        argv = [os.path.join(ROOT, "tests/e2e/run.py")] + options
        print("e2e     %s" % " ".join(["tests/e2e/run.py"] + options), flush=True)
        proc = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, errors="replace")
        verdict = None
        for line in proc.stdout:
            log.write(line)
            verdict = re.match(r"(\d+) passed, (\d+) failed$", line)
            if not verdict:
                print("    " + line, end="", flush=True)
        ok, bad = (int(n) for n in verdict.groups()) if verdict else (0, 1)
        if proc.wait() != 0 and not bad:
            bad = 1
        print("e2e     %s: %d passed, %d failed" % ("FAIL" if bad else "ok", ok, bad))
        passed, failed = passed + ok, failed + bad
    return passed, failed


def main():
    p = argparse.ArgumentParser(description="runs tests and adds them up")
    p.add_argument("--logs", default=os.path.join(ROOT, "build/logs"))
    p.add_argument("kinds", nargs="+", choices=["unit", "packet", "sim", "examples", "fuzz", "e2e"], metavar="KIND")
    args = p.parse_args()
    os.makedirs(args.logs, exist_ok=True)
    passed = failed = 0
    for kind in args.kinds:
        with open(os.path.join(args.logs, kind + ".log"), "w") as log:
            run = {"examples": run_examples, "fuzz": run_fuzz, "e2e": run_e2e}.get(kind)
            ok, bad = run(log) if run else run_cmocka(kind, log)
        passed, failed = passed + ok, failed + bad
    if failed:
        print("logs: %s" % args.logs)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
