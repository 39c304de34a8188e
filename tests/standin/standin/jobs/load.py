# SPDX-License-Identifier: Apache-2.0
"""Load jobs: Avro and newline-delimited JSON, from objects or an upload, atomically into a table.

https://docs.cloud.google.com/bigquery/docs/batch-loading-data, …/rest/v2/Job#JobConfigurationLoad, …/quotas#load_jobs"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Callable, Iterator

from standin import defaults, partitions, rowaccess, tablespec
from standin.catalog import Table, Transaction
from standin.datasets import check_kms_key
from standin.errors import ApiError, invalid, not_implemented
from standin.jobs import avro, destination, ndjson
from standin.jobs.destination import Destination, check_choice
from standin.physical import PARTITION_TIME, RowFile, ident, row_size
from standin.resources import check_labels
from standin.types import Schema, merge_append, schema_from_json

KNOWN_FORMATS = ("AVRO", "NEWLINE_DELIMITED_JSON")
OTHER_FORMATS = ("CSV", "PARQUET", "ORC", "DATASTORE_BACKUP", "GOOGLE_SHEETS", "BIGTABLE", "ICEBERG", "DELTA_LAKE")
CSV_ONLY = ("fieldDelimiter", "quote", "skipLeadingRows", "nullMarker", "nullMarkers", "allowQuotedNewlines",
            "allowJaggedRows", "preserveAsciiControlCharacters", "sourceColumnMatch", "columnNameCharacterMap")
NOT_KNOWN = ("parquetOptions", "hivePartitioningOptions", "projectionFields", "referenceFileSchemaUri", "schemaInline",
             "schemaInlineFormat", "copyFilesOnly", "jsonExtension", "timestampTargetPrecision", "dateFormat",
             "datetimeFormat", "timeFormat", "timestampFormat", "timeZone", "autodetect")
MAX_URIS = 10_000
MAX_GZIP = 4 * 1000**3
UPLOADED = "file-00000000"
# How often a load starts again because its table changed while the data was read.
ATTEMPTS = 5


# At once, when the job comes -----------------------------------------------------------------------------------

def check(app: Any, load: dict[str, Any], location: str, has_media: bool) -> None:
    """Refuses a configuration that cannot be right whatever the data."""
    ref = destination.reference(load.get("destinationTable"), "configuration.load.destinationTable")
    check_choice(load.get("createDisposition"), destination.CREATE, "createDisposition")
    check_choice(load.get("writeDisposition"), destination.WRITE, "writeDisposition")
    check_format(load)
    destination.refuse_sessions(load)
    check_uris(load.get("sourceUris") or [], has_media)
    schema = schema_from_json(load["schema"]) if load.get("schema") else None
    check_update_options(load, "$" in ref.table)
    if load.get("timePartitioning") is not None and load.get("rangePartitioning") is not None:
        raise invalid("Only one of timePartitioning and rangePartitioning should be specified.")
    partitions.time_partitioning_from_json(load.get("timePartitioning"), schema)
    partitions.range_partitioning_from_json(load.get("rangePartitioning"), schema)
    if load.get("maxBadRecords", 0) < 0:
        raise invalid("maxBadRecords must not be negative", "maxBadRecords")
    targets = load.get("decimalTargetTypes") or []
    if len(set(targets)) != len(targets) or "DECIMAL_TARGET_TYPE_UNSPECIFIED" in targets:
        raise invalid("decimalTargetTypes cannot contain duplicate or unspecified types", "decimalTargetTypes")
    check_labels((load.get("destinationTableProperties") or {}).get("labels"), "destinationTableProperties")
    key = (load.get("destinationEncryptionConfiguration") or {}).get("kmsKeyName")
    if key is not None:
        check_kms_key(key)
    destination.check_destination(app, ref, location)


def check_format(load: dict[str, Any]) -> None:
    kind = load.get("sourceFormat") or "CSV"
    if kind in OTHER_FORMATS:
        raise not_implemented(f"load jobs of {kind}{' (the default sourceFormat)' if 'sourceFormat' not in load else ''}")
    if kind not in KNOWN_FORMATS:
        raise invalid(f"Invalid value for sourceFormat: {kind} is not a valid value", "sourceFormat")
    for name in NOT_KNOWN:
        if load.get(name):
            raise not_implemented(f"configuration.load.{name}")
    for name in CSV_ONLY:
        if load.get(name):
            raise invalid(f"{name} is only supported for CSV files, not for {kind}", name)
    if load.get("encoding") not in (None, "UTF-8"):
        check_choice(load["encoding"], ("UTF-8", "ISO-8859-1", "UTF-16BE", "UTF-16LE", "UTF-32BE", "UTF-32LE"), "encoding")
        raise not_implemented(f"the encoding {load['encoding']}")
    if load.get("fileSetSpecType") not in (None, "FILE_SET_SPEC_TYPE_FILE_SYSTEM_MATCH"):
        raise not_implemented(f"fileSetSpecType {load['fileSetSpecType']}")
    if kind != "AVRO" and load.get("useAvroLogicalTypes"):
        raise invalid("useAvroLogicalTypes is only supported for AVRO files", "useAvroLogicalTypes")
    if kind == "AVRO" and load.get("maxBadRecords"):
        raise invalid("maxBadRecords is only supported for CSV and JSON files", "maxBadRecords")


def check_uris(uris: list[str], has_media: bool) -> None:
    """https://docs.cloud.google.com/bigquery/docs/batch-loading-data#gcs-uri, #load-wildcards"""
    if has_media:
        if uris:
            raise invalid("A load job with uploaded data cannot have sourceUris", "sourceUris")
        return
    if not uris:
        raise ApiError("required", "Load configuration must specify at least one source URI")
    if len(uris) > MAX_URIS:
        raise invalid(f"Too many source URIs: {len(uris)}. Allowed: {MAX_URIS}", "sourceUris")
    for uri in uris:
        found = re.fullmatch(r"gs://([^/]+)/(.+)", uri, re.DOTALL)
        if found is None:
            raise invalid(f"Source URI must be a Google Cloud Storage location: {uri}", "sourceUris")
        bucket, name = found.groups()
        if "*" in bucket or name.count("*") > 1:
            raise invalid(f"Invalid source URI {uri}: one wildcard (*) is allowed, after the bucket's name", "sourceUris")
        if "//" in name or name.startswith("/"):
            raise invalid(f"Invalid source URI {uri}: multiple consecutive slashes are not supported", "sourceUris")
        if re.search(r"#\d+$", name):
            raise invalid(f"Invalid source URI {uri}: object generations are not supported", "sourceUris")


