# SPDX-License-Identifier: Apache-2.0
"""tables.*: resources, schemas, partitioning, clustering, keys, expiration.

https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tables"""

import datetime
import time

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound, PreconditionFailed
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField
from running import error_of

TABLES = "/bigquery/v2/projects/test-project/datasets/d/tables"

EVERY_TYPE = [
    SchemaField("i", "INT64", mode="REQUIRED", description="the key"), SchemaField("f", "FLOAT64"), SchemaField("b", "BOOL"),
    SchemaField("s", "STRING", max_length=20), SchemaField("y", "BYTES", max_length=4),
    SchemaField("n", "NUMERIC", precision=20, scale=4), SchemaField("bn", "BIGNUMERIC", precision=60, scale=30),
    SchemaField("d", "DATE"), SchemaField("t", "TIME"), SchemaField("dt", "DATETIME"), SchemaField("ts", "TIMESTAMP"),
    SchemaField("iv", "INTERVAL"), SchemaField("j", "JSON"), SchemaField("g", "GEOGRAPHY"),
    SchemaField("r", "RANGE", range_element_type="DATE"), SchemaField("a", "INT64", mode="REPEATED"),
    SchemaField("st", "STRUCT", mode="REPEATED", fields=[SchemaField("x", "STRING"), SchemaField(
        "y", "RECORD", fields=[SchemaField("z", "DATE", mode="REPEATED")])])]


def test_schema_of_every_type(client, make):
    """rest/v2/tables#TableFieldSchema: types are answered with their legacy names, parameters and modes are kept."""
    make("t", EVERY_TYPE)
    found = client.get_table("d.t").schema
    legacy = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}
    assert [item.field_type for item in found] == [legacy.get(item.field_type, item.field_type) for item in EVERY_TYPE]
    for before, after in zip(EVERY_TYPE, found):
        assert (before.name, before.mode, before.description) == (after.name, after.mode, after.description)
        assert (before.max_length, before.precision, before.scale) == (after.max_length, after.precision, after.scale)
    assert found[14].range_element_type.element_type == "DATE"
    assert found[16].fields[1].fields[0].mode == "REPEATED"


def test_insert_and_get(client, dataset):
    """tables.insert"""
    wanted = bigquery.Table(dataset.table("t"), schema=[SchemaField("a", "STRING", description="first")])
    wanted.description, wanted.friendly_name, wanted.labels = "a table", "T", {"k": "v"}
    wanted.expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    made = client.create_table(wanted)
    found = client.get_table("d.t")
    assert found.etag == made.etag
    assert (found.description, found.friendly_name, found.labels) == ("a table", "T", {"k": "v"})
    assert (found.num_rows, found.num_bytes, found.table_type, found.location) == (0, 0, "TABLE", "US")
    assert abs((found.expires - wanted.expires).total_seconds()) < 0.01
    assert found.full_table_id == "test-project:d.t"


def test_insert_of_a_known_table(client, make):
    make("t", [("a", "STRING")])
    with pytest.raises(Conflict, match="Already Exists: Table test-project:d.t"):
        make("t", [("a", "STRING")])


def test_insert_into_a_missing_dataset(client):
    with pytest.raises(NotFound, match="Not found: Dataset test-project:nothing"):
        client.create_table(bigquery.Table("test-project.nothing.t"))


@pytest.mark.parametrize("name", ["a-b", "größe 1", "数据", "x" * 1024])
def test_table_names(make, name):
    """docs/tables#table_naming: Unicode letters, marks, numbers, connectors, dashes, spaces; up to 1,024 bytes."""
    assert make(name, [("a", "STRING")]).table_id == name


@pytest.mark.parametrize("name", ["a.b", "a/b", "a$20260101", "a@1", "a%b", "ü" * 513, "a*"])
def test_table_names_that_are_refused(plain, dataset, name):
    body = {"tableReference": {"projectId": "test-project", "datasetId": "d", "tableId": name}}
    assert plain("POST", TABLES, json=body).status_code == 400


