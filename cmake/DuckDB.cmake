# libduckdb is loaded at run time; the build needs only its C header, and only in src/target/duckdb.
set(BQFERRY_DEPS_DIR "${PROJECT_SOURCE_DIR}/.deps" CACHE PATH "Where tools/setup/ puts what it fetches")
set(BQFERRY_DUCKDB_DIR "${BQFERRY_DEPS_DIR}/duckdb")
set(BQFERRY_HAVE_DUCKDB OFF)

if(BQFERRY_DUCKDB)
  find_path(BQFERRY_DUCKDB_INCLUDE duckdb.h HINTS "${BQFERRY_DUCKDB_DIR}")
  if(BQFERRY_DUCKDB_INCLUDE)
    set(BQFERRY_HAVE_DUCKDB ON)
  else()
    message(WARNING "duckdb.h not found: building WITHOUT the duckdb target. Fetch it with "
                    "tools/setup/duckdb.sh and configure again, or pass -DBQFERRY_DUCKDB=OFF.")
  endif()
endif()

# The path in the program stays right when PREFIX is chosen at install time: it is relative to the
# executable as well (see the search order in src/target/duckdb).
set(BQFERRY_DUCKDB_SEARCH "${CMAKE_INSTALL_PREFIX}/lib/bqferry")
install(FILES "${BQFERRY_DUCKDB_DIR}/libduckdb.so" DESTINATION lib/bqferry OPTIONAL)
