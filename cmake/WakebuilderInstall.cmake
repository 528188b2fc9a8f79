# Programs, static libraries, headers and the package files for find_package(wakebuilder).
include(CMakePackageConfigHelpers)

get_property(modules GLOBAL PROPERTY WAKEBUILDER_INSTALLED_MODULES)
get_property(programs GLOBAL PROPERTY WAKEBUILDER_INSTALLED_PROGRAMS)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/wakebuilder")

if(programs)
  install(TARGETS ${programs} RUNTIME)
endif()
if(modules)
  set(helpers wakebuilder_libonnx wakebuilder_flite)
  if(TARGET wakebuilder_onnxruntime_headers)
    list(APPEND helpers wakebuilder_onnxruntime_headers)
  endif()
  install(TARGETS ${modules} ${helpers} EXPORT wakebuilderTargets ARCHIVE FILE_SET HEADERS)
  install(EXPORT wakebuilderTargets NAMESPACE wakebuilder:: DESTINATION "${package_dir}")
  if(TARGET wakebuilder_capi)
    # Apart from the others, which want the packages that they are built from.
    install(TARGETS wakebuilder_capi EXPORT wakebuilderCapiTargets LIBRARY FILE_SET HEADERS)
    install(EXPORT wakebuilderCapiTargets NAMESPACE wakebuilder:: DESTINATION "${package_dir}")
  endif()
  configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/wakebuilderConfig.cmake.in" "${PROJECT_BINARY_DIR}/wakebuilderConfig.cmake"
    INSTALL_DESTINATION "${package_dir}" NO_SET_AND_CHECK_MACRO)
  write_basic_package_version_file("${PROJECT_BINARY_DIR}/wakebuilderConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion)
  install(FILES
    "${PROJECT_BINARY_DIR}/wakebuilderConfig.cmake" "${PROJECT_BINARY_DIR}/wakebuilderConfigVersion.cmake"
    DESTINATION "${package_dir}")
endif()