def test_names_of_tables_differ_by_case(make):
    """docs/tables#table_naming: case-sensitive unless the dataset is not."""
    make("t", [("a", "STRING")])
    assert make("T", [("a", "STRING")]).table_id == "T"


def test_case_insensitive_dataset(client):
    """rest/v2/datasets#Dataset.isCaseInsensitive"""
    wanted = bigquery.Dataset("test-project.ci")
    wanted.is_case_insensitive = True
    client.create_dataset(wanted)
    client.create_table(bigquery.Table("test-project.ci.Orders", schema=[SchemaField("a", "STRING")]))
    assert client.get_table("ci.ORDERS").table_id == "Orders"
    with pytest.raises(Conflict):
        client.create_table(bigquery.Table("test-project.ci.orders", schema=[SchemaField("a", "STRING")]))


@pytest.mark.parametrize("fields,message", [
    ([{"name": "a", "type": "STRING"}, {"name": "A", "type": "STRING"}], "already exists in schema"),
    ([{"name": "a.b", "type": "STRING"}], "Invalid field name"),
    ([{"name": "a`b", "type": "STRING"}], "Invalid field name"),
    ([{"name": "x" * 301, "type": "STRING"}], "Invalid field name"),
    ([{"name": "_partition_x", "type": "STRING"}], "not allowed to start with"),
    ([{"name": "_TABLE_x", "type": "STRING"}], "not allowed to start with"),
    ([{"name": "_Change_Type", "type": "STRING"}], "not allowed to start with"),
    ([{"type": "STRING"}], "Field name is missing"),
    ([{"name": "a", "type": "TEXT"}], "not a valid value"),
    ([{"name": "a"}], "not a valid value"),
    ([{"name": "a", "type": "STRING", "mode": "OPTIONAL"}], "Invalid value for mode"),
    ([{"name": "a", "type": "RECORD"}], "has no schema"),
    ([{"name": "a", "type": "STRING", "fields": [{"name": "b", "type": "STRING"}]}], "nested fields"),
    ([{"name": "a", "type": "INT64", "maxLength": "5"}], "maxLength is only allowed"),
    ([{"name": "a", "type": "STRING", "precision": "5"}], "precision and scale are only allowed"),
    ([{"name": "a", "type": "NUMERIC", "precision": "39"}], "precision"),
    ([{"name": "a", "type": "NUMERIC", "precision": "30", "scale": "0"}], "precision"),
    ([{"name": "a", "type": "NUMERIC", "precision": "5", "scale": "10"}], "scale"),
    ([{"name": "a", "type": "NUMERIC", "scale": "2"}], "together with precision"),
    ([{"name": "a", "type": "BIGNUMERIC", "precision": "77", "scale": "38"}], "precision"),
    ([{"name": "a", "type": "STRING", "maxLength": "0"}], "must be positive"),
    ([{"name": "a", "type": "NUMERIC", "precision": "0"}], "precision"),
    ([{"name": "a", "type": "RANGE"}], "rangeElementType"),
    ([{"name": "a", "type": "RANGE", "rangeElementType": {"type": "INT64"}}], "rangeElementType"),
    ([{"name": "a", "type": "STRING", "description": "x" * 1025}], "too long"),
    ([{"name": "a", "type": "INT64", "collation": "und:ci"}], "collation"),
    ([{"name": "a", "type": "INT64", "roundingMode": "ROUND_HALF_EVEN"}], "rounding mode")])
def test_schemas_that_are_refused(plain, dataset, fields, message):
    """docs/schemas, rest/v2/tables#TableFieldSchema, standard-sql/data-types#parameterized_data_types"""
    body = {"tableReference": {"projectId": "test-project", "datasetId": "d", "tableId": "t"}, "schema": {"fields": fields}}
    status, reason, text = error_of(plain("POST", TABLES, json=body))
    assert (status, reason) == (400, "invalid")
    assert message in text


