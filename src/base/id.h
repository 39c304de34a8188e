/* SPDX-License-Identifier: Apache-2.0 */
/* base/id.h: run ids: unique, sortable by time, and safe in file names, tables and BigQuery job
 * ids. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { ID_SIZE = 40, ID_LENGTH = 28 };

/* Writes "20260131t123456-1a2b3c4d5e6f" into id[ID_SIZE]: UTC time, its microseconds in five
 * hexadecimal digits, and 28 random bits of the kernel's generator. */
void id_new_run(char *id);

/* When the id was made, microseconds since 1970 UTC, to the second; "_" may stand for "-". False
 * when the text does not begin with such an id. */
bool id_time(const char *id, int64_t *ret_us);
