// SPDX-License-Identifier: Apache-2.0
// Settings of tcmalloc. Builds without it have a sanitizer's allocator, which is left as it is.
#include "program_memory.h"

#include <cstddef>
#include <cstdint>
#include <new>

#ifdef BRT_TCMALLOC
#include <gperftools/malloc_extension.h>
#include <sys/mman.h>
#endif

namespace brt {
#ifdef BRT_TCMALLOC
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kRegion = size_t{64} << 20;

size_t round_up(size_t size, size_t unit) { return (size + unit - 1) / unit * unit; }

/// Hands out regions of memory for which the kernel was asked to use huge pages: with small ones a
/// training step waits 5 % of its time for the addresses of pages. Called under the allocator's
/// lock; must not allocate.
class HugePageAllocator : public SysAllocator {
 public:
  void* Alloc(size_t size, size_t* actual_size, size_t alignment) override {
    uintptr_t address = round_up(next_, alignment);
    if (next_ == 0 || address + size > end_) {
      if (!add_region(round_up(size + alignment, kHugePage))) {
        return nullptr;
      }
      address = round_up(next_, alignment);
    }
    next_ = address + size;
    *actual_size = size;
    return reinterpret_cast<void*>(address);
  }

 private:
  uintptr_t next_ = 0;  ///< of the region in use; what was left of the one before stays unused
  uintptr_t end_ = 0;

  bool add_region(size_t least) {
    const size_t size = (least < kRegion ? kRegion : least) + kHugePage;
    void* memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      return false;
    }
    next_ = round_up(reinterpret_cast<uintptr_t>(memory), kHugePage);
    end_ = reinterpret_cast<uintptr_t>(memory) + size;
    ::madvise(reinterpret_cast<void*>(next_), end_ - next_, MADV_HUGEPAGE);  // refused: small pages
    return true;
  }
};

}  // namespace

void keep_memory_in_huge_pages() {
  alignas(HugePageAllocator) static std::byte place[sizeof(HugePageAllocator)];  // never destroyed
  MallocExtension::instance()->SetSystemAllocator(new (place) HugePageAllocator);
  MallocExtension::instance()->SetMemoryReleaseRate(0.0);
}

#else

void keep_memory_in_huge_pages() {}

#endif
}  // namespace brt
