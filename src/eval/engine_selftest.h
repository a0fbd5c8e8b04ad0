// SPDX-License-Identifier: Apache-2.0
// Compares the streaming engine with cases computed by the reference implementation.
#pragma once

#include <filesystem>

#include "engine/weight_format.h"
#include "eval/selftest.h"

namespace brt {

/// Whether the engine can run a case: those that train cannot.
bool is_engine_case(const std::filesystem::path& folder);

/// Runs a case's lanes as streams side by side: logits of all tokens, and the carry after the last
/// segment. Limits: engine_selftest.cpp. Never throws for a faulty case: the result says what is
/// wrong.
SelftestResult run_engine_selftest_case(const std::filesystem::path& folder, WeightFormat format);

}  // namespace brt
