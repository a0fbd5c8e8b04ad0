# SPDX-License-Identifier: Apache-2.0
# Kernels for one kind of CPU: src/kernels/*_TARGET.cpp are compiled for it, and no other file is.

# Called in src/, where source properties must be set.
function(brt_set_cpu_flags)
  file(GLOB kernels CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kernels/*.cpp)
  # Nobody reads the floating-point exception flags; kept exact, they forbid vectors of selects.
  set(optimize -O3 -fno-trapping-math)
  set_source_files_properties(${kernels} PROPERTIES COMPILE_OPTIONS "${optimize}")
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    file(GLOB others CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kernels/*_avx512*.cpp
         ${CMAKE_CURRENT_SOURCE_DIR}/kernels/*_amx.cpp)
    set_source_files_properties(${others} PROPERTIES HEADER_FILE_ONLY ON)
    return()
  endif()
  set(avx512 ${optimize} -mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
  file(GLOB avx512_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kernels/*_avx512.cpp)
  file(GLOB vnni_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kernels/*_avx512vnni.cpp)
  file(GLOB bf16_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kernels/*_avx512bf16.cpp)
  file(GLOB amx_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kernels/*_amx.cpp)
  if(avx512_files)
    set_source_files_properties(${avx512_files} PROPERTIES COMPILE_OPTIONS "${avx512}")
  endif()
  if(vnni_files)
    set_source_files_properties(${vnni_files} PROPERTIES COMPILE_OPTIONS "${avx512};-mavx512vnni")
  endif()
  if(bf16_files)
    set_source_files_properties(${bf16_files} PROPERTIES COMPILE_OPTIONS "${avx512};-mavx512bf16")
  endif()
  if(amx_files)  # with exceptions, a destructor's tables name a symbol that other files define too
    set_source_files_properties(${amx_files} PROPERTIES COMPILE_OPTIONS
                                "${avx512};-mavx512bf16;-mamx-tile;-mamx-bf16;-mamx-int8;-fno-exceptions")
  endif()
endfunction()
