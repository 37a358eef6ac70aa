# Which derivload is run: DERIVLOAD_EXECUTABLE, else the one that was installed with this folder,
# else the first on PATH, else the first python3 that can import it.
#
# What belongs to this folder is looked for at every configure step, so that another derivload_DIR
# is another derivload. The command that PATH led to is kept in CMakeCache.txt: another PATH at the
# next configure step is no reason to run it again.

# Sets the global property DERIVLOAD_COMMAND, and `problem` to a sentence, or to "" when all is well.
function(_derivload_find_command problem)
  set(${problem} "" PARENT_SCOPE)
  if(NOT "${DERIVLOAD_EXECUTABLE}" STREQUAL "" AND NOT DERIVLOAD_EXECUTABLE MATCHES "-NOTFOUND$")
    set(command "${DERIVLOAD_EXECUTABLE}")
    if(NOT IS_ABSOLUTE "${command}" OR NOT EXISTS "${command}" OR IS_DIRECTORY "${command}")
      set(${problem}
          "DERIVLOAD_EXECUTABLE is \"${command}\", which is no file: write the absolute path of the \
derivload command, -DDERIVLOAD_EXECUTABLE=/path/to/bin/derivload, or -UDERIVLOAD_EXECUTABLE to have \
it looked for."
          PARENT_SCOPE)
      return()
    endif()
  else()
    _derivload_look_for_command(command)
  endif()
  if(NOT command)
    set(${problem}
        "there is no derivload here: install it (pip install derivload), or name it with \
-DDERIVLOAD_EXECUTABLE=/path/to/bin/derivload."
        PARENT_SCOPE)
    return()
  endif()
  _derivload_version_problem("${command}" found)
  set(${problem} "${found}" PARENT_SCOPE)
  set_property(GLOBAL PROPERTY DERIVLOAD_COMMAND "${command}")
endfunction()

function(_derivload_look_for_command result)
  file(REAL_PATH "${CMAKE_CURRENT_FUNCTION_LIST_DIR}" here)
  set(prefix "${here}/../.venv") # in a checkout, what script/env makes
  if(EXISTS "${here}/../cli.py")
    cmake_path(SET prefix NORMALIZE "${here}/../..") # pip install --target
  endif()
  foreach(installed IN ITEMS "share/cmake/derivload"
                             "[Ll]ib[0-9]*(/python[^/]*)?/(site|dist)-packages/derivload/cmake")
    if(here MATCHES "^(.*)/${installed}$")
      set(prefix "${CMAKE_MATCH_1}")
    endif()
  endforeach()
  find_program(_derivload_own NAMES derivload HINTS "${prefix}/bin" "${prefix}/Scripts"
               NO_DEFAULT_PATH)
  set(own "${_derivload_own}")
  unset(_derivload_own CACHE)
  if(own)
    get_filename_component(own "${own}" ABSOLUTE)
    set(${result} "${own}" PARENT_SCOPE)
    return()
  endif()
  find_program(DERIVLOAD_EXECUTABLE NAMES derivload DOC "The derivload that is run")
  if(DERIVLOAD_EXECUTABLE)
    set(${result} "${DERIVLOAD_EXECUTABLE}" PARENT_SCOPE)
    return()
  endif()
  find_program(_derivload_python NAMES python3 python)
  set(python "${_derivload_python}")
  unset(_derivload_python CACHE)
  if(python)
    execute_process(COMMAND "${python}" -c "import derivload"
                    RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
    if(status EQUAL 0)
      set(${result} "${python}" -m derivload PARENT_SCOPE)
      return()
    endif()
  endif()
  set(${result} "" PARENT_SCOPE)
endfunction()

# `result` is "" for a command that runs and is of this package's version.
function(_derivload_version_problem command result)
  include("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/derivloadConfigVersion.cmake")
  execute_process(COMMAND ${command} --version
                  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_STRIP_TRAILING_WHITESPACE)
  string(REPLACE ";" " " shown "${command}")
  if(NOT status EQUAL 0 OR NOT output MATCHES "^derivload ")
    set(${result}
        "\"${shown} --version\" does not answer as derivload does: name a derivload that runs, with \
-DDERIVLOAD_EXECUTABLE=/path/to/bin/derivload. It said: ${status} ${output} ${errors}"
        PARENT_SCOPE)
  elseif(NOT output STREQUAL "derivload ${PACKAGE_VERSION}")
    set(${result}
        "\"${shown}\" is ${output}, and the package in ${CMAKE_CURRENT_FUNCTION_LIST_DIR} is of \
derivload ${PACKAGE_VERSION}: write -Dderivload_DIR=\$(derivload --cmake-dir) with the derivload \
that is to run, or name another with -DDERIVLOAD_EXECUTABLE=/path/to/bin/derivload."
        PARENT_SCOPE)
  else()
    set(${result} "" PARENT_SCOPE)
  endif()
endfunction()