def check_update_options(load: dict[str, Any], partition: bool) -> None:
    options = load.get("schemaUpdateOptions") or []
    for name in options:
        check_choice(name, destination.UPDATE_OPTIONS, "schemaUpdateOptions")
    write = load.get("writeDisposition") or "WRITE_APPEND"
    if options and write not in ("WRITE_APPEND", "WRITE_TRUNCATE_DATA") and not (write == "WRITE_TRUNCATE" and partition):
        raise invalid("Schema update options should only be specified with WRITE_APPEND or WRITE_TRUNCATE_DATA disposition, "
                      "or with WRITE_TRUNCATE disposition on a table partition.", "schemaUpdateOptions")


# Sources --------------------------------------------------------------------------------------------------------

@dataclass
class Source:
    """One input file. open() gives a seekable file at its start."""
    uri: str
    size: int
    open: Callable[[], BinaryIO]


def sources(app: Any, job: Any) -> list[Source]:
    """In order of their names; an object that several URIs match is read once for each of them."""
    if job.media is not None:
        return [Source(UPLOADED, os.path.getsize(job.media), lambda: open(job.media, "rb"))]
    if app.gcs is None:
        raise not_implemented("Cloud Storage here (the server was started with --no-gcs)")
    found = []
    for uri in job.configuration["load"]["sourceUris"]:
        check_colocated(app, job, uri)
        for item in app.gcs.list(job.identity, uri):
            opener = lambda item=item: app.gcs.open(job.identity, item)  # noqa: E731
            found.append(Source(f"gs://{item.bucket}/{item.name}", int(item.size), opener))
    return sorted(found, key=lambda source: source.uri)


def check_colocated(app: Any, job: Any, uri: str) -> None:
    """docs/loading-data-cloud-storage-avro: the dataset is in the location of the bucket, or in one that contains it; from
    everywhere into US."""
    bucket = app.gcs.split(uri)[0]
    try:
        place = app.gcs.bucket_location(bucket)
    except ApiError:
        return  # said when its objects are looked for
    if not colocated(place, job.location):
        raise invalid(f"Cannot read and write in different locations: source: {place}, destination: {job.location}")


