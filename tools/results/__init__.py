# SPDX-License-Identifier: Apache-2.0
"""The parts of docs/results.md, which tools/results_page.py puts together, and the list of its runs."""
