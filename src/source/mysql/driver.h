/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "source/source.h"

/* MySQL and MariaDB; the second name is for those who look for it. */
extern const SourceDriver source_mysql_driver;
extern const SourceDriver source_mariadb_driver;
