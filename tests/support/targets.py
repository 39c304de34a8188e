# SPDX-License-Identifier: Apache-2.0
"""The targets as tests see them: what to configure, and how to read back what arrived."""

from support import readers

KINDS = ("duckdb", "avro", "ndjson")


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


def make_target(kind, folder):
    return DuckdbTarget(folder) if kind == "duckdb" else FilesTarget(folder, kind)
