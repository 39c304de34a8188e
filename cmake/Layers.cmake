# One static library a folder of src/, in the order of src/layers.txt. Each links to the folder below
# it only, so a test of a low layer builds while a higher one is broken, and an upward call does
# not link.
set(BQFERRY_LAYERS_FILE "${PROJECT_SOURCE_DIR}/src/layers.txt")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${BQFERRY_LAYERS_FILE}")
file(STRINGS "${BQFERRY_LAYERS_FILE}" BQFERRY_LAYERS REGEX "^[a-z]")
list(REVERSE BQFERRY_LAYERS) # bottom to top

set(BQFERRY_DEFINITIONS "BQFERRY_VERSION=\"${PROJECT_VERSION}\"")
if(BQFERRY_FAULT_POINTS)
  list(APPEND BQFERRY_DEFINITIONS BQFERRY_FAULT_POINTS)
endif()
if(BQFERRY_HAVE_DUCKDB)
  list(APPEND BQFERRY_DEFINITIONS BQFERRY_HAVE_DUCKDB)
endif()

set(below "")
foreach(layer IN LISTS BQFERRY_LAYERS)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${layer}/*.c")
  if(NOT BQFERRY_HAVE_DUCKDB) # driver.c stays: it says that there is no support
    list(FILTER sources EXCLUDE REGEX "/src/target/duckdb/([^d]|d[^r])[^/]*$")
  endif()
  if(sources)
    add_library(bqferry_${layer} STATIC ${sources})
    target_compile_options(bqferry_${layer} PRIVATE ${BQFERRY_WARNINGS})
    set(scope PUBLIC)
    target_link_libraries(bqferry_${layer} PRIVATE ${BQFERRY_LIBS_${layer}})
  else()
    add_library(bqferry_${layer} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(bqferry_${layer} ${scope} "${PROJECT_SOURCE_DIR}/src")
  target_compile_definitions(bqferry_${layer} ${scope} ${BQFERRY_DEFINITIONS})
  target_link_libraries(bqferry_${layer} ${scope} ${below})
  set(below bqferry_${layer})
endforeach()

file(GLOB duckdb_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/target/duckdb/*.c")
set_property(SOURCE ${duckdb_sources} APPEND PROPERTY INCLUDE_DIRECTORIES
             "${BQFERRY_DUCKDB_INCLUDE}")
set_property(SOURCE ${duckdb_sources} APPEND PROPERTY COMPILE_DEFINITIONS
             "BQFERRY_DUCKDB_SEARCH=\"${BQFERRY_DUCKDB_SEARCH}\"")

# Everything in src/ except main.c, for the program and the fuzzers.
add_library(bqferry_core INTERFACE)
target_link_libraries(bqferry_core INTERFACE ${below})
