# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts in place: the program, the library with its headers and what finds it
# (CMake, pkg-config), recipes, books, golden cases, and what to read. Every path in it is relative,
# so that the tree works wherever it is unpacked. LibTorch is not part of it (docs/installing.md);
# tools/package.sh can add it.
include(CMakePackageConfigHelpers)

# The program stands behind a script that finds LibTorch, or says where it was looked for.
set_target_properties(brt PROPERTIES INSTALL_RPATH "$ORIGIN/../../libtorch/lib")
install(TARGETS brt RUNTIME DESTINATION libexec/brt)
configure_file(${PROJECT_SOURCE_DIR}/cmake/brt_launcher.sh.in ${CMAKE_BINARY_DIR}/brt_launcher.sh @ONLY)
install(PROGRAMS ${CMAKE_BINARY_DIR}/brt_launcher.sh DESTINATION bin RENAME brt)

# The library, which needs no LibTorch: find_package(brt) gives brt::brt.
set_target_properties(brt_shared PROPERTIES EXPORT_NAME brt)
install(TARGETS brt_shared EXPORT brt_targets LIBRARY DESTINATION lib INCLUDES DESTINATION include)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/brt DESTINATION include)
install(EXPORT brt_targets NAMESPACE brt:: FILE brtTargets.cmake DESTINATION lib/cmake/brt)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/brtConfig.cmake.in
  ${CMAKE_BINARY_DIR}/brtConfig.cmake INSTALL_DESTINATION lib/cmake/brt)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/brtConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)  # before 1.0 the interface may change with the minor version
install(FILES ${CMAKE_BINARY_DIR}/brtConfig.cmake ${CMAKE_BINARY_DIR}/brtConfigVersion.cmake
  DESTINATION lib/cmake/brt)
configure_file(${PROJECT_SOURCE_DIR}/cmake/brt.pc.in ${CMAKE_BINARY_DIR}/brt.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/brt.pc DESTINATION lib/pkgconfig)

# Operators for PyTorch, where LibTorch is that of Python.
set_target_properties(brt_torch_ops PROPERTIES INSTALL_RPATH "$ORIGIN/../libtorch/lib")
install(TARGETS brt_torch_ops LIBRARY DESTINATION lib)

# What the documents speak of and link to, where they expect it.
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CONTRIBUTING.md ${PROJECT_SOURCE_DIR}/LICENSE
  DESTINATION .)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs ${PROJECT_SOURCE_DIR}/recipes ${PROJECT_SOURCE_DIR}/src DESTINATION .)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/c ${PROJECT_SOURCE_DIR}/examples/python
  DESTINATION examples PATTERN __pycache__ EXCLUDE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/data DESTINATION . PATTERN prepared EXCLUDE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/tests/golden DESTINATION tests)
install(PROGRAMS ${PROJECT_SOURCE_DIR}/tools/compare_models.sh DESTINATION tools)
install(FILES ${PROJECT_SOURCE_DIR}/bench/peers/plain_torch.py DESTINATION bench/peers)
