// SPDX-License-Identifier: Apache-2.0
// The next state against the plain formulas, for every cell and gate.
#include "engine/state_update.h"

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/packed_case.h"

namespace brt {
namespace {

constexpr double kLimit = 5e-5;  // products one behind the other in float32

struct CellCase {
  std::string name;
  GateType gate = GateType::kFixed;
  CellType cell = CellType::kSkip;
  int64_t window = 5;
  int64_t num_states = 5;
  bool has_tanh = false;
  bool is_masked = false;
  bool has_unit_length = true;
};

ModelConfig config_of(const CellCase& test) {
  ModelConfig config = one_layer_config(test.window, /*is_recurrent=*/true);
  config.num_states = test.num_states;
  config.gate = test.gate;
  config.cell = test.cell;
  config.candidate_tanh = test.has_tanh;
  config.mask_empty_cache = test.is_masked;
  config.unit_attention = test.has_unit_length;
  return config;
}

class StateUpdateOf : public testing::TestWithParam<CellCase> {};

/// The largest error of a stream's state.
double state_error(const StreamState& state, const PlainRows& wanted) {
  const std::span<const float> got = state.state(0);
  const size_t width = wanted[0].size();
  double worst = 0.0;
  for (size_t s = 0; s < wanted.size(); ++s) {
    worst = std::max(worst, worst_error(got.subspan(s * width, width), wanted[s]));
  }
  return worst;
}

TEST_P(StateUpdateOf, StateAfterEachBlockIsThatOfTheFormulas) {
  PackedCase model(config_of(GetParam()));
  PlainModel plain = model.plain();
  StreamState state = model.engine.begin();
  EXPECT_LT(state_error(state, plain.state(0)), 1e-12);  // the learned initial state
  for (const int32_t token : random_tokens(2 * GetParam().window, 3)) {
    plain.read(token);
    model.engine.feed(state, {&token, 1});
    EXPECT_LT(state_error(state, plain.state(0)), kLimit) << state.tokens_read();
  }
}

/// Runs the units of a whole update of the current block, of each stage first to last or last to
/// first.
void run_all(const StateUpdate<float>& update, StreamState& state, bool backwards) {
  AlignedBuffer scratch(update.scratch_bytes());
  for (const UpdateUnits::Stage& stage : update.units().stages()) {
    for (int64_t i = 0; i < stage.end - stage.begin; ++i) {
      update.run(backwards ? stage.end - 1 - i : stage.begin + i, state, scratch.data());
    }
  }
}

TEST_P(StateUpdateOf, UnitsOfAStageMayBeDoneInAnyOrder) {
  PackedCase model(config_of(GetParam()));
  const StateUpdate<float> update(model.model, model.layout, /*layer=*/0);
  StreamState forwards = model.engine.begin();
  model.engine.feed(forwards, random_tokens(GetParam().window - 1, 4));
  StreamState backwards = forwards;
  run_all(update, forwards, /*backwards=*/false);
  run_all(update, backwards, /*backwards=*/true);
  const std::span<const float> state = forwards.state(0);
  EXPECT_EQ(std::memcmp(state.data(), backwards.state(0).data(), state.size_bytes()), 0);
  EXPECT_NE(state[0], model.engine.begin().state(0)[0]);
}

std::vector<CellCase> cell_cases() {
  std::vector<CellCase> cases;
  for (const auto& [gate_name, gate] :
       {std::pair{"fixed", GateType::kFixed}, std::pair{"lstm", GateType::kLstm}}) {
    for (const auto& [cell_name, cell] :
         {std::pair{"dual", CellType::kDual}, std::pair{"single", CellType::kSingle},
          std::pair{"skip", CellType::kSkip}}) {
      cases.push_back({std::string(gate_name) + "_" + cell_name, gate, cell});
    }
  }
  cases.push_back({"tiles_and_panels", GateType::kFixed, CellType::kSkip, /*window=*/70,
                   /*num_states=*/67});
  cases.push_back({"lstm_dual_tanh", GateType::kLstm, CellType::kDual, 5, 5, /*has_tanh=*/true});
  cases.push_back({"masked", GateType::kFixed, CellType::kSkip, 5, 5, false, /*is_masked=*/true});
  cases.push_back({"scaled_queries", GateType::kFixed, CellType::kSkip, 5, 5, false, false,
                   /*has_unit_length=*/false});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Cells,
                         StateUpdateOf,
                         testing::ValuesIn(cell_cases()),
                         [](const testing::TestParamInfo<CellCase>& test) {
                           return test.param.name;
                         });

}  // namespace
}  // namespace brt
