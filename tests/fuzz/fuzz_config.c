/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a configuration. Sealed: neither environment nor other files are looked at. */
#include "base/cleanup.h"
#include "config/read.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A good configuration is whole: nothing that a run would follow is missing. */
static void check_whole(const Config *config)
{
    for (size_t i = 0; i < config->job_count; i++) {
        const JobConfig *job = &config->jobs[i];
        if (!job->name || !config_connection(config, job->connection) || job->workers < 1 ||
            job->retry_budget_ms < 0 || (job->tables.count > 0) == (job->query != NULL))
            abort();
    }
    if (!config->destination.type || config->destination.path[0] != '/' ||
        config->state_path[0] != '/' || config->parallel < 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ConfigInput input = {{(const char *)data, size}, "fuzz.yaml", "/nonexistent", true};
    Config config = {0};
    ConfigErrors errors;
    Error error = {0};
    bool good = config_read(&input, &config, &errors, &error);
    if (good != (errors.count == 0) || good != (error.kind == ERROR_NONE))
        abort();
    if (good)
        check_whole(&config);
    config_done(&config);
    return 0;
}
