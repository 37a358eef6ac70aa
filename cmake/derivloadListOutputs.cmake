# Which files derivload will write, by absolute paths: known when CMake runs, for what depends on
# one of them names it.
#
# Those of PyTorch's generators are what these themselves write for no function at all. Any module
# of theirs may have a hand in that, so CMake runs again when one was edited. The inputs have none.

function(_derivload_list_documents result)
  set(documents "")
  if(NOT DEFINED arg_SHARDS)
    list(APPEND documents "${arg_OUTPUT_DIR}/differentiability.json")
  else()
    math(EXPR last "${arg_SHARDS} - 1")
    foreach(shard RANGE ${last})
      list(APPEND documents "${arg_OUTPUT_DIR}/differentiability_${shard}.json")
    endforeach()
  endif()
  list(APPEND documents "${arg_OUTPUT_DIR}/functions.json")
  if(arg_PLACES)
    list(APPEND documents "${arg_OUTPUT_DIR}/places.json")
  endif()
  list(APPEND documents "${arg_OUTPUT_DIR}/manifest.json")
  set(${result} "${documents}" PARENT_SCOPE)
endfunction()

function(_derivload_list_generated name result)
  set(options --pytorch "${arg_PYTORCH_DIR}" --out-dir "${arg_OUTPUT_DIR}" --list-outputs)
  if(DEFINED arg_TORCH_VERSION)
    list(APPEND options --torch-version "${arg_TORCH_VERSION}")
  endif()
  if(DEFINED arg_SUBSET)
    list(APPEND options --subset "${arg_SUBSET}")
  endif()
  if(arg_DISABLE_AUTOGRAD)
    list(APPEND options --disable-autograd)
  endif()
  _derivload_settings_options(settings)
  list(APPEND options ${settings})
  get_property(command GLOBAL PROPERTY DERIVLOAD_COMMAND)
  execute_process(COMMAND ${command} codegen ${options}
                  RESULT_VARIABLE status OUTPUT_VARIABLE names ERROR_VARIABLE errors
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_STRIP_TRAILING_WHITESPACE)
  if(status EQUAL 0)
    string(REGEX REPLACE "\r?\n" ";" names "${names}")
    list(TRANSFORM names PREPEND "${arg_OUTPUT_DIR}/")
  else()
    # Somebody is at work on a generator: the build shows where it fails.
    _derivload_listed_before("${name}" "${arg_OUTPUT_DIR}" names)
  endif()
  if(NOT names)
    _derivload_stop("${name}" "PYTORCH_DIR is ${arg_PYTORCH_DIR}, and its generators do not tell \
what they write: write a checkout, or a folder with a whole torchgen. It said: ${errors}")
  endif()
  set(${result} "${names}" PARENT_SCOPE)
endfunction()

# Has CMake run again when a module of PyTorch's generators was edited.
function(_derivload_configure_with_generators)
  _derivload_find_pytorch(torchgen autograd)
  file(GLOB_RECURSE modules RELATIVE "${torchgen}" "${torchgen}/*.py")
  list(FILTER modules EXCLUDE REGEX "^packaged/") # in a checkout, copies that a build made
  list(TRANSFORM modules PREPEND "${torchgen}/")
  file(GLOB_RECURSE generators "${autograd}/*.py")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${modules} ${generators})
endfunction()

# Notes what a target writes in a folder. When all targets of the project are known, what was written
# there at the configure step before, and is not any more, is removed. `stamp` is derivload's own.
function(_derivload_note_outputs name folder outputs stamp)
  string(SHA256 key "${folder}")
  get_property(now GLOBAL PROPERTY "DERIVLOAD_NOW_${key}")
  if(NOT now)
    cmake_language(EVAL CODE "cmake_language(DEFER DIRECTORY [==[${CMAKE_SOURCE_DIR}]==]
                                             CALL _derivload_remove_unlisted [==[${folder}]==])")
  endif()
  set_property(GLOBAL APPEND PROPERTY "DERIVLOAD_NOW_${key}" ${outputs} "${stamp}")
  string(SHA256 own "${folder} ${name}")
  set(_DERIVLOAD_OUTPUTS_${own} "${outputs}" CACHE INTERNAL "What ${name} writes in ${folder}")
endfunction()

function(_derivload_remove_unlisted folder)
  string(SHA256 key "${folder}")
  get_property(now GLOBAL PROPERTY "DERIVLOAD_NOW_${key}")
  foreach(file IN LISTS _DERIVLOAD_WRITTEN_${key})
    if(NOT file IN_LIST now)
      file(REMOVE "${file}")
    endif()
  endforeach()
  set(_DERIVLOAD_WRITTEN_${key} "${now}" CACHE INTERNAL "What derivload writes in ${folder}")
endfunction()

function(_derivload_listed_before name folder result)
  string(SHA256 own "${folder} ${name}")
  set(${result} "${_DERIVLOAD_OUTPUTS_${own}}" PARENT_SCOPE)
endfunction()
