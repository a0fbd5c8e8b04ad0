// SPDX-License-Identifier: Apache-2.0
// Carries: made, copied, cut, joined.
#include "model/carry.h"

#include <functional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "base/error.h"
#include "ops/wide_dtype.h"

namespace brt {
namespace {

constexpr int64_t kMostPosition = int64_t{1} << 62;  // it may grow by as many again

/// Applies a function to every tensor; heads, being derived, are dropped.
Carry transform(const Carry& carry, const std::function<at::Tensor(const at::Tensor&)>& change) {
  Carry changed;
  for (const LayerCarry& layer : carry.layers) {
    LayerCarry next;
    next.keys_BMHK = change(layer.keys_BMHK);
    next.values_BMHK = change(layer.values_BMHK);
    if (layer.state_BSD.defined()) {
      next.state_BSD = change(layer.state_BSD);
    }
    changed.layers.push_back(next);
  }
  changed.position_B = change(carry.position_B);
  return changed;
}

StateQkv detach_qkv(const StateQkv& qkv) {
  if (!qkv.defined()) {
    return {};
  }
  return {qkv.keys_BSHK.detach(), qkv.values_BSHK.detach(), qkv.query_BSHK.detach(),
          qkv.cross_query_BSHK.detach()};
}

at::Tensor find_tensor(const std::map<std::string, at::Tensor>& tensors,
                       const std::string& name,
                       at::IntArrayRef sizes) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) {
    throw CheckpointError(fmt::format("carry: tensor {} is missing", name));
  }
  if (found->second.sizes() != sizes) {
    throw CheckpointError(fmt::format("carry: {} must be [{}], got [{}]", name,
                                      fmt::join(sizes, ", "),
                                      fmt::join(found->second.sizes(), ", ")));
  }
  if (!found->second.is_floating_point()) {
    throw CheckpointError(fmt::format("carry: {} must be of a floating-point type, got {}", name,
                                      c10::toString(found->second.scalar_type())));
  }
  return found->second;
}

/// Kinds of numbers that a model would only notice in the middle of a step.
void check_numbers(const Carry& carry) {
  for (size_t i = 0; i < carry.layers.size(); ++i) {
    const LayerCarry& layer = carry.layers[i];
    if (layer.values_BMHK.scalar_type() != carry.layers[0].keys_BMHK.scalar_type() ||
        layer.keys_BMHK.scalar_type() != carry.layers[0].keys_BMHK.scalar_type()) {
      throw CheckpointError(
          fmt::format("carry: keys.{0} and values.{0} must be of the type of keys.0", i));
    }
  }
  const at::Tensor position_B = carry.position_B.cpu().contiguous();
  for (int64_t lane = 0; lane < position_B.size(0); ++lane) {
    const int64_t position = position_B.const_data_ptr<int64_t>()[lane];
    if (position < 0 || position > kMostPosition) {
      throw CheckpointError(fmt::format("carry: position of lane {} must be from 0 to {}, got {}",
                                        lane, kMostPosition, position));
    }
  }
}

}  // namespace

int64_t Carry::tokens_in_block(const ModelConfig& config) const {
  return layers.empty() ? 0 : layers.front().keys_BMHK.size(1) - config.window;
}

std::map<std::string, at::Tensor> Carry::tensors() const {
  std::map<std::string, at::Tensor> named;
  for (size_t i = 0; i < layers.size(); ++i) {
    named[fmt::format("keys.{}", i)] = layers[i].keys_BMHK;
    named[fmt::format("values.{}", i)] = layers[i].values_BMHK;
    if (layers[i].state_BSD.defined()) {
      named[fmt::format("state.{}", i)] = layers[i].state_BSD;
    }
  }
  named["position"] = position_B;
  return named;
}

