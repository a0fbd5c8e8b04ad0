// SPDX-License-Identifier: Apache-2.0
// Deals documents to lanes, cuts them into segments, and remembers the places.
#include "data/lanes.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "base/seeded_random.h"
#include "config/bounded_json.h"

namespace brt {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kFormatVersion = 1;

void check_options(const LaneOptions& options) {
  if (options.lanes < 1 || options.segment < 1) {
    throw ConfigError(fmt::format("lanes and segment must be at least 1, got {} and {}",
                                  options.lanes, options.segment));
  }
  if (options.max_document_tokens < 0 || options.max_document_tokens == 1) {
    throw ConfigError(
        fmt::format("max_document_tokens must be 0 (all) or at least 2 (one token predicts "
                    "nothing), got {}",
                    options.max_document_tokens));
  }
}

/// What a saved place depends on; compared field by field at restore.
Json identity_of(const PreparedSplit& split, const LaneOptions& options) {
  return {{"format_version", kFormatVersion},
          {"data", hash_text(split.fingerprint())},
          {"lanes", options.lanes},
          {"segment", options.segment},
          {"seed", options.seed},
          {"shuffle", options.shuffle},
          {"repeat", options.repeat},
          {"max_document_tokens", options.max_document_tokens}};
}

void check_identity(const Json& saved, const Json& own) {
  for (const Json::object_t::value_type& field : own.get_ref<const Json::object_t&>()) {
    const Json& value = saved.at(field.first);
    if (value != field.second) {
      throw DataError(fmt::format("saved lanes do not fit: {} was {}, now it is {}", field.first,
                                  value.dump(), field.second.dump()),
                      "go on with the data and settings that the run began with");
    }
  }
}

int64_t whole_number(const Json& value, int64_t least, int64_t most) {
  if (!value.is_number_integer()) {
    throw DataError(fmt::format("{} is not a whole number", value.dump()));
  }
  const int64_t number = value.get<int64_t>();
  if (number < least || number > most) {
    throw DataError(fmt::format("{} is not between {} and {}", number, least, most));
  }
  return number;
}

void clear(Segment& segment, const LaneOptions& options) {
  const size_t lanes = static_cast<size_t>(options.lanes);
  const size_t cells = lanes * static_cast<size_t>(options.segment);
  segment.lanes = options.lanes;
  segment.length = options.segment;
  segment.tokens.assign(cells, 0);
  segment.targets.assign(cells, 0);
  segment.loss_mask.assign(cells, 0.0F);
  segment.starts.assign(lanes, 1);
  segment.documents.assign(lanes, -1);
  segment.offsets.assign(lanes, 0);
  segment.num_targets = 0;
}

}  // namespace

Lanes::Lanes(const PreparedSplit& split, const LaneOptions& options)
    : split_(&split), options_(options) {
  check_options(options);
  lanes_.resize(static_cast<size_t>(options.lanes));
  begin_epoch(0);
  if (order_.empty()) {
    throw DataError(
        "no document of the split has two tokens or more, so there is nothing to predict");
  }
}

int64_t Lanes::epoch() const { return epoch_; }

int64_t Lanes::readable_tokens(int64_t document) const {
  const int64_t tokens = split_->document(document).tokens;
  return options_.max_document_tokens == 0 ? tokens
                                           : std::min(tokens, options_.max_document_tokens);
}

void Lanes::begin_epoch(int64_t epoch) {
  epoch_ = epoch;
  next_in_order_ = 0;
  order_.clear();
  for (int64_t document = 0; document < split_->num_documents(); ++document) {
    if (readable_tokens(document) >= 2) {
      order_.push_back(document);
    }
  }
  if (options_.shuffle) {
    SeededRandom(derive_seed(options_.seed, "document order", {epoch}))
        .shuffle(std::span<int64_t>(order_));
  }
}

void Lanes::take_document(Lane& lane) {
  const int64_t documents = static_cast<int64_t>(order_.size());
  if (next_in_order_ == documents && options_.repeat) {
    begin_epoch(epoch_ + 1);
  }
  if (next_in_order_ < documents) {
    lane = {order_[static_cast<size_t>(next_in_order_++)], 0};
  }
}

bool Lanes::next(Segment& segment) {
  for (Lane& lane : lanes_) {
    if (lane.document < 0) {
      take_document(lane);
    }
  }
  if (std::all_of(lanes_.begin(), lanes_.end(), [](const Lane& l) { return l.document < 0; })) {
    return false;
  }
  clear(segment, options_);
  const size_t length = static_cast<size_t>(options_.segment);
  for (size_t b = 0; b < lanes_.size(); ++b) {
    Lane& lane = lanes_[b];
    if (lane.document < 0) {
      continue;
    }
    const int64_t inputs_left = readable_tokens(lane.document) - 1 - lane.offset;
    const size_t count = static_cast<size_t>(std::min(options_.segment, inputs_left));
    const size_t row = b * length;
    split_->read(lane.document, lane.offset, std::span(segment.tokens).subspan(row, count));
    split_->read(lane.document, lane.offset + 1, std::span(segment.targets).subspan(row, count));
    std::fill_n(segment.loss_mask.begin() + static_cast<int64_t>(row), count, 1.0F);
    segment.starts[b] = lane.offset == 0 ? 1 : 0;
    segment.documents[b] = lane.document;
    segment.offsets[b] = lane.offset;
    segment.num_targets += static_cast<int64_t>(count);
    lane.offset += options_.segment;
    if (inputs_left <= options_.segment) {
      lane = Lane();
    }
  }
  return true;
}

std::string Lanes::save() const {
  Json saved = identity_of(*split_, options_);
  saved["epoch"] = epoch_;
  saved["next_in_order"] = next_in_order_;
  saved["places"] = Json::array();
  for (const Lane& lane : lanes_) {
    saved["places"].push_back({{"document", lane.document}, {"offset", lane.offset}});
  }
  return saved.dump();
}

void Lanes::restore(const std::string& saved) {
  try {
    const Json state = parse_bounded_json<Json>(saved);
    check_identity(state, identity_of(*split_, options_));
    const int64_t epoch =
        whole_number(state.at("epoch"), 0, options_.repeat ? int64_t{1} << 53 : 0);
    const int64_t next_in_order =
        whole_number(state.at("next_in_order"), 0, static_cast<int64_t>(order_.size()));
    const Json& places = state.at("places");
    if (!places.is_array() || places.size() != lanes_.size()) {
      throw DataError(fmt::format("places of {} lanes are needed", lanes_.size()));
    }
    std::vector<Lane> lanes;
    for (const Json& place : places) {
      Lane lane;
      lane.document = whole_number(place.at("document"), -1, split_->num_documents() - 1);
      const int64_t inputs = lane.document < 0 ? 1 : readable_tokens(lane.document) - 1;
      lane.offset = whole_number(place.at("offset"), 0, inputs - 1);
      if (lane.offset % options_.segment != 0) {
        throw DataError(fmt::format("offset {} is not at the start of a segment", lane.offset));
      }
      lanes.push_back(lane);
    }
    begin_epoch(epoch);
    next_in_order_ = next_in_order;
    lanes_ = std::move(lanes);
  } catch (const nlohmann::json::exception& error) {
    throw DataError(fmt::format("saved lanes are damaged: {}", error.what()));
  } catch (const DataError& error) {
    throw DataError(fmt::format("lanes cannot be restored: {}", error.what()));
  }
}

}  // namespace brt