def test_nesting_is_limited(make):
    """quotas#standard_tables: 15 levels of nested RECORDs."""
    field = SchemaField("x", "STRING")
    for _ in range(14):
        field = SchemaField("x", "RECORD", fields=[field])
    make("fine", [field])
    with pytest.raises(BadRequest, match="nested depth"):
        make("deep", [SchemaField("x", "RECORD", fields=[field])])


def test_flexible_column_names(make, load, rows):
    """docs/schemas#flexible-column-names"""
    make("t", [("größe cm", "INT64"), ("a-b & c%", "STRING")])
    load("t", [{"größe cm": 1, "a-b & c%": "x"}])
    assert rows("t") == [(1, "x")]


# Partitioning, clustering, keys -----------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["HOUR", "DAY", "MONTH", "YEAR"])
@pytest.mark.parametrize("column", [None, "ts", "dt", "d"])
def test_time_partitioning(client, make, kind, column):
    """docs/creating-partitioned-tables; HOUR is not for DATE (rest/v2/tables#TimePartitioning)."""
    spec = bigquery.TimePartitioning(type_=kind, field=column, expiration_ms=10**12)
    schema = [("ts", "TIMESTAMP"), ("dt", "DATETIME"), ("d", "DATE")]
    if (kind, column) == ("HOUR", "d"):
        with pytest.raises(BadRequest):
            make("t", schema, time_partitioning=spec, require_partition_filter=True)
        return
    make("t", schema, time_partitioning=spec, require_partition_filter=True)
    found = client.get_table("d.t")
    assert (found.time_partitioning.type_, found.time_partitioning.field) == (kind, column)
    assert found.time_partitioning.expiration_ms == 10**12
    assert found.require_partition_filter is True


def test_range_partitioning(client, make):
    """rest/v2/tables#RangePartitioning"""
    spec = bigquery.RangePartitioning(field="a", range_=bigquery.PartitionRange(start=0, end=100, interval=10))
    make("t", [("a", "INT64")], range_partitioning=spec)
    found = client.get_table("d.t").range_partitioning
    assert (found.field, found.range_.start, found.range_.end, found.range_.interval) == ("a", 0, 100, 10)


PARTITIONED = {"timePartitioning": {"type": "DAY", "field": "d"}}


@pytest.mark.parametrize("members", [
    {"timePartitioning": {"type": "WEEK"}}, {"timePartitioning": {"type": "DAY", "field": "nothing"}},
    {"timePartitioning": {"type": "DAY", "field": "s"}}, {"timePartitioning": {"type": "DAY", "field": "dd"}},
    {"timePartitioning": {"type": "DAY", "field": "st.d"}}, {"timePartitioning": {}},
    {"timePartitioning": {"type": "DAY", "expirationMs": "-5"}}, {"timePartitioning": {"type": "DAY", "field": "_PARTITIONTIME"}},
    {"rangePartitioning": {"field": "s", "range": {"start": "0", "end": "9", "interval": "1"}}},
    {"rangePartitioning": {"field": "i", "range": {"start": "9", "end": "0", "interval": "1"}}},
    {"rangePartitioning": {"field": "i", "range": {"start": "0", "end": "9", "interval": "0"}}},
    {"rangePartitioning": {"field": "i", "range": {"start": "0", "end": "10001", "interval": "1"}}},
    {"rangePartitioning": {"field": "i"}},
    {**PARTITIONED, "rangePartitioning": {"field": "i", "range": {"start": "0", "end": "9", "interval": "1"}}},
    {"requirePartitionFilter": True},
    {"clustering": {"fields": ["s", "i", "d", "b", "n"]}}, {"clustering": {"fields": ["nothing"]}},
    {"clustering": {"fields": ["f"]}}, {"clustering": {"fields": ["y"]}}, {"clustering": {"fields": ["t"]}},
    {"clustering": {"fields": ["j"]}}, {"clustering": {"fields": ["st"]}}, {"clustering": {"fields": ["dd"]}},
    {"clustering": {"fields": ["s", "S"]}}, {"clustering": {"fields": []}},
    {"expirationTime": "1000"}, {"labels": {"Bad Key": "x"}}, {"maxStaleness": "10 minutes"},
    {"encryptionConfiguration": {"kmsKeyName": "k"}},
    {"tableConstraints": {"primaryKey": {"columns": []}}}, {"tableConstraints": {"primaryKey": {"columns": ["nothing"]}}},
    {"tableConstraints": {"primaryKey": {"columns": ["f"]}}}, {"tableConstraints": {"primaryKey": {"columns": ["j"]}}},
    {"tableConstraints": {"primaryKey": {"columns": ["t"]}}}, {"tableConstraints": {"primaryKey": {"columns": ["dd"]}}},
    {"tableConstraints": {"primaryKey": {"columns": ["st.d"]}}}, {"tableConstraints": {"primaryKey": {"columns": ["i", "i"]}}},
    {"view": {"query": "SELECT 1 AS a", "useLegacySql": False}, "timePartitioning": {"type": "DAY"}}])
