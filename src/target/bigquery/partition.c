/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/partition.h"

#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A partition's number counts hours, days or months since 1970-01-01, is the year, or the first
 * number of a range: unique, and in the order of the partitions. */

enum {
    FIRST_DAY = -3653, /* 1960-01-01 */
    LAST_DAY = 69395,  /* 2159-12-31 */
    MONTHS = 12,
    EPOCH_YEAR = 1970,
    SLOTS_AT_FIRST = 64,
};

static const int64_t hour_us = 3600LL * 1000 * 1000, day_us = 24 * 3600LL * 1000 * 1000;

static const int64_t no_partition = INT64_MAX; /* an empty slot; no partition has this number */

typedef struct Civil {
    int64_t year;
    int month; /* 1 … 12 */
    int day;
} Civil;

static int64_t floor_div(int64_t number, int64_t divisor)
{
    return number / divisor - (number % divisor < 0);
}

/* Proleptic Gregorian, by eras of 400 years that begin with March
 * (howardhinnant.github.io/date_algorithms.html). */
static Civil civil_of(int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = floor_div(shifted, 146097);
    int64_t of_era = shifted - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int month = (int)((5 * of_year + 2) / 153); /* 0 is March */
    int day = (int)(of_year - (153 * month + 2) / 5 + 1);
    month = month < 10 ? month + 3 : month - 9;
    return (Civil){year + era * 400 + (month <= 2), month, day};
}

