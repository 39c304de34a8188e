/* SPDX-License-Identifier: Apache-2.0 */
#include "model/policy.h"

const char *invalid_policy_name(InvalidPolicy policy)
{
    static const char *const names[] = {"fail", "null", "clamp", "string"};
    return names[policy];
}

const char *invalid_reason_name(InvalidReason reason)
{
    static const char *const names[INVALID_REASON_COUNT_] = {
        [INVALID_INFINITY] = "infinity",
        [INVALID_NAN] = "nan",
        [INVALID_RANGE] = "range",
        [INVALID_DATE] = "date",
        [INVALID_MIDNIGHT_24] = "midnight_24",
        [INVALID_DIMENSIONS] = "dimensions",
        [INVALID_NULL_ELEMENT] = "null_element",
        [INVALID_UTF8] = "utf8",
        [INVALID_NULL_ARRAY] = "null_array",
        [INVALID_DUPLICATE_KEY] = "duplicate_key",
        [INVALID_REQUIRED] = "required",
        [INVALID_ROW_SIZE] = "row_size",
    };
    return names[reason];
}
