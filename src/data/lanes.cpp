// SPDX-License-Identifier: Apache-2.0
// Deals documents or their pieces to lanes, cuts them into segments, and remembers the positions.
#include "data/lanes.h"

#include <algorithm>
#include <numeric>
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

/// What a saved position depends on; compared field by field at restore.
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

/// A document that is to be cut into pieces of whole segments.
struct Shares {
  int64_t document = 0;
  int64_t inputs = 0;  ///< tokens that predict one
  int64_t segments = 0;
  int64_t pieces = 1;
};

/// Raises the number of pieces to `wanted`, or to one a segment if there are fewer: each cut goes
/// to the document whose pieces are the longest.
void share_out(std::vector<Shares>& documents, int64_t wanted) {
  const auto has_shorter_pieces = [](const Shares& a, const Shares& b) {
    return a.segments * b.pieces < b.segments * a.pieces;
  };
  for (int64_t pieces = static_cast<int64_t>(documents.size()); pieces < wanted; ++pieces) {
    Shares& longest = *std::ranges::max_element(documents, has_shorter_pieces);
    if (longest.segments == longest.pieces) {
      return;  // no piece is longer than a segment
    }
    ++longest.pieces;
  }
}

}  // namespace

Lanes::Lanes(const PreparedSplit& split, const LaneOptions& options)
    : split_(&split), options_(options) {
  check_options(options);
  lanes_.resize(static_cast<size_t>(options.lanes));
  make_pieces();
  if (pieces_.empty()) {
    throw DataError(
        "no document of the split has two tokens or more, so there is nothing to predict");
  }
  begin_epoch(0);
}

int64_t Lanes::epoch() const { return epoch_; }

std::string Lanes::division() const {
  if (!is_divided()) {
    return "";
  }
  const int64_t pieces = static_cast<int64_t>(pieces_.size());
  std::string text =
      fmt::format("fewer documents ({}) than lanes ({}): ", usable_documents_, options_.lanes);
  text += pieces == usable_documents_
              ? "none is longer than a segment"
              : fmt::format("they are read as {} pieces, the carry begins anew at each", pieces);
  const int64_t idle = options_.lanes - pieces;
  return idle == 0 ? text
                   : text + fmt::format("; {} lane{} idle", idle, idle == 1 ? " is" : "s are");
}

int64_t Lanes::readable_tokens(int64_t document) const {
  const int64_t tokens = split_->document(document).tokens;
  return options_.max_document_tokens == 0 ? tokens
                                           : std::min(tokens, options_.max_document_tokens);
}

bool Lanes::is_divided() const { return options_.repeat && usable_documents_ < options_.lanes; }

void Lanes::make_pieces() {
  std::vector<Shares> documents;
  for (int64_t document = 0; document < split_->num_documents(); ++document) {
    const int64_t inputs = readable_tokens(document) - 1;
    if (inputs > 0) {
      documents.push_back({document, inputs, (inputs - 1) / options_.segment + 1, 1});
    }
  }
  usable_documents_ = static_cast<int64_t>(documents.size());
  if (is_divided()) {
    share_out(documents, options_.lanes);
  }
  for (const Shares& shares : documents) {
    for (int64_t i = 0; i < shares.pieces; ++i) {
      const int64_t begin = shares.segments * i / shares.pieces * options_.segment;
      const int64_t end = shares.segments * (i + 1) / shares.pieces * options_.segment;
      pieces_.push_back({shares.document, begin, std::min(end, shares.inputs)});
    }
  }
}

void Lanes::begin_epoch(int64_t epoch) {
  epoch_ = epoch;
  next_in_order_ = 0;
  order_.resize(pieces_.size());
  std::iota(order_.begin(), order_.end(), int64_t{0});
  if (options_.shuffle) {
    SeededRandom(derive_seed(options_.seed, "document order", {epoch}))
        .shuffle(std::span<int64_t>(order_));
  }
}

