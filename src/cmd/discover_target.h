/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/discover_target.h: what a destination holds, for people and as JSON. */
#pragma once

#include "target/target.h"

#include <stdio.h>

void discover_print_target_list(const TargetTableList *list, FILE *out, Arena *arena);
void discover_print_target_list_json(const TargetTableList *list, FILE *out);
void discover_print_target(const TableRef *name, const TargetTable *found, FILE *out, Arena *arena);
void discover_print_target_json(const TableRef *name, const TargetTable *found, FILE *out);
