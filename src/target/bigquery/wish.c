/* SPDX-License-Identifier: Apache-2.0 */
#include "target/bigquery/wish.h"

#include "net/google.h"
#include "target/bigquery/label.h"

#include <inttypes.h>
#include <string.h>

/* A table's time of making is the service's, its expiration was computed from our own clock. */
static const int64_t clocks_ms = INT64_C(10) * 60 * 1000;

typedef struct Comparison {
    Arena *arena;
    Json *table;
    WishChanges *changes;
} Comparison;

/* The patch, of which `word` tells people. */
static Json *patch_of(Comparison *comparison, const char *word)
{
    WishChanges *changes = comparison->changes;
    if (!changes->patch)
        changes->patch = json_object_new();
    changes->what =
        changes->what ? arena_printf(comparison->arena, "%s, %s", changes->what, word) : word;
    return changes->patch;
}

static void set_text(Comparison *comparison, const char *key, const char *text, const char *word)
{
    json_set_text(patch_of(comparison, word), key, text);
    json_set_text(comparison->table, key, text);
}

static void compare_description(Comparison *comparison, const char *wanted)
{
    const char *now = json_get_text(comparison->table, "description");
    if (wanted && strcmp(now ? now : "", wanted) != 0)
        set_text(comparison, "description", wanted, "description");
}

static size_t count_members(const Json *object)
{
    size_t count = 0;
    for (const char *key = json_next_key(object, NULL); key; key = json_next_key(object, key))
        count++;
    return count;
}

/* Others' labels stay; what passes the 64th is left out, as for new tables. */
static void compare_labels(Comparison *comparison, const ConfigLabels *wanted)
{
    const Json *before = json_get(comparison->table, "labels");
    Json *labels = before ? json_clone(before) : json_object_new();
    Json *patch = json_object_new();
    for (size_t i = 0; i < wanted->count; i++) {
        const ConfigLabel *label = &wanted->items[i];
        const char *now = json_get_text(labels, label->key);
        if ((now && strcmp(now, label->value) == 0) ||
            (!now && count_members(labels) >= LABELS_MAX))
            continue;
        json_set_text(labels, label->key, label->value);
        json_set_text(patch, label->key, label->value);
    }
    if (json_next_key(patch, NULL)) {
        json_set(patch_of(comparison, "labels"), "labels", patch);
        json_set(comparison->table, "labels", labels);
    } else {
        json_free(labels);
        json_free(patch);
    }
}

/* An expiration that is over already would remove the table at once, which nobody means. */
static void compare_expiration(Comparison *comparison, int64_t after_ms, int64_t now_ms)
{
    int64_t made_ms = google_int(comparison->table, "creationTime", -1);
    int64_t end_ms = google_int(comparison->table, "expirationTime", -1);
    int64_t wanted_ms = made_ms + after_ms;
    if (!after_ms || made_ms < 0 ||
        (end_ms >= 0 && end_ms - wanted_ms <= clocks_ms && wanted_ms - end_ms <= clocks_ms))
        return;
    if (wanted_ms > now_ms)
        set_text(comparison, "expirationTime",
                 arena_printf(comparison->arena, "%" PRId64, wanted_ms), "expiration");
    else
        comparison->changes->left =
            "target.expiration is shorter than the table is old: it would be removed at once, and "
            "keeps the expiration that it has (bq update --expiration SECONDS DATASET.TABLE)";
}

static void compare_partitions(Comparison *comparison, const TableWishes *wishes)
{
    Json *table = comparison->table, *time = json_get(table, "timePartitioning");
    bool filter = json_get_bool(table, "requirePartitionFilter") ||
                  json_get_bool(time, "requirePartitionFilter");
    if (time && wishes->partition_expiration_ms &&
        google_int(time, "expirationMs", 0) != wishes->partition_expiration_ms) {
        json_set_text(time, "expirationMs",
                      arena_printf(comparison->arena, "%" PRId64, wishes->partition_expiration_ms));
        json_set(patch_of(comparison, "expiration of partitions"), "timePartitioning",
                 json_clone(time));
    }
    if (wishes->require_filter && !filter && (time || json_get(table, "rangePartitioning"))) {
        json_set_bool(patch_of(comparison, "require_filter"), "requirePartitionFilter", true);
        json_set_bool(table, "requirePartitionFilter", true);
    }
}

static void compare_key(Comparison *comparison, const char *wanted)
{
    const Json *encryption = json_get(comparison->table, "encryptionConfiguration");
    const char *now = json_get_text(encryption, "kmsKeyName");
    if (!wanted || (now && strncmp(now, wanted, strlen(wanted)) == 0))
        return;
    comparison->changes->left =
        arena_printf(comparison->arena,
                     "the table keeps its key of encryption, %s; target.kms_key is for new tables "
                     "(bq update --destination_kms_key %s DATASET.TABLE)",
                     now ? now : "Google's own", wanted);
}

WishChanges wish_compare(const TableWishes *wishes, Json *table, int64_t now_ms, Arena *arena)
{
    WishChanges changes = {0};
    Comparison comparison = {arena, table, &changes};
    compare_description(&comparison, wishes->description);
    compare_labels(&comparison, &wishes->labels);
    compare_key(&comparison, wishes->kms_key);
    compare_expiration(&comparison, wishes->expiration_ms, now_ms);
    compare_partitions(&comparison, wishes);
    return changes;
}

void wish_changes_done(WishChanges *changes)
{
    json_free(changes->patch);
    *changes = (WishChanges){0};
}