def test_specifications_that_are_refused(plain, dataset, members):
    """Rules of partition columns (docs/partitioned-tables#limitations), clustering columns
    (docs/creating-clustered-tables#limitations), keys (docs/primary-foreign-keys#limitations), expiration."""
    kinds = {"s": "STRING", "i": "INT64", "d": "DATE", "b": "BOOL", "n": "NUMERIC", "f": "FLOAT64", "y": "BYTES", "t": "TIME",
             "j": "JSON"}
    fields = [{"name": name, "type": kind} for name, kind in kinds.items()]
    fields += [{"name": "dd", "type": "DATE", "mode": "REPEATED"},
               {"name": "st", "type": "RECORD", "fields": [{"name": "d", "type": "DATE"}]}]
    body = {"tableReference": {"projectId": "test-project", "datasetId": "d", "tableId": "t"}, "schema": {"fields": fields},
            **members}
    status, reason, _ = error_of(plain("POST", TABLES, json=body))
    assert (status, reason) == (400, "invalid")


@pytest.mark.parametrize("members", [{"externalDataConfiguration": {"sourceUris": ["gs://b/o"]}},
                                     {"materializedView": {"query": "SELECT 1"}}, {"managedTableType": "BIGLAKE"},
                                     {"biglakeConfiguration": {"tableFormat": "ICEBERG"}},
                                     {"view": {"query": "SELECT 1 AS a"}}])
def test_tables_that_the_standin_does_not_know(plain, dataset, members):
    body = {"tableReference": {"projectId": "test-project", "datasetId": "d", "tableId": "t"}, **members}
    assert error_of(plain("POST", TABLES, json=body))[:2] == (501, "notImplemented")


def test_clustering_can_change(client, make):
    """docs/creating-clustered-tables#modifying-cluster-spec"""
    make("t", [("a", "STRING"), ("b", "INT64")], clustering_fields=["a"])
    table = client.get_table("d.t")
    table.clustering_fields = ["b", "a"]
    assert client.update_table(table, ["clustering_fields"]).clustering_fields == ["b", "a"]
    table = client.get_table("d.t")
    table.clustering_fields = None
    assert client.update_table(table, ["clustering_fields"]).clustering_fields is None


def test_keys(client, make):
    """rest/v2/tables#TableConstraints"""
    from google.cloud.bigquery.table import (ColumnReference, ForeignKey, PrimaryKey, TableConstraints)
    make("parent", [("id", "INT64", "REQUIRED")], table_constraints=TableConstraints(PrimaryKey(["id"]), None))
    foreign = ForeignKey("fk_parent", bigquery.TableReference.from_string("test-project.d.parent"), [ColumnReference("p", "id")])
    make("child", [("id", "INT64"), ("p", "INT64")], table_constraints=TableConstraints(PrimaryKey(["id"]), [foreign]))
    found = client.get_table("d.child").table_constraints
    assert found.primary_key.columns == ["id"]
    assert found.foreign_keys[0].name == "fk_parent"
    assert found.foreign_keys[0].referenced_table.table_id == "parent"
    assert found.foreign_keys[0].column_references[0].referenced_column == "id"


