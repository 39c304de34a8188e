# SPDX-License-Identifier: Apache-2.0
"""The targets as tests see them: what to configure, and how to read back what arrived."""

import itertools
import shutil

from support import readers

KINDS = ("duckdb", "avro", "ndjson")

# Those that need the stand-in: files in a bucket, BigQuery by uploads and by a bucket.
GOOGLE_KINDS = ("gcs", "bq", "bq-bucket")


class DuckdbTarget:
    kind = "duckdb"

    def __init__(self, folder):
        self.path = folder / "warehouse.duckdb"
        self.config = {"type": "duckdb", "path": str(self.path)}
        self.url = f"duckdb:{self.path}"

    def rows(self, table, columns="*", order="1", schema="main"):
        """All rows as tuples, in order; [] when the table is not there."""
        if f"{schema}.{table}" not in self.tables():
            return []
        return readers.duckdb_rows(self.path, f'"{schema}"."{table}"', columns, order)

    def exists(self, table, schema="main"):
        return f"{schema}.{table}" in self.tables()

    def tables(self):
        return readers.duckdb_tables(self.path)

    def run_ids(self, table):
        return [run[0] for run in readers.duckdb_runs(self.path)
                if run[2].split(".")[-1].strip('"') == table]

    def leftovers(self):
        return sorted(name for name in self.tables() if "bqferry" in name)

    def check(self, table):
        """Nothing beyond the rows: no staging, nothing broken."""
        assert self.leftovers() == []


class FilesTarget:
    def __init__(self, folder, kind):
        self.kind = kind
        self.path = folder / "exports"
        self.config = {"type": "files", "path": str(self.path), "format": kind}
        self.url = f"files:{self.path}?format={kind}"

    def folder(self, table, schema=None):
        return self.path / schema / table if schema else self.path / table

    def dicts(self, table, schema=None):
        return readers.files_rows(self.folder(table, schema))

    def rows(self, table, columns=None, order="1", schema=None):
        """All rows as tuples of their values, ordered; columns="a, b" picks some."""
        rows = self.dicts(table, schema)
        if columns and columns != "*":
            names = [name.strip() for name in columns.split(",")]
            return sorted(tuple(row[name] for name in names) for row in rows)
        return sorted(tuple(row.values()) for row in rows)

    def exists(self, table, schema=None):
        return readers.manifest(self.folder(table, schema)) is not None

    def tables(self):
        if not self.path.exists():
            return set()
        return {str(path.parent.relative_to(self.path)) for path in self.path.rglob("manifest.json")}

    def run_ids(self, table):
        found = readers.manifest(self.folder(table))
        return found["run_ids"] if found else []

    def leftovers(self):
        return readers.leftovers(self.path) if self.path.exists() else []

    def check(self, table):
        assert self.leftovers() == []
        if self.exists(table):
            readers.check_shards(self.folder(table))


class BucketTarget(FilesTarget):
    """A files destination gs://BUCKET/exports. It is read by copying the bucket into a folder, with
    google-cloud-storage, and then as a folder is."""

    numbers = itertools.count(1)

    def __init__(self, folder, google, kind="avro"):
        self.kind = kind
        self.google = google
        self.bucket = f"exports-{next(self.numbers)}"
        self.mirror = folder / self.bucket
        google.storage().create_bucket(self.bucket)
        self.url = f"files:gs://{self.bucket}/exports?format={kind}"
        self.config = {"type": "files", "path": f"gs://{self.bucket}/exports", "format": kind,
                       "endpoints": {"storage": google.gcs}}

    def objects(self):
        return {blob.name: blob for blob in self.google.storage().list_blobs(self.bucket)}

    @property
    def path(self):
        shutil.rmtree(self.mirror, ignore_errors=True)
        self.mirror.mkdir(parents=True)
        for name, blob in self.objects().items():
            path = self.mirror / name
            path.parent.mkdir(parents=True, exist_ok=True)
            blob.download_to_filename(str(path))
        return self.mirror / "exports"

    def leftovers(self):
        """Objects that no manifest lists."""
        root = self.path
        listed = set()
        for table in root.rglob("manifest.json") if root.exists() else ():
            listed |= {table, *(table.parent / shard["file"]
                                for shard in readers.manifest(table.parent)["shards"])}
        return sorted(str(path.relative_to(self.mirror)) for path in self.mirror.rglob("*")
                      if path.is_file() and path not in listed)


