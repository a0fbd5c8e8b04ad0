# SPDX-License-Identifier: Apache-2.0
# A door to the CMake presets and the scripts in tools/; `make` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help build demo books results test test-long test-arm build-arm bench bench-kernels format lint sanitize races fuzz package clean dependencies dev-dependencies configure program

brt := build/release/bin/brt

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

dependencies:
	@tools/install_dependencies.sh

dev-dependencies:
	@tools/install_dependencies.sh --dev

configure: dependencies
	@cmake --preset release --log-level=ERROR

program: configure
	cmake --build --preset release --target brt

build: configure ## build the program and the tests
	cmake --build --preset release

demo: program ## train a small model and its baseline on the books in data/, write runs/demo/report.html
	tools/compare_models.sh $(brt) demo

books: program ## the longer run: about an hour, into runs/books/report.html
	tools/compare_models.sh $(brt) books

results: ## write docs/results.md and its plots from results/, which tools/experiments fills in days
	tools/results_page.py

test: build ## run every test
	@tools/run_tests.sh build/release

test-long: build ## read, evaluate and compress 10^6 tokens and more in flat memory (TOKENS=10000000 for more)
	@tools/test_long.sh build/release $(TOKENS)

test-arm: ## build what needs no LibTorch for 64-bit Arm, run its tests under qemu
	@tools/test_arm.sh

build-arm: ## build the program for 64-bit Arm with LibTorch's wheel for it, try it under qemu
	@tools/build_arm.sh

bench: program ## measure brt beside other programs, write docs/performance.md: an hour; BENCH="--sizes small", "--target avx2" for less
	@tools/bench_peers.sh $(brt) $(BENCH)

bench-kernels: dependencies ## measure each fused operation beside its plain form: minutes; BENCH="--benchmark_filter=gates"
	@cmake --preset release --log-level=ERROR -DBRT_BENCHMARKS=ON
	cmake --build --preset release --target kernels_bench
	build/release/bin/kernels_bench $(BENCH)

format: dev-dependencies ## format every C++ file
	tools/source_files.sh | xargs clang-format-19 -i

lint: dev-dependencies ## check format and run clang-tidy
	tools/lint.sh

sanitize: dev-dependencies ## run the unit tests under the address and undefined-behaviour sanitizers
	tools/sanitize.sh

races: dev-dependencies ## run the tests of what starts threads under the thread sanitizer
	tools/sanitize.sh --threads

fuzz: dev-dependencies ## fuzz the parsers for a short while
	tools/fuzz.sh

package: configure ## pack the program into build/package; BUNDLE_LIBTORCH=1 packs LibTorch too
	cmake --build --preset release --target brt brt_shared brt_torch_ops
	tools/package.sh

clean: ## remove what was built; runs and prepared data stay
	rm -rf build
