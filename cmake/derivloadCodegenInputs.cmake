# derivload_codegen_inputs(): a target that brings the documents of `derivload emit` up to date or,
# with CODEGEN, the files of `derivload codegen`.
#
# The custom command's OUTPUT is a stamp of the target's own; what derivload writes are BYPRODUCTS,
# which keep their time stamps while their bytes are the same. So what depends on one of them is
# made again when that changed, and in no other case, while the stamp says when derivload last ran:
# a build with nothing to do runs nothing, under Makefiles too.
#
# An input that is saved while derivload runs is the next build's. Make compares it with the stamp,
# which gets the time at which derivload began, not ended. Ninja goes by the newest of the outputs,
# but by the beginning where one of them stayed as it was: so there is one that always does. (Ninja
# 1.11 goes by the end in any case.)
#
# The functions that check stop the configure step; they read the arguments as arg_KEYWORD, and the
# keywords of those that name files as `files`.

include("${CMAKE_CURRENT_LIST_DIR}/derivloadCheckArguments.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/derivloadListOutputs.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/derivloadSettings.cmake")

# derivload_codegen_inputs(NAME
#   [DERIVATIVES file...]       derivatives.yaml, then overlays
#   [NATIVE_FUNCTIONS file...]  native_functions.yaml, then overlays
#   [TAGS file]                 tags.yaml; the one beside the first of NATIVE_FUNCTIONS
#   [PYTORCH_DIR folder]        instead of the three; NATIVE_FUNCTIONS are then overlays
#   [OVERRIDE]                  entries of overlays take the place of earlier ones of the same name
#   [DISPATCH_KEYS name...]     keys that the backend adds to torchgen's
#   [ENTRY_KEYS name...]        keys of entries that only the backend's own tools read
#   [SECTIONS name...]          sections of overlays that declare operators, besides custom
#   [BACKEND_YAML file...]      what backends register; it is checked
#   [CATALOGUE]                 instead of all: the examples that ship with derivload
#   [SETTINGS file]             a derivload.toml, or a pyproject.toml with its table
#   OUTPUT_DIR folder           of this target alone, or of targets with other SUBSETs each;
#                               relative to CMAKE_CURRENT_BINARY_DIR
#   [SHARDS n]                  differentiability_0.json to differentiability_{n-1}.json
#   [PLACES]                    places.json too
#   [TORCH_VERSION X.Y]         the release to follow
#   [OUTPUTS_VARIABLE variable] is set to the absolute paths of what is written
#   [CACHE_DIR folder | NO_CACHE]
#   [CODEGEN                    the files of PyTorch's own generators, not the documents
#    [SUBSET libtorch|pybindings|python|all] [DISABLE_AUTOGRAD]
#    [SELECTED_OP_LIST_PATH file | OPERATORS_YAML_PATH file]])
#
# With no inputs at all, those that the settings name, or the PyTorch tree around: see
# derivloadSettings.cmake. Relative inputs are relative to CMAKE_CURRENT_SOURCE_DIR, and CACHE_DIR to
# CMAKE_CURRENT_BINARY_DIR. The target's property DERIVLOAD_OUTPUTS has the paths too, for other
# directories.
function(derivload_codegen_inputs name)
  set(flags NO_CACHE CODEGEN DISABLE_AUTOGRAD OVERRIDE CATALOGUE PLACES)
  set(single TAGS PYTORCH_DIR OUTPUT_DIR SHARDS TORCH_VERSION OUTPUTS_VARIABLE
             CACHE_DIR SUBSET SELECTED_OP_LIST_PATH OPERATORS_YAML_PATH SETTINGS)
  set(several DERIVATIVES NATIVE_FUNCTIONS DISPATCH_KEYS ENTRY_KEYS SECTIONS BACKEND_YAML)
  _derivload_check_words("${name}" "${flags};${single};${several}" "${ARGN}")
  cmake_parse_arguments(PARSE_ARGV 1 arg "${flags}" "${single}" "${several}")
  _derivload_check_values("${name}" "${several};${single}" "${ARGN}")
  if(NOT arg_CODEGEN)
    _derivload_check_codegen("${name}")
  endif()
  _derivload_make_absolute(arg_SETTINGS "${CMAKE_CURRENT_SOURCE_DIR}")
  _derivload_read_settings("${name}")
  if(arg_CODEGEN) # for which settings may have named a PyTorch
    _derivload_check_codegen("${name}")
  endif()
  set(files DERIVATIVES NATIVE_FUNCTIONS TAGS BACKEND_YAML SELECTED_OP_LIST_PATH
            OPERATORS_YAML_PATH)
  foreach(keyword IN LISTS files ITEMS PYTORCH_DIR)
    _derivload_make_absolute(arg_${keyword} "${CMAKE_CURRENT_SOURCE_DIR}")
  endforeach()
  foreach(keyword IN ITEMS OUTPUT_DIR CACHE_DIR)
    _derivload_make_absolute(arg_${keyword} "${CMAKE_CURRENT_BINARY_DIR}")
  endforeach()
  _derivload_check_inputs("${name}")
  _derivload_check_characters("${name}")
  _derivload_claim_folder("${name}" "${arg_OUTPUT_DIR}")

  if(arg_CODEGEN)
    set(action codegen)
    set(comment "Running PyTorch's generators for ${name}")
    _derivload_list_generated("${name}" outputs)
    _derivload_configure_with_generators()
  else()
    set(action emit)
    set(comment "Loading the derivatives of ${name}")
    _derivload_list_documents(outputs)
  endif()
  set(derivloads_stamp "${arg_OUTPUT_DIR}/.derivload-stamp")
  if(arg_CODEGEN AND DEFINED arg_SUBSET)
    string(APPEND derivloads_stamp "-${arg_SUBSET}")
  elseif(arg_CODEGEN)
    string(APPEND derivloads_stamp "-all")
  endif()
  _derivload_note_outputs("${name}" "${arg_OUTPUT_DIR}" "${outputs}" "${derivloads_stamp}")
  _derivload_options(options)
  get_property(command GLOBAL PROPERTY DERIVLOAD_COMMAND)
  list(GET command 0 program)
  set(own "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${name}.dir")
  file(MAKE_DIRECTORY "${own}")
  set(stamp "${own}/derivload.stamp")
  set(depfile "${own}/derivload.d")
  set(steady "${own}/derivload.steady")
  if(NOT EXISTS "${steady}")
    file(TOUCH "${steady}")
  endif()
  set(inputs ${arg_SETTINGS})
  foreach(keyword IN LISTS files)
    list(APPEND inputs ${arg_${keyword}})
  endforeach()
  add_custom_command(
    OUTPUT "${stamp}"
    BYPRODUCTS ${outputs} "${steady}"
    COMMAND "${CMAKE_COMMAND}" -E touch "${stamp}.begun"
    COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${stamp}.begun" "${steady}"
    COMMAND ${command} ${action} ${options} --out-dir "${arg_OUTPUT_DIR}"
            --depfile "${depfile}" --depfile-target "${stamp}" --depfile-for cmake
    COMMAND "${CMAKE_COMMAND}" -E rename "${stamp}.begun" "${stamp}"
    # The program, for an upgrade writes it anew, even one that gives modules an older time.
    DEPENDS "${program}" ${inputs}
    DEPFILE "${depfile}"
    COMMENT "${comment}"
    VERBATIM)
  # Make looks at the stamp alone.
  foreach(output IN LISTS outputs)
    if(NOT EXISTS "${output}")
      file(REMOVE "${stamp}")
    endif()
  endforeach()
  add_custom_target("${name}" DEPENDS "${stamp}")
  set_property(TARGET "${name}" PROPERTY DERIVLOAD_OUTPUTS "${outputs}")
  # What no build tool knows of, for `--target clean`.
  set_property(DIRECTORY APPEND PROPERTY ADDITIONAL_CLEAN_FILES
               "${depfile}" "${stamp}.begun" "${derivloads_stamp}")
  if(arg_OUTPUTS_VARIABLE)
    set(${arg_OUTPUTS_VARIABLE} "${outputs}" PARENT_SCOPE)
  endif()