class BigQueryTarget:
    """A dataset of its own in the stand-in, read back with google-cloud-bigquery."""

    numbers = itertools.count(1)

    def __init__(self, google, bucket=False, location="US", **config):
        number = next(self.numbers)
        self.kind = ("bq-bucket" if bucket else "bq") + ("-ndjson" if config.get("format") == "ndjson"
                                                         else "")
        self.google = google
        self.dataset = f"target_{number}"
        self.bucket = f"staging-{number}" if bucket else None
        self.url = f"bigquery://{google.project}/{self.dataset}"
        self.config = {"type": "bigquery", "project": google.project, "dataset": self.dataset,
                       "location": location, "endpoints": {"bigquery": google.bigquery}, **config}
        if bucket:
            google.storage().create_bucket(self.bucket, location=location)
            self.config["bucket"] = self.bucket
            self.config["endpoints"]["storage"] = google.gcs
            self.url += f"?bucket={self.bucket}"

    @property
    def client(self):
        return self.google.client()

    def name(self, table, schema=None):
        return f"{self.google.project}.{schema or self.dataset}.{table}"

    def get(self, table, schema=None):
        """The table as google-cloud-bigquery gives it."""
        return self.client.get_table(self.name(table, schema))

    def rows(self, table, columns="*", order=None, schema=None):
        """All rows as tuples, in order; [] when the table is not there."""
        if not self.exists(table, schema):
            return []
        rows = [dict(row) for row in self.client.list_rows(self.name(table, schema))]
        names = [name.strip() for name in columns.split(",")] if columns != "*" else None
        found = [tuple(row[name] for name in names or row) for row in rows]
        return sorted(found, key=lambda row: tuple((value is not None, value) for value in row))

    def exists(self, table, schema=None):
        from google.api_core.exceptions import NotFound
        try:
            self.get(table, schema)
        except NotFound:
            return False
        return True

    def _tables(self):
        from google.api_core.exceptions import NotFound
        try:
            return {table.table_id for table in self.client.list_tables(self.dataset)}
        except NotFound:
            return set()

    def tables(self):
        return {name for name in self._tables() if not name.startswith("bqferry_staging")}

    def jobs(self, table=None):
        """Jobs that ended well and wrote into the table (or into any of the dataset), newest last."""
        found = []
        for job in self.client.list_jobs(all_users=True):
            destination = getattr(job, "destination", None)
            if destination is not None and job.state == "DONE" and not job.error_result \
                    and destination.dataset_id == self.dataset \
                    and table in (None, destination.table_id.split("$")[0]):
                found.append(job)
        return sorted(found, key=lambda job: job.created)

    def run_ids(self, table):
        """Runs that were applied, by the label of the job that did it."""
        return list(dict.fromkeys(job.labels.get("run_id") for job in self.jobs(table)))

    def leftovers(self):
        """Staging tables, and objects on their way."""
        left = [name for name in self._tables() if name.startswith("bqferry_staging")]
        if self.bucket:
            left += [blob.name for blob in self.google.storage().list_blobs(self.bucket)]
        return sorted(left)

    def check(self, table):
        assert self.leftovers() == []


class BigQueryMirror(BigQueryTarget):
    """The same, read as a DuckDB file is: `path` is a copy of all its tables, made with google-cloud-bigquery
    each time that it is asked for."""

    TYPES = {"INTEGER": "BIGINT", "FLOAT": "DOUBLE", "BOOLEAN": "BOOLEAN", "STRING": "VARCHAR", "BYTES": "BLOB",
             "DATE": "DATE", "TIME": "TIME", "DATETIME": "TIMESTAMP", "TIMESTAMP": "TIMESTAMPTZ",
             "INTERVAL": "VARCHAR", "JSON": "VARCHAR", "GEOGRAPHY": "VARCHAR", "BIGNUMERIC": "DECIMAL(38,9)"}

    def __init__(self, google, folder, **options):
        super().__init__(google, **options)
        self.folder = folder
        self.copies = itertools.count(1)

    def _type(self, field):
        kind = self.TYPES.get(field.field_type)
        if field.field_type == "NUMERIC":
            kind = f"DECIMAL({field.precision or 38},{field.scale or (0 if field.precision else 9)})"
        return f"{kind}[]" if field.mode == "REPEATED" else kind

    @property
    def path(self):
        import duckdb
        path = self.folder / f"{self.dataset}-{next(self.copies)}.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for name in self._tables():
                fields = self.get(name).schema
                columns = ", ".join(f'"{field.name}" {self._type(field)}' for field in fields)
                connection.execute(f'CREATE TABLE "{name}" ({columns})')
                marks = f"({', '.join('?' for _ in fields)})"
                rows = iter(readers.bigquery_raw(self, name))
                while some := list(itertools.islice(rows, 200)):
                    connection.execute(f'INSERT INTO "{name}" VALUES {", ".join([marks] * len(some))}',
                                       list(itertools.chain(*some)))
        return path

    def rows(self, table, columns="*", order="1", schema=None):
        return readers.duckdb_rows(self.path, f'"{table}"', columns, order) if self.exists(table) else []


def make_target(kind, folder, google=None):
    """`google` is the stand-in, for GOOGLE_KINDS."""
    if kind == "duckdb":
        return DuckdbTarget(folder)
    if kind == "gcs":
        return BucketTarget(folder, google)
    if kind.startswith("bq"):  # bq, bq-bucket, bq-ndjson, bq-bucket-ndjson
        return BigQueryTarget(google, bucket="bucket" in kind,
                              format="ndjson" if kind.endswith("ndjson") else "auto")
    return FilesTarget(folder, kind)
