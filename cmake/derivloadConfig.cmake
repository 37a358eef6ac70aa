# The CMake package of derivload: find_package(derivload CONFIG).
#
# Finds the derivload to run, checks that it is of this package's version, and defines
# derivload_codegen_inputs(), which docs/cmake.md describes. CMake 3.20 is the first whose Ninja
# and Makefile generators both read the DEPFILE of a custom command.
#
# Which derivload is run is kept in a global property: the function is known in every directory,
# the variables of the directory that called find_package are not.

if(CMAKE_VERSION VERSION_LESS 3.20)
  set(derivload_FOUND FALSE)
  set(derivload_NOT_FOUND_MESSAGE
      "derivload needs CMake 3.20 or newer, and this is ${CMAKE_VERSION}: install a newer one.")
  return()
endif()
# For what follows here alone, whatever the project that asks has set.
cmake_policy(VERSION 3.20...4.0)

include("${CMAKE_CURRENT_LIST_DIR}/derivloadFindCommand.cmake")
_derivload_find_command(_derivload_problem)
if(_derivload_problem)
  set(derivload_FOUND FALSE)
  set(derivload_NOT_FOUND_MESSAGE "${_derivload_problem}")
  return()
endif()
unset(_derivload_problem)

include("${CMAKE_CURRENT_LIST_DIR}/derivloadCodegenInputs.cmake")
