# Which requests this version of derivload meets: its own and older ones of the same X.Y, for
# until 1.0 another Y may have other arguments. A range is met by what lies in it.

set(PACKAGE_VERSION "0.1.0")
set(PACKAGE_VERSION_COMPATIBLE FALSE)
set(PACKAGE_VERSION_EXACT FALSE)

if(PACKAGE_FIND_VERSION_RANGE)
  if(PACKAGE_VERSION VERSION_GREATER_EQUAL PACKAGE_FIND_VERSION_MIN
     AND (PACKAGE_VERSION VERSION_LESS PACKAGE_FIND_VERSION_MAX
          OR (PACKAGE_FIND_VERSION_RANGE_MAX STREQUAL "INCLUDE"
              AND PACKAGE_VERSION VERSION_EQUAL PACKAGE_FIND_VERSION_MAX)))
    set(PACKAGE_VERSION_COMPATIBLE TRUE)
  endif()
elseif(PACKAGE_VERSION VERSION_EQUAL PACKAGE_FIND_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  set(PACKAGE_VERSION_EXACT TRUE)
elseif(PACKAGE_VERSION VERSION_GREATER PACKAGE_FIND_VERSION)
  string(REGEX MATCH "^[0-9]+\\.[0-9]+" _derivload_minor "${PACKAGE_VERSION}")
  # "find_package(derivload 0)" asks for any 0.Y.
  if(PACKAGE_FIND_VERSION_COUNT EQUAL 1)
    string(REGEX MATCH "^[0-9]+" _derivload_minor "${PACKAGE_VERSION}")
    set(_derivload_wanted "${PACKAGE_FIND_VERSION_MAJOR}")
  else()
    set(_derivload_wanted "${PACKAGE_FIND_VERSION_MAJOR}.${PACKAGE_FIND_VERSION_MINOR}")
  endif()
  if(_derivload_minor STREQUAL _derivload_wanted)
    set(PACKAGE_VERSION_COMPATIBLE TRUE)
  endif()
  unset(_derivload_minor)
  unset(_derivload_wanted)
endif()
