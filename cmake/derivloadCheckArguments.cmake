# What is wrong with the arguments of derivload_codegen_inputs: one sentence, which stops the
# configure step and says what to write instead.

function(_derivload_stop name sentence)
  message(FATAL_ERROR "derivload_codegen_inputs(${name}): ${sentence}")
endfunction()

# What cmake_parse_arguments would take: a keyword in the name's place, or the same one twice.
function(_derivload_check_words name keywords words)
  if(name IN_LIST keywords)
    _derivload_stop("" "the target's name is missing: write it before ${name}.")
  endif()
  foreach(keyword IN LISTS keywords)
    set(found ${words})
    list(FILTER found INCLUDE REGEX "^${keyword}$")
    list(LENGTH found count)
    if(count GREATER 1)
      _derivload_stop("${name}" "${keyword} stands there ${count} times: write it once.")
    endif()
  endforeach()
  if(TARGET "${name}")
    _derivload_stop("${name}" "there is a target of that name already: give this one another.")
  endif()
endfunction()

# The arguments one by one; `keywords` are those that take a value.
function(_derivload_check_values name keywords words)
  if(arg_UNPARSED_ARGUMENTS)
    list(GET arg_UNPARSED_ARGUMENTS 0 word)
    list(JOIN keywords ", " known)
    _derivload_stop("${name}" "\"${word}\" is none of its arguments: write one of ${known} and a \
value, or CATALOGUE, CODEGEN, DISABLE_AUTOGRAD, NO_CACHE, OVERRIDE or PLACES.")
  endif()
  foreach(keyword IN LISTS keywords)
    if(keyword IN_LIST words AND "${arg_${keyword}}" STREQUAL "")
      _derivload_stop("${name}" "${keyword} has no value: write one after it, or leave it out.")
    endif()
  endforeach()
  if(NOT DEFINED arg_OUTPUT_DIR)
    _derivload_stop("${name}" "OUTPUT_DIR is missing: write OUTPUT_DIR and a folder for the \
documents, such as OUTPUT_DIR ${name}.")
  endif()
  if(DEFINED arg_SHARDS
     AND NOT (arg_SHARDS MATCHES "^[1-9][0-9]*$" AND arg_SHARDS LESS_EQUAL 10000))
    _derivload_stop("${name}" "SHARDS is \"${arg_SHARDS}\": write a number from 1 to 10000, or \
leave it out for one file.")
  endif()
  if(DEFINED arg_TORCH_VERSION AND NOT arg_TORCH_VERSION MATCHES "^[0-9]+\\.[0-9]+")
    _derivload_stop("${name}" "TORCH_VERSION is \"${arg_TORCH_VERSION}\": write it as X.Y, such as \
2.15.")
  endif()
  foreach(keyword IN ITEMS PYTORCH_DIR DERIVATIVES NATIVE_FUNCTIONS TAGS)
    if(arg_CATALOGUE AND DEFINED arg_${keyword})
      _derivload_stop("${name}" "CATALOGUE names all inputs: leave out ${keyword}, or CATALOGUE.")
    endif()
  endforeach()
  if(arg_NO_CACHE AND DEFINED arg_CACHE_DIR)
    _derivload_stop("${name}" "CACHE_DIR and NO_CACHE exclude each other: write one of them.")
  endif()
endfunction()

# What is for PyTorch's generators alone, and what is not for them.
function(_derivload_check_codegen name)
  if(NOT arg_CODEGEN)
    foreach(keyword IN ITEMS SUBSET DISABLE_AUTOGRAD SELECTED_OP_LIST_PATH OPERATORS_YAML_PATH)
      if(NOT "${arg_${keyword}}" MATCHES "^(FALSE)?$")
        _derivload_stop("${name}" "${keyword} is for PyTorch's generators: write CODEGEN too, or \
leave it out.")
      endif()
    endforeach()
    return()
  endif()
  if(NOT DEFINED arg_PYTORCH_DIR)
    _derivload_stop("${name}" "CODEGEN runs PyTorch's own generators: write PYTORCH_DIR and a \
checkout, or a folder with an installed or unpacked torchgen.")
  endif()
  if(DEFINED arg_SHARDS)
    _derivload_stop("${name}" "SHARDS is for documents, and PyTorch's generators have shards of \
their own: leave it out, or CODEGEN.")
  endif()
  if(arg_PLACES)
    _derivload_stop("${name}" "PLACES is for documents: leave it out, or CODEGEN.")
  endif()
  if(DEFINED arg_SUBSET AND NOT arg_SUBSET MATCHES "^(libtorch|pybindings|python|all)$")
    _derivload_stop("${name}" "SUBSET is \"${arg_SUBSET}\": write libtorch, pybindings, python or \
all.")
  endif()
  if(DEFINED arg_SELECTED_OP_LIST_PATH AND DEFINED arg_OPERATORS_YAML_PATH)
    _derivload_stop("${name}" "SELECTED_OP_LIST_PATH and OPERATORS_YAML_PATH exclude each other: \
write one of them.")
  endif()
endfunction()

# The inputs, by absolute paths. One that the build makes need not be there yet.
function(_derivload_check_inputs name)
  foreach(keyword IN LISTS files ITEMS SETTINGS)
    foreach(path IN LISTS arg_${keyword})
      get_property(generated SOURCE "${path}" PROPERTY GENERATED)
      if(NOT generated AND (NOT EXISTS "${path}" OR IS_DIRECTORY "${path}"))
        _derivload_stop("${name}" "${keyword} names ${path}, and there is no such file: write an \
absolute path, or one relative to ${CMAKE_CURRENT_SOURCE_DIR}.")
      endif()
    endforeach()
  endforeach()
  if(arg_PYTORCH_DIR)
    _derivload_check_pytorch("${name}")
  else()
    _derivload_check_files("${name}")
  endif()
