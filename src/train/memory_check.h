// SPDX-License-Identifier: Apache-2.0
// Settings that no memory of this machine can hold are refused before any is taken.
#pragma once

#include <cstdint>

#include "config/run_config.h"

namespace brt {

/// @param memory  bytes that the process may have
/// @throws ConfigError, with what takes most, if a training of `config` needs more than that even
/// by a lower bound: weights and their gradients, and of every token what backward needs of each
/// layer.
void check_training_memory(const RunConfig& config, int64_t memory);

}  // namespace brt
