/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/widen.h"

enum { INT64_DIGITS = 19 };

static bool is_decimal(const Field *field)
{
    return field->kind == TYPE_NUMERIC || field->kind == TYPE_BIGNUMERIC;
}

static int whole_digits(const Field *field)
{
    return field_decimal_precision(field) - field_decimal_scale(field);
}

bool field_widens(const Field *existing, const Field *planned)
{
    if (existing->mode == MODE_REPEATED || planned->mode == MODE_REPEATED || !is_decimal(existing))
        return false;
    if (planned->kind == TYPE_INT64)
        return whole_digits(existing) >= INT64_DIGITS;
    bool same = existing->kind == planned->kind && existing->precision == planned->precision &&
                existing->scale == planned->scale;
    return !same && is_decimal(planned) && existing->kind >= planned->kind &&
           whole_digits(existing) >= whole_digits(planned) &&
           field_decimal_scale(existing) >= field_decimal_scale(planned);
}