@pytest.mark.parametrize("references", [
    {"referencedTable": "nothing", "columnReferences": [{"referencingColumn": "p", "referencedColumn": "id"}]},
    {"referencedTable": "plain", "columnReferences": [{"referencingColumn": "p", "referencedColumn": "id"}]},
    {"referencedTable": "parent", "columnReferences": [{"referencingColumn": "s", "referencedColumn": "id"}]},
    {"referencedTable": "child", "columnReferences": [{"referencingColumn": "p", "referencedColumn": "id"}]},
    {"referencedTable": "parent", "columnReferences": []}])
def test_foreign_keys_that_are_refused(plain, client, make, references):
    """docs/primary-foreign-keys: the referenced columns are a primary key of another table, of the same type."""
    from google.cloud.bigquery.table import PrimaryKey, TableConstraints
    make("parent", [("id", "INT64")], table_constraints=TableConstraints(PrimaryKey(["id"]), None))
    make("plain", [("id", "INT64")])
    target = {"projectId": "test-project", "datasetId": "d", "tableId": references["referencedTable"]}
    body = {"tableReference": {"projectId": "test-project", "datasetId": "d", "tableId": "child"},
            "schema": {"fields": [{"name": "p", "type": "INT64"}, {"name": "s", "type": "STRING"}, {"name": "id", "type": "INT64"}]},
            "tableConstraints": {"primaryKey": {"columns": ["id"]}, "foreignKeys": [{**references, "referencedTable": target}]}}
    assert error_of(plain("POST", TABLES, json=body))[:2] == (400, "invalid")


# Changing -----------------------------------------------------------------------------------------------------

def test_patch_schema_adds_and_relaxes(client, make, load, rows):
    """docs/managing-table-schemas: NULLABLE and REPEATED columns may be added, nested too; REQUIRED relaxed."""
    make("t", [SchemaField("a", "INT64", mode="REQUIRED"), SchemaField("s", "RECORD", fields=[SchemaField("x", "STRING")])])
    load("t", [{"a": 1, "s": {"x": "one"}}, {"a": 2}])
    table = client.get_table("d.t")
    table.schema = [
        SchemaField("a", "INT64", mode="NULLABLE", description="relaxed"),
        SchemaField("s", "RECORD", fields=[SchemaField("x", "STRING"), SchemaField("y", "DATE"),
                                           SchemaField("z", "INT64", mode="REPEATED")]),
        SchemaField("n", "NUMERIC"), SchemaField("r", "STRING", mode="REPEATED")]
    found = client.update_table(table, ["schema"])
    assert [item.mode for item in found.schema] == ["NULLABLE", "NULLABLE", "NULLABLE", "REPEATED"]
    assert found.schema[0].description == "relaxed"
    assert rows("t") == [(1, {"x": "one", "y": None, "z": []}, None, []), (2, None, None, [])]
    load("t", [{"s": {"y": "2026-08-22", "z": [1]}, "n": "1.5", "r": ["q"]}])
    assert len(rows("t")) == 3


@pytest.mark.parametrize("schema,message", [
    ([("a", "INT64", "REQUIRED")], "missing in new schema"),
    ([("b", "STRING"), ("a", "INT64", "REQUIRED")], "another order"),
    ([("a", "STRING", "REQUIRED"), ("b", "STRING")], "has changed type from INTEGER to STRING"),
    ([("a", "INT64", "REQUIRED"), ("b", "STRING", "REQUIRED")], "has changed mode from NULLABLE to REQUIRED"),
    ([("a", "INT64", "REQUIRED"), ("b", "STRING", "REPEATED")], "has changed mode"),
    ([("a", "INT64", "REQUIRED"), ("b", "STRING"), ("c", "STRING", "REQUIRED")], "Cannot add required fields"),
    ([SchemaField("a", "INT64", mode="REQUIRED"), SchemaField("b", "STRING", max_length=5)], "type parameters"),
    ([SchemaField("a", "INT64", mode="REQUIRED"), SchemaField("b", "STRING"),
      SchemaField("c", "STRING", default_value_expression="'x'")], "default value")])
