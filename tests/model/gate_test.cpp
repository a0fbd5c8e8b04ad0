// SPDX-License-Identifier: Apache-2.0
// Gates with their parameters: formulas, logs, and where tanh applies.
#include "model/gate.h"

#include <gtest/gtest.h>

#include "model/model_fixtures.h"
#include "support/tolerance.h"

namespace brt {
namespace {

void randomize(torch::nn::Module& module) {
  const at::NoGradGuard no_gradient;
  uint64_t seed = 10;
  for (at::Tensor& parameter : module.parameters()) {
    parameter.copy_(random_tensor(parameter.sizes(), seed++));
  }
}

GateInput random_input(int64_t source_width) {
  return {random_tensor({2, 5, 6}, 1, at::kFloat), random_tensor({2, 5, 6}, 2, at::kFloat),
          random_tensor({2, 5, source_width}, 3, at::kFloat)};
}

TEST(FixedGateModule, MixesByItsBiasAndIgnoresTheSource) {
  const at::NoGradGuard no_gradient;
  FixedGate gate(6);
  randomize(gate);
  GateInput input = random_input(16);
  const at::Tensor keep = at::sigmoid(gate.bias);
  const at::Tensor want = input.state_BSD * keep + input.candidate_BSD * (1 - keep);
  EXPECT_TRUE(near(gate.forward(input, {}, "gate"), want, tolerance::kFloat32));
  const at::Tensor before = gate.forward(input, {}, "gate");
  input.source_BSE = input.source_BSE + 1.0;
  EXPECT_TRUE(bit_equal(gate.forward(input, {}, "gate"), before));
}

at::Tensor lstm_by_formula(LstmGate& gate, const GateInput& input, bool tanh) {
  const auto sigmoid = [&](LstmGate::Projection& part, double shift) {
    return at::sigmoid(at::matmul(input.source_BSE, part.weight.t()) + part.bias + shift);
  };
  const at::Tensor candidate = tanh ? input.candidate_BSD.tanh() : input.candidate_BSD;
  return input.state_BSD * sigmoid(*gate.forget_projection, 1.0) +
         candidate * sigmoid(*gate.input_projection, -1.0);
}

TEST(LstmGateModule, ForgetsAndWritesByProjectionsOfTheSource) {
  const at::NoGradGuard no_gradient;
  for (const bool tanh : {false, true}) {
    LstmGate gate(16, 6, tanh);
    randomize(gate);
    const GateInput input = random_input(16);
    EXPECT_TRUE(near(gate.forward(input, {}, "gate"), lstm_by_formula(gate, input, tanh),
                     tolerance::kFloat32));
  }
}

TEST(MakeGate, GivesTheGateOfTheConfig) {
  ModelConfig config = tiny_config("rec-fixed-skip");
  EXPECT_NE(std::dynamic_pointer_cast<FixedGate>(make_gate(config, 16)), nullptr);
  config.gate = GateType::kLstm;
  const std::shared_ptr<Gate> lstm = make_gate(config, 16);
  ASSERT_NE(std::dynamic_pointer_cast<LstmGate>(lstm), nullptr);
  EXPECT_EQ(std::dynamic_pointer_cast<LstmGate>(lstm)->input_projection->weight.sizes(),
            at::IntArrayRef({6, 16}));
}

TEST(MakeGate, CandidateTanhIsNotAppliedTwiceInTheSingleConfiguration) {
  const at::NoGradGuard no_gradient;
  for (const CellType cell : {CellType::kSkip, CellType::kDual, CellType::kSingle}) {
    ModelConfig config = tiny_config("rec-lstm-skip");
    config.cell = cell;
    config.candidate_tanh = true;
    const std::shared_ptr<Gate> gate = make_gate(config, 16);
    randomize(*gate);
    LstmGate& lstm = *std::dynamic_pointer_cast<LstmGate>(gate);
    const GateInput input = random_input(16);
    EXPECT_TRUE(near(gate->forward(input, {}, "gate"),
                     lstm_by_formula(lstm, input, /*tanh=*/cell != CellType::kSingle),
                     tolerance::kFloat32));
  }
}

TEST(GateLog, HoldsWhatIsKeptAndWritten) {
  FixedGate fixed(6);
  randomize(fixed);
  LstmGate lstm(16, 6, false);
  randomize(lstm);
  GateLog log;
  ForwardOptions options;
  options.gate_log = &log;
  fixed.forward(random_input(16), options, "a.gate");
  lstm.forward(random_input(16), options, "b.gate");
  ASSERT_EQ(log.entries.size(), 3u);
  EXPECT_EQ(log.entries[0].name, "a.gate.keep");
  EXPECT_TRUE(bit_equal(log.entries[0].values, at::sigmoid(fixed.bias.detach())));
  EXPECT_EQ(log.entries[1].name, "b.gate.keep");
  EXPECT_EQ(log.entries[2].name, "b.gate.write");
  EXPECT_EQ(log.entries[2].values.sizes(), at::IntArrayRef({2, 5, 6}));
  for (const GateLog::Entry& entry : log.entries) {
    EXPECT_FALSE(entry.values.requires_grad()) << entry.name;
  }
}

}  // namespace
}  // namespace brt
