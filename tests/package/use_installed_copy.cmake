# Run with cmake -P; see CMakeLists.txt beside this file for the variables.
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE "${WORK_DIR}")
run("${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${WORK_DIR}/prefix")
run("${CMAKE_COMMAND}" -S "${SOURCE_DIR}" -B "${WORK_DIR}/build" -G "${GENERATOR}"
  "-DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix" "-DCMAKE_CXX_COMPILER=${CXX_COMPILER}"
  "-DCMAKE_CXX_FLAGS=${CXX_FLAGS}" "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}")
run("${CMAKE_COMMAND}" --build "${WORK_DIR}/build")
run("${WORK_DIR}/build/outside")
run("${WORK_DIR}/prefix/bin/wakebuilder" --version)

# The C interface, by find_package and by pkg-config, without any of the packages of C++.
run("${CMAKE_COMMAND}" -S "${C_SOURCE_DIR}" -B "${WORK_DIR}/build_c" -G "${GENERATOR}"
  "-DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix" "-DCMAKE_C_COMPILER=${C_COMPILER}"
  "-DCMAKE_C_FLAGS=${C_FLAGS}" "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}")
run("${CMAKE_COMMAND}" --build "${WORK_DIR}/build_c")
run("${WORK_DIR}/build_c/outside_c")

set(ENV{PKG_CONFIG_PATH} "${WORK_DIR}/prefix/${LIB_DIR}/pkgconfig")
execute_process(COMMAND "${PKG_CONFIG}" --cflags --libs wakebuilder
  OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags UNIX_COMMAND "${C_FLAGS} ${C_SOURCE_DIR}/outside.c ${flags}")
run("${C_COMPILER}" -o "${WORK_DIR}/outside_pkg" ${flags})
set(ENV{LD_LIBRARY_PATH} "${WORK_DIR}/prefix/${LIB_DIR}")
run("${WORK_DIR}/outside_pkg")
file(REMOVE_RECURSE "${WORK_DIR}")