void Lanes::take_piece(Lane& lane) {
  const int64_t pieces = static_cast<int64_t>(order_.size());
  if (next_in_order_ == pieces && options_.repeat) {
    begin_epoch(epoch_ + 1);
  }
  if (next_in_order_ < pieces) {
    const Piece& piece =
        pieces_[static_cast<size_t>(order_[static_cast<size_t>(next_in_order_++)])];
    lane = {piece.document, piece.begin, piece.begin, piece.end};
  }
}

bool Lanes::next(Segment& segment) {
  // Lanes beyond the number of pieces would read what others are reading.
  const size_t busy_lanes = std::min(lanes_.size(), pieces_.size());
  for (size_t b = 0; b < busy_lanes; ++b) {
    if (lanes_[b].document < 0) {
      take_piece(lanes_[b]);
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
    const int64_t inputs_left = lane.end - lane.offset;
    const size_t count = static_cast<size_t>(std::min(options_.segment, inputs_left));
    const size_t row = b * length;
    split_->read(lane.document, lane.offset, std::span(segment.tokens).subspan(row, count));
    split_->read(lane.document, lane.offset + 1, std::span(segment.targets).subspan(row, count));
    std::fill_n(segment.loss_mask.begin() + static_cast<int64_t>(row), count, 1.0F);
    segment.starts[b] = lane.offset == lane.begin ? 1 : 0;
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
  if (is_divided()) {
    saved["pieces"] = pieces_.size();
  }
  saved["epoch"] = epoch_;
  saved["next_in_order"] = next_in_order_;
  saved["places"] = Json::array();
  for (const Lane& lane : lanes_) {
    saved["places"].push_back({{"document", lane.document}, {"offset", lane.offset}});
  }
  return saved.dump();
}

Lanes::Lane Lanes::lane_at(int64_t document, int64_t offset) const {
  const auto is_before = [&](const Piece& piece) {
    return piece.document < document || (piece.document == document && piece.end <= offset);
  };
  const auto piece = std::partition_point(pieces_.begin(), pieces_.end(), is_before);
  if (piece != pieces_.end() && piece->document == document) {
    return {document, offset, piece->begin, piece->end};
  }
  throw DataError(fmt::format("document {} has nothing to read at {}", document, offset));
}

void Lanes::restore(const std::string& saved) {
  try {
    const Json state = parse_bounded_json<Json>(saved);
    check_identity(state, identity_of(*split_, options_));
    const int64_t epoch =
        whole_number(state.at("epoch"), 0, options_.repeat ? int64_t{1} << 53 : 0);
    const int64_t next_in_order =
        whole_number(state.at("next_in_order"), 0, static_cast<int64_t>(order_.size()));
    const Json& positions = state.at("places");
    if (!positions.is_array() || positions.size() != lanes_.size()) {
      throw DataError(fmt::format("positions of {} lanes are needed", lanes_.size()));
    }
    std::vector<Lane> lanes;
    for (const Json& position : positions) {
      const int64_t document =
          whole_number(position.at("document"), -1, split_->num_documents() - 1);
      const int64_t offset = whole_number(position.at("offset"), 0, int64_t{1} << 53);
      if (offset % options_.segment != 0) {
        throw DataError(fmt::format("offset {} is not at the start of a segment", offset));
      }
      if (document < 0 && offset != 0) {
        throw DataError(fmt::format("a lane without a document has offset {}", offset));
      }
      lanes.push_back(document < 0 ? Lane() : lane_at(document, offset));
    }
    if (is_divided() && !state.contains("pieces")) {
      // Saved when documents were not cut and several lanes read the same: a clean start.
      begin_epoch(epoch + 1);
      lanes_.assign(lanes_.size(), Lane());
      return;
    }
    if (is_divided()) {
      const int64_t pieces = static_cast<int64_t>(pieces_.size());
      whole_number(state.at("pieces"), pieces, pieces);
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
