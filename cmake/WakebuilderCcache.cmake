# Compiles through ccache where it is installed and nothing else was asked for.
if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(WAKEBUILDER_CCACHE ccache)
  mark_as_advanced(WAKEBUILDER_CCACHE)
  if(WAKEBUILDER_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${WAKEBUILDER_CCACHE}")
  endif()
endif()
