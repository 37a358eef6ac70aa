# What a target without inputs loads: what the settings around CMAKE_CURRENT_SOURCE_DIR name, or the
# PyTorch tree around it. derivload is asked at the configure step, so that a build does not depend
# on the folder in which it runs: it gets the file of settings, or is told to read none.
#
# What the settings say of inputs and outputs counts as if it were written as arguments, which beat
# it. When the file changes, CMake runs again.

function(_derivload_read_settings name)
  set(named ${arg_DERIVATIVES} ${arg_NATIVE_FUNCTIONS} ${arg_TAGS} ${arg_PYTORCH_DIR})
  if(arg_CATALOGUE OR (named AND NOT arg_SETTINGS))
    return()
  endif()
  set(options "")
  if(arg_SETTINGS)
    _derivload_settings_options(options)
  endif()
  get_property(command GLOBAL PROPERTY DERIVLOAD_COMMAND)
  execute_process(COMMAND ${command} settings --as-json ${options}
                  WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
                  RESULT_VARIABLE status OUTPUT_VARIABLE json ERROR_VARIABLE errors
                  ERROR_STRIP_TRAILING_WHITESPACE)
  if(NOT status EQUAL 0)
    _derivload_stop("${name}" "the settings have mistakes. derivload said: ${errors}")
  endif()
  string(JSON file GET "${json}" settings)
  if(file)
    set(arg_SETTINGS "${file}")
    _derivload_make_absolute(arg_SETTINGS "${CMAKE_CURRENT_SOURCE_DIR}")
    set(arg_SETTINGS "${arg_SETTINGS}" PARENT_SCOPE)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${arg_SETTINGS}")
  endif()
  if(NOT named)
    _derivload_take_settings("${json}" "PYTORCH_DIR;DERIVATIVES;NATIVE_FUNCTIONS;TAGS;CATALOGUE"
                             "pytorch;derivatives;native-functions;tags;catalogue")
    if(NOT arg_PYTORCH_DIR AND NOT arg_DERIVATIVES AND NOT arg_CATALOGUE AND NOT arg_CODEGEN)
      _derivload_stop("${name}" "nothing names the inputs, and there is no PyTorch tree around \
${CMAKE_CURRENT_SOURCE_DIR}: write DERIVATIVES and NATIVE_FUNCTIONS, or PYTORCH_DIR; or SETTINGS, \
for a file that names them; or CATALOGUE, for the examples that ship with derivload.")
    endif()
  endif()
  if(arg_CODEGEN)
    _derivload_take_settings("${json}" "SUBSET;SELECTED_OP_LIST_PATH;OPERATORS_YAML_PATH"
                             "subset;selected-op-list-path;operators-yaml-path")
  else()
    _derivload_take_settings("${json}" "SHARDS;PLACES" "shards;places")
  endif()
  foreach(keyword IN ITEMS PYTORCH_DIR DERIVATIVES NATIVE_FUNCTIONS TAGS CATALOGUE SUBSET
                           SELECTED_OP_LIST_PATH OPERATORS_YAML_PATH SHARDS PLACES)
    if(DEFINED arg_${keyword})
      set(arg_${keyword} "${arg_${keyword}}" PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

# Sets arguments that were not given to the values that settings, or the tree around, gave to options.
function(_derivload_take_settings json keywords names)
  foreach(keyword name IN ZIP_LISTS keywords names)
    string(JSON is_set GET "${json}" options "${name}" is_set)
    if(NOT is_set OR (DEFINED arg_${keyword} AND NOT "${arg_${keyword}}" STREQUAL FALSE))
      continue()
    endif()
    string(JSON type TYPE "${json}" options "${name}" value)
    set(values "")
    if(type STREQUAL ARRAY)
      string(JSON count LENGTH "${json}" options "${name}" value)
      math(EXPR last "${count} - 1")
      foreach(index RANGE ${last})
        string(JSON value GET "${json}" options "${name}" value ${index})
        list(APPEND values "${value}")
      endforeach()
    else()
      string(JSON values GET "${json}" options "${name}" value)
    endif()
    set(arg_${keyword} "${values}" PARENT_SCOPE)
  endforeach()
endfunction()

# The option that says which settings derivload reads.
function(_derivload_settings_options result)
  if(arg_SETTINGS)
    set(${result} --settings "${arg_SETTINGS}" PARENT_SCOPE)
  else()
    set(${result} --no-settings PARENT_SCOPE)
  endif()
endfunction()
