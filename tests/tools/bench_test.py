#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/compare.py without a measurement. Argument: the folder bench."""
import pathlib
import platform
import subprocess
import sys
import tempfile
import unittest

BENCH = pathlib.Path(sys.argv.pop(1))
sys.path.insert(0, str(BENCH))
import targets  # noqa: E402

# Knows its version, unless it is to run on AMX.
PROGRAM = """#!/bin/sh
[ "$BRT_CPU_TARGET" != amx ] || { echo "brt: no amx" >&2; echo "hint: it runs avx2" >&2; exit 2; }
echo brt 0.1.0
"""


@unittest.skipUnless(platform.machine() == "x86_64", "targets of x86-64")
class Compare(unittest.TestCase):
    def plan(self, *options):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "brt"
            program.write_text(PROGRAM)
            program.chmod(0o755)
            return subprocess.run(
                [sys.executable, BENCH / "compare.py", "--brt", program, "--plan", "--output",
                 program.with_name("results.jsonl"), *options],
                capture_output=True, text=True, check=False)

    def rows(self, *options):
        lines = self.plan(*options).stdout.splitlines()
        return [line[:48].strip() for line in lines if line.startswith("small")]

    def test_a_target_brings_float32_a_product_and_one_peer(self):
        rows = [row for row in self.rows("--target", "avx2") if not row.endswith("plain torch")]
        self.assertEqual([row.split(maxsplit=2)[1:] for row in rows],
                         [["train", "brt"], ["train", "brt, fp32"], ["train", "matrix product"],
                          ["eval", "brt"], ["eval", "brt, fp32"],
                          ["decode", "brt"], ["decode", "brt, int8"]])

    def test_without_a_target_there_is_no_product(self):
        rows = self.rows("--sizes", "small")
        self.assertFalse([row for row in rows if "product" in row or "fp32" in row])
        self.assertTrue([row for row in rows if "8 streams" in row])

    def test_a_target_that_the_program_refuses_ends_with_its_words(self):
        done = self.plan("--target", "amx")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "compare.py: --target amx: brt: no amx\nhint: it runs avx2\n")

    def test_an_unknown_target_is_refused_with_those_there_are(self):
        done = self.plan("--target", "avx")
        self.assertEqual(done.returncode, 2)
        self.assertIn("'avx2', 'avx2vnni'", done.stderr)


class Targets(unittest.TestCase):
    def test_the_program_and_its_peers_are_held(self):
        brt, peer = targets.brt_environment("avx2"), targets.peer_environment("avx2")
        self.assertEqual(brt["BRT_CPU_TARGET"], "avx2")
        self.assertEqual(brt["MKL_ENABLE_INSTRUCTIONS"], "AVX2")
        self.assertEqual(peer["DNNL_MAX_CPU_ISA"], "AVX2")
        self.assertEqual(peer["XLA_FLAGS"], "--xla_cpu_max_isa=AVX2")

    def test_nothing_holds_the_fastest_or_the_machine_as_it_is(self):
        self.assertEqual(targets.peer_environment("amx"), {})
        self.assertEqual(targets.brt_environment("amx"), {"BRT_CPU_TARGET": "amx"})
        self.assertEqual(targets.peer_environment(""), {})
        self.assertEqual(targets.brt_environment(""), {})


if __name__ == "__main__":
    unittest.main()