DUAL_REGIONS = {"NAM4": ("us-central1", "us-east1"), "EUR4": ("europe-north1", "europe-west4"),
                "ASIA1": ("asia-northeast1", "asia-northeast2")}


def colocated(bucket: str, dataset: str) -> bool:
    if dataset == "US" or bucket.lower() == dataset.lower():
        return True
    if dataset == "EU":
        return bucket.lower().startswith("europe-") or bucket.upper() == "EUR4"
    return dataset.lower() in DUAL_REGIONS.get(bucket.upper(), ())


# The work --------------------------------------------------------------------------------------------------------

@dataclass
class Result:
    """What the data turned out to be."""
    schema: Schema                       # of the data; the rows have the table's columns
    rows: RowFile
    bad: int = 0
    errors: list[dict[str, str]] = field(default_factory=list)
    read: int = 0
    size: int = 0                        # logical bytes of the rows


def run(app: Any, job: Any) -> None:
    load = job.configuration["load"]
    files = sources(app, job)
    for _ in range(ATTEMPTS):
        if attempt(app, job, load, files):
            return
    raise ApiError("jobInternalError", "The destination table changed again and again while the job read its data")


def find_destination(app: Any, load: dict[str, Any]) -> Destination:
    ref = destination.reference(load["destinationTable"], "destinationTable")
    app.catalog.dataset(ref.parent)
    found = destination.resolve(app.catalog.find_table, ref, load.get("createDisposition") or "CREATE_IF_NEEDED",
                                load.get("writeDisposition") or "WRITE_APPEND")
    destination.check_encryption(found, load.get("destinationEncryptionConfiguration"))
    check_properties(found, load.get("destinationTableProperties") or {})
    return found


def check_properties(target: Destination, given: dict[str, Any]) -> None:
    """destinationTableProperties are for new tables: one that is there must have them already."""
    if given.get("expirationTime") is not None:
        raise not_implemented("destinationTableProperties.expirationTime")
    if target.table is None:
        return
    for name in ("description", "friendlyName", "labels"):
        if name in given and given[name] != target.table.properties.get(name, {} if name == "labels" else ""):
            raise invalid(f"Table {target.ref} exists with another {name} than destinationTableProperties says")


def attempt(app: Any, job: Any, load: dict[str, Any], files: list[Source]) -> bool:
    """Reads the data and changes the table; False when the table has changed in between."""
    target = find_destination(app, load)
    destination.require_permissions(app, job, target)
    options = load.get("schemaUpdateOptions") or []
    explicit = schema_from_json(load["schema"]) if (load.get("schema") or {}).get("fields") else None
    read = read_avro if load["sourceFormat"] == "AVRO" else read_json
    final, result = read(job, load, target, files, explicit, options)
    try:
        with app.catalog.transaction() as tx:
            now = tx.find(target.ref)
            if (now is None) != (target.table is None) or (now is not None and target.table is not None and
                                                           form(now) != form(target.table)):
                return False
            job.check_cancelled()
            commit(app, job, load, replace(target, table=now), final, result, tx)
            # A cancel until here wins; from here on the job is done.
            job.check_cancelled()
    finally:
        result.rows.close()
    written(job, files, result)
    return True


def form(table: Table) -> Any:
    """What the reading of the data depended on."""
    return table.created_ms, table.schema, table.time_partitioning, table.range_partitioning, table.clustering


def final_schema(target: Destination, data: Schema, options: list[str]) -> Schema:
    """The table's schema after the job."""
    if target.table is None or target.replaces_schema:
        return data
    if not len(target.table.schema):
        # A table without columns takes those of its first load.
        return data
    return merge_append(target.table.schema, data, str(target.ref), additions="ALLOW_FIELD_ADDITION" in options,
                        relaxation="ALLOW_FIELD_RELAXATION" in options)


def read_avro(job: Any, load: dict[str, Any], target: Destination, files: list[Source], explicit: Schema | None,
              options: list[str]) -> tuple[Schema, Result]:
    """The schema comes from the last file by name, or from the job."""
    settings = avro.Options(load)
    ignore = bool(load.get("ignoreUnknownValues"))
    with files[-1].open() as last:
        data = explicit or avro.AvroFile(last, files[-1].uri, settings).schema
    if explicit is None and target.table is not None and not target.replaces_schema:
        data = adopt(target.table.schema, data, settings, ignore)
    final = final_schema(target, data, options)
    result = Result(data, RowFile(final))
    wanted = readable(final, data)

    def rows() -> Iterator[Any]:
        for source in files:
            with source.open() as file:
                yield from avro.AvroFile(file, source.uri, settings).rows(wanted, ignore)
    return final, fill(job, result, rows())


