/* SPDX-License-Identifier: Apache-2.0 */
/* source/mysql/agree.h: how transactions of several connections come to see the same moment. */
#pragma once

#include "source/mysql/snapshot.h"

/* Begins the members' transactions so that all see one moment, by whatever the account may do;
 * drops all members but the first when nothing serves. Fills base.method, base.note and
 * base.position. */
bool mysqld_agree(MysqlSnapshot *snapshot, Error *error);
