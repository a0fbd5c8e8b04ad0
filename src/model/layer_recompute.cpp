// SPDX-License-Identifier: Apache-2.0
// A layer as a function of tensors, for recompute_in_backward.
#include "model/layer_recompute.h"

#include <memory>
#include <vector>

#include <ATen/core/grad_mode.h>

#include "model/recompute.h"
#include "ops/shared_weights.h"

namespace brt {
namespace {

/// The tensors of a layer's carry, its states' projections included; some may be undefined.
std::vector<at::Tensor*> tensors_of(LayerCarry& carry) {
  return {&carry.keys_BMHK,           &carry.values_BMHK,     &carry.state_BSD,
          &carry.qkv.keys_BSHK,       &carry.qkv.values_BSHK, &carry.qkv.query_BSHK,
          &carry.qkv.cross_query_BSHK};
}

std::vector<at::Tensor*> tensors_of(LayerInput& input) {
  std::vector<at::Tensor*> tensors = tensors_of(input.carry);
  tensors.insert(tensors.begin(), &input.hidden_BND);
  tensors.push_back(&input.feedback.keys_BSHK);
  tensors.push_back(&input.feedback.values_BSHK);
  return tensors;
}

std::vector<at::Tensor*> tensors_of(LayerOutput& output) {
  std::vector<at::Tensor*> tensors = tensors_of(output.carry);
  tensors.insert(tensors.begin(), &output.hidden_BND);
  return tensors;
}

/// As a flat list of defined tensors, which is what recompute_in_backward passes on.
template <class Holder>
std::vector<at::Tensor> defined_values(Holder holder) {
  std::vector<at::Tensor> values;
  for (const at::Tensor* tensor : tensors_of(holder)) {
    if (tensor->defined()) {
      values.push_back(*tensor);
    }
  }
  return values;
}

/// Puts values back where defined_values took them from.
template <class Holder>
void assign_defined(Holder& holder, const std::vector<at::Tensor>& values) {
  size_t next = 0;
  for (at::Tensor* tensor : tensors_of(holder)) {
    if (tensor->defined()) {
      *tensor = values[next++];
    }
  }
}

/// For the call in backward: gates were logged by the first, and its graph is one of its own.
ForwardOptions options_in_backward(const ForwardOptions& options) {
  ForwardOptions again = options;
  again.gate_log = nullptr;
  again.weight_uses = std::make_shared<WeightUses>();
  return again;
}

}  // namespace

LayerOutput forward_or_recompute(LayerImpl& layer,
                                 const LayerInput& input,
                                 const ForwardOptions& options) {
  if (!options.recompute || !at::GradMode::is_enabled()) {
    return layer.forward(input, options);
  }
  LayerOutput output;  // set by the first call, which records no gradients
  const TensorFunction function = [&layer, &output, input,
                                   options](const std::vector<at::Tensor>& values) {
    LayerInput given = input;
    assign_defined(given, values);
    if (at::GradMode::is_enabled()) {
      return defined_values(layer.forward(given, options_in_backward(options)));
    }
    output = layer.forward(given, options);
    return defined_values(output);
  };
  assign_defined(output,
                 recompute_in_backward(function, defined_values(input), layer.parameters()));
  return output;
}

}  // namespace brt
