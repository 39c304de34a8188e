/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/postgres.h: PostgreSQL 12 to 18, and what speaks its protocol, over libpq. */
#pragma once

#include "source/source.h"

extern const SourceDriver source_postgres_driver;
