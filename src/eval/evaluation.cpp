// SPDX-License-Identifier: Apache-2.0
// The evaluation loop: lanes of documents through the model, losses into float64 sums.
#include "eval/evaluation.h"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <numbers>
#include <span>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "base/divide_up.h"
#include "base/error.h"
#include "base/nearest_name.h"
#include "data/lanes.h"
#include "ops/compute_threads.h"

namespace brt {
namespace {

constexpr int64_t kFirstBorder = 128;  ///< positions below this share the first interval

/// 0 for [0, 128), 1 for [128, 256), 2 for [256, 512), ...
size_t interval_of(int64_t position) {
  return static_cast<size_t>(std::bit_width(static_cast<uint64_t>(position / kFirstBorder)));
}

/// One past the last position of `lane` that has something to predict.
int64_t useful_length(const Segment& segment, int64_t lane) {
  const float* mask = segment.loss_mask.data() + lane * segment.length;
  int64_t length = segment.length;
  while (length > 0 && mask[length - 1] == 0.0F) {
    --length;
  }
  return length;
}

/// The busy lanes of a segment, as the model takes them; cut after the last position that counts.
struct Batch {
  std::vector<int64_t> lanes;  ///< which lanes of the segment these are
  int64_t length = 0;          ///< a multiple of the window
  at::Tensor tokens_BN;
  at::Tensor targets_BN;
  at::Tensor starts_B;
};

Batch make_batch(const Segment& segment, int64_t window) {
  Batch batch;
  for (int64_t lane = 0; lane < segment.lanes; ++lane) {
    if (segment.documents[static_cast<size_t>(lane)] >= 0) {
      batch.lanes.push_back(lane);
      batch.length = std::max(batch.length, useful_length(segment, lane));
    }
  }
  batch.length = std::min(round_up(batch.length, window), segment.length);
  const int64_t lanes = static_cast<int64_t>(batch.lanes.size());
  batch.tokens_BN = at::empty({lanes, batch.length}, at::kLong);
  batch.targets_BN = at::empty({lanes, batch.length}, at::kLong);
  batch.starts_B = at::empty({lanes}, at::kByte);
  int64_t* tokens = batch.tokens_BN.data_ptr<int64_t>();
  int64_t* targets = batch.targets_BN.data_ptr<int64_t>();
  for (int64_t row = 0; row < lanes; ++row) {
    const int64_t lane = batch.lanes[static_cast<size_t>(row)];
    const int64_t first = lane * segment.length;
    std::copy_n(segment.tokens.data() + first, batch.length, tokens + row * batch.length);
    std::copy_n(segment.targets.data() + first, batch.length, targets + row * batch.length);
    batch.starts_B.data_ptr<uint8_t>()[row] = segment.starts[static_cast<size_t>(lane)];
  }
  return batch;
}

/// Drops the lanes of a carry that have become idle; they never take a document again.
Carry keep_lanes(const Carry& carry,
                 const std::vector<int64_t>& present,
                 const std::vector<int64_t>& kept) {
  if (present == kept) {
    return carry;
  }
  std::vector<Carry> parts;
  for (const int64_t lane : kept) {
    const int64_t row = std::lower_bound(present.begin(), present.end(), lane) - present.begin();
    parts.push_back(slice_lanes(carry, row, row + 1));
  }
  return join_lanes(parts);
}

/// Nats of each target [B, N] in float64.
at::Tensor target_losses(const LanguageModel& model,
                         const at::Tensor& hidden_BND,
                         const at::Tensor& targets_BN,
                         const ForwardOptions& forward) {
  return model->token_losses(hidden_BND, targets_BN, forward)
      .to(at::kCPU, at::kDouble)
      .contiguous();
}

/// Losses by document and by position.
class LossSums {
 public:
  explicit LossSums(int64_t num_documents)
      : nats_(static_cast<size_t>(num_documents)),
        tokens_(static_cast<size_t>(num_documents)),
        first_not_finite_(static_cast<size_t>(num_documents), -1) {}

