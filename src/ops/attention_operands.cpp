// SPDX-License-Identifier: Apache-2.0
// The dtype that three tensors share.
#include "ops/attention_operands.h"

namespace brt {

AttentionOperands in_one_dtype(const at::Tensor& query,
                               const at::Tensor& keys,
                               const at::Tensor& values) {
  const at::ScalarType dtype = c10::promoteTypes(
      c10::promoteTypes(query.scalar_type(), keys.scalar_type()), values.scalar_type());
  return {query.to(dtype), keys.to(dtype), values.to(dtype)};
}

}  // namespace brt
