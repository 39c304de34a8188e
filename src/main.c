/* SPDX-License-Identifier: Apache-2.0 */
/* The commands and the drivers; no other file names a driver. */
#include "base/cancel.h"
#include "cmd/app.h"
#include "source/mysql/driver.h"
#include "source/postgres/postgres.h"
#include "state/file/file.h"
#include "state/gcs/gcs.h"
#include "target/bigquery/bigquery.h"
#include "target/duckdb/duckdb_target.h"
#include "target/files/files.h"

static const SourceDriver *const sources[] = {&source_postgres_driver, &source_mysql_driver,
                                              &source_mariadb_driver, NULL};

static const TargetDriver *const targets[] = {&target_bigquery_driver, &target_duckdb_driver,
                                              &target_files_driver, NULL};

static const StateDriver *const states[] = {&state_file_driver, &state_gcs_driver, NULL};

static const Drivers drivers = {sources, targets, states};

static const Command *const commands[] = {
    &command_copy, &command_init, &command_check,    &command_discover,
    &command_plan, &command_run,  &command_backfill, &command_state,
    &command_runs, &command_gc,   &command_config,   &command_version,
    &command_help, NULL,
};

int main(int argc, char **argv)
{
    static const App app = {commands, &drivers};
    cancel_install();
    return app_main(&app, argc, argv);
}
