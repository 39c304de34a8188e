# The warnings of everything that is compiled here, as errors. Left out: sign conversions (among the
# casts they would ask for, the casts that matter could no longer be seen) and format truncation
# (snprintf into a text of fixed size cuts on purpose).
include(CheckCCompilerFlag)

set(BQFERRY_WARNINGS
    -Wall -Wextra -Werror
    -Wshadow -Wundef -Wvla -Walloca -Wwrite-strings -Wpointer-arith
    -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wredundant-decls
    -Wformat=2 -Wdouble-promotion -Wconversion -Wno-sign-conversion)

foreach(flag -Wlogical-op -Wduplicated-cond -Wjump-misses-init -Wno-format-truncation) # gcc only
  string(MAKE_C_IDENTIFIER "BQFERRY_HAVE${flag}" known)
  check_c_compiler_flag("-Werror ${flag}" ${known})
  if(${known})
    list(APPEND BQFERRY_WARNINGS ${flag})
  endif()
endforeach()
if(CMAKE_C_COMPILER_ID MATCHES "Clang") # has not every attribute; wants more on va_list helpers
  list(APPEND BQFERRY_WARNINGS -Wno-unknown-attributes -Wno-format-nonliteral)
endif()
