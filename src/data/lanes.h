// SPDX-License-Identifier: Apache-2.0
// B documents side by side, each read from its first token to its last, N tokens a step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/prepared_data.h"

namespace brt {

/// Tokens of one step, lane after lane (row-major [B, N] and [B]).
///
/// targets[b, n] is the token after tokens[b, n], across segment borders; loss_mask is 0 for
/// padding, for the document's last token (nothing follows it) and for idle lanes.
struct Segment {
  int64_t lanes = 0;               ///< B
  int64_t length = 0;              ///< N
  std::vector<int32_t> tokens;     ///< [B, N], padding 0
  std::vector<int32_t> targets;    ///< [B, N]
  std::vector<float> loss_mask;    ///< [B, N]
  std::vector<uint8_t> starts;     ///< [B] 1: a document or piece starts here (idle lanes too)
  std::vector<int64_t> documents;  ///< [B] index in the split, -1: idle
  std::vector<int64_t> offsets;    ///< [B] position in the document of the lane's first token
  int64_t num_targets = 0;         ///< sum of loss_mask
};

struct LaneOptions {
  int64_t lanes = 1;
  int64_t segment = 0;
  uint64_t seed = 0;
  bool shuffle = false;  ///< document order, anew each epoch
  bool repeat = false;   ///< begin a new epoch when the documents are used up; else lanes go idle
  int64_t max_document_tokens = 0;  ///< read only this many tokens of each document; 0: all
};

/// Reads a split lane by lane. The order of documents is a function of seed and epoch only: lanes
/// take the next document of that order as they become free, lowest lane first. A lane that is free
/// while others still read the last documents of an epoch takes one of the next.
/// Documents with fewer than two tokens predict nothing and are passed over.
///
/// With `repeat` and fewer documents than lanes, the documents are cut into as many pieces as there
/// are lanes, of whole segments and about equal, and each piece is read like a document of its own:
/// it begins with an empty carry. Lanes that are left even so, since there are fewer segments than
/// lanes, stay idle. So no two lanes read the same and every token is read once an epoch.
class Lanes {
 public:
  /// `split` must outlive the object. @throws DataError if the split has no usable document.
  Lanes(const PreparedSplit& split, const LaneOptions& options);

  /// The next step's tokens; false (and `segment` untouched) when every lane is idle.
  bool next(Segment& segment);
  int64_t epoch() const;
  /// A sentence that says how documents are cut and which lanes stay idle; empty if neither.
  std::string division() const;

  /// Position of every lane, as JSON text; restore() of it continues exactly there.
  std::string save() const;
  /// @throws DataError if the text is damaged or does not fit the split or the options.
  void restore(const std::string& saved);

 private:
  struct Lane {
    int64_t document = -1;  ///< -1: none
    int64_t offset = 0;
    int64_t begin = 0;  ///< of the piece that is read
    int64_t end = 0;
  };
  /// What one lane reads at a time: inputs [begin, end) of a document, all of them if it is whole.
  struct Piece {
    int64_t document = 0;
    int64_t begin = 0;
    int64_t end = 0;
  };

  const PreparedSplit* split_;
  LaneOptions options_;
  std::vector<Piece> pieces_;  ///< by document and position
  int64_t usable_documents_ = 0;
  std::vector<int64_t> order_;  ///< indices of pieces, as this epoch reads them
  int64_t next_in_order_ = 0;
  int64_t epoch_ = 0;
  std::vector<Lane> lanes_;

  void make_pieces();
  bool is_divided() const;
  void begin_epoch(int64_t epoch);
  void take_piece(Lane& lane);
  Lane lane_at(int64_t document, int64_t offset) const;
  int64_t readable_tokens(int64_t document) const;
};

}  // namespace brt
