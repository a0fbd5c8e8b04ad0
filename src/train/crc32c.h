// SPDX-License-Identifier: Apache-2.0
// The Castagnoli checksum (RFC 3720, B.4) as record files of TensorFlow use it.
#pragma once

#include <cstdint>
#include <string_view>

namespace brt {

/// CRC-32C: polynomial 0x1EDC6F41, reflected.
uint32_t crc32c(std::string_view bytes);

/// crc32c, rotated and offset so that checksums of data that holds checksums stay good.
uint32_t masked_crc32c(std::string_view bytes);

}  // namespace brt
