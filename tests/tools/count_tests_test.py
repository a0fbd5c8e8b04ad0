#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/count_tests.py on results as ctest and GoogleTest write them. Argument: the script."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = sys.argv.pop(1)

BEGUN = """Running main() from ./googletest/src/gtest_main.cc
Note: Google Test filter = Math.*
[==========] Running 4 tests from 1 test suite.
[ RUN      ] Math.Adds
[       OK ] Math.Adds (1 ms)
[ RUN      ] Math.NeedsAGpu
[  SKIPPED ] Math.NeedsAGpu (0 ms)
[ RUN      ] Math.Divides
"""

ALL = """<?xml version="1.0"?><testsuites><testsuite name="Math">
<testcase name="Adds" status="run" result="completed" classname="Math"/>
<testcase name="NeedsAGpu" status="run" result="skipped" classname="Math"/>
<testcase name="DISABLED_Slow" status="notrun" result="suppressed" classname="Math"/>
{}</testsuite></testsuites>"""

FAILED = """<testcase name="Divides" status="run" result="completed" classname="Math">
<failure message="1"/><failure message="2"/></testcase>"""


class CountTests(unittest.TestCase):
    def count(self, tests, results=None):
        """Exit code and lines for tests [(name, status, output)] and the programs' results."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            cases = "".join(f'<testcase name="{name}" status="{status}"><system-out>{output}'
                            f"</system-out></testcase>" for name, status, output in tests)
            (path / "ctest.xml").write_text(f"<testsuite>{cases}</testsuite>")
            for name, text in (results or {}).items():
                (path / name).write_text(text)
            done = subprocess.run([sys.executable, SCRIPT, path / "ctest.xml", path],
                                  capture_output=True, text=True, check=False)
            return done.returncode, done.stdout.splitlines()

    def test_cases_are_counted_one_by_one(self):
        code, lines = self.count([("m.A/Math", "run", BEGUN), ("Script", "run", "fine")],
                                 {"m.A.Math.xml": ALL.format("")})
        self.assertEqual(lines, ["2 skipped (what they need is not on this machine)",
                                 "2 passed, 0 failed"])
        self.assertEqual(code, 0)

    def test_a_failed_case_is_named_and_counts_once(self):
        code, lines = self.count([("m.Math", "fail", BEGUN)], {"m.Math.xml": ALL.format(FAILED)})
        self.assertEqual(lines[0], "failed: Math.Divides")
        self.assertEqual(lines[-1], "1 passed, 1 failed")
        self.assertEqual(code, 1)

    def test_after_a_crash_all_that_did_not_pass_has_failed(self):
        code, lines = self.count([("m.Math", "fail", BEGUN)])
        self.assertEqual(lines[0], "failed: m.Math: ended in Math.Divides without results")
        self.assertEqual(lines[-1], "1 passed, 2 failed")
        self.assertEqual(code, 1)

    def test_leaving_the_process_with_success_is_no_success(self):
        self.assertEqual(self.count([("m.Math", "run", BEGUN)])[0], 1)

    def test_a_program_that_fails_after_its_cases_has_failed(self):
        code, lines = self.count([("m.Math", "fail", BEGUN)], {"m.Math.xml": ALL.format("")})
        self.assertEqual(lines[0], "failed: m.Math: failed at its end, after its cases")
        self.assertEqual(code, 1)

    def test_scripts_and_programs_that_are_not_there_fail(self):
        code, lines = self.count([("Script", "fail", "oh"), ("m_NOT_BUILT", "notrun", "")])
        self.assertEqual(lines, ["failed: Script: fail", "failed: m_NOT_BUILT: notrun",
                                 "0 passed, 2 failed"])
        self.assertEqual(code, 1)

    def test_no_test_at_all_is_a_failure(self):
        self.assertEqual(self.count([])[0], 1)


if __name__ == "__main__":
    unittest.main()
