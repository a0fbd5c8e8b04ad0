// SPDX-License-Identifier: Apache-2.0
// All inputs joined into one source.
#include "data/document_source.h"

#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "data/chained_source.h"
#include "data/document_opener.h"
#include "data/input_list.h"

namespace brt {
namespace {

/// All inputs, each opened when the one before is used up.
class JoinedSource : public ChainedSource {
 public:
  JoinedSource(const std::vector<std::string>& inputs,
               PassedOver& passed_over,
               std::function<void(const std::string&)> on_warning)
      : ChainedSource(passed_over),
        inputs_(inputs),
        files_(list_inputs(inputs, passed_over)),
        on_warning_(std::move(on_warning)),
        opener_(passed_over, on_warning_) {}

  std::optional<std::string> next_document() override {
    std::optional<std::string> name = ChainedSource::next_document();
    if (!name && is_empty_) {
      fail_empty();
    }
    is_empty_ = false;
    return name;
  }
  uint64_t input_bytes_read() const override {
    return bytes_before_ + (current() == nullptr ? 0 : current()->input_bytes_read());
  }

 protected:
  std::unique_ptr<DocumentSource> open_next() override {
    while (next_file_ < files_.size()) {
      bytes_before_ += std::exchange(file_bytes_, 0);
      const InputFile& file = files_[next_file_++];
      std::error_code error;
      const uintmax_t size = std::filesystem::file_size(file.path, error);
      file_bytes_ = error ? 0 : size;
      std::unique_ptr<DocumentSource> source = opener_.open(file);
      if (source != nullptr) {
        return source;
      }
    }
    bytes_before_ += std::exchange(file_bytes_, 0);
    return nullptr;
  }

 private:
  std::vector<std::string> inputs_;
  std::vector<InputFile> files_;
  std::function<void(const std::string&)> on_warning_;
  DocumentOpener opener_;
  size_t next_file_ = 0;
  uint64_t bytes_before_ = 0;
  uint64_t file_bytes_ = 0;  ///< of the file that is read now
  bool is_empty_ = true;

  [[noreturn]] void fail_empty() {
    const std::string reasons = describe(passed_over());
    throw DataError(fmt::format("{}: {} no documents{}", fmt::join(inputs_, ", "),
                                inputs_.size() == 1 ? "holds" : "hold",
                                reasons.empty() ? "" : "; passed over: " + reasons),
                    "files and folders whose names begin with a dot are not read");
  }
};

}  // namespace

std::unique_ptr<DocumentSource> open_documents(
    const std::vector<std::string>& inputs,
    PassedOver& passed_over,
    const std::function<void(const std::string&)>& on_warning) {
  return std::make_unique<JoinedSource>(inputs, passed_over, on_warning);
}

std::optional<uint64_t> total_input_bytes(const std::vector<std::string>& inputs) {
  uint64_t total = 0;
  PassedOver ignored;
  for (const InputFile& file : list_inputs(inputs, ignored)) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(file.path, error)) {
      return std::nullopt;  // standard input, pipes and the like
    }
    const uintmax_t size = std::filesystem::file_size(file.path, error);
    if (error) {
      throw DataError(
          fmt::format("{}: cannot be examined: {}", file.path.string(), error.message()));
    }
    total += size;
  }
  return total;
}

}  // namespace brt
