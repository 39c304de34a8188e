/* SPDX-License-Identifier: Apache-2.0 */
/* Given to clang-tidy before every file: it does not see into base/error.c, and would follow paths
 * on which these return true. */
#include "base/error.h"

#define error_set(...) (error_set(__VA_ARGS__), false)
#define error_set_retryable(...) (error_set_retryable(__VA_ARGS__), false)
#define error_set_errno(...) (error_set_errno(__VA_ARGS__), false)
#define error_hint(...) (error_hint(__VA_ARGS__), false)
#define error_prefix(...) (error_prefix(__VA_ARGS__), false)
