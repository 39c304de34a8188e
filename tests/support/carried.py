# SPDX-License-Identifier: Apache-2.0
"""The table of types carried into one target by one run, and read back."""

from support import matrix, readers
from support.program import Program
from support.targets import make_target


def refused_by(kind, section):
    """Numbers of the rows that BigQuery does not load, for reasons of its own."""
    if not kind.startswith("bq"):
        return []
    return [number for number, row in enumerate(section.rows)
            if matrix.bigquery_refuses(row.avro, kind.endswith("ndjson"))]


def source_of(kind, section, schema="matrix"):
    source = {"connection": "db", "table": f"{schema}.{section.name}"}
    refused = ", ".join(map(str, refused_by(kind, section)))
    return {**source, "where": f"id NOT IN ({refused})"} if refused else source


def jobs_of(sections, kind, schema):
    return [{"name": section.name,
             "source": source_of(kind, section, schema),
             "load": "replace",
             **({"columns": {"v": section.column_options}} if section.column_options else {})}
            for section in sections]


class Carried:
    """All sections carried into one target by one run."""

    def __init__(self, database, folder, kind, google=None, sections=None, schema="matrix"):
        self.sections = {section.name: section
                         for section in sections or matrix.sections_of(database)}
        self.target = make_target(kind, folder, google)
        program = Program(folder / "work")
        program.write_config({
            "version": 1,
            "connections": {"db": {"url": database.url()}},
            "destination": self.target.config,
            "parallel": 4 if google else 2,
            "jobs": jobs_of(self.sections.values(), kind, schema)})
        self.result = program("run", timeout=600)
        self.jobs = {job["job"]: job for job in self.result.report["jobs"]}


def values_of(run, section):
    """(row of the table, wanted value, found value) of a section, whatever the target."""
    kind = section.type
    if run.target.kind == "duckdb":
        rows = readers.duckdb_rows(run.target.path, f'"{section.name}"',
                                   matrix.duckdb_column(section.duckdb_type), "id")
        found = [matrix.from_duckdb(value, section.duckdb_type) for value, in rows]
        wanted = [row.duckdb for row in section.rows]
        return list(zip(section.rows, wanted, found, strict=True))
    if run.target.kind.startswith("bq"):
        rows = readers.bigquery_raw(run.target, section.name)
        found = [matrix.from_bigquery(value, kind) for _, value in sorted(rows)]
        refused = refused_by(run.target.kind, section)
        kept = [row for number, row in enumerate(section.rows) if number not in refused]
        wanted = [matrix.wanted_bigquery(row.avro, kind) for row in kept]
        if run.target.kind.endswith("ndjson") and kind.kind == "JSON" and not kind.repeated:
            # JSON's null and no value are the same in NDJSON
            wanted = [None if matrix.is_json_null(value) else value for value in wanted]
            found = [None if matrix.is_json_null(value) else value for value in found]
        return list(zip(kept, wanted, found, strict=True))
    folder = run.target.folder(section.name)
    if run.target.kind == "avro":
        rows = sorted(readers.files_rows(folder), key=lambda row: row["id"])
        found = [matrix.from_avro(row["v"], kind) for row in rows]
        return list(zip(section.rows, [row.avro for row in section.rows], found, strict=True))
    rows = [dict(row["members"]) for row in readers.files_rows(folder, readers.json_loads)]
    rows.sort(key=lambda row: row["id"])
    found = [matrix.from_ndjson(row.get("v"), kind) for row in rows]
    wanted = [matrix.wanted_ndjson(row.ndjson, kind) for row in section.rows]
    if kind.kind == "JSON" and not kind.repeated:
        # JSON's null and no value are the same in NDJSON
        wanted = [matrix.Json("null") if value is None else value for value in wanted]
    return list(zip(section.rows, wanted, found, strict=True))
