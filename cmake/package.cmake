# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts in place: the program, the library with its headers, and what to read.
# LibTorch is not part of it; the program looks for it beside its own folder (docs/installing.md). The
# library needs none.
set_target_properties(brt PROPERTIES INSTALL_RPATH "$ORIGIN/../libtorch/lib")
install(TARGETS brt RUNTIME DESTINATION bin)
install(TARGETS brt_shared LIBRARY DESTINATION lib)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/brt DESTINATION include)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/c DESTINATION examples)
configure_file(${PROJECT_SOURCE_DIR}/cmake/brt.pc.in ${CMAKE_BINARY_DIR}/brt.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/brt.pc DESTINATION lib/pkgconfig)
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION .)
install(FILES ${PROJECT_SOURCE_DIR}/docs/installing.md DESTINATION . RENAME LIBTORCH.md)
