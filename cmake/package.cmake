# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts in place: the program and what to read. LibTorch is not part of it; the
# program looks for it beside its own folder (docs/installing.md).
set_target_properties(brt PROPERTIES INSTALL_RPATH "$ORIGIN/../libtorch/lib")
install(TARGETS brt RUNTIME DESTINATION bin)
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION .)
install(FILES ${PROJECT_SOURCE_DIR}/docs/installing.md DESTINATION . RENAME LIBTORCH.md)
