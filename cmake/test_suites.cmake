# SPDX-License-Identifier: Apache-2.0
# Read by ctest, not by CMake: adds a test for each suite of a test program, run in one process, as
# LibTorch takes longer to load than most cases to run. Needs `program`, `emulator` (what runs it, if
# it is for another processor), `name`, `labels`, `timeout` and `results`, the folder in which each
# suite leaves its cases (tools/count_tests.py reads them).
cmake_policy(VERSION 3.25)
if(NOT EXISTS ${program})
  add_test(${name}_NOT_BUILT ${program})
  return()
endif()

# Listing takes half a second with LibTorch: once a build.
set(list ${program}.cases)
if(${program} IS_NEWER_THAN ${list})
  execute_process(COMMAND ${emulator} ${program} --gtest_list_tests
    OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${program} does not list its tests:\n${output}")
  endif()
  file(WRITE ${list} "${output}")
endif()

# Lines "Suite." begin a suite, lines "  Case" are its cases; behind # stand types and values.
file(READ ${list} lines)
string(REGEX REPLACE " *#[^\n]*" "" lines "${lines}")
string(REPLACE "\n" ";" lines "${lines}")
set(suites)
foreach(line IN LISTS lines)
  if(line MATCHES "^([^ ]+)\\.$")
    set(suite ${CMAKE_MATCH_1})
    list(APPEND suites ${suite})
    set(cases_${suite} 0)
  elseif(line MATCHES "^  [^ ]")
    math(EXPR cases_${suite} "${cases_${suite}} + 1")
  endif()
endforeach()

foreach(suite IN LISTS suites)
  string(REPLACE "/" "." file ${name}.${suite}.xml)
  add_test(${name}.${suite} ${emulator} ${program} --gtest_filter=${suite}.* --gtest_output=xml:${results}/${file})
  # The long ones begin first, so that none is left alone at the end: those of whole programs, then
  # those of many cases.
  set(cost ${cases_${suite}})
  if("e2e" IN_LIST labels)
    math(EXPR cost "${cost} + 1000")
  endif()
  # Suites run side by side, one thread each: tensors of their size gain nothing from more.
  set_tests_properties(${name}.${suite} PROPERTIES LABELS "${labels}" COST ${cost}
    TIMEOUT ${timeout} ENVIRONMENT OMP_NUM_THREADS=1)
endforeach()
