/* SPDX-License-Identifier: Apache-2.0 */
/* format/json.h: JSON documents of ours: state, manifests, reports, --json. (Rows do not come this
 * way.) The library behind it is seen only by format/json.c. Texts are UTF-8; bytes that are not
 * become U+FFFD. Setters take ownership of a child; getters lend. Objects keep the order of
 * insertion. (The library exports json_object, json_array and json_copy: functions of ours never
 * have those names.) */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct Json Json;

Json *json_object_new(void);
Json *json_array_new(void);
void json_free(Json *json); /* accepts NULL */
DEFINE_CLEANUP(Json, json_free)

void json_set(Json *object, const char *key, Json *child);           /* NULL child: JSON null */
void json_set_text(Json *object, const char *key, const char *text); /* NULL text: JSON null */
void json_set_int(Json *object, const char *key, int64_t integer);
void json_set_bool(Json *object, const char *key, bool boolean);
void json_set_real(Json *object, const char *key, double real); /* finite */
void json_append(Json *array, Json *child);
void json_append_text(Json *array, const char *text);

Json *json_clone(const Json *json); /* deep; the caller frees */
bool json_is_object(const Json *json);
bool json_is_array(const Json *json);
size_t json_count(const Json *array); /* 0 for anything else and for NULL */
Json *json_at(const Json *array, size_t index);
Json *json_get(const Json *object, const char *key);            /* NULL: missing */
const char *json_get_text(const Json *object, const char *key); /* NULL: missing or not a text */
bool json_get_bool(const Json *object, const char *key);        /* false: missing or not a bool */
int64_t json_get_int(const Json *object, const char *key, int64_t otherwise);
double json_get_real(const Json *object, const char *key, double otherwise);
const char *json_next_key(const Json *object,
                          const char *key); /* NULL: the first; the last's: NULL */
const char *json_text_of(const Json *json); /* NULL: not a text */

/* Parses text; `name` is for messages: "name:line:column: …" (ERROR_CONFIG). Duplicate keys are
 * refused. */
bool json_parse(const char *text, size_t length, const char *name, Json **ret_json, Error *error);

/* Reads a file; *ret_json is NULL when it does not exist. */
bool json_read_file(const char *path, Json **ret_json, Error *error);

/* Temp file in the same folder + fsync + rename + fsync of the folder: readers see the old or the
 * new document whole, and after success it survives a power cut. */
bool json_write_file(const char *path, const Json *json, Error *error);

/* Indented by two when `pretty`, else on one line; a newline ends both. */
void json_print(FILE *out, const Json *json, bool pretty);

/* One line, without the newline. */
char *json_dump(const Json *json, Arena *arena);