endfunction()

# Makes the paths in a variable absolute, and the same however they were written.
function(_derivload_make_absolute variable base)
  set(paths "")
  foreach(path IN LISTS ${variable})
    cmake_path(ABSOLUTE_PATH path BASE_DIRECTORY "${base}" NORMALIZE)
    string(REGEX REPLACE "(.)/$" "\\1" path "${path}")
    list(APPEND paths "${path}")
  endforeach()
  set(${variable} "${paths}" PARENT_SCOPE)
endfunction()

# The arguments of the function as options of `derivload emit` or `derivload codegen`.
function(_derivload_options result)
  set(options "")
  set(keywords PYTORCH_DIR DERIVATIVES NATIVE_FUNCTIONS TAGS DISPATCH_KEYS ENTRY_KEYS SECTIONS
               BACKEND_YAML SHARDS TORCH_VERSION CACHE_DIR SUBSET SELECTED_OP_LIST_PATH
               OPERATORS_YAML_PATH)
  set(names pytorch derivatives native-functions tags dispatch-key entry-key section
            backend-yaml shards torch-version cache-dir subset selected-op-list-path
            operators-yaml-path)
  foreach(keyword name IN ZIP_LISTS keywords names)
    foreach(value IN LISTS arg_${keyword})
      list(APPEND options "--${name}" "${value}")
    endforeach()
  endforeach()
  if(arg_NO_CACHE)
    list(APPEND options --no-cache)
  endif()
  if(arg_OVERRIDE)
    list(APPEND options --override)
  endif()
  if(arg_PLACES)
    list(APPEND options --places)
  endif()
  if(arg_DISABLE_AUTOGRAD)
    list(APPEND options --disable-autograd)
  endif()
  if(arg_CATALOGUE)
    list(APPEND options --catalogue)
  endif()
  _derivload_settings_options(settings)
  list(APPEND options ${settings})
  set(${result} "${options}" PARENT_SCOPE)
endfunction()
