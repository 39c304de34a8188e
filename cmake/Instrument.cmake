# Sanitizers, coverage and hardening, by option; CMakePresets.json sets them.
add_compile_definitions(_GNU_SOURCE _FILE_OFFSET_BITS=64)

if(BQFERRY_SANITIZE)
  add_compile_options(-fsanitize=${BQFERRY_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${BQFERRY_SANITIZE})
endif()

if(BQFERRY_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(BQFERRY_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-D_FORTIFY_SOURCE=2 -fstack-protector-strong)
  add_link_options(LINKER:-z,relro,-z,now LINKER:--as-needed)
endif()
