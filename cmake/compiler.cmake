# SPDX-License-Identifier: Apache-2.0
# Language standard, warnings, sanitizers, compiler cache.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# a * b + c is rounded twice on every processor: results must not depend on whether it can do without.
# Kernels for one kind of CPU differ (cpu_targets.cmake).
add_compile_options(-ffp-contract=off)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

add_library(brt_compiler_flags INTERFACE)
target_compile_options(brt_compiler_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion)
target_include_directories(brt_compiler_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
if(BRT_WARNINGS_AS_ERRORS)
  target_compile_options(brt_compiler_flags INTERFACE -Werror)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Debug" OR BRT_SANITIZE OR BRT_FUZZ)
  target_compile_definitions(brt_compiler_flags INTERFACE BRT_ASSERTIONS=1)
endif()
if(BRT_SANITIZE)
  add_compile_options(-fsanitize=${BRT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BRT_SANITIZE})
endif()

if(BRT_FUZZ)
  # A number of a file that no integer holds is undefined behaviour too, which "undefined" leaves out.
  set(sanitizers address,undefined,float-cast-overflow)
  add_compile_options(-fsanitize=fuzzer-no-link,${sanitizers} -fno-sanitize-recover=all -g1)
  add_link_options(-fsanitize=${sanitizers})
endif()

find_program(BRT_CCACHE ccache)
if(BRT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${BRT_CCACHE})
endif()
