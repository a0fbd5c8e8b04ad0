// SPDX-License-Identifier: Apache-2.0
// One training step after another: segment, gradients, update; and all that must be saved of it.
#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include <ATen/ops/from_blob.h>

#include "base/error.h"
#include "base/seeded_random.h"
#include "ops/compute_dtype.h"
#include "ops/compute_threads.h"
#include "optim/gradient_clipping.h"
#include "optim/schedule.h"
#include "profile/profile.h"
#include "torch_checkpoint/model_folder.h"
#include "torch_checkpoint/tensor_files.h"
#include "train/finite_check.h"

namespace brt {
namespace {

std::vector<NamedParameter> named_parameters(const LanguageModel& model) {
  std::vector<NamedParameter> parameters;
  for (const auto& parameter : model->named_parameters()) {
    parameters.push_back({parameter.key(), parameter.value()});
  }
  return parameters;
}

LaneOptions lane_options(const RunConfig& config) {
  return {.lanes = config.train.lanes,
          .segment = config.model.segment,
          .seed = static_cast<uint64_t>(config.train.seed),
          .shuffle = config.data.shuffle,
          .repeat = true};
}

/// Lanes [begin, end) of a segment as tensors that own their memory.
struct SegmentTensors {
  at::Tensor tokens_BN;
  at::Tensor targets_BN;
  at::Tensor loss_mask_BN;
  at::Tensor starts_B;
};

SegmentTensors segment_tensors(const Segment& segment, int64_t begin, int64_t end) {
  const int64_t lanes = end - begin;
  const int64_t first = begin * segment.length;
  const auto copy = [](const auto* data, at::IntArrayRef sizes, at::ScalarType from,
                       at::ScalarType to) {
    // from_blob wants a mutable pointer; the copy below is all that reads it.
    void* memory = const_cast<void*>(static_cast<const void*>(data));
    return at::from_blob(memory, sizes, at::TensorOptions().dtype(from))
        .to(to, /*non_blocking=*/false, /*copy=*/true);
  };
  SegmentTensors tensors;
  tensors.tokens_BN =
      copy(segment.tokens.data() + first, {lanes, segment.length}, at::kInt, at::kLong);
  tensors.targets_BN =
      copy(segment.targets.data() + first, {lanes, segment.length}, at::kInt, at::kLong);
  tensors.loss_mask_BN =
      copy(segment.loss_mask.data() + first, {lanes, segment.length}, at::kFloat, at::kFloat);
  tensors.starts_B = copy(segment.starts.data() + begin, {lanes}, at::kByte, at::kByte);
  return tensors;
}

/// Lanes of a group whose carry came out not finite where that of others did not: it is the lane,
/// not the weights. @param first  the group's first lane
std::vector<int64_t> lanes_that_broke(const Carry& next_carry, int64_t first) {
  std::vector<int64_t> lanes = broken_lanes(next_carry);
  if (static_cast<int64_t>(lanes.size()) == next_carry.position_B.size(0)) {
    return {};
  }
  for (int64_t& lane : lanes) {
    lane += first;
  }
  return lanes;
}

}  // namespace

Trainer::Trainer(const RunConfig& config, const PreparedSplit& split)
    : config_(config),
      model_(config.model),
      parameters_(named_parameters(model_)),
      optimizer_(make_optimizer(config.optimizer, parameters_)),
      lanes_(split, lane_options(config)),
      carry_(make_carry(config.model, config.train.lanes, compute_dtype(config.train.dtype))) {
  state_.pending_starts.assign(static_cast<size_t>(config.train.lanes), 0);
}

void Trainer::initialize_model() { initialize(model_, static_cast<uint64_t>(config_.train.seed)); }

StepResult Trainer::step(GateLog* gate_log) {
  StepResult result;
  if (!has_finite_states(carry_)) {
    result.reset_lanes = reset_broken_lanes();
  }
  Segment segment;
  ProfilePhase load("load");
  lanes_.next(segment);
  load.end();
  for (size_t lane = 0; lane < segment.starts.size(); ++lane) {
    segment.starts[lane] |= state_.pending_starts[lane];
  }
  result.targets = segment.num_targets;
  result.learning_rate =
      learning_rate(config_.optimizer, optimizer_->updates(), config_.train.steps);
  clear_gradients();
  Carry next_carry;
  result.loss = compute_gradients(segment, gate_log, next_carry);
  ProfilePhase norm("gradient norm");
  result.gradient_norm = std::isfinite(result.loss) ? gradient_norm(parameters_)
                                                    : std::numeric_limits<double>::quiet_NaN();
  norm.end();
  result.accepted = std::isfinite(result.gradient_norm);
  ++state_.step;
  if (result.accepted) {
    accept(result, std::move(next_carry));
  } else {
    skip(result, segment);
  }
  clear_gradients();
  return result;
}

/// Loss of all lanes; their gradients are left in the parameters. Stops early at a loss that is not
/// finite.
double Trainer::compute_gradients(const Segment& segment, GateLog* gate_log, Carry& next_carry) {
  ForwardOptions options;
  options.dtype = compute_dtype(config_.train.dtype);
  options.dropout = config_.train.dropout;
  options.recompute = config_.train.recompute;
  const int64_t group_lanes = segment.lanes / config_.train.accumulation;
  const double targets = static_cast<double>(std::max<int64_t>(segment.num_targets, 1));
  std::vector<Carry> parts;
  suspects_.clear();
  double loss = 0.0;
  for (int64_t group = 0; group < config_.train.accumulation; ++group) {
    share_cores();
    const int64_t begin = group * group_lanes;
    const SegmentTensors tensors = segment_tensors(segment, begin, begin + group_lanes);
    options.dropout_seed =
        derive_seed(static_cast<uint64_t>(config_.train.seed), "dropout", {state_.step, group});
    options.gate_log = group == 0 ? gate_log : nullptr;
    ProfilePhase forward("forward");
    const SegmentOutput output =
        model_->forward(tensors.tokens_BN, tensors.starts_B,
                        slice_lanes(carry_, begin, begin + group_lanes), options);
    const at::Tensor group_loss = model_->weighted_loss(output.hidden_BND, tensors.targets_BN,
                                                        tensors.loss_mask_BN / targets, options);
    loss += group_loss.item<double>();
    forward.end();
    if (!std::isfinite(loss)) {
      suspects_ = lanes_that_broke(output.carry, begin);
      return loss;
    }
    ProfilePhase backward("backward");
    group_loss.backward();
    backward.end();
    // A copy: the carry may be a view of the whole segment's keys and values.
    parts.push_back(clone(detach(output.carry)));
  }
  next_carry = join_lanes(parts);
  return loss;
}

void Trainer::accept(StepResult& result, Carry next_carry) {
  ProfilePhase update("update");
  optimizer_->step(result.learning_rate,
                   clip_factor(result.gradient_norm, config_.optimizer.clip_norm));
  update.end();
  carry_ = std::move(next_carry);
  state_.tokens += result.targets;
  state_.skipped_in_a_row = 0;
  std::ranges::fill(state_.pending_starts, uint8_t{0});
}

void Trainer::skip(StepResult& result, const Segment& segment) {
  state_.pending_starts = segment.starts;
  reset_lanes(suspects_);
  for (const std::vector<int64_t>& lanes : {std::exchange(suspects_, {}), reset_broken_lanes()}) {
    result.reset_lanes.insert(result.reset_lanes.end(), lanes.begin(), lanes.end());
  }
  ++state_.skipped_steps;
  ++state_.skipped_in_a_row;
  if (state_.skipped_in_a_row >= kMaxSkippedInARow) {
    throw DivergenceError(
        fmt::format("training: loss or gradient was not finite for {} steps in a row, up to step "
                    "{} (loss {}, gradient norm {})",
                    state_.skipped_in_a_row, state_.step, result.loss, result.gradient_norm),
        "lower optimizer.rate, set optimizer.clip_norm, or go on from an older checkpoint");
  }
}

void Trainer::clear_gradients() {
  for (NamedParameter& parameter : parameters_) {
    parameter.value.mutable_grad() = at::Tensor();
  }
}

TrainerState Trainer::state() const {
  TrainerState state = state_;
  state.lanes = lanes_.save();
  return state;
}

void Trainer::reset_lanes(const std::vector<int64_t>& lanes) {
  clear_lanes(carry_, lanes);
  for (const int64_t lane : lanes) {
    state_.pending_starts[static_cast<size_t>(lane)] = 1;
  }
}

std::vector<int64_t> Trainer::reset_broken_lanes() {
  std::vector<int64_t> lanes = broken_lanes(carry_);
  reset_lanes(lanes);
  return lanes;
}

void Trainer::check_finite() const {
  std::string name = first_not_finite(optimizer_->state());
  for (const NamedParameter& parameter : parameters_) {
    if (!first_not_finite({{parameter.name, parameter.value.detach()}}).empty()) {
      name = parameter.name;
    }
  }
  if (!name.empty()) {
    throw DivergenceError(
        fmt::format("training: {} holds numbers that are not finite, at step {}", name,
                    state_.step),
        "lower optimizer.rate, set optimizer.clip_norm, or go on from an older checkpoint");
  }
}

WrittenFiles Trainer::save_tensors(const std::filesystem::path& folder) const {
  WrittenFiles files;
  files["optimizer.safetensors"] =
      save_safetensors(folder / "optimizer.safetensors", optimizer_->state());
  files["carry.safetensors"] = save_safetensors(folder / "carry.safetensors", carry_.tensors());
  return files;
}

void Trainer::restore(const std::filesystem::path& folder, const TrainerState& state) {
  const std::filesystem::path weights = folder / "model.safetensors";
  load_parameters(model_, load_safetensors(weights).tensors, weights.string());
  optimizer_->load_state(load_safetensors(folder / "optimizer.safetensors").tensors);
  Carry carry =
      carry_from_tensors(config_.model, load_safetensors(folder / "carry.safetensors").tensors);
  const int64_t lanes = config_.train.lanes;
  if (carry.position_B.size(0) != lanes ||
      static_cast<int64_t>(state.pending_starts.size()) != lanes) {
    throw CheckpointError(fmt::format("{}: carry must be of {} lanes, got {} and {} pending starts",
                                      folder.string(), lanes, carry.position_B.size(0),
                                      state.pending_starts.size()));
  }
  lanes_.restore(state.lanes);
  carry_ = std::move(carry);
  state_ = state;
  check_finite();
}

}  // namespace brt
