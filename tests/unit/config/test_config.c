/* SPDX-License-Identifier: Apache-2.0 */
/* Good configurations: what arrives in the structs, and from which files. */
#include "base/cleanup.h"
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

static char folder[64];

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/test_config_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *in_folder(const char *name)
{
    static char path[2][256];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Stops the test with what is wrong. */
static void check(bool loaded, const ConfigErrors *errors, const Error *error)
{
    for (size_t i = 0; i < errors->count; i++)
        fprintf(stderr, "%s\n", errors->messages[i]);
    if (!loaded)
        fail_msg("%s", error->message);
    assert_int_equal(errors->count, 0);
}

static void parse(const char *text, const char *directory, Config *config)
{
    ConfigErrors errors;
    Error error = {0};
    check(config_parse(text, "bqferry.yaml", directory, config, &errors, &error), &errors, &error);
}

static void load(const char *name, Config *config)
{
    ConfigErrors errors;
    Error error = {0};
    check(config_load(in_folder(name), config, &errors, &error), &errors, &error);
}

/* The only message that a bad file gives. */
static void assert_load_fails(const char *name, const char *expected)
{
    Config config;
    ConfigErrors errors;
    Error error = {0};
    assert_false(config_load(in_folder(name), &config, &errors, &error));
    assert_int_equal(errors.count, 1);
    if (!strstr(errors.messages[0], expected))
        fail_msg("\"%s\" is not in \"%s\"", expected, errors.messages[0]);
    config_done(&config);
}

static const char full_text[] =
    "version: 1\n"
    "connections:\n"
    "  shop:\n"
    "    url: postgresql://etl@db/shop\n"
    "    port: 5432\n"
    "    password: 0123\n"
    "    sslmode: verify-full\n"
    "    sslrootcert: certs/root.crt\n"
    "    sslcert: /etc/client.crt\n"
    "    application_name: ferry\n"
    "    connect_timeout: 1m30s\n"
    "    naive_timestamps: { type: TIMESTAMP, time_zone: Europe/Berlin }\n"
    "  stock: { type: postgresql, service: stock, sslrootcert: system }\n"
    "destination:\n"
    "  type: files\n"
    "  path: ./exports/\n"
    "  dataset: raw\n"
    "  table_prefix: p_\n"
    "  format: ndjson\n"
    "  compression: none\n"
    "parallel: 3\n"
    "defaults:\n"
    "  load: replace\n"
    "  on_invalid: null\n"
    "  workers: 4\n"
    "  retries: { budget: 0 }\n"
    "jobs:\n"
    "  - name: orders\n"
    "    tags: [hourly, big]\n"
    "    source:\n"
    "      connection: shop\n"
    "      table: public.orders\n"
    "      columns: [id, total]\n"
    "      where: total > 0\n"
    "    target: sales.orders\n"
    "    load: append\n"
    "    on_invalid: 'null'\n"
    "    mode: required\n"
    "    workers: 1\n"
    "    retries: { budget: 2h }\n"
    "    columns:\n"
    "      total: { type: 'NUMERIC(20,4)', name: amount, on_invalid: clamp, arrays: json }\n"
    "      note: { on_invalid: null, description: What was said }\n"
    "  - name: rest\n"
    "    source: { connection: stock, table: [public.*, 'audit.log'], views: true }\n"
    "  - { name: sums, source: { connection: shop, query: SELECT 1 AS one }, target: { table: sums, "
    "dataset: marts } }\n";

static void reads_connections(void **state)
{
    (void)state;
    Config config;
    parse(full_text, "/conf", &config);
    assert_int_equal(config.connection_count, 2);
    const ConnectionConfig *shop = config_connection(&config, "shop");
    assert_string_equal(shop->name, "shop");
    assert_string_equal(shop->type, "postgresql");
    assert_string_equal(shop->url, "postgresql://etl@db/shop");
    assert_string_equal(shop->port, "5432");
    assert_string_equal(shop->password, "0123");
    assert_null(shop->host);
    assert_string_equal(shop->sslmode, "verify-full");
    assert_string_equal(shop->sslrootcert, "/conf/certs/root.crt");
    assert_string_equal(shop->sslcert, "/etc/client.crt");
    assert_string_equal(shop->application_name, "ferry");
    assert_int_equal(shop->connect_timeout_ms, 90000);
    assert_string_equal(shop->naive_timestamps_type, "TIMESTAMP");
    assert_string_equal(shop->naive_timestamps_zone, "Europe/Berlin");
    assert_string_equal(shop->place.file, "bqferry.yaml");
    assert_int_equal(shop->place.line, 3);
    assert_int_equal(shop->place.column, 3);
    const ConnectionConfig *stock = config_connection(&config, "stock");
    assert_string_equal(stock->service, "stock");
    assert_string_equal(stock->sslrootcert, "system");
    assert_int_equal(stock->connect_timeout_ms, 0);
    assert_null(config_connection(&config, "Shop"));
    config_done(&config);
}

static void reads_the_destination_and_the_rest(void **state)
{
    (void)state;
    Config config;
    parse(full_text, "/conf", &config);
    const DestinationConfig *destination = &config.destination;
    assert_string_equal(destination->type, "files");
    assert_string_equal(destination->path, "/conf/exports");
    assert_string_equal(destination->dataset, "raw");
    assert_string_equal(destination->table_prefix, "p_");
    assert_string_equal(destination->format, "ndjson");
    assert_string_equal(destination->compression, "none");
    assert_null(destination->library);
    assert_int_equal(destination->memory_limit, 0);
    assert_int_equal(destination->threads, 0);
    assert_int_equal(destination->place.line, 15);
    assert_string_equal(config.path, "bqferry.yaml");
    assert_string_equal(config.directory, "/conf");
    assert_string_equal(config.state_path, "/conf/.bqferry");
    assert_int_equal(config.parallel, 3);
    assert_string_equal(config.column_defaults.on_invalid, "null");
    assert_null(config.column_defaults.mode);
    config_done(&config);

    parse(
        "version: 1\ndestination: { type: duckdb, path: w.duckdb, memory_limit: 256MB, threads: 4 }\n"
        "state: { type: file, path: ../state }\n",
        "/conf", &config);
    assert_int_equal(config.destination.memory_limit, 256000000);
    assert_int_equal(config.destination.threads, 4);
    assert_string_equal(config.state_path, "/conf/../state");
    assert_int_equal(config.parallel, 2);
    assert_int_equal(config.job_count, 0);
    config_done(&config);
}

static void merges_defaults_into_jobs(void **state)
{
    (void)state;
    Config config;
    parse(full_text, "/conf", &config);
    assert_int_equal(config.job_count, 3);
    const JobConfig *orders = config_job(&config, "orders");
    assert_int_equal(orders->tags.count, 2);
    assert_string_equal(orders->tags.items[1], "big");
    assert_string_equal(orders->connection, "shop");
    assert_int_equal(orders->tables.count, 1);
    assert_string_equal(orders->tables.items[0], "public.orders");
    assert_int_equal(orders->columns_wanted.count, 2);
    assert_string_equal(orders->where, "total > 0");
    assert_string_equal(orders->target_dataset, "sales");
    assert_string_equal(orders->target_table, "orders");
    assert_int_equal(orders->load, LOAD_APPEND);
    assert_int_equal(orders->workers, 1);
    assert_int_equal(orders->retry_budget_ms, 7200000);
    assert_string_equal(orders->options.on_invalid, "null");
    assert_string_equal(orders->options.mode, "required");
    assert_null(orders->options.name);
    assert_int_equal(orders->place.line, 28);
    assert_int_equal(orders->column_count, 2);
    assert_string_equal(orders->columns[0].name, "total");
    assert_string_equal(orders->columns[0].type, "NUMERIC(20,4)");
    assert_string_equal(orders->columns[0].target_name, "amount");
    assert_string_equal(orders->columns[0].on_invalid, "clamp");
    assert_string_equal(orders->columns[0].arrays, "json");
    assert_null(orders->columns[0].mode);
    assert_int_equal(orders->columns[0].place.line, 42);
    assert_string_equal(orders->columns[1].on_invalid, "null");
    assert_string_equal(orders->columns[1].description, "What was said");

    const JobConfig *rest = config_job(&config, "rest");
    assert_int_equal(rest->tables.count, 2);
    assert_true(rest->with_views);
    assert_int_equal(rest->load, LOAD_REPLACE);
    assert_int_equal(rest->workers, 4);
    assert_int_equal(rest->retry_budget_ms, 0);
    assert_null(rest->options.on_invalid);
    assert_null(rest->target_table);

    const JobConfig *sums = config_job(&config, "sums");
    assert_string_equal(sums->query, "SELECT 1 AS one");
    assert_string_equal(sums->target_table, "sums");
    assert_string_equal(sums->target_dataset, "marts");
    assert_int_equal(sums->tables.count, 0);
    assert_null(config_job(&config, "no such"));
    config_done(&config);
}

static void has_defaults_for_the_least_file(void **state)
{
    (void)state;
    Config config;
    parse("version: 1\n"
          "connections: { only: { url: 'host=db dbname=shop', type: postgresql } }\n"
          "destination: { type: duckdb, path: w.duckdb }\n"
          "jobs: [ { name: a, source: { table: a }, load: append } ]\n",
          "/conf", &config);
    assert_string_equal(config.jobs[0].connection, "only");
    assert_int_equal(config.jobs[0].workers, 2);
    assert_int_equal(config.jobs[0].retry_budget_ms, 600000);
    assert_int_equal(config.parallel, 2);
    assert_string_equal(config.state_path, "/conf/.bqferry");
    assert_false(config.jobs[0].with_views);
    config_done(&config);
}

static void expands_variables_and_files(void **state)
{
    (void)state;
    Config config;
    setenv("T_SET", "set", 1);
    setenv("T_EMPTY", "", 1);
    setenv("T_WORKERS", "7", 1);
    setenv("T_TRICK", "a, b: [c]\nload: append", 1);
    unsetenv("T_NONE");
    write_file("secret.txt", "s3cret\n\n");
    write_file("windows.txt", "line\r\n");
    parse(
        "version: 1\n"
        "connections:\n"
        "  a:\n"
        "    type: ${T_NONE:-postgresql}\n"
        "    host: a-${T_SET}-$${T_SET}-$T_SET-$$-${T_NONE:-}-${T_EMPTY:-x:-y}\n"
        "    user: ${T_TRICK}\n"
        "    password: ${file:secret.txt}\n"
        "    database: ${file:windows.txt}\n"
        "    service: ${T_EMPTY}\n"
        "    application_name: '${T_SET}'\n"
        "    sslmode: ${T_EMPTY}\n"
        "destination: { type: duckdb, path: '${T_SET}.duckdb', threads: '${T_NONE:-}' }\n"
        "defaults: { workers: '${T_WORKERS}', load: replace }\n"
        "jobs: [ { name: '${T_SET}', tags: ['${T_NONE:-}', x], source: { table: t, views: '${T_NONE:-true}' } } ]\n",
        folder, &config);
    const ConnectionConfig *connection = &config.connections[0];
    assert_string_equal(connection->host, "a-set-${T_SET}-$T_SET-$$--x:-y");
    assert_string_equal(connection->user, "a, b: [c]\nload: append");
    assert_string_equal(connection->password, "s3cret\n");
    assert_string_equal(connection->database, "line");
    assert_null(connection->service);
    assert_null(connection->sslmode);
    assert_string_equal(connection->application_name, "set");
    assert_string_equal(config.destination.path, in_folder("set.duckdb"));
    assert_int_equal(config.destination.threads, 0);
    assert_int_equal(config.jobs[0].workers, 7);
    assert_string_equal(config.jobs[0].name, "set");
    assert_int_equal(config.jobs[0].tags.count, 1);
    assert_true(config.jobs[0].with_views);
    config_done(&config);
}

static void reads_env_beside_the_file(void **state)
{
    (void)state;
    Config config;
    setenv("T_BOTH", "environment", 1);
    unsetenv("T_DOTENV");
    write_file(".env", "T_BOTH=file\nT_DOTENV='from file'\n");
    write_file("env.yaml",
               "version: 1\n"
               "connections: { a: { type: postgresql, host: '${T_BOTH}', user: '${T_DOTENV}' } }\n"
               "destination: { type: duckdb, path: x }\n");
    load("env.yaml", &config);
    assert_string_equal(config.connections[0].host, "environment");
    assert_string_equal(config.connections[0].user, "from file");
    assert_null(getenv("T_DOTENV"));
    config_done(&config);

    write_file(".env", "GOOD=1\nnot an assignment\n");
    write_file("other.yaml", "version: 1\ndestination: { type: duckdb, path: x }\n");
    assert_load_fails("other.yaml", "/.env:2:1: expected NAME=VALUE");
    unlink(in_folder(".env"));
}

static const char included_one[] = "version: 1\n"
                                   "connections: { stock: { type: postgresql, sslcert: c.crt } }\n"
                                   "jobs:\n"
                                   "  - { name: b, source: { connection: stock, table: b } }\n";
static const char included_two[] = "jobs:\n"
                                   "  - { name: c, source: { connection: shop, table: c } }\n";
static const char including[] = "version: 1\n"
                                "connections: { shop: { type: postgresql } }\n"
                                "destination: { type: duckdb, path: w.duckdb }\n"
                                "include: [ 'more/*.yaml', 'more/1.yaml', 'inc*.yaml' ]\n"
                                "defaults: { load: append }\n"
                                "jobs:\n"
                                "  - { name: a, source: { connection: shop, table: a } }\n";

static void includes_files(void **state)
{
    (void)state;
    Config config;
    mkdir(in_folder("more"), 0755);
    write_file("more/1.yaml", included_one);
    write_file("more/2.yaml", included_two);
    write_file("include.yaml", including);
    load("include.yaml", &config);
    assert_int_equal(config.connection_count, 2);
    assert_int_equal(config.job_count, 3);
    assert_string_equal(config.jobs[0].name, "a");
    assert_string_equal(config.jobs[1].name, "b");
    assert_string_equal(config.jobs[2].name, "c");
    assert_int_equal(config.jobs[2].load, LOAD_APPEND);
    assert_string_equal(config.jobs[1].place.file, in_folder("more/1.yaml"));
    assert_int_equal(config.jobs[1].place.line, 4);
    assert_string_equal(config.connections[1].sslcert, in_folder("c.crt"));
    config_done(&config);
}

static void names_both_places_of_a_clash(void **state)
{
    (void)state;
    Config config;
    ConfigErrors errors;
    Error error = {0};
    write_file("more/1.yaml", "connections: { shop: { type: postgresql } }\n"
                              "jobs: [ { name: a, source: { connection: shop, table: z } } ]\n"
                              "parallel: 3\n"
                              "include: [x]\n");
    write_file("more/2.yaml", "jobs: [ { name: c, source: { connection: shop, table: a } } ]\n");
    CLEANUP(free_ptr) char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(folder), 0);
    bool loaded = config_load("include.yaml", &config, &errors, &error);
    assert_int_equal(chdir(before), 0);
    assert_false(loaded);
    static const char *const expected[] = {
        "more/1.yaml:1:16: connections.shop: another connection has the name \"shop\": see "
        "include.yaml:2:16",
        "more/1.yaml:2:17: jobs[0].name: another job has the name \"a\": see include.yaml:7:13",
        "more/1.yaml:3:1: parallel: unknown key (known here: version, connections, jobs); it belongs "
        "into the main file",
        "more/1.yaml:4:1: include: unknown key (known here: version, connections, jobs); it belongs "
        "into the main file",
        "more/2.yaml:1:9: jobs[0].target: the target table \"main.a\" is also that of jobs[0] "
        "(include.yaml:7:5): name another with target.table or target.dataset",
    };
    for (size_t i = 0; i < errors.count; i++)
        assert_string_equal(errors.messages[i], expected[i]);
    assert_int_equal(errors.count, 5);
    config_done(&config);
}