  void add(const Segment& segment, const Batch& batch, const at::Tensor& losses_BN) {
    const double* losses = losses_BN.data_ptr<double>();
    for (size_t row = 0; row < batch.lanes.size(); ++row) {
      const int64_t lane = batch.lanes[row];
      const size_t document = static_cast<size_t>(segment.documents[static_cast<size_t>(lane)]);
      const int64_t offset = segment.offsets[static_cast<size_t>(lane)];
      for (int64_t n = 0; n < batch.length; ++n) {
        if (segment.loss_mask[static_cast<size_t>(lane * segment.length + n)] != 0.0F) {
          add_token(document, offset + n + 1, losses[static_cast<int64_t>(row) * batch.length + n]);
        }
      }
    }
  }

  int64_t tokens() const { return total_tokens_; }
  double nats() const { return total_nats_; }

  void write(const PreparedSplit& split, int64_t max_tokens, EvaluationResult& result) const {
    for (int64_t index = 0; index < split.num_documents(); ++index) {
      const size_t slot = static_cast<size_t>(index);
      if (tokens_[slot] == 0) {
        continue;  // nothing was to predict
      }
      const DocumentInfo& info = split.document(index);
      const double share = max_tokens > 0 && max_tokens < info.tokens
                               ? static_cast<double>(max_tokens) / static_cast<double>(info.tokens)
                               : 1.0;
      DocumentLoss document;
      document.name = info.name;
      document.tokens = tokens_[slot];
      document.bytes = std::llround(static_cast<double>(info.bytes) * share);
      document.words = std::llround(static_cast<double>(info.words) * share);
      document.nats = nats_[slot];
      document.first_not_finite = first_not_finite_[slot];
      result.tokens += document.tokens;
      result.bytes += document.bytes;
      result.words += document.words;
      result.nats += document.nats;
      result.documents.push_back(document);
    }
    for (const PositionLoss& interval : intervals_) {
      if (interval.tokens > 0) {
        result.by_position.push_back(interval);
      }
    }
  }

 private:
  std::vector<double> nats_;
  std::vector<int64_t> tokens_;
  std::vector<int64_t> first_not_finite_;  ///< a document's tokens come in order
  std::vector<PositionLoss> intervals_;
  int64_t total_tokens_ = 0;
  double total_nats_ = 0.0;