endfunction()

function(_derivload_check_files name)
  if(arg_DERIVATIVES AND NOT arg_NATIVE_FUNCTIONS)
    _derivload_stop("${name}" "DERIVATIVES needs the functions that they are of: write \
NATIVE_FUNCTIONS too, or PYTORCH_DIR.")
  elseif(arg_NATIVE_FUNCTIONS AND NOT arg_DERIVATIVES)
    _derivload_stop("${name}" "NATIVE_FUNCTIONS needs derivatives: write DERIVATIVES too or, for \
overlays over PyTorch's own files, PYTORCH_DIR.")
  elseif(arg_TAGS AND NOT arg_DERIVATIVES)
    _derivload_stop("${name}" "TAGS means nothing alone: write DERIVATIVES and NATIVE_FUNCTIONS \
too, or PYTORCH_DIR.")
  elseif(arg_DERIVATIVES AND NOT arg_TAGS)
    list(GET arg_NATIVE_FUNCTIONS 0 first)
    cmake_path(REPLACE_FILENAME first "tags.yaml" OUTPUT_VARIABLE beside)
    get_property(generated SOURCE "${beside}" PROPERTY GENERATED)
    if(NOT generated AND NOT EXISTS "${beside}")
      _derivload_stop("${name}" "TAGS is missing, and there is no ${beside}: write TAGS and a \
file.")
    endif()
  endif()
endfunction()

function(_derivload_check_pytorch name)
  _derivload_find_pytorch(torchgen autograd)
  if(NOT autograd)
    _derivload_stop("${name}" "PYTORCH_DIR is ${arg_PYTORCH_DIR}, which is no PyTorch: write a \
checkout, a folder with an installed or unpacked torchgen, or one that `derivload fetch` made.")
  endif()
endfunction()

# The folders of torchgen and of derivatives.yaml, "" where there is none. Looks where
# `derivload emit --pytorch` does.
function(_derivload_find_pytorch torchgen autograd)
  set(packages torchgen torchgen . ../torchgen)
  set(places tools/autograd torchgen/packaged/autograd packaged/autograd
             ../torchgen/packaged/autograd)
  set(${torchgen} "" PARENT_SCOPE)
  set(${autograd} "" PARENT_SCOPE)
  foreach(package place IN ZIP_LISTS packages places)
    if(EXISTS "${arg_PYTORCH_DIR}/${place}/derivatives.yaml")
      _derivload_make_absolute(package "${arg_PYTORCH_DIR}")
      _derivload_make_absolute(place "${arg_PYTORCH_DIR}")
      set(${torchgen} "${package}" PARENT_SCOPE)
      set(${autograd} "${place}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

# Characters in paths that the build tool cannot take: a build still goes well with some of them.
# CMake escapes what it writes itself, and not what it takes from a depfile. docs/cmake.md lists
# them, and a test tries each.
function(_derivload_check_characters name)
  foreach(keyword IN LISTS files ITEMS PYTORCH_DIR SETTINGS)
    foreach(path IN LISTS arg_${keyword})
      if(CMAKE_GENERATOR MATCHES "Ninja")
        _derivload_warn_of_characters("${name}" "${path}" "[][|]" "the build fails")
        _derivload_warn_of_characters("${name}" "${path}" "[\"#$&'*<>?^`\t]"
                                      "derivload runs at every build")
      else()
        _derivload_warn_of_characters("${name}" "${path}" "[][|\"#:\t]" "the build fails")
      endif()
    endforeach()
  endforeach()
  if(CMAKE_GENERATOR MATCHES "Ninja")
    _derivload_warn_of_characters("${name}" "${CMAKE_CURRENT_BINARY_DIR}" "[$\t]"
                                  "derivload runs at every build")
  else()
    _derivload_warn_of_characters("${name}" "${CMAKE_CURRENT_BINARY_DIR}" "\t"
                                  "an edit to an input inside PYTORCH_DIR runs nothing")
  endif()
endfunction()

function(_derivload_warn_of_characters name path characters consequence)
  string(REGEX REPLACE "^[A-Za-z]:/" "/" rest "${path}") # without the drive
  if(rest MATCHES "${characters}")
    message(WARNING "derivload_codegen_inputs(${name}): ${CMAKE_GENERATOR} cannot take \
\"${CMAKE_MATCH_0}\" in ${path}: ${consequence}. Give the file or folder another name.")
  endif()
endfunction()

# Two targets in one folder would remove each other's files, but for subsets of PyTorch's that have
# no file in common.
function(_derivload_claim_folder name folder)
  set(part documents)
  if(arg_CODEGEN AND DEFINED arg_SUBSET)
    set(part "${arg_SUBSET}")
  elseif(arg_CODEGEN)
    set(part all)
  endif()
  string(SHA256 key "${folder}")
  get_property(owners GLOBAL PROPERTY "DERIVLOAD_OWNERS_${key}")
  get_property(parts GLOBAL PROPERTY "DERIVLOAD_PARTS_${key}")
  foreach(owner other IN ZIP_LISTS owners parts)
    set(both "${part}" "${other}")
    if(part STREQUAL other OR "all" IN_LIST both OR "documents" IN_LIST both)
      _derivload_stop("${name}" "OUTPUT_DIR ${folder} is that of ${owner}: write a folder of its \
own.")
    endif()
  endforeach()
  set_property(GLOBAL APPEND PROPERTY "DERIVLOAD_OWNERS_${key}" "${name}")
  set_property(GLOBAL APPEND PROPERTY "DERIVLOAD_PARTS_${key}" "${part}")
endfunction()