static void survives_bad_included_files(void **state)
{
    (void)state;
    static const char main_text[] =
        "version: 1\n"
        "destination: { type: duckdb, path: w }\n"
        "include: [ 'one.yml' ]\n"
        "jobs: [ { name: a, load: append, source: { connection: x, table: a } } ]\n";
    write_file("bad.yaml", main_text);
    assert_load_fails("bad.yaml",
                      "bad.yaml:3:12: include[0]: \"one.yml\" matches no file in /tmp/");
    write_file("one.yml", "connections: { x: {");
    assert_load_fails("bad.yaml", "one.yml:2:1: YAML syntax: ");
    write_file("one.yml", "");
    assert_load_fails("bad.yaml", "one.yml: the file is empty");
    unlink(in_folder("one.yml"));
    mkdir(in_folder("one.yml"), 0755);
    assert_load_fails("bad.yaml", "include[0]: /tmp/");
}

static void says_when_there_is_no_file(void **state)
{
    (void)state;
    Config config;
    ConfigErrors errors;
    Error error = {0};
    assert_false(config_load(in_folder("no.yaml"), &config, &errors, &error));
    assert_int_equal(error.kind, ERROR_CONFIG);
    assert_non_null(strstr(error.message, "there is no configuration /tmp/test_config_"));
    assert_non_null(strstr(error.hint, "bqferry init"));
    assert_int_equal(errors.count, 1);
    config_done(&config);
    error = (Error){0};
    assert_false(config_load(folder, &config, &errors, &error));
    assert_non_null(strstr(error.message, "is not a regular file"));
    assert_int_equal(errors.count, 1);
    config_done(&config);
}

