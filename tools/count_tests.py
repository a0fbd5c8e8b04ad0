#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the cases of a test run and names those that failed; the exit code is 1 if one did.

count_tests.py CTEST.xml FOLDER

CTEST.xml is what ctest wrote: a test for each suite of a test program, and scripts. FOLDER holds
what the programs wrote at their end, SUITE.xml with a result for each case. Of a suite that wrote
nothing, as it crashed, hung or left the process, the cases that did not pass before count as failed.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


class Count:
    def __init__(self):
        self.passed = 0
        self.skipped = 0
        self.failed = []  # names, with what there is to say

    def add_suite(self, path):
        """The cases of a suite that ran to its end."""
        for case in ElementTree.parse(path).iter("testcase"):
            name = f'{case.get("classname")}.{case.get("name")}'
            if case.find("failure") is not None:
                self.failed.append(name)
            elif case.get("result") == "completed":
                self.passed += 1
            else:  # skipped by itself, or disabled
                self.skipped += 1

    def add_unfinished_suite(self, name, output):
        """The cases of a suite that did not, from what its program printed."""
        cases = int((re.search(r"^\[=+\] Running (\d+) test", output, re.M) or [0, 1])[1])
        passed = len(re.findall(r"^\[ +OK \] ", output, re.M))
        skipped = len(re.findall(r"^\[ +SKIPPED \] .* ms\)", output, re.M))
        begun = re.findall(r"^\[ RUN +\] (\S+)", output, re.M)
        place = f"in {begun[-1]}" if begun else "before its first case"
        self.passed += passed
        self.skipped += skipped
        lost = max(cases - passed - skipped, 1)
        self.failed += [f"{name}: ended {place} without results"]
        self.failed += [f"{name}: a case without a result"] * (lost - 1)


def is_suite(output):
    return re.search(r"^(Running main\(\)|\[=+\] Running|Note: Google Test)", output, re.M) is not None


def count(ctest_file, folder):
    total = Count()
    for test in ElementTree.parse(ctest_file).iter("testcase"):
        name, status = test.get("name"), test.get("status")
        output = test.findtext("system-out") or ""
        results = folder / (name.replace("/", ".") + ".xml")
        if results.exists():
            failed_before = len(total.failed)
            total.add_suite(results)
            if status != "run" and len(total.failed) == failed_before:
                total.failed.append(f"{name}: failed at its end, after its cases")
        elif is_suite(output):
            total.add_unfinished_suite(name, output)
        elif status == "run":
            total.passed += 1
        elif status in ("notrun", "disabled") and test.find("skipped") is not None:
            total.skipped += 1
        else:
            total.failed.append(f"{name}: {status}")
    return total


def main():
    ctest_file, folder = map(pathlib.Path, sys.argv[1:])
    if not ctest_file.exists():
        sys.exit("count_tests.py: ctest left no results")
    total = count(ctest_file, folder)
    for name in total.failed:
        print(f"failed: {name}")
    if total.skipped:
        print(f"{total.skipped} skipped (what they need is not on this machine)")
    print(f"{total.passed} passed, {len(total.failed)} failed")
    if total.passed + len(total.failed) == 0:
        sys.exit("count_tests.py: no test ran")
    sys.exit(1 if total.failed else 0)


if __name__ == "__main__":
    main()
