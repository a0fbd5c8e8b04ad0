// SPDX-License-Identifier: Apache-2.0
// Norms and rounding of rows, divided among threads where that pays.
#include "engine/step_operands.h"

#include "engine/alignment.h"
#include "engine/rms_norm_rows.h"

namespace brt {

StepOperands::StepOperands(
    WeightFormat format, ThreadTeam& team, int64_t max_rows, int64_t deepest, int64_t width)
    : team_(team),
      shared_format_(format, max_rows, deepest),
      private_format_(format, kPrivateRows, deepest),
      memory_(shared_format_.bytes() + aligned_bytes<float>(max_rows * width) +
              aligned_bytes<float>(max_rows)),
      normed_RD_(memory_.at<float>(shared_format_.bytes())),
      root_R_(memory_.at<float>(shared_format_.bytes() + aligned_bytes<float>(max_rows * width))),
      private_(static_cast<size_t>(team.most())) {
  for (Private& own : private_) {
    own.normed_RD = AlignedBuffer(aligned_bytes<float>(kPrivateRows * (width + 1)));
    own.operand = AlignedBuffer(private_format_.bytes());
  }
}

Operand StepOperands::plain(const float* x, int64_t rows, int64_t depth, int64_t thread) {
  if (rows <= kPrivateRows) {
    std::byte* memory = private_[static_cast<size_t>(thread)].operand.data();
    private_format_.make({x, depth, rows}, depth, 0, memory);
    return private_format_.view(depth, memory);
  }
  const Range part = team_.part(rows, thread);
  shared_format_.make({x + part.begin * depth, depth, part.end - part.begin}, depth, part.begin,
                      memory_.data());
  team_.barrier(thread);
  return shared_format_.view(depth, memory_.data());
}

Operand StepOperands::normed(const float* x_RD,
                             int64_t rows,
                             std::span<const float> gain_D,
                             int64_t thread) {
  const int64_t width = static_cast<int64_t>(gain_D.size());
  if (rows <= kPrivateRows) {
    float* normed_RD = private_[static_cast<size_t>(thread)].normed_RD.at<float>(0);
    rms_norm_rows({x_RD, static_cast<size_t>(rows * width)}, gain_D, normed_RD,
                  normed_RD + kPrivateRows * width);
    return plain(normed_RD, rows, width, thread);
  }
  const Range part = team_.part(rows, thread);
  const int64_t first = part.begin * width;
  rms_norm_rows({x_RD + first, static_cast<size_t>((part.end - part.begin) * width)}, gain_D,
                normed_RD_ + first, root_R_ + part.begin);
  return plain(normed_RD_, rows, width, thread);  // divides the rows alike
}

}  // namespace brt
