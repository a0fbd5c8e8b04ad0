// SPDX-License-Identifier: Apache-2.0
// What a user reads when a file's tensors are not those of a model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace brt {

using TensorShape = std::span<const int64_t>;

/// The tensor whose shape misfit_hint() looks at.
inline constexpr const char* kEmbeddingName = "embedding.weight";

/// One problem each, with the tensor's name and shapes.
std::string missing_tensor(const std::string& name, TensorShape shape);
std::string misshapen_tensor(const std::string& name, TensorShape expected, TensorShape got);
std::string unreadable_tensor(const std::string& name, const std::string& dtype);
std::string surplus_tensor(const std::string& name, TensorShape shape);

/// @throws CheckpointError: the tensor holds NaN or infinity, with which every result would be NaN
[[noreturn]] void throw_not_finite(const std::string& origin, const std::string& name);

/// The cure; shapes are those of the embeddings, of which one may be empty.
std::string misfit_hint(TensorShape expected_embedding, TensorShape embedding);

/// The first problems, and how many more there are.
std::string listed(const std::vector<std::string>& problems);

/// Does nothing without a problem. @throws CheckpointError naming `origin`.
void throw_misfits(const std::string& origin,
                   const std::vector<std::string>& problems,
                   const std::string& hint);

}  // namespace brt
