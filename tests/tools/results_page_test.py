#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/results_page.py on results with losses that are made up, and on those in results/. Argument: the script."""
import contextlib
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

if sys.version_info < (3, 11):
    print("needs Python 3.11")
    sys.exit(77)

SCRIPT = pathlib.Path(sys.argv.pop(1)).resolve()
sys.dont_write_bytecode = True
sys.path[:0] = [str(SCRIPT.parent), str(pathlib.Path(__file__).parent)]

import results_page  # noqa: E402
import synthetic_results  # noqa: E402
from results import ablations, gain, growth, position, record, svg_plot, text  # noqa: E402
from results.collection import Collection, read_collection  # noqa: E402
from results.run_list import ExperimentError, expand_runs  # noqa: E402

GOLDEN = SCRIPT.parent.parent / "tests/golden"


def losses(*documents):
    """An evaluation of documents (bits, bytes)."""
    named = [{"name": f"d{place}", "bytes": size, "bits_per_byte": bits / size}
             for place, (bits, size) in enumerate(documents)]
    total = sum(size for _, size in documents)
    return {"bytes": total, "bits_per_byte": sum(bits for bits, _ in documents) / total, "by_document": named}


def gain_of(ours, others):
    return gain.Gain([losses(*ours)], [losses(*others)])


def collection(*results, groups=()):
    listing = {"recipe": "recipes/results.toml", "models": {"rec": {"recurrent": True, "settings": []}}, "group": list(groups)}
    return Collection([record.Result(result) for result in results], listing, {})


def make(group, corpus, model, seed=1, **changes):
    if model.startswith("slide"):
        changes["shape"] = synthetic_results.SLIDE | changes.get("shape", {})
    return synthetic_results.make_result(f"{group}-{corpus}-{model}-seed{seed}", group, corpus, model, seed, **changes)


def page_of(*results, **more):
    return results_page.make_page(collection(*results, **more))["results.md"]


def line_with(page, *parts):
    return next(line for line in page.splitlines() if all(part in line for part in parts))


class Interval(unittest.TestCase):
    def test_documents_with_the_same_gain_leave_nothing_to_chance(self):
        found = gain_of([(90, 100), (9, 7), (900, 50)], [(100, 100), (10, 7), (1000, 50)])
        self.assertAlmostEqual(found.value, 0.1)
        for end in found.interval:
            self.assertAlmostEqual(end, 0.1)

    def test_of_two_documents_the_ends_are_those_of_each(self):
        """Both are drawn twice in a quarter of the draws each."""
        found = gain_of([(80, 100), (110, 100)], [(100, 100), (100, 100)])
        self.assertAlmostEqual(found.value, 0.05)
        self.assertAlmostEqual(found.interval[0], -0.1)
        self.assertAlmostEqual(found.interval[1], 0.2)
        self.assertEqual(found.standing, "even")

    def test_many_documents_agree_with_the_normal_approximation(self):
        """Gains 0.05 +- 0.02 of 400 documents: the half width is 1.96 * 0.02 / 20."""
        ours = [(100 * (0.95 + 0.02 * (-1) ** place), 100) for place in range(400)]
        low, high = gain_of(ours, [(100, 100)] * 400).interval
        self.assertAlmostEqual(low, 0.05 - 0.00196, delta=0.0002)
        self.assertAlmostEqual(high, 0.05 + 0.00196, delta=0.0002)

    def test_it_is_the_same_each_time(self):
        pairs = [(1.0, 2.0), (3.0, 2.5), (2.0, 2.0)]
        self.assertEqual(gain.bootstrap_interval(pairs), gain.bootstrap_interval(pairs))

    def test_one_document_has_none(self):
        found = gain_of([(80, 100)], [(100, 100)])
        self.assertIsNone(found.interval)
        self.assertEqual(found.standing, "unknown")
        self.assertEqual(text.interval(found), "")

    def test_other_documents_are_an_error(self):
        other = losses((100, 100), (100, 100))
        other["by_document"][1]["name"] = "another"
        with self.assertRaisesRegex(ExperimentError, "different documents"):
            gain.Gain([losses((80, 100), (80, 100))], [other])


