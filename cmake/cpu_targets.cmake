# SPDX-License-Identifier: Apache-2.0
# Kernels for one kind of CPU: src/kernels/*_TARGET.cpp are compiled for it, and no other file is.

# Called in src/, where source properties must be set.
function(brt_set_cpu_flags)
  set(kernels ${CMAKE_CURRENT_SOURCE_DIR}/kernels)
  file(GLOB all CONFIGURE_DEPENDS ${kernels}/*.cpp)
  # Nobody reads the floating-point exception flags; kept exact, they forbid vectors of selects.
  set(optimize -O3 -fno-trapping-math)
  set_source_files_properties(${all} PROPERTIES COMPILE_OPTIONS "${optimize}")

  # Elsewhere a * b + c is rounded twice on every processor (cmake/compiler.cmake).
  set(fused -ffp-contract=fast)
  set(avx2 ${fused} -mavx2 -mfma -mf16c)
  set(avx512 ${avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
  set(flags_avx2 ${avx2})
  set(flags_avx2vnni ${avx2} -mavxvnni)
  set(flags_avx512 ${avx512})
  set(flags_avx512vnni ${avx512} -mavx512vnni)
  set(flags_avx512bf16 ${avx512} -mavx512bf16)
  set(flags_amx ${avx512} -mavx512bf16 -mamx-tile -mamx-bf16 -mamx-int8)
  set(flags_portable256 -mavx2)
  set(flags_portable512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
  set(flags_neon ${fused})
  set(x86 portable256 portable512 avx2 avx2vnni avx512 avx512vnni avx512bf16 amx)
  # With exceptions, a destructor's tables name a symbol that other files define too.
  foreach(target IN LISTS x86 ITEMS neon)
    file(GLOB files CONFIGURE_DEPENDS ${kernels}/*_${target}.cpp)
    if((target IN_LIST x86 AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
       OR (target STREQUAL "neon" AND CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64|ARM64"))
      set_source_files_properties(${files} PROPERTIES COMPILE_OPTIONS "${optimize};-fno-exceptions;${flags_${target}}")
    else()
      set_source_files_properties(${files} PROPERTIES HEADER_FILE_ONLY ON)
    endif()
  endforeach()
endfunction()
