#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""check_rfc.py - every file, function and test that stack/RFC.md names is there. Prints TAP, a line for each row of its tables.

A row is | RFC | where | test | gaps |. In "where", names in backquotes belong to the file named before them. In "test", `name` is a test of
tests/packet, unit or sim, an end-to-end test, or one of a conformance program's; a name with a * stands for
one at least. A row without a test is wrong."""

import fnmatch
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STACK = os.path.join(ROOT, "stack")
TOKENS = re.compile(r"`([^`]+)`|((?:\.\./)?[\w./-]+\.(?:c|h|py|md))\b")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def tests_by_file():
    """The names of the tests in each file, by its base name."""
    found = {}
    for path in glob.glob(os.path.join(ROOT, "tests/*/test_*.c")):
        found[os.path.basename(path)] = set(re.findall(r"^static void (test_\w+)\(", read(path), re.M))
    for path in glob.glob(os.path.join(ROOT, "tests/e2e/*_conformance.c")):
        found[os.path.basename(path)] = set(re.findall(r"^static \w+ (\w+)\(", read(path), re.M))
    for path in glob.glob(os.path.join(ROOT, "tests/e2e/test_*.py")):
        found[os.path.basename(path)] = set(re.findall(r"^@test\(.*?^def (\w+)\(", read(path), re.M | re.S))
    return found


def defines(text, name):
    """Whether a C file has the constant @name, or defines the function."""
    if name.isupper():
        return re.search(r"\b%s\b" % name, text)
    return re.search(r"^[a-z][^;{}#\n]*\b%s\([^;{]*\)\s*\{" % name, text, re.M)


def wrong_in_where(cell):
    text, file = "", None
    for quoted, named in TOKENS.findall(cell):
        if named:
            file = os.path.normpath(os.path.join(STACK, named))
            if not os.path.exists(file):
                yield "no file " + named
                text = ""
            else:
                text = read(file)
        elif not re.fullmatch(r"[\w()]+", quoted):
            continue
        elif file is None:
            yield "no file before `%s`" % quoted
        elif text and not defines(text, quoted.rstrip("()")):
            yield "`%s` is not in %s" % (quoted, os.path.relpath(file, STACK))


def wrong_in_test(cell, tests):
    names = [quoted for quoted, _ in TOKENS.findall(cell) if quoted and re.fullmatch(r"[\w*]+", quoted)]
    files = [named for _, named in TOKENS.findall(cell) if named]
    everywhere = set().union(*tests.values())
    if not names and not files:
        yield "no test"
    for name in names:
        if not fnmatch.filter(everywhere, name):
            yield "no test `%s`" % name
    for file in files:
        if os.path.basename(file) not in tests:
            yield "no test file " + file


def main():
    tests, failed = tests_by_file(), 0
    rows = [line for line in read(os.path.join(STACK, "RFC.md")).split("\n") if re.match(r"\| \d", line)]
    print("1..%d" % len(rows))
    for number, row in enumerate(rows, 1):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        wrong = ["the row has %d cells" % len(cells)] if len(cells) != 4 else \
            list(wrong_in_where(cells[1])) + list(wrong_in_test(cells[2], tests))
        print("%s %d - %s" % ("not ok" if wrong else "ok", number, cells[0]))
        for text in wrong:
            print("# " + text)
        failed += bool(wrong)
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