class Figures(unittest.TestCase):
    def test_gains_are_rounded_down(self):
        self.assertEqual(text.percent(0.013999), "1.39 %")
        self.assertEqual(text.percent(0.0143), "1.43 %")
        self.assertEqual(text.percent(-0.00001), "-0.01 %")
        self.assertEqual(text.percent(-0.0), "0.00 %")

    def test_only_the_carried_loss_of_recurrent_models_is_rounded_up(self):
        self.assertEqual(text.loss(1.23451), "1.2346")
        self.assertEqual(text.loss(1.23459, "none"), "1.2345")
        self.assertEqual(text.loss(1.23459, "carried", recurrent=False), "1.2345")
        self.assertEqual(text.loss(1.2345), "1.2345")

    def test_parameters_are_those_of_the_golden_models(self):
        models = [folder for folder in sorted(GOLDEN.iterdir()) if (folder / "model.safetensors").exists()]
        self.assertGreater(len(models), 10)
        for folder in models:
            with self.subTest(folder.name), open(folder / "model.safetensors", "rb") as file:
                header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
                header.pop("__metadata__", None)
                count = 0
                for tensor in header.values():
                    size = 1
                    for side in tensor["shape"]:
                        size *= side
                    count += size
                config = json.loads((folder / "config.json").read_text())
                keys = ("unit_attention", "position", "num_buckets", "feedback")
                defaults = {key: synthetic_results.SHAPE[key] for key in keys}
                self.assertEqual(record.count_parameters(defaults | config), count)


class MainTable(unittest.TestCase):
    def test_a_gain_and_a_loss_are_called_so(self):
        page = page_of(make("main", "code", "rec"), make("main", "code", "slide"), make("main", "books", "rec"),
                       make("main", "books", "slide"))
        self.assertIn(" % (16.6 %), ahead with its one seed", line_with(page, "- code: "))
        self.assertIn("- books: -0.", page)
        self.assertIn("behind with its one seed", line_with(page, "- books: "))
        self.assertIn("The paper's is 16.6 %.", page)
        worse = page_of(make("main", "code", "rec", gain=-0.05), make("main", "code", "slide"))
        self.assertIn("behind with its one seed", line_with(worse, "- code: "))
        self.assertNotIn("ahead with", worse)

    def test_seeds_that_disagree_are_counted(self):
        gains = {1: 0.05, 2: 0.04, 3: -0.05}
        page = page_of(*(make("main", "code", "rec", seed, gain=share) for seed, share in gains.items()),
                       *(make("main", "code", "slide", seed) for seed in (1, 2, 3)))
        self.assertIn("ahead with 2 of the 3 seeds and behind with 1 of the 3 seeds", page.replace("\n", " "))

    def test_a_model_without_a_baseline_of_its_seed_has_no_gain(self):
        page = page_of(make("main", "code", "rec", 1), make("main", "code", "slide", 2))
        self.assertTrue(line_with(page, "| rec | recurrent").endswith("|  |"))
        self.assertNotIn("ahead with", page)

    def test_word_perplexity_is_for_books(self):
        self.assertIn("word perplexity", page_of(make("main", "books", "rec")))
        self.assertNotIn("word perplexity", page_of(make("main", "code", "rec")))

    def test_step_times_are_shown_if_they_were_measured(self):
        made = collection(make("main", "code", "rec"), make("main", "code", "slide"))
        made.times = {"commit": "c", "steps": 9, "threads": 1, "cpu": "C", "kernel_target": "amx",
                      "models": {"rec": {"step_ms": 101.01}, "slide": {"step_ms": 100.0}}}
        self.assertTrue(line_with(results_page.make_page(made)["results.md"], "| rec | recurrent").endswith("| 1.02 |"))


