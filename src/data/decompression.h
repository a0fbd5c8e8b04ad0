// SPDX-License-Identifier: Apache-2.0
// What gzip, zstd, xz and bzip2 files hold, checked to their last byte.
#pragma once

#include <memory>
#include <string>

#include "data/byte_stream.h"
#include "data/stream_decoder.h"

namespace brt {

/// The bytes that `input` holds compressed. Compressed streams joined end to end give their
/// contents joined, as the programs of those names do; gzip may be padded with zeros.
///
/// read() throws DataError, with `file` and the offset in it, where the data ends too early, where
/// a checksum or size is wrong, and where anything else follows the compressed data. It gives
/// 0 only when all of `input` has been found good.
/// @param file  name of `input` for messages
std::unique_ptr<ByteStream> decompress(std::unique_ptr<ByteStream> input,
                                       Compression compression,
                                       const std::string& file);

}  // namespace brt