Carry make_carry(const ModelConfig& config,
                 int64_t lanes,
                 at::ScalarType dtype,
                 at::Device device) {
  const at::TensorOptions options = at::TensorOptions().dtype(dtype).device(device);
  const at::ScalarType wide = wide_dtype(dtype);
  Carry carry;
  for (int64_t i = 0; i < config.num_layers; ++i) {
    LayerCarry layer;
    layer.keys_BMHK =
        at::zeros({lanes, config.window, config.num_heads, config.head_size}, options);
    layer.values_BMHK = at::zeros_like(layer.keys_BMHK);
    if (is_recurrent_layer(config, i)) {
      layer.state_BSD = at::zeros({lanes, config.num_states, config.width}, options.dtype(wide));
    }
    carry.layers.push_back(layer);
  }
  carry.position_B = at::zeros({lanes}, options.dtype(at::kLong));
  return carry;
}

Carry carry_from_tensors(const ModelConfig& config,
                         const std::map<std::string, at::Tensor>& tensors) {
  const auto position = tensors.find("position");
  const auto first_keys = tensors.find("keys.0");
  if (position == tensors.end() || position->second.dim() != 1 ||
      position->second.scalar_type() != at::kLong) {
    throw CheckpointError("carry: tensor position is missing or not int64 [lanes]");
  }
  const int64_t lanes = position->second.size(0);
  const int64_t keys = first_keys == tensors.end() || first_keys->second.dim() != 4
                           ? config.window
                           : first_keys->second.size(1);
  if (keys < config.window || keys >= 2 * config.window) {
    throw CheckpointError(fmt::format("carry: keys.0 must hold {} to {} keys, got {}",
                                      config.window, 2 * config.window - 1, keys));
  }
  Carry carry;
  for (int64_t i = 0; i < config.num_layers; ++i) {
    LayerCarry layer;
    const std::vector<int64_t> sizes = {lanes, keys, config.num_heads, config.head_size};
    layer.keys_BMHK = find_tensor(tensors, fmt::format("keys.{}", i), sizes);
    layer.values_BMHK = find_tensor(tensors, fmt::format("values.{}", i), sizes);
    if (is_recurrent_layer(config, i)) {
      layer.state_BSD = find_tensor(tensors, fmt::format("state.{}", i),
                                    {lanes, config.num_states, config.width});
    }
    carry.layers.push_back(layer);
  }
  carry.position_B = position->second;
  check_numbers(carry);
  return carry;
}

Carry detach(const Carry& carry) {
  Carry cut = transform(carry, [](const at::Tensor& tensor) { return tensor.detach(); });
  for (size_t i = 0; i < carry.layers.size(); ++i) {
    cut.layers[i].qkv = detach_qkv(carry.layers[i].qkv);
  }
  return cut;
}

Carry clone(const Carry& carry) {
  return transform(carry, [](const at::Tensor& tensor) { return tensor.clone(); });
}

Carry slice_lanes(const Carry& carry, int64_t begin, int64_t end) {
  return transform(carry, [begin, end](const at::Tensor& tensor) {
    return tensor.narrow(0, begin, end - begin);
  });
}

Carry join_lanes(const std::vector<Carry>& parts) {
  if (parts.empty()) {
    throw ShapeError("join_lanes: no carry given");
  }
  if (parts.size() == 1) {
    return parts.front();
  }
  const auto join = [&parts](const std::function<at::Tensor(const Carry&)>& pick) {
    std::vector<at::Tensor> picked;
    for (const Carry& part : parts) {
      picked.push_back(pick(part));
    }
    return at::cat(picked, 0);
  };
  Carry joined;
  for (size_t i = 0; i < parts.front().layers.size(); ++i) {
    LayerCarry layer;
    layer.keys_BMHK = join([i](const Carry& part) { return part.layers[i].keys_BMHK; });
    layer.values_BMHK = join([i](const Carry& part) { return part.layers[i].values_BMHK; });
    if (parts.front().layers[i].state_BSD.defined()) {
      layer.state_BSD = join([i](const Carry& part) { return part.layers[i].state_BSD; });
    }
    joined.layers.push_back(layer);
  }
  joined.position_B = join([](const Carry& part) { return part.position_B; });
  return joined;
}

Carry with_zero_state(const Carry& carry) {
  Carry zeroed = carry;
  for (LayerCarry& layer : zeroed.layers) {
    if (layer.state_BSD.defined()) {
      layer.state_BSD = at::zeros_like(layer.state_BSD);
      layer.qkv = StateQkv();
    }
  }
  return zeroed;
}

}  // namespace brt