  void add_token(size_t document, int64_t position, double nats) {
    while (intervals_.size() <= interval_of(position)) {
      const int64_t from = intervals_.empty() ? 0 : intervals_.back().to;
      intervals_.push_back({.from = from, .to = from == 0 ? kFirstBorder : 2 * from});
    }
    PositionLoss& interval = intervals_[interval_of(position)];
    interval.tokens += 1;
    interval.nats += nats;
    tokens_[document] += 1;
    nats_[document] += nats;
    if (!std::isfinite(nats) && first_not_finite_[document] < 0) {
      first_not_finite_[document] = position;
    }
    total_tokens_ += 1;
    total_nats_ += nats;
  }
};

void check_vocabulary(const Segment& segment, int64_t vocab_size) {
  const int32_t largest = *std::max_element(segment.tokens.begin(), segment.tokens.end());
  const int32_t largest_target = *std::max_element(segment.targets.begin(), segment.targets.end());
  if (std::max(largest, largest_target) >= vocab_size) {
    throw DataError("evaluate: the data holds token " +
                        std::to_string(std::max(largest, largest_target)) +
                        ", the model's vocabulary has " + std::to_string(vocab_size) + " tokens",
                    "prepare the data with the model's tokenizer");
  }
}

int64_t count_predictions(const PreparedSplit& split, int64_t max_document_tokens) {
  int64_t total = 0;
  for (int64_t index = 0; index < split.num_documents(); ++index) {
    int64_t tokens = split.document(index).tokens;
    if (max_document_tokens > 0) {
      tokens = std::min(tokens, max_document_tokens);
    }
    total += std::max<int64_t>(0, tokens - 1);
  }
  return total;
}

/// What the next segment may know of the ones before.
Carry incoming_carry(const Carry& carry, CarryMode mode, Batch& batch) {
  switch (mode) {
    case CarryMode::kCarried:
      return carry;
    case CarryMode::kReset:
      batch.starts_B.fill_(1);
      return carry;
    case CarryMode::kNone:
      return with_zero_state(carry);
  }
  throw ConfigError("evaluate: unknown carry mode");
}

double per(double sum, int64_t count) { return sum / static_cast<double>(count); }

/// The words of a mode: for readers, and in files and JSON. `none` meant "the cache but no state",
/// and was read as "nothing carried", which is `reset`; hence the other words.
struct CarryWords {
  CarryMode mode;
  const char* label;
  const char* word;
};

constexpr std::array<CarryWords, 3> kCarryWords = {{{CarryMode::kCarried, "full", "carried"},
                                                    {CarryMode::kNone, "no-state", "none"},
                                                    {CarryMode::kReset, "nothing", "reset"}}};

const CarryWords& words_of(CarryMode mode) {
  for (const CarryWords& words : kCarryWords) {
    if (words.mode == mode) {
      return words;
    }
  }
  throw ConfigError("carry mode without a word");
}

}  // namespace

double EvaluationResult::nats_per_token() const { return per(nats, tokens); }
double EvaluationResult::bits_per_token() const { return per(nats, tokens) / std::numbers::ln2; }
double EvaluationResult::bits_per_byte() const { return per(nats, bytes) / std::numbers::ln2; }
double EvaluationResult::token_perplexity() const { return std::exp(per(nats, tokens)); }
double EvaluationResult::word_perplexity() const { return std::exp(per(nats, words)); }
double EvaluationResult::tokens_per_second() const { return static_cast<double>(tokens) / seconds; }

EvaluationResult evaluate(LanguageModel& model,
                          const PreparedSplit& split,
                          const EvaluationOptions& options,
                          const std::function<void(const EvaluationProgress&)>& on_progress) {
  if (options.lanes < 1 || options.max_document_tokens < 0) {
    throw ConfigError(
        "evaluate: lanes must be at least 1 and max_document_tokens at least 0, got " +
        std::to_string(options.lanes) + " and " + std::to_string(options.max_document_tokens));
  }
  const std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  const at::NoGradGuard no_grad;
  const ModelConfig& config = model->config();
  Lanes lanes(split, {.lanes = options.lanes,
                      .segment = config.segment,
                      .max_document_tokens = options.max_document_tokens});
  const ForwardOptions forward{.dtype = options.dtype};
  const int64_t total = count_predictions(split, options.max_document_tokens);
  LossSums sums(split.num_documents());
  Carry carry;
  std::vector<int64_t> lanes_in_carry;
  Segment segment;
  while (lanes.next(segment)) {
    share_cores();
    check_vocabulary(segment, config.vocab_size);
    Batch batch = make_batch(segment, config.window);
    if (batch.length == 0) {
      continue;  // last tokens only: nothing to predict, and every lane's next segment is a start
    }
    if (lanes_in_carry.empty()) {
      carry = make_carry(config, static_cast<int64_t>(batch.lanes.size()), options.dtype);
      lanes_in_carry = batch.lanes;
    }
    carry = keep_lanes(carry, lanes_in_carry, batch.lanes);
    lanes_in_carry = batch.lanes;
    carry = incoming_carry(carry, options.carry, batch);
    const SegmentOutput output = model->forward(batch.tokens_BN, batch.starts_B, carry, forward);
    carry = output.carry;
    sums.add(segment, batch, target_losses(model, output.hidden_BND, batch.targets_BN, forward));
    if (on_progress) {
      on_progress({.tokens = sums.tokens(),
                   .total_tokens = total,
                   .bits_per_token = per(sums.nats(), sums.tokens()) / std::numbers::ln2});
    }
  }
  EvaluationResult result;
  result.carry = options.carry;
  sums.write(split, options.max_document_tokens, result);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return result;
}

void check_finite(const EvaluationResult& result) {
  for (const DocumentLoss& document : result.documents) {
    if (document.first_not_finite >= 0) {
      throw DataError("evaluate: the loss of token " + std::to_string(document.first_not_finite) +
                          " of document \"" + document.name + "\" is not a finite number",
                      "the model's numbers overflow: its weights are damaged or its training "
                      "diverged");
    }
  }
}

CarryMode carry_mode_from_word(const std::string& word) {
  std::vector<std::string> known;
  for (const CarryWords& words : kCarryWords) {
    if (word == words.label || word == words.word) {
      return words.mode;
    }
    known.insert(known.end(), {words.label, words.word});
  }
  const std::string nearest = nearest_name(word, known);
  throw ConfigError("carry must be full, no-state or nothing, got \"" + word + "\"",
                    nearest.empty() ? "" : "did you mean " + nearest + "?");
}

std::string to_word(CarryMode mode) { return words_of(mode).word; }

std::string carry_label(CarryMode mode) { return words_of(mode).label; }

}  // namespace brt
