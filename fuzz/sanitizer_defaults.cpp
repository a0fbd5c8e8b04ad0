// SPDX-License-Identifier: Apache-2.0
// What the address sanitizer leaves out in the fuzzers, for their speed; the environment variable
// ASAN_OPTIONS puts it back. Most inputs are refused by an exception, and each exception walks over
// the frames that are kept to find uses of a stack after its function's return: a third of the
// time. Of the stacks that are kept of every allocation, the innermost calls tell enough.

extern "C" const char* __asan_default_options() {
  return "detect_stack_use_after_return=0:malloc_context_size=8";
}