def readable(final: Schema, data: Schema) -> Schema:
    """The table's columns as the data has to bring them: those that get their default may be missing."""
    absent = {item.name for item in defaults.missing(final, data)}
    return Schema(tuple(replace(item, mode="NULLABLE") if item.name in absent and item.mode == "REQUIRED" else item
                        for item in final))


def adopt(table: Schema, data: Schema, settings: avro.Options, ignore: bool) -> Schema:
    """What an existing table changes about a file's schema: a BYTES column takes a decimal's bytes (deprecated, without
    decimalTargetTypes), and unknown columns may be left out."""
    fields = []
    for item in data:
        known = table.find(item.name)
        if known is None and ignore:
            continue
        if known is not None and known.type.name == "BYTES" and item.type.name == "NUMERIC" and not settings.targets_given:
            item = replace(item, type=known.type)
        fields.append(item)
    return Schema(tuple(fields))


def read_json(job: Any, load: dict[str, Any], target: Destination, files: list[Source], explicit: Schema | None,
              options: list[str]) -> tuple[Schema, Result]:
    data = explicit
    if data is None and target.table is not None and len(target.table.schema):
        data = target.table.schema
    if data is None:
        raise invalid("No schema specified on job or table.")
    final = final_schema(target, data, options)
    result = Result(data, RowFile(final))
    check_compression(files)
    most = load.get("maxBadRecords") or 0
    for source in files:
        reader = ndjson.Reader(readable(final, data), source.uri, bool(load.get("ignoreUnknownValues")))
        with source.open() as file:
            fill(job, result, reader.read(file))
        result.bad += reader.bad
        result.read += reader.rows
        result.errors += reader.errors
        if result.bad > most:
            result.rows.close()
            raise too_many_errors(source.uri, result, most)
    return final, result


def check_compression(files: list[Source]) -> None:
    kinds = set()
    for source in files:
        with source.open() as file:
            packed = ndjson.is_gzip(file)
        kinds.add(packed)
        if packed and source.size > MAX_GZIP:
            raise invalid(f"Input file {source.uri} is too large: {source.size} bytes, a gzip file may have {MAX_GZIP}",
                          source.uri)
    if len(kinds) > 1:
        raise invalid("Compressed and uncompressed files cannot be loaded in one job")


def too_many_errors(uri: str, result: Result, most: int) -> ApiError:
    counted = {"reason": "invalid", "message": "Error while reading data, error message: JSON processing encountered too "
               f"many errors, giving up. Rows: {result.read}; errors: {result.bad}; max bad: {most}; error percent: 0"}
    return ApiError("invalid", "Error while reading data, error message: JSON table encountered too many errors, giving up. "
                    f"Rows: {result.read}; errors: {result.bad}. Please look into the errors[] collection for more details. "
                    f"File: {uri}", location=uri, more=[counted, *result.errors])


def fill(job: Any, result: Result, rows: Iterator[Any]) -> Result:
    """Writes rows aside; a cancelled job stops here."""
    try:
        for row in rows:
            result.rows.write(row)
            if result.rows.count % 1000 == 0:
                job.check_cancelled()
    except BaseException:
        result.rows.close()
        raise
    return result


def commit(app: Any, job: Any, load: dict[str, Any], target: Destination, final: Schema, result: Result,
           tx: Transaction) -> None:
    """One change of the table: created or with its new schema, with its new rows."""
    destination.check_empty(target, tx)
    if target.table is None:
        create_table(app, load, target, final, tx)
        table = tx.table(target.ref)
        if target.decorator is not None:
            target.partition = destination.parse_for_write(table, target.decorator)
    else:
        table = change_table(load, target, final, tx)
    staging = with_defaults(app, job, result, table, tx, stage(job, target, result, table, tx))
    result.size = int(tx.cursor.execute(f"SELECT coalesce(sum({row_size(table.schema)}), 0) FROM {ident(staging)}").fetchone()[0])
    if target.write == "WRITE_TRUNCATE":
        rowaccess.dropped(tx, target.ref)
    destination.put_rows(tx, target, staging)
    tx.cursor.execute(f'DROP TABLE "{staging}"')


