# cmake --install: the library, its headers, and what find_package(zsn2m CONFIG) reads.

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/zsn2m")

install(TARGETS zsn2m EXPORT zsn2m-targets)
install(DIRECTORY include/zsn2m DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT zsn2m-targets NAMESPACE zsn2m:: DESTINATION "${package_dir}")

configure_package_config_file(cmake/zsn2m-config.cmake.in zsn2m-config.cmake INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file(zsn2m-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/zsn2m-config.cmake" "${CMAKE_CURRENT_BINARY_DIR}/zsn2m-config-version.cmake"
    DESTINATION "${package_dir}")
