/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/job_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const ConfigLabel labels[] = {{"managed_by", "bqferry"}};
static const JobDraft draft = {"p", "EU", "bqferry-r-1-load-1", {labels, 1}};

#define REFERENCE                                                                                   \
    "{\"jobReference\":{\"projectId\":\"p\",\"jobId\":\"bqferry-r-1-load-1\",\"location\":\"EU\"}," \
    "\"configuration\":{\"labels\":{\"managed_by\":\"bqferry\"},"

static void a_load_job(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *schema = json_object_new();
    json_set(schema, "fields", json_array_new());
    static const char *const uris[] = {"gs://b/1", "gs://b/2"};
    LoadDraft load = {
        .to = {"p", "d", "t"},
        .schema = schema,
        .format = "avro",
        .truncate = true,
        .kms_key = "k",
        .uris = uris,
        .uri_count = 2,
    };
    CLEANUP(json_free_ptr) Json *avro = job_json_load(&draft, &load);
    assert_string_equal(
        json_dump(avro, &arena),
        REFERENCE "\"load\":{\"destinationTable\":{\"projectId\":\"p\",\"datasetId\":\"d\","
                  "\"tableId\":\"t\"},\"createDisposition\":\"CREATE_NEVER\",\"writeDisposition\":"
                  "\"WRITE_TRUNCATE_DATA\",\"sourceFormat\":\"AVRO\",\"useAvroLogicalTypes\":true,"
                  "\"decimalTargetTypes\":[\"NUMERIC\",\"BIGNUMERIC\"],\"schema\":{\"fields\":[]},"
                  "\"destinationEncryptionConfiguration\":{\"kmsKeyName\":\"k\"},"
                  "\"sourceUris\":[\"gs://b/1\",\"gs://b/2\"]}}}");
    load = (LoadDraft){.to = {"p", "d", "t"}, .schema = schema, .format = "ndjson"};
    CLEANUP(json_free_ptr) Json *ndjson = job_json_load(&draft, &load);
    assert_string_equal(
        json_dump(ndjson, &arena),
        REFERENCE "\"load\":{\"destinationTable\":{\"projectId\":\"p\",\"datasetId\":\"d\","
                  "\"tableId\":\"t\"},\"createDisposition\":\"CREATE_NEVER\",\"writeDisposition\":"
                  "\"WRITE_APPEND\",\"sourceFormat\":\"NEWLINE_DELIMITED_JSON\","
                  "\"schema\":{\"fields\":[]}}}}");
}

static void a_copy_job(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    const CopyDraft copy = {
        .from = {"p", "d", "s$20260131"}, .to = {"p", "d", "t$20260131"}, .truncate = true};
    CLEANUP(json_free_ptr) Json *job = job_json_copy(&draft, &copy);
    assert_string_equal(
        json_dump(job, &arena),
        REFERENCE "\"copy\":{\"sourceTable\":{\"projectId\":\"p\",\"datasetId\":\"d\",\"tableId\":"
                  "\"s$20260131\"},\"destinationTable\":{\"projectId\":\"p\",\"datasetId\":\"d\","
                  "\"tableId\":\"t$20260131\"},\"createDisposition\":\"CREATE_NEVER\","
                  "\"writeDisposition\":\"WRITE_TRUNCATE\"}}}");
}

static void a_fence(void **state)
{
    (void)state;
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(json_free_ptr) Json *job = job_json_fence(&draft);
    assert_string_equal(json_dump(job, &arena),
                        REFERENCE "\"query\":{\"query\":\"SELECT 1\",\"useLegacySql\":false}}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_job),
        cmocka_unit_test(a_copy_job),
        cmocka_unit_test(a_fence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
