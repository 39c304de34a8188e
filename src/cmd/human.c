/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/human.h"

#include <stdio.h>
#include <string.h>

static const int64_t SECOND_NS = 1000000000;

static const char *unknown(char *text)
{
    memcpy(text, "?", 2);
    return text;
}

const char *human_count(int64_t count, char *text)
{
    if (count < 0)
        return unknown(text);
    char digits[HUMAN_SIZE];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)count);
    char *out = text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = '\0';
    return text;
}

const char *human_estimate(int64_t count, char *text)
{
    int64_t unit = 1;
    while (count / unit >= 1000)
        unit *= 10;
    text[0] = '~';
    if (count < 0)
        return human_count(count, text);
    human_count((count + unit / 2) / unit * unit, text + (unit > 1));
    return text;
}

const char *human_bytes(int64_t bytes, char *text)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 0)
        return unknown(text);
    double size = (double)bytes;
    size_t unit = 0;
    while (size >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        size /= 1000;
        unit++;
    }
    snprintf(text, HUMAN_SIZE, "%.*f %s", unit > 0 && size < 9.95, size, units[unit]);
    return text;
}

const char *human_seconds(int64_t seconds, char *text)
{
    long long whole = seconds;
    if (whole < 60)
        snprintf(text, HUMAN_SIZE, "%lld s", whole);
    else if (whole < 3600)
        snprintf(text, HUMAN_SIZE, "%lldm%02llds", whole / 60, whole % 60);
    else
        snprintf(text, HUMAN_SIZE, "%lldh%02lldm", whole / 3600, whole % 3600 / 60);
    return text;
}

const char *human_duration(int64_t nanoseconds, char *text)
{
    double seconds = (double)nanoseconds / (double)SECOND_NS;
    if (seconds >= 59.95)
        return human_seconds((int64_t)(seconds + 0.5), text);
    snprintf(text, HUMAN_SIZE, seconds < 9.995 ? "%.2f s" : "%.1f s", seconds);
    return text;
}
