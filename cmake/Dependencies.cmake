# Libraries, each linked to the one layer that may include its header (tools/lint/layers.py).
find_package(PkgConfig REQUIRED)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(MARIADB REQUIRED IMPORTED_TARGET libmariadb)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl>=7.85)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(ISAL IMPORTED_TARGET libisal) # gzip in a fifth of zlib's time; zlib where it is missing

set(BQFERRY_LIBS_base Threads::Threads m)
set(BQFERRY_LIBS_format PkgConfig::JANSSON PkgConfig::YAML PkgConfig::ZLIB PkgConfig::ZSTD)
if(ISAL_FOUND)
  target_compile_definitions(PkgConfig::ISAL INTERFACE BQFERRY_HAVE_ISAL)
  list(APPEND BQFERRY_LIBS_format PkgConfig::ISAL)
endif()
set(BQFERRY_LIBS_net PkgConfig::CURL PkgConfig::CRYPTO)
set(BQFERRY_LIBS_source PkgConfig::LIBPQ PkgConfig::MARIADB)
set(BQFERRY_LIBS_target ${CMAKE_DL_LIBS})
