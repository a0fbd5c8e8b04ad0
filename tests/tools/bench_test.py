#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/compare.py and bench/page.py without a measurement. Argument: the folder bench."""
import json
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
LINE = {"date": "2026-01-02 03:04", "commit": "abc1234", "brt_version": "brt 0.1.0", "versions": {},
        "machine": {"cores": 2, "memory_gib": 8, "system": "Linux"}, "cpu": "a CPU",
        "size": "small", "round": 1, "trial": False, "others_during": 0.0, "alloc": "tcmalloc",
        "command": "a command", "peak_rss_mib": 10, "flops_per_token": 1e9, "torch": "2.13.0"}
KINDS = {"brt": "brt", "plain torch": "peer", "matrix product": "product"}


def line(row, rate, mode="train", **more):
    return json.dumps({**LINE, "row": row, "kind": KINDS.get(row, "setting"), "mode": mode,
                       "table": mode + more.get("target", ""), "setting": "eager, fp32, AdamW",
                       "rates": [rate, rate, rate], **more})


AVX2 = [line("brt", 150, target="avx2"), line("plain torch", 100, target="avx2"),
        line("brt, fp32", 130, target="avx2"),
        line("matrix product", 50, target="avx2", flops_per_token=4e9, setting="fp32"),
        line("brt", 40, "decode", target="avx2"), line("brt, int8", 80, "decode", target="avx2"),
        line("plain torch", 20, "decode", target="avx2")]
OWN = [line("brt", 1000, gemm_flops_per_second=4e12), line("plain torch", 400)]


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


class Page(unittest.TestCase):
    def page(self, lines, before=None):
        """The page that the lines make of the one before."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            (path / "results.jsonl").write_text("".join(line + "\n" for line in lines))
            if before is not None:
                (path / "page.md").write_text(before)
            subprocess.run(
                [sys.executable, BENCH / "page.py", path / "results.jsonl", path / "page.md"],
                capture_output=True, check=True)
            return (path / "page.md").read_text()

    def test_a_target_has_its_rows_ratios_and_share_of_the_product(self):
        text = self.page(OWN + AVX2)
        self.assertIn("""
| target | | training | brt is | share | generation | brt is |
|---|---|--:|--:|--:|--:|--:|
| avx2 | brt, bf16 | 150 (0.0 %) | 1.50 x | 75 % | 40.00 (0.0 %) | 2.00 x |
|  | brt, fp32 | 130 (0.0 %) | 1.30 x | 65 % |  |  |
|  | brt, int8 |  |  |  | 80.00 (0.0 %) | 4.00 x |
|  | plain torch | 100 (0.0 %), eager, fp32 |  | 50 % | 20.00 (0.0 %), eager, fp32 |  |
|  | matrix product | 200 GFLOP/s (0.0 %), fp32 |  |  |  |  |
""", text)
        self.assertIn("| brt | eager, fp32, AdamW; tcmalloc | 1,000 |", text)
        self.assertLess(text.index("## By CPU target"), text.index("## How it was measured"))

    def test_the_fastest_target_comes_first(self):
        text = self.page(AVX2 + [line("brt", 900, target="amx"), line("brt", 9, target="scalar")])
        self.assertLess(text.index("| amx |"), text.index("| avx2 |"))
        self.assertLess(text.index("| avx2 |"), text.index("| scalar |"))

    def test_what_a_target_lacks_is_empty_or_says_why(self):
        failed = {key: value for key, value in json.loads(AVX2[1]).items() if key != "rates"}
        text = self.page([AVX2[0], json.dumps({**failed, "skipped": "out of memory"})])
        self.assertIn("| avx2 | brt, bf16 | 150 (0.0 %) |  |  |", text)
        self.assertIn("|  | plain torch | not measured: out of memory |  |  |", text)

    def test_targets_alone_change_only_their_section(self):
        both = self.page(OWN + AVX2)
        self.assertEqual(self.page(AVX2, self.page(OWN)), both)
        self.assertEqual(self.page(AVX2, both), both)

    def test_the_section_stays_where_no_target_was_measured(self):
        both = self.page(OWN + AVX2)
        self.assertEqual(self.page(OWN, both), both)


if __name__ == "__main__":
    unittest.main()
