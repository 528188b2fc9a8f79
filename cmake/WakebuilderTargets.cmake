# How modules and programs are declared.

# Not exported: our warnings are no business of those who use the library.
add_library(wakebuilder_warnings INTERFACE)
target_compile_options(wakebuilder_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wdouble-promotion -Wcast-qual -Wundef
  # g++ 12 sees overlaps in std::string operations that are not there (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)

# What modules, programs and tests have in common.
function(wakebuilder_set_defaults target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:wakebuilder_warnings>)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_compile_definitions(${target} PRIVATE "WAKEBUILDER_VERSION=\"${PROJECT_VERSION}\"")
endfunction()

# wakebuilder_add_module(
#   NAME <module>            static library wakebuilder_<module>, alias wakebuilder::<module>
#   SOURCES <file>...        relative to src/<module>/
#   [HEADERS <file>...]      public ones, relative to include/wakebuilder/<module>/; they are installed
#   [DEPENDS <module>...]    modules, linked PUBLIC
#   [PUBLIC_LIBS <target>...]  third parties that public headers need
#   [PRIVATE_LIBS <target>...] third parties that stay inside)
#
# Sources include private headers as "core/json.h", relative to src/. A module without HEADERS is
# not installed.
function(wakebuilder_add_module)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME"
    "SOURCES;HEADERS;DEPENDS;PUBLIC_LIBS;PRIVATE_LIBS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "wakebuilder_add_module(${arg_NAME}): unknown ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(target wakebuilder_${arg_NAME})
  add_library(${target} STATIC ${arg_SOURCES})
  add_library(wakebuilder::${arg_NAME} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${arg_NAME})
  wakebuilder_set_defaults(${target})

  list(TRANSFORM arg_HEADERS
    PREPEND "${PROJECT_SOURCE_DIR}/include/wakebuilder/${arg_NAME}/" OUTPUT_VARIABLE headers)
  target_sources(${target} PUBLIC FILE_SET HEADERS
    BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${headers})
  list(TRANSFORM arg_DEPENDS PREPEND "wakebuilder::")
  target_link_libraries(${target}
    PUBLIC ${arg_DEPENDS} ${arg_PUBLIC_LIBS} PRIVATE ${arg_PRIVATE_LIBS})
  if(headers)
    set_property(GLOBAL APPEND PROPERTY WAKEBUILDER_INSTALLED_MODULES ${target})
  endif()
endfunction()

# wakebuilder_add_program(NAME <program> SOURCES <file>... [DEPENDS <module>...] [PRIVATE_LIBS <target>...])
function(wakebuilder_add_program)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SOURCES;DEPENDS;PRIVATE_LIBS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "wakebuilder_add_program(${arg_NAME}): unknown ${arg_UNPARSED_ARGUMENTS}")
  endif()
  add_executable(${arg_NAME} ${arg_SOURCES})
  wakebuilder_set_defaults(${arg_NAME})
  list(TRANSFORM arg_DEPENDS PREPEND "wakebuilder::")
  target_link_libraries(${arg_NAME} PRIVATE ${arg_DEPENDS} ${arg_PRIVATE_LIBS})
  set_property(GLOBAL APPEND PROPERTY WAKEBUILDER_INSTALLED_PROGRAMS ${arg_NAME})
endfunction()

# wakebuilder_add_c_program(NAME <program> SOURCES <file>...): a user of the C interface, in strict C99.
function(wakebuilder_add_c_program)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SOURCES")
  add_executable(${arg_NAME} ${arg_SOURCES})
  set_target_properties(${arg_NAME} PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
  target_compile_options(${arg_NAME} PRIVATE -Wall -Wextra -Werror -pedantic -Wshadow -Wconversion)
  target_link_libraries(${arg_NAME} PRIVATE wakebuilder::capi)
endfunction()