static void starts_paths_at_the_folder_of_the_file(void **state)
{
    (void)state;
    Config config;
    mkdir(in_folder("sub"), 0755);
    write_file("sub/c.yaml", "version: 1\ndestination: { type: duckdb, path: .//w.duckdb }\n");
    CLEANUP(free_ptr) char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(folder), 0);
    ConfigErrors errors;
    Error error = {0};
    bool loaded = config_load("sub/c.yaml", &config, &errors, &error);
    assert_int_equal(chdir(before), 0);
    check(loaded, &errors, &error);
    assert_string_equal(config.directory, in_folder("sub"));
    assert_string_equal(config.destination.path, in_folder("sub/w.duckdb"));
    config_done(&config);
}

static void names_load_modes(void **state)
{
    (void)state;
    LoadMode mode = LOAD_APPEND;
    assert_true(load_mode_parse("replace", &mode));
    assert_int_equal(mode, LOAD_REPLACE);
    assert_true(load_mode_parse("append", &mode));
    assert_int_equal(mode, LOAD_APPEND);
    assert_false(load_mode_parse("Replace", &mode));
    assert_false(load_mode_parse("", &mode));
    assert_string_equal(load_mode_name(LOAD_REPLACE), "replace");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_connections),
        cmocka_unit_test(reads_the_destination_and_the_rest),
        cmocka_unit_test(merges_defaults_into_jobs),
        cmocka_unit_test(has_defaults_for_the_least_file),
        cmocka_unit_test(expands_variables_and_files),
        cmocka_unit_test(reads_env_beside_the_file),
        cmocka_unit_test(includes_files),
        cmocka_unit_test(names_both_places_of_a_clash),
        cmocka_unit_test(survives_bad_included_files),
        cmocka_unit_test(says_when_there_is_no_file),
        cmocka_unit_test(starts_paths_at_the_folder_of_the_file),
        cmocka_unit_test(names_load_modes),
    };
    return cmocka_run_group_tests_name("config/config", tests, make_folder, remove_folder);
}