class Growth(unittest.TestCase):
    def test_the_curve_of_a_constant_gain_is_that_gain(self):
        own = [[1000 * step, 0.9 * (5 + 100 / step)] for step in range(1, 200)]
        other = [[1000 * step, 5 + 100 / step] for step in range(1, 200)]
        curve = growth.smoothed_gain([(own, other)])
        self.assertGreater(len(curve), 100)
        for _, share in curve:
            self.assertAlmostEqual(share, 10.0)

    def test_runs_are_paired_with_one_layer_more_and_as_many_tokens(self):
        large = {"width": 256, "num_layers": 12}
        made = collection(make("growth-a", "code", "rec-12", shape=large), make("growth-a", "code", "slide-12", shape=large),
                          make("growth-a", "code", "slide-13", shape=large | {"num_layers": 13}),
                          make("main", "code", "rec"), make("main", "code", "slide"),
                          make("growth-b", "code", "rec"), make("growth-b", "code", "slide", train={"steps": 500}))
        self.assertEqual([(line.ours[0].model, line.others[0].model) for line in growth.lines(made)],
                         [("rec", "slide"), ("rec-12", "slide-13")])
        page = growth.section(made)
        self.assertIn("### With size and tokens", page[0])
        self.assertIn("results-size.svg", page[1])

    def test_one_size_has_no_table_of_sizes(self):
        page, plots = growth.section(collection(make("main", "code", "rec"), make("main", "code", "slide")))
        self.assertNotIn("With size", page)
        self.assertEqual(list(plots), ["results-growth.svg"])


class Positions(unittest.TestCase):
    def test_gains_are_of_bits_at_the_same_positions(self):
        own, other = make("main", "code", "rec"), make("main", "code", "slide")
        for result, bits in ((own, (4.0, 3.0)), (other, (4.0, 4.0))):
            for evaluation in result["evaluation"]["test"].values():
                evaluation["by_position"] = [{"from": start, "to": end, "tokens": 10, "bits_per_token": value}
                                             for (start, end), value in zip(((0, 4096), (4096, 8192)), bits, strict=True)]
        page, plots = position.section(collection(own, other))
        self.assertIn("- code: 0.00 % in the first 4,096 tokens of the documents, 25.00 % after them, which is more", page)
        self.assertIn("| 4,096 | 10 | 25.00 % |", page)
        self.assertEqual(list(plots), ["results-position-code.svg"])


class Ablations(unittest.TestCase):
    def setUp(self):
        short = {"steps": 2000}
        self.results = [make("ablation", "code", model, train=short, **changes) for model, changes in (
            ("rec", {}), ("slide", {}), ("rec-lstm", {"shape": {"gate": "lstm"}}))]
        self.results += [make("ablation-adamw", "code", model, train=short, optimizer={"type": "adamw"}, gain=share)
                         for model, share in (("rec", 0.08), ("slide", 0.05))]

    def test_rows_name_what_was_changed(self):
        page, _ = ablations.section(collection(*self.results))
        self.assertIn("| `gate` lstm (was fixed) |", page)
        self.assertIn("| **rec**, nothing |", page)
        self.assertIn("| slide: `optimizer.type` adamw (was muon) |", page)

    def test_a_group_with_its_own_baseline_is_held_beside_that(self):
        changed = record.Result(self.results[3])
        standard = ablations.Standard(collection(*self.results), changed)
        self.assertEqual((standard.rec.group, standard.slide.group), ("ablation", "ablation-adamw"))

    def test_without_rec_of_as_many_tokens_there_is_nothing_to_compare_with(self):
        page, _ = ablations.section(collection(make("main", "code", "rec"), self.results[2]))
        self.assertIn("| rec-lstm, nothing to compare with | 1 |", page)


class Page(unittest.TestCase):
    def test_sections_without_results_are_left_out(self):
        self.assertNotIn("\n## ", page_of())
        headings = [line for line in page_of(make("main", "code", "rec")).splitlines() if line.startswith("## ")]
        self.assertEqual(headings, ["## The main table"])

    def test_missing_runs_are_named(self):
        group = {"name": "main", "corpora": ["code", "books"], "models": ["rec"], "seeds": [1, 2], "settings": []}
        listed = collection(make("main", "code", "rec"), groups=[group])
        page = results_page.missing_text(listed)
        self.assertIn("| main | 1 of 4 | books: rec (seeds 1, 2); code: rec (seed 2) |", page)
        self.assertIn("| main | 0 of 4 | all |", results_page.missing_text(collection(groups=[group])))

    def test_every_section_of_a_whole_list_is_there(self):
        runs = expand_runs(synthetic_results.whole_listing())
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder) / "whole"
            root.mkdir()
            synthetic_results.write_results(root, [synthetic_results.result_of(run) for run in runs],
                                            (SCRIPT.parent.parent / "results/runs.toml").read_text())
            first = results_page.make_page(read_collection(root / "results"))
        headings = [line for line in first["results.md"].splitlines() if line.startswith("## ")]
        self.assertEqual(headings, ["## The main table", "## How the gain grows", "## Along the document", "## Ablations",
                                    "## The recipe", "## What differs from the paper, and why", "## What is missing"])
        for name in first:
            if name.endswith(".svg"):
                self.assertIn(f"]({name})", first["results.md"])

    def test_lines_are_of_the_usual_length(self):
        page = page_of(make("main", "code", "rec"), make("main", "code", "slide"))
        for line in page.splitlines():
            self.assertTrue(len(line) <= 130 or line.startswith("|"), line)


