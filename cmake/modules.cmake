# SPDX-License-Identifier: Apache-2.0
# One static library per folder of src/, one test program per folder of tests/.

# brt_add_module(NAME [TORCH] [DEPS target...]): src/NAME/*.cpp becomes the library brt_NAME.
function(brt_add_module name)
  cmake_parse_arguments(ARG "TORCH" "" "DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  if(NOT sources)
    add_library(brt_${name} INTERFACE)
    target_link_libraries(brt_${name} INTERFACE brt_compiler_flags ${ARG_DEPS})
    return()
  endif()
  add_library(brt_${name} STATIC ${sources})
  target_link_libraries(brt_${name} PUBLIC brt_compiler_flags ${ARG_DEPS})
  if(ARG_TORCH)
    target_link_libraries(brt_${name} PUBLIC brt_torch)
    brt_use_precompiled_header(brt_${name})
  endif()
endfunction()

# brt_add_test(NAME [TORCH] [DEPS target...]): tests/NAME/*_test.cpp becomes the program NAME_test.
function(brt_add_test name)
  cmake_parse_arguments(ARG "TORCH" "" "DEPS;LABELS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name}_test ${sources})
  target_include_directories(${name}_test PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(${name}_test PRIVATE BRT_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_link_libraries(${name}_test PRIVATE ${ARG_DEPS} GTest::gtest_main)
  if(ARG_TORCH)
    brt_use_precompiled_header(${name}_test)
  endif()
  if("unit" IN_LIST ARG_LABELS)
    add_dependencies(unit_tests ${name}_test)
  endif()
  # Tests run side by side, one thread each: tensors of their size gain nothing from more.
  gtest_discover_tests(${name}_test DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS "${ARG_LABELS}" ENVIRONMENT OMP_NUM_THREADS=1)
endfunction()

# One precompiled header serves every target that uses LibTorch: what modules need. All of
# <torch/torch.h> would cost each file 5 s more.
function(brt_use_precompiled_header target)
  if(NOT BRT_PRECOMPILED_HEADER)
    return()
  endif()
  if(NOT TARGET brt_precompiled)
    file(WRITE ${CMAKE_BINARY_DIR}/precompiled.cpp "")
    add_library(brt_precompiled STATIC ${CMAKE_BINARY_DIR}/precompiled.cpp)
    target_link_libraries(brt_precompiled PUBLIC brt_compiler_flags brt_torch)
    target_precompile_headers(brt_precompiled PRIVATE <torch/nn/module.h> <torch/nn/pimpl.h>)
  endif()
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    # -fPIE, CMake's choice for programs, would make g++ reject the header that was made with -fPIC.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
  target_precompile_headers(${target} REUSE_FROM brt_precompiled)
endfunction()