def test_patch_schema_that_is_refused(client, make, schema, message):
    """docs/managing-table-schemas: columns are not removed, reordered, renamed or of another type by the API."""
    make("t", [("a", "INT64", "REQUIRED"), ("b", "STRING")])
    table = client.get_table("d.t")
    table.schema = [item if isinstance(item, SchemaField) else SchemaField(*item) for item in schema]
    with pytest.raises(BadRequest, match="(?i)" + message) as caught:
        client.update_table(table, ["schema"])
    assert "Provided Schema does not match Table test-project:d.t" in caught.value.message


def test_patch_with_an_old_etag(client, make):
    """If-Match: 412."""
    make("t", [("a", "INT64")])
    first, second = client.get_table("d.t"), client.get_table("d.t")
    first.description = "one"
    assert client.update_table(first, ["description"]).etag != first.etag
    second.description = "two"
    with pytest.raises(PreconditionFailed):
        client.update_table(second, ["description"])


def test_every_change_gives_another_etag(client, make, load):
    make("t", [("a", "INT64")])
    before = client.get_table("d.t")
    load("t", [{"a": 1}])
    after = client.get_table("d.t")
    assert after.etag != before.etag
    assert after.modified > before.modified and after.created == before.created


@pytest.mark.parametrize("change", [
    {"timePartitioning": {"type": "MONTH", "field": "d"}}, {"timePartitioning": {"type": "DAY", "field": "e"}},
    {"timePartitioning": None}, {"timePartitioning": {"type": "DAY", "field": None}},
    {"timePartitioning": None, "rangePartitioning": {"field": "i", "range": {"start": "0", "end": "9", "interval": "1"}}}])
def test_partitioning_cannot_change(plain, make, change):
    """docs/partitioned-tables: the partitioning of a table is for ever."""
    make("t", [("d", "DATE"), ("e", "DATE"), ("i", "INT64")], time_partitioning=bigquery.TimePartitioning(field="d"))
    assert error_of(plain("PATCH", f"{TABLES}/t", json=change))[:2] == (400, "invalid")


def test_a_plain_table_cannot_become_partitioned(plain, make):
    make("t", [("d", "DATE")])
    answer = plain("PATCH", f"{TABLES}/t", json={"timePartitioning": {"type": "DAY", "field": "d"}})
    assert answer.status_code == 400


def test_partition_expiration_and_filter_can_change(client, make):
    """docs/managing-partitioned-tables#update_the_partition_expiration, #update_the_partition_filter_requirement"""
    make("t", [("d", "DATE")], time_partitioning=bigquery.TimePartitioning(field="d"))
    table = client.get_table("d.t")
    table.time_partitioning.expiration_ms = 10**12
    table.require_partition_filter = True
    found = client.update_table(table, ["time_partitioning", "require_partition_filter"])
    assert (found.time_partitioning.expiration_ms, found.require_partition_filter) == (10**12, True)
    found.require_partition_filter = False
    found = client.update_table(found, ["require_partition_filter"])
    assert found.require_partition_filter is False and found.time_partitioning.expiration_ms == 10**12


def test_the_older_name_of_the_filter(plain, make):
    """TimePartitioning.requirePartitionFilter (deprecated) means the same."""
    make("t", [("d", "DATE")], time_partitioning=bigquery.TimePartitioning(field="d"))
    for value in (True, False):
        change = {"timePartitioning": {"type": "DAY", "field": "d", "requirePartitionFilter": value}}
        assert plain("PATCH", f"{TABLES}/t", json=change).json()["requirePartitionFilter"] is value


