# Every third-party package is found here, so that a missing one is named before anything is built.
# Installed by scripts/setup.sh; nothing is downloaded. cmake/wakebuilderConfig.cmake.in repeats the list.

find_package(tl-expected REQUIRED)     # tl::expected
find_package(nlohmann_json REQUIRED)   # nlohmann_json::nlohmann_json
find_package(OpenSSL REQUIRED)         # OpenSSL::Crypto
find_package(ZLIB REQUIRED)            # ZLIB::ZLIB
find_package(PNG REQUIRED)             # PNG::PNG
find_package(PkgConfig REQUIRED)
pkg_check_modules(sndfile REQUIRED IMPORTED_TARGET sndfile>=1.1)  # PkgConfig::sndfile; MP3 from 1.1 on
pkg_check_modules(soxr REQUIRED IMPORTED_TARGET soxr)             # PkgConfig::soxr
pkg_check_modules(portaudio REQUIRED IMPORTED_TARGET portaudio-2.0)  # PkgConfig::portaudio
pkg_check_modules(alsa REQUIRED IMPORTED_TARGET alsa)             # PkgConfig::alsa, which PortAudio uses
pkg_check_modules(kissfft REQUIRED IMPORTED_TARGET kissfft-float)  # PkgConfig::kissfft
find_package(CLI11 REQUIRED)           # CLI11::CLI11
find_package(Threads REQUIRED)         # Threads::Threads
find_package(Protobuf REQUIRED)        # protobuf::libprotobuf, which ONNX's package file needs
find_package(ONNX REQUIRED)

# The ONNX library: operator schemas, checker, shape inference and the protobuf messages.
add_library(wakebuilder_libonnx INTERFACE)
set_target_properties(wakebuilder_libonnx PROPERTIES EXPORT_NAME libonnx)
if(TARGET ONNX::onnx)
  # 1.17 (Debian 13): the plain name would lose ONNX_ML.
  target_link_libraries(wakebuilder_libonnx
    INTERFACE ONNX::onnx ONNX::onnx_proto protobuf::libprotobuf)
else()
  # 1.12 (Debian 12)
  target_link_libraries(wakebuilder_libonnx INTERFACE onnx onnx_proto protobuf::libprotobuf)
  target_compile_definitions(wakebuilder_libonnx INTERFACE ONNX_NAMESPACE=onnx ONNX_ML=1)
endif()

# flite, which has neither a CMake nor a pkg-config file: the engine, English, and five voices.
find_path(WAKEBUILDER_FLITE_INCLUDE_DIR flite/flite.h)
set(flite_names flite_cmu_us_awb flite_cmu_us_kal flite_cmu_us_kal16 flite_cmu_us_rms flite_cmu_us_slt
  flite_usenglish flite_cmulex flite)
add_library(wakebuilder_flite INTERFACE)
set_target_properties(wakebuilder_flite PROPERTIES EXPORT_NAME flite)
foreach(name IN LISTS flite_names)
  string(TOUPPER "WAKEBUILDER_${name}_LIBRARY" variable)
  find_library(${variable} ${name})
  mark_as_advanced(${variable})
  if(NOT WAKEBUILDER_FLITE_INCLUDE_DIR OR NOT ${variable})
    message(FATAL_ERROR "lib${name} and its headers are not installed. Run scripts/setup.sh, or install flite1-dev")
  endif()
  target_link_libraries(wakebuilder_flite INTERFACE "$<BUILD_INTERFACE:${${variable}}>" "$<INSTALL_INTERFACE:${name}>")
endforeach()
target_link_libraries(wakebuilder_flite INTERFACE m)
target_include_directories(wakebuilder_flite SYSTEM INTERFACE "$<BUILD_INTERFACE:${WAKEBUILDER_FLITE_INCLUDE_DIR}>")

# ONNX Runtime: headers only. The library is opened with dlopen.
if(WAKEBUILDER_WITH_ORT)
  if(NOT EXISTS "${WAKEBUILDER_ONNXRUNTIME_INCLUDE_DIR}/onnxruntime_c_api.h")
    message(FATAL_ERROR
      "onnxruntime_c_api.h is not in ${WAKEBUILDER_ONNXRUNTIME_INCLUDE_DIR}. Run scripts/setup.sh, "
      "set WAKEBUILDER_ONNXRUNTIME_INCLUDE_DIR, or build without it: -DWAKEBUILDER_WITH_ORT=OFF")
  endif()
  add_library(wakebuilder_onnxruntime_headers INTERFACE)
  set_target_properties(wakebuilder_onnxruntime_headers PROPERTIES EXPORT_NAME onnxruntime_headers)
  target_include_directories(wakebuilder_onnxruntime_headers SYSTEM
    INTERFACE "$<BUILD_INTERFACE:${WAKEBUILDER_ONNXRUNTIME_INCLUDE_DIR}>")
  target_link_libraries(wakebuilder_onnxruntime_headers INTERFACE ${CMAKE_DL_LIBS})
endif()

# libtorch: for training alone. Its package sets the flags of everything that it is found in, so only the
# files are looked for.
if(WAKEBUILDER_WITH_TORCH)
  find_library(WAKEBUILDER_TORCH_LIBRARY torch)
  find_library(WAKEBUILDER_TORCH_CPU_LIBRARY torch_cpu)
  find_library(WAKEBUILDER_C10_LIBRARY c10)
  mark_as_advanced(WAKEBUILDER_TORCH_LIBRARY WAKEBUILDER_TORCH_CPU_LIBRARY WAKEBUILDER_C10_LIBRARY)
  if(NOT WAKEBUILDER_TORCH_INCLUDE_DIR OR NOT WAKEBUILDER_TORCH_CPU_LIBRARY OR NOT WAKEBUILDER_C10_LIBRARY)
    message(FATAL_ERROR
      "libtorch was not found. Run scripts/setup.sh, or build without training: -DWAKEBUILDER_WITH_TORCH=OFF")
  endif()
  add_library(wakebuilder_libtorch INTERFACE)
  set_target_properties(wakebuilder_libtorch PROPERTIES EXPORT_NAME libtorch)
  target_include_directories(wakebuilder_libtorch SYSTEM
    INTERFACE "$<BUILD_INTERFACE:${WAKEBUILDER_TORCH_INCLUDE_DIR}>")
  target_link_libraries(wakebuilder_libtorch INTERFACE
    "${WAKEBUILDER_TORCH_LIBRARY}" "${WAKEBUILDER_TORCH_CPU_LIBRARY}" "${WAKEBUILDER_C10_LIBRARY}")
endif()
