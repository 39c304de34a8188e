/* SPDX-License-Identifier: Apache-2.0 */
/* encode/text.h: values as BigQuery reads them in text. Each function writes without a NUL and
 * returns the end; the values are in the ranges that model/value.h promises. */
#pragma once

#include "base/view.h"
#include "model/type.h"
#include "model/value.h"

#include <stdint.h>

/* The most that any of these but text_write_base64 takes. */
enum { TEXT_VALUE_MAX = 96 };

/* "2026-01-31" */
char *text_write_date(char *out, int64_t days);

/* "12:34:56", or "12:34:56.000700": six digits of a fraction when there is one. */
char *text_write_time(char *out, int64_t microseconds);

/* "2026-01-31T12:34:56.000700" */
char *text_write_datetime(char *out, int64_t microseconds);

/* BigQuery's canonical form, each part with a sign of its own: "1-2 -3 4:5:6.7". */
char *text_write_interval(char *out, const Interval *interval);

/* ISO 8601, as NDJSON loads want it: "P1Y2M-3DT4H5M6.7S". Every part is written, zero or
 * not: the documents know the one form PYMDTHMS ("Loading JSON data", details of data types). */
char *text_write_interval_iso(char *out, const Interval *interval);

/* A NUMERIC or BIGNUMERIC; where the field declares no scale, without the zeros that end a
 * fraction. */
char *text_write_decimal(char *out, const Field *field, const Value *value);

/* RFC 4648 §4, with padding; takes text_base64_size(bytes.length). */
char *text_write_base64(char *out, StrView bytes);

static inline size_t text_base64_size(size_t size)
{
    return (size + 2) / 3 * 4;
}