def test_labels_merge_and_go(client, make):
    make("t", [("a", "INT64")], labels={"a": "1", "b": "2"})
    table = client.get_table("d.t")
    table.labels = {"a": None, "c": "3"}
    assert client.update_table(table, ["labels"]).labels == {"b": "2", "c": "3"}


def test_expiration(client, make):
    """docs/managing-tables#updating_a_tables_expiration_time: an expired table is deleted; null removes the time."""
    table = make("t", [("a", "INT64")])
    table.expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    table = client.update_table(table, ["expires"])
    assert table.expires is not None
    table.expires = None
    table = client.update_table(table, ["expires"])
    assert table.expires is None
    table.expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(milliseconds=300)
    client.update_table(table, ["expires"])
    time.sleep(0.4)
    with pytest.raises(NotFound, match="Not found: Table test-project:d.t"):
        client.get_table("d.t")
    assert list(client.list_tables("d")) == []
    client.delete_dataset("d")


def test_constraints_can_change(client, make):
    """tables.patch with tableConstraints"""
    from google.cloud.bigquery.table import PrimaryKey, TableConstraints
    table = make("t", [("a", "INT64"), ("b", "INT64")])
    table.table_constraints = TableConstraints(PrimaryKey(["b"]), None)
    found = client.update_table(table, ["table_constraints"])
    assert found.table_constraints.primary_key.columns == ["b"]


# Listing, reading, deleting ------------------------------------------------------------------------------------

def test_list(client, make, plain):
    """tables.list: pages, totalItems, some members of each table."""
    make("b", [("d", "DATE")], time_partitioning=bigquery.TimePartitioning(field="d"), labels={"k": "v"})
    make("a", [("x", "INT64")], clustering_fields=["x"])
    make("c", [("x", "INT64")])
    found = list(client.list_tables("d", page_size=2))
    assert [item.table_id for item in found] == ["a", "b", "c"]
    assert found[1].labels == {"k": "v"} and found[1].time_partitioning.type_ == "DAY"
    assert found[0].clustering_fields == ["x"]
    assert plain("GET", TABLES).json()["totalItems"] == 3
    with pytest.raises(NotFound):
        list(client.list_tables("nothing"))


def test_selected_fields_and_views(plain, make):
    """tables.get: selectedFields, view"""
    make("t", EVERY_TYPE)
    found = plain("GET", f"{TABLES}/t?selectedFields=i,st.y.z").json()
    assert [item["name"] for item in found["schema"]["fields"]] == ["i", "st"]
    assert [item["name"] for item in found["schema"]["fields"][1]["fields"]] == ["y"]
    assert plain("GET", f"{TABLES}/t?selectedFields=nothing").status_code == 400
    assert "numRows" in plain("GET", f"{TABLES}/t").json()
    assert "numRows" not in plain("GET", f"{TABLES}/t?view=BASIC").json()


def test_delete(client, make):
    make("t", [("a", "INT64")])
    client.delete_table("d.t")
    with pytest.raises(NotFound, match="Not found: Table"):
        client.delete_table("d.t")
    client.delete_table("d.t", not_found_ok=True)
    make("t", [("b", "STRING")])


def test_permissions(client, make):
    """tables.testIamPermissions"""
    table = make("t", [("a", "INT64")])
    wanted = ["bigquery.tables.getData", "bigquery.tables.update"]
    assert client.test_iam_permissions(table, wanted)["permissions"] == wanted
    client.delete_table(table)
    with pytest.raises(NotFound):
        client.test_iam_permissions(table, wanted)


def test_columns_are_limited(client, dataset):
    """quotas#standard_tables: 10,000 columns, nested ones count."""
    fields = [SchemaField(f"c{number}", "STRING") for number in range(9_999)]
    client.create_table(bigquery.Table(dataset.table("t"), schema=[*fields, SchemaField("last", "STRING")]))
    nested = SchemaField("s", "RECORD", fields=[SchemaField("x", "STRING")])
    with pytest.raises(BadRequest, match="Too many fields"):
        client.create_table(bigquery.Table(dataset.table("u"), schema=[*fields, nested]))