def create_table(app: Any, load: dict[str, Any], target: Destination, final: Schema, tx: Transaction) -> None:
    body: dict[str, Any] = {name: load[name] for name in ("timePartitioning", "rangePartitioning", "clustering")
                            if name in load}
    body.update(load.get("destinationTableProperties") or {})
    body["schema"] = final.to_json()
    if load.get("destinationEncryptionConfiguration"):
        body["encryptionConfiguration"] = load["destinationEncryptionConfiguration"]
    if target.decorator is not None and "timePartitioning" not in load and "rangePartitioning" not in load:
        raise invalid(f"Cannot write to the partition {target.shown}: the table does not exist, and the job does not say how "
                      "to partition it")
    dataset = app.catalog.dataset(target.ref.parent)
    tx.create(tablespec.table_from_json(app.catalog, dataset, target.ref.table, body, tx.find))


def change_table(load: dict[str, Any], target: Destination, final: Schema, tx: Transaction) -> Table:
    table = target.table
    assert table is not None
    given = replace(table, schema=final)
    said = load.get("timePartitioning") is not None or load.get("rangePartitioning") is not None
    if said:
        given = tablespec.with_partitioning(replace(given, require_partition_filter=False), {
            name: load[name] for name in ("timePartitioning", "rangePartitioning") if name in load})
    if "clustering" in load:
        given = tablespec.with_clustering(given, load["clustering"])
    destination.check_same_partitioning(table, given, said_partitioning=said, said_clustering="clustering" in load)
    if target.replaces_schema:
        return truncate_table(load, table, final, tx)
    if final != table.schema:
        table = tx.set_schema(table.ref, final)
    return table


def truncate_table(load: dict[str, Any], table: Table, final: Schema, tx: Transaction) -> Table:
    """WRITE_TRUNCATE: the load's schema, no constraints; partitioning, clustering and the rest of the table stay."""
    fresh = replace(table, schema=final, primary_key=(), foreign_keys=())
    fresh = tablespec.with_partitioning(fresh, {**tablespec.partitioning_to_json(table)})
    if table.clustering:
        fresh = tablespec.with_clustering(fresh, {"fields": list(table.clustering)})
    fresh = destination.with_encryption(fresh, load.get("destinationEncryptionConfiguration"))
    return tx.put(fresh)


def stage(job: Any, target: Destination, result: Result, table: Table, tx: Transaction) -> str:
    """The rows in a physical table of their own, with the destination's columns."""
    staging = tx.new_physical(table)
    moment = None
    if table.ingestion_time:
        moment = target.partition.low if target.partition is not None else partition_time(job, table)
    result.rows.insert_into(tx.cursor, staging, moment)
    return staging


def with_defaults(app: Any, job: Any, result: Result, table: Table, tx: Transaction, staging: str) -> str:
    """docs/default-values#load_data: columns that the data's schema lacks get their default, NULLs in the data do not."""
    absent = {item.name: item for item in defaults.missing(table.schema, result.schema)}
    if not absent:
        return staging
    filled = tx.new_physical(table)
    values = [defaults.stored(app, job.identity, table.ref, item) if item.name in absent else ident(item.name)
              for item in table.schema]
    if table.ingestion_time:
        values.append(ident(PARTITION_TIME))
    tx.cursor.execute(f"INSERT INTO {ident(filled)} ({table.columns_sql}) SELECT {', '.join(values)} FROM {ident(staging)} "
                      "ORDER BY rowid")
    tx.cursor.execute(f"DROP TABLE {ident(staging)}")
    return filled


def partition_time(job: Any, table: Table) -> int:
    """The begin of the partition of the job's time."""
    assert table.time_partitioning is not None
    name = partitions.id_of_time((job.started_ms or job.created_ms) * 1000, table.time_partitioning.type)
    low = partitions.parse_decorator(table, name).low
    assert low is not None
    return low


def written(job: Any, files: list[Source], result: Result) -> None:
    rows = result.rows.count if job.plan.output_rows is None else job.plan.output_rows
    job.statistics["load"] = {
        "inputFiles": str(len(files)), "inputFileBytes": str(sum(source.size for source in files)),
        "outputRows": str(rows), "outputBytes": str(result.size), "badRecords": str(result.bad)}
    job.errors = result.errors[:5]
