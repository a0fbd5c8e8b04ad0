// SPDX-License-Identifier: Apache-2.0
// The gates of the recurrent cell.
#include "model/gate.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tanh.h>

#include "base/error.h"
#include "ops/gates.h"
#include "ops/linear.h"

namespace brt {
namespace {

void log_gate(const ForwardOptions& options, const std::string& name, const at::Tensor& values) {
  if (options.gate_log != nullptr) {
    options.gate_log->entries.push_back({name, values.detach()});
  }
}

}  // namespace

FixedGate::FixedGate(int64_t width) : bias(register_parameter("bias", at::empty({width}))) {}

at::Tensor FixedGate::forward(const GateInput& input,
                              const ForwardOptions& options,
                              const std::string& log_name) {
  if (options.gate_log != nullptr) {
    log_gate(options, log_name + ".keep", at::sigmoid(bias.detach()));
  }
  return fixed_gate(input.state_BSD, input.candidate_BSD, bias);
}

LstmGate::Projection::Projection(int64_t source_width, int64_t width)
    : weight(register_parameter("weight", at::empty({width, source_width}))),
      bias(register_parameter("bias", at::empty({width}))) {}

at::Tensor LstmGate::Projection::forward(const at::Tensor& source_BSE,
                                         const ForwardOptions& options) {
  return linear(source_BSE, {weight, packed, options.weight_uses}, options.dtype)
             .to(bias.scalar_type()) +
         bias;
}

LstmGate::LstmGate(int64_t source_width, int64_t width, bool candidate_tanh)
    : input_projection(register_module("input", std::make_shared<Projection>(source_width, width))),
      forget_projection(
          register_module("forget", std::make_shared<Projection>(source_width, width))),
      candidate_tanh_(candidate_tanh) {}

at::Tensor LstmGate::forward(const GateInput& input,
                             const ForwardOptions& options,
                             const std::string& log_name) {
  const at::Tensor write_BSD = input_projection->forward(input.source_BSE, options);
  const at::Tensor keep_BSD = forget_projection->forward(input.source_BSE, options);
  if (options.gate_log != nullptr) {
    log_gate(options, log_name + ".keep", at::sigmoid(keep_BSD.detach() + 1));
    log_gate(options, log_name + ".write", at::sigmoid(write_BSD.detach() - 1));
  }
  at::Tensor candidate_BSD = input.candidate_BSD;
  if (candidate_tanh_) {
    candidate_BSD = at::tanh(candidate_BSD.to(input.state_BSD.scalar_type()));
  }
  return lstm_gate(input.state_BSD, candidate_BSD, write_BSD, keep_BSD);
}

std::shared_ptr<Gate> make_gate(const ModelConfig& config, int64_t source_width) {
  switch (config.gate) {
    case GateType::kFixed:
      return std::make_shared<FixedGate>(config.width);
    case GateType::kLstm:
      // The single configuration applies tanh already, with either gate.
      return std::make_shared<LstmGate>(source_width, config.width,
                                        config.candidate_tanh && config.cell != CellType::kSingle);
  }
  throw ConfigError("make_gate: unknown gate type");
}

}  // namespace brt