static int64_t days_of(int64_t year, int month)
{
    year -= month <= 2;
    int64_t era = floor_div(year, 400);
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t month_number(int64_t days)
{
    Civil civil = civil_of(days);
    return (civil.year - EPOCH_YEAR) * MONTHS + civil.month - 1;
}

static int64_t first_day_of_month(int64_t number)
{
    int64_t years = floor_div(number, MONTHS);
    return days_of(EPOCH_YEAR + years, (int)(number - years * MONTHS) + 1);
}

static bool by_time(const Partitioning *by, TypeKind type, int64_t value, int64_t *ret_number)
{
    int64_t days = type == TYPE_DATE ? value : floor_div(value, day_us);
    if (days < FIRST_DAY || days > LAST_DAY)
        return false;
    if (by->kind == PARTITION_HOUR)
        *ret_number = floor_div(value, hour_us);
    else if (by->kind == PARTITION_DAY)
        *ret_number = days;
    else if (by->kind == PARTITION_MONTH)
        *ret_number = month_number(days);
    else
        *ret_number = civil_of(days).year;
    return true;
}

bool partition_of(const Partitioning *by, TypeKind type, int64_t value, int64_t *ret_number)
{
    if (by->kind != PARTITION_RANGE)
        return by_time(by, type, value, ret_number);
    if (value < by->start || value >= by->end)
        return false;
    *ret_number =
        value - (int64_t)(((uint64_t)value - (uint64_t)by->start) % (uint64_t)by->interval);
    return true;
}

void partition_bounds(const Partitioning *by, TypeKind type, int64_t number, int64_t *ret_low,
                      int64_t *ret_high)
{
    int64_t unit = type == TYPE_DATE ? 1 : day_us;
    switch (by->kind) {
    case PARTITION_HOUR:
        *ret_low = number * hour_us;
        *ret_high = *ret_low + hour_us;
        break;
    case PARTITION_DAY:
        *ret_low = number * unit;
        *ret_high = *ret_low + unit;
        break;
    case PARTITION_MONTH:
        *ret_low = first_day_of_month(number) * unit;
        *ret_high = first_day_of_month(number + 1) * unit;
        break;
    case PARTITION_YEAR:
        *ret_low = days_of(number, 1) * unit;
        *ret_high = days_of(number + 1, 1) * unit;
        break;
    default: /* a range; the end may cut the last one */
        *ret_low = number;
        *ret_high = (uint64_t)by->end - (uint64_t)number > (uint64_t)by->interval
                        ? number + by->interval
                        : by->end;
    }
}

void partition_extent(const Partitioning *by, TypeKind type, int64_t *ret_low, int64_t *ret_high)
{
    int64_t unit = type == TYPE_DATE ? 1 : day_us;
    bool is_range = by->kind == PARTITION_RANGE;
    *ret_low = is_range ? by->start : FIRST_DAY * unit;
    *ret_high = is_range ? by->end : (LAST_DAY + 1) * unit;
}

void partition_id(const Partitioning *by, int64_t number, char *id)
{
    Civil civil = {0};
    if (by->kind == PARTITION_HOUR)
        civil = civil_of(floor_div(number, 24));
    else if (by->kind == PARTITION_DAY)
        civil = civil_of(number);
    else if (by->kind == PARTITION_MONTH)
        civil = civil_of(first_day_of_month(number));
    if (by->kind == PARTITION_HOUR)
        snprintf(id, PARTITION_ID_SIZE, "%04d%02d%02d%02d", (int)civil.year, civil.month, civil.day,
                 (int)(number - floor_div(number, 24) * 24));
    else if (by->kind == PARTITION_DAY)
        snprintf(id, PARTITION_ID_SIZE, "%04d%02d%02d", (int)civil.year, civil.month, civil.day);
    else if (by->kind == PARTITION_MONTH)
        snprintf(id, PARTITION_ID_SIZE, "%04d%02d", (int)civil.year, civil.month);
    else if (by->kind == PARTITION_YEAR)
        snprintf(id, PARTITION_ID_SIZE, "%04d", (int)number);
    else
        snprintf(id, PARTITION_ID_SIZE, "%" PRId64, number);
}

/* Exactly so many digits. */
static bool take_digits(const char **text, int count, int *ret_number)
{
    int number = 0;
    for (int i = 0; i < count; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        number = number * 10 + (**text - '0');
    }
    *ret_number = number;
    return true;
}

static bool take_whole(const char *text, int64_t *ret_number)
{
    char *end;
    errno = 0;
    *ret_number = strtoll(text, &end, 10);
    return end != text && *end == '\0' && errno == 0;
}

bool partition_number(const Partitioning *by, const char *id, int64_t *ret_number)
{
    int year, month = 1, day = 1, hour = 0;
    int *const rest[] = {&month, &day, &hour};
    if (by->kind == PARTITION_RANGE)
        return take_whole(id, ret_number);
    const char *next = id;
    if (!take_digits(&next, 4, &year))
        return false;
    for (size_t i = 0; i < sizeof rest / sizeof *rest && *next; i++) {
        if (!take_digits(&next, 2, rest[i]))
            return false;
    }
    if (*next)
        return false;
    int64_t days = days_of(year, month) + day - 1;
    if (by->kind == PARTITION_HOUR)
        *ret_number = days * 24 + hour;
    else if (by->kind == PARTITION_DAY)
        *ret_number = days;
    else if (by->kind == PARTITION_MONTH)
        *ret_number = month_number(days);
    else
        *ret_number = year;
    return true;
}

bool partitions_init(Partitions *partitions, const TableLayout *layout, const Schema *schema)
{
    *partitions = (Partitions){.by = layout->partitioning};
    if (partitions->by.kind == PARTITION_NONE || !partitions->by.column)
        return false;
    for (size_t i = 0; i < schema->field_count; i++) {
        if (strcasecmp(schema->fields[i].name, partitions->by.column) != 0)
            continue;
        partitions->column = i;
        partitions->type = schema->fields[i].kind;
        return true;
    }
    return false;
}

void partitions_done(Partitions *partitions)
{
    free(partitions->slots);
    *partitions = (Partitions){0};
}

static int64_t *slot_of(int64_t *slots, size_t slot_count, int64_t number)
{
    uint64_t hash = (uint64_t)number * 0x9E3779B97F4A7C15u;
    size_t at = (size_t)(hash >> 32) & (slot_count - 1);
    while (slots[at] != no_partition && slots[at] != number)
        at = (at + 1) & (slot_count - 1);
    return &slots[at];
}

static void grow(Partitions *partitions)
{
    size_t slot_count = partitions->slot_count ? partitions->slot_count * 2 : SLOTS_AT_FIRST;
    int64_t *slots = memory_zalloc(slot_count, sizeof *slots);
    for (size_t i = 0; i < slot_count; i++)
        slots[i] = no_partition;
    for (size_t i = 0; i < partitions->slot_count; i++) {
        if (partitions->slots[i] != no_partition)
            *slot_of(slots, slot_count, partitions->slots[i]) = partitions->slots[i];
    }
    free(partitions->slots);
    partitions->slots = slots;
    partitions->slot_count = slot_count;
}

static void add_number(Partitions *partitions, int64_t number)
{
    if (partitions->count * 2 >= partitions->slot_count)
        grow(partitions);
    int64_t *slot = slot_of(partitions->slots, partitions->slot_count, number);
    partitions->count += *slot == no_partition;
    *slot = number;
}

static void add_value(Partitions *partitions, int64_t value)
{
    int64_t number;
    if (!partition_of(&partitions->by, partitions->type, value, &number)) {
        partitions->has_outside = true;
        return;
    }
    add_number(partitions, number);
    partition_bounds(&partitions->by, partitions->type, number, &partitions->low,
                     &partitions->high);
}

void partitions_add(Partitions *partitions, const Batch *batch)
{
    const Value *value = batch->values + partitions->column;
    for (size_t row = 0; row < batch->row_count; row++, value += batch->column_count) {
        if (value->kind == VALUE_NULL)
            partitions->has_null = true;
        else if (value->integer < partitions->low || value->integer >= partitions->high)
            add_value(partitions, value->integer);
    }
}

void partitions_merge(Partitions *partitions, const Partitions *more)
{
    partitions->has_null |= more->has_null;
    partitions->has_outside |= more->has_outside;
    for (size_t i = 0; i < more->slot_count; i++) {
        if (more->slots[i] != no_partition)
            add_number(partitions, more->slots[i]);
    }
}

static int compare_numbers(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

const char *const *partitions_ids(const Partitions *partitions, Arena *arena, size_t *ret_count)
{
    int64_t *numbers = ARENA_ARRAY(arena, int64_t, partitions->count);
    const char **ids = ARENA_ARRAY(arena, const char *, partitions->count + 2);
    size_t count = 0;
    for (size_t i = 0; i < partitions->slot_count; i++) {
        if (partitions->slots[i] != no_partition)
            numbers[count++] = partitions->slots[i];
    }
    if (count)
        qsort(numbers, count, sizeof *numbers, compare_numbers);
    for (size_t i = 0; i < count; i++) {
        char id[PARTITION_ID_SIZE];
        partition_id(&partitions->by, numbers[i], id);
        ids[i] = arena_strdup(arena, id);
    }
    if (partitions->has_null)
        ids[count++] = PARTITION_ID_NULL;
    if (partitions->has_outside)
        ids[count++] = PARTITION_ID_OUTSIDE;
    *ret_count = count;
    return ids;
}

bool partitions_check_count(const Partitions *partitions, Error *error)
{
    size_t count = partitions->count + partitions->has_null + partitions->has_outside;
    if (count <= PARTITIONS_OF_ONE_JOB)
        return true;
    error_set(
        error, ERROR_CONFIG,
        "the rows belong to more than %d partitions by %s, and BigQuery lets one job write to "
        "%d at most",
        PARTITIONS_OF_ONE_JOB, partitions->by.column, PARTITIONS_OF_ONE_JOB);
    return error_hint(error,
                      partitions->by.kind == PARTITION_RANGE
                          ? "choose a larger partition_by.interval, or carry fewer rows at a time "
                            "with source.where"
                          : "choose a coarser partition_by.type (hour, day, month, year), or carry "
                            "fewer rows at a time with source.where");
}
