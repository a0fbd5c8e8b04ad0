// SPDX-License-Identifier: Apache-2.0
// The recurrent cell against the plain-loop model, for every gate and configuration.
#include "model/recurrent_cell.h"

#include <gtest/gtest.h>

#include "model/model_fixtures.h"
#include "model/slow_model.h"
#include "support/tolerance.h"

namespace brt {
namespace {

SlowMatrix rows_of(const at::Tensor& tensor_RD) {
  const at::Tensor flat = tensor_RD.to(at::kDouble).contiguous();
  SlowMatrix rows(flat.size(0), flat.size(1));
  std::copy(flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel(), rows.values.begin());
  return rows;
}

at::Tensor tensor_of(const SlowMatrix& rows) {
  return at::tensor(rows.values, at::kDouble).view({rows.rows, rows.columns});
}

/// The cell of layer 1, found in the model by its parameters.
RecurrentCellImpl& cell_of(LanguageModel& model) {
  for (const auto& module : model->modules()) {
    if (RecurrentCellImpl* cell = module->as<RecurrentCellImpl>()) {
      return *cell;
    }
  }
  throw std::logic_error("the model has no cell");
}

BlockKeys random_block() {
  BlockKeys block;
  block.keys_BJHK = random_tensor({1, 6, 2, 4}, 2, at::kFloat);
  block.values_BJHK = random_tensor({1, 6, 2, 4}, 3, at::kFloat);
  return block;
}

TEST(RecurrentCell, KeysAndQueriesOfTheStateHaveUnitLength) {
  const at::NoGradGuard no_gradient;
  LanguageModel model = make_model(tiny_config("rec-fixed-skip"));
  const StateQkv qkv = cell_of(model).project_state(random_tensor({2, 5, 6}, 1, at::kFloat), {});
  for (const at::Tensor& unit : {qkv.keys_BSHK, qkv.query_BSHK, qkv.cross_query_BSHK}) {
    EXPECT_TRUE(near(unit.norm(2, -1), at::ones({2, 5, 2}), 1e-4));
  }
  EXPECT_FALSE(near(qkv.values_BSHK.norm(2, -1), at::ones({2, 5, 2}), 1e-2));
}

TEST(RecurrentCell, NextStateEqualsPlainLoopsForEveryGateAndConfiguration) {
  const at::NoGradGuard no_gradient;
  for (const NamedConfig& named : all_configs()) {
    if (named.config.recurrent_layers != std::vector<int64_t>{1} || named.config.window != 3) {
      continue;
    }
    LanguageModel model = make_model(named.config);
    const SlowModel slow(named.config, parameters_of(model));
    const at::Tensor state = random_tensor({1, 5, 6}, 1, at::kFloat);
    const BlockKeys block = random_block();
    for (const bool empty : {false, true}) {
      BlockKeys shown = block;
      if (empty) {
        shown.empty_cache_B = at::ones({1}, at::kBool);
      }
      RecurrentCellImpl& cell = cell_of(model);
      const at::Tensor got = cell.next_state(state, cell.project_state(state, {}), shown, {});
      const SlowMatrix want =
          slow.next_state(1, rows_of(state[0]), rows_of(block.keys_BJHK[0].flatten(1)),
                          rows_of(block.values_BJHK[0].flatten(1)), empty ? 3 : 0);
      EXPECT_TRUE(near(got[0], tensor_of(want), tolerance::kFloat32)) << named.name;
    }
  }
}

TEST(RecurrentCell, StateStaysFloat32InBFloat16) {
  const at::NoGradGuard no_gradient;
  for (const std::string preset : {"rec-fixed-skip", "rec-lstm-single", "rec-lstm-dual"}) {
    LanguageModel model = make_model(tiny_config(preset));
    RecurrentCellImpl& cell = cell_of(model);
    const at::Tensor state = random_tensor({1, 5, 6}, 1, at::kFloat);
    BlockKeys block = random_block();
    const at::Tensor want = cell.next_state(state, cell.project_state(state, {}), block, {});
    const ForwardOptions half = options_of(at::kBFloat16);
    block.keys_BJHK = block.keys_BJHK.to(at::kBFloat16);
    block.values_BJHK = block.values_BJHK.to(at::kBFloat16);
    const at::Tensor got = cell.next_state(state, cell.project_state(state, half), block, half);
    EXPECT_EQ(got.scalar_type(), at::kFloat);
    EXPECT_TRUE(near(got, want, 3 * tolerance::kBFloat16)) << preset;
  }
}

TEST(RecurrentCell, LogsItsGatesByLayer) {
  const at::NoGradGuard no_gradient;
  LanguageModel model = make_model(tiny_config("rec-lstm-dual"));
  GateLog log;
  ForwardOptions options;
  options.gate_log = &log;
  const at::Tensor state = random_tensor({1, 5, 6}, 1, at::kFloat);
  RecurrentCellImpl& cell = cell_of(model);
  cell.next_state(state, cell.project_state(state, options), random_block(), options);
  std::vector<std::string> names;
  for (const GateLog::Entry& entry : log.entries) {
    names.push_back(entry.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"layers.1.cell.gate.keep", "layers.1.cell.gate.write",
                                             "layers.1.cell.ffn_gate.keep",
                                             "layers.1.cell.ffn_gate.write"}));
}

}  // namespace
}  // namespace brt