class Check(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name) / "repository"
        self.root.mkdir()
        synthetic_results.write_results(self.root, [make("main", "code", "rec"), make("main", "code", "slide")],
                                        (SCRIPT.parent.parent / "results/runs.toml").read_text())

    def run_page(self, *arguments):
        folders = ["--results", self.root / "results", "--docs", self.root / "docs"]
        done = subprocess.run([sys.executable, SCRIPT, *arguments, *folders], capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    def test_what_was_written_is_in_step(self):
        self.assertEqual(self.run_page(), (0, ""))
        self.assertEqual(self.run_page("--check"), (0, ""))

    def test_a_changed_page_and_a_plot_of_a_section_that_went_are_named(self):
        self.run_page()
        (self.root / "docs/results.md").write_text("other")
        (self.root / "docs/results-old.svg").write_text("old")
        code, message = self.run_page("--check")
        self.assertEqual(code, 1)
        self.assertIn("results.md, results-old.svg\nhint: make results", message)
        self.assertEqual(self.run_page()[0], 0)
        self.assertFalse((self.root / "docs/results-old.svg").exists())

    @unittest.skipUnless(shutil.which("git"), "needs git")
    def test_a_result_that_is_not_under_version_control_yet_does_not_count(self):
        self.run_page()
        subprocess.run("git init -q . && git add results", shell=True, cwd=self.root, check=True)
        more = make("main", "books", "rec")
        path = self.root / "results" / f"{more['name']}.json"
        path.write_text(json.dumps(more))
        self.assertEqual(self.run_page("--check")[0], 0)
        subprocess.run(["git", "add", path], cwd=self.root, check=True)
        self.assertEqual(self.run_page("--check")[0], 1)

    def test_the_page_in_docs_is_of_the_results_there(self):
        with contextlib.redirect_stderr(io.StringIO()) as message:
            sys.argv[1:] = ["--check"]
            code = results_page.main()
        self.assertEqual(code, 0, message.getvalue())


class Plots(unittest.TestCase):
    def test_ticks_are_round(self):
        for got, want in ((svg_plot.linear_ticks(-0.55, 1.2), [-0.5, 0, 0.5, 1]),
                          (svg_plot.binary_ticks(60, 1100), [64, 128, 256, 512, 1024]),
                          (svg_plot.decade_ticks(1.8e6, 6e7), [2e6, 5e6, 1e7, 2e7, 5e7])):
            self.assertEqual(len(got), len(want))
            for value, expected in zip(got, want, strict=True):
                self.assertAlmostEqual(value, expected)

    def test_a_plot_is_sound_xml_and_its_points_lie_in_the_frame(self):
        import xml.etree.ElementTree as ElementTree  # noqa: PLC0415
        points = [(1e6, 1.0), (1e7, -2.0), (1e8, 5.0)]
        made = svg_plot.svg_plot([svg_plot.Panel("a < b", "%", [svg_plot.Series("x & y", points, markers=True)])], "tokens")
        root = ElementTree.fromstring(made)
        circles = [element for element in root.iter() if element.tag.endswith("circle")][1:]  # the first is the legend's
        self.assertEqual(len(circles), 3)
        for circle in circles:
            self.assertTrue(svg_plot.LEFT <= float(circle.get("cx")) <= svg_plot.WIDTH - svg_plot.RIGHT)


if __name__ == "__main__":
    unittest.main()
