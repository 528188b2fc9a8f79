# Run with cmake -P; see CMakeLists.txt beside this file for the variables.
# The library exports each function of the header, with the version, and nothing else.
file(STRINGS "${HEADER}" lines REGEX "WAKEBUILDER_API .*wakebuilder_[a-z0-9_]+\\(")
set(wanted "WAKEBUILDER_${VERSION}")
foreach(line IN LISTS lines)
  string(REGEX REPLACE ".*(wakebuilder_[a-z0-9_]+)\\(.*" "\\1" name "${line}")
  list(APPEND wanted "${name}@@WAKEBUILDER_${VERSION}")
endforeach()
list(LENGTH wanted count)
if(count LESS 15)
  message(FATAL_ERROR "expected at least 14 functions in ${HEADER}, found: ${wanted}")
endif()

execute_process(COMMAND "${NM}" -D --defined-only "${LIBRARY}"
  OUTPUT_VARIABLE symbols OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE "[0-9a-f]+ [A-Za-z] " "" found "${symbols}")
string(REPLACE "\n" ";" found "${found}")
list(SORT wanted)
list(SORT found)
if(NOT found STREQUAL wanted)
  message(FATAL_ERROR "expected the symbols\n  ${wanted}\nfound\n  ${found}")
endif()

execute_process(COMMAND "${READELF}" -d "${LIBRARY}" OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
if(NOT dynamic MATCHES "soname: \\[libwakebuilder\\.so\\.${VERSION}\\]")
  message(FATAL_ERROR "expected the soname libwakebuilder.so.${VERSION}, found:\n${dynamic}")
endif()
# ONNX Runtime is opened at run time, and what only exports need stays out.
if(dynamic MATCHES "NEEDED[^\n]*(onnx|protobuf|sndfile|soxr|kissfft|png|crypto|portaudio|asound)")
  message(FATAL_ERROR "expected no third party to be needed, found ${CMAKE_MATCH_1}:\n${dynamic}")
endif()
