#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lists the C++ files of the project, one a line: what is formatted and checked.
cd "$(dirname "$0")/.." && find src apps tests fuzz bench -name '*.h' -o -name '*.cpp' | sort
