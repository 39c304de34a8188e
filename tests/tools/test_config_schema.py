# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema that `bqferry config schema` prints, seen by another validator and YAML reader: what
the program reads the schema must allow, and what the schema is there to catch it must refuse."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("BQFERRY_BIN") or os.environ.get("BQFERRY") or ROOT / "build/debug/bqferry"

BASE = """
version: 1
connections: { shop: { type: postgresql } }
destination: { type: duckdb, path: warehouse.duckdb }
"""
JOB = "jobs: [ { name: a, load: append, source: { table: public.a }"

GOOD = [
    "",
    "parallel: 3",
    "parallel: ${PARALLEL}",
    "parallel: ${PARALLEL:-2}",
    "include: [ jobs/*.yaml, '${MORE:-x.yaml}' ]",
    "state: { type: file, path: .bqferry/ }",
    "defaults: { load: replace, on_invalid: null, mode: required, arrays: json, composites: struct }",
    "defaults: { load: '${LOAD}', on_invalid: 'null', workers: '${WORKERS:-2}' }",
    "defaults: { retries: { budget: 10m } }",
    "defaults: { retries: { budget: 1h30m } }",
    "defaults: { retries: { budget: 0 } }",
    "defaults: { retries: { budget: '${BUDGET}' } }",
    "defaults: { naive_timestamps: { type: TIMESTAMP, time_zone: Europe/Berlin } }",
    f"{JOB} }} ]",
    f"{JOB}, target: orders }} ]",
    f"{JOB}, target: {{ table: orders, dataset: raw }} }} ]",
    f"{JOB}, tags: [hourly, 2024] }} ]",
    f"{JOB}, columns: {{ total: {{ type: 'NUMERIC(20,4)', on_invalid: null }} }} }} ]",
    "jobs: [ { name: '${NAME}', load: append, source: { table: [a, 'b.*'], views: true } } ]",
    "jobs: [ { name: q, load: append, source: { query: SELECT 1 }, target: q } ]",
    f"{JOB}, target: {{ partition_by: day }} }} ]",
    f"{JOB}, target: {{ partition_by: {{ type: hour }}, cluster_by: id }} }} ]",
    f"{JOB}, target: {{ partition_by: {{ column: at, type: month, expiration: 400d, require_filter: true,"
    " immutable: true }, cluster_by: [a, b, c, d], description: D, labels: { a: b }, expiration: 90d } } ]",
    f"{JOB}, target: {{ partition_by: {{ column: n, type: range, start: -10, end: 10, interval: 5 }} }} }} ]",
    "jobs: [ { name: r, load: replace, source: { table: a }, target: { on_schema_change: fail,"
    " kms_key: projects/p/locations/eu/keyRings/r/cryptoKeys/k } } ]",
]

CONNECTIONS = [
    "{ url: 'postgresql://etl@db/shop' }",
    "{ type: postgresql, host: db, port: 5432, password: 0123, connect_timeout: 10s }",
    "{ type: postgresql, port: '5432,5433', sslmode: verify-full, sslrootcert: system }",
    "{ type: '${TYPE}', port: '${PORT}', sslmode: '${MODE:-require}' }",
]

DESTINATIONS = [
    "{ type: duckdb, path: x, memory_limit: 256MB, threads: 2, library: /lib/libduckdb.so }",
    "{ type: duckdb, path: x, memory_limit: 2 GiB, threads: '${THREADS}' }",
    "{ type: duckdb, path: x, memory_limit: 268435456 }",
    "{ type: files, path: x, format: ndjson, compression: gzip, dataset: d, table_prefix: p_ }",
    "{ type: '${TYPE}', path: '${PATH_}', format: avro }",
    "{ type: files, path: 'gs://exports/shop', format: auto, credentials: key.json }",
    "{ type: bigquery, dataset: raw_data }",
    "{ type: bigquery, project: example.com:my-project, job_project: jobs-1, quota_project: q-1, dataset: d,"
    " location: europe-west4, bucket: my.bucket-1, prefix: a/b, credentials: key.json, format: ndjson,"
    " compression: none, kms_key: projects/p/locations/eu/keyRings/r/cryptoKeys/k, labels: { team: data, x: '' },"
    " job_timeout: 2h, staging_expiration: 1d, table_prefix: t_,"
    " endpoints: { bigquery: 'http://localhost:9050', storage: 'localhost:4443' } }",
    "{ type: bigquery, dataset: d, bucket: '${BUCKET:-}', location: '${LOCATION:-EU}' }",
    "{ type: bigquery, dataset: d, project: shop-1, job_project: a123456789-b123456789-c1234567,"
    " quota_project: example.com:shop }",
    "{ type: bigquery, dataset: d, project: test, endpoints: { bigquery: 'localhost:9050' } }",
]

BAD = [
    ("schedule: hourly", "schedule"),
    ("parallel: 0", "0 "),
    ("parallel: two", "two"),
    ("parallel: 2.5", "2.5"),
    ("include: jobs", "jobs"),
    ("jobs: {}", "{}"),
    ("defaults: { load: merge }", "merge"),
    ("defaults: { on_invalid: 5 }", "5"),
    ("defaults: { retries: { budget: 10 minutes } }", "10 minutes"),
    ("defaults: { naive_timestamps: { time_zone: UTC } }", "type"),
    ("defaults: { naive_timestamps: { type: DATETIME, time_zone: UTC } }", "DATETIME"),
    ("jobs: [ { load: append, source: { table: a } } ]", "name"),
    ("jobs: [ { name: a b, source: { table: a } } ]", "a b"),
    ("jobs: [ { name: a, source: {} } ]", "{}"),
    ("jobs: [ { name: a, source: { table: a, query: SELECT 1 } } ]", "valid under each"),
    ("jobs: [ { name: a, source: { tabel: a } } ]", "tabel"),
    (f"{JOB}, columns: {{ total: {{ typ: STRING }} }} }} ]", "typ"),
    (f"{JOB}, workers: 65 }} ]", "65"),
    (f"{JOB}, load: null }} ]", "None"),
    (f"{JOB}, target: {{ partition_by: {{ column: d, type: week }} }} }} ]", "week"),
    (f"{JOB}, target: {{ partition_by: {{ column: d, type: day, start: 1 }} }} }} ]", "day"),
    (f"{JOB}, target: {{ expiration: soon }} }} ]", "soon"),
    (f"{JOB}, target: {{ on_schema_change: ignore }} }} ]", "ignore"),
    (f"{JOB}, replace: partitions }} ]", "partitions"),
]

BAD_PARTS = [
    ("connections: { my shop: { type: postgresql } }", "my shop"),
    ("connections: { shop: { type: oracle } }", "oracle"),
    ("connections: { shop: { type: postgresql, port: http } }", "http"),
    ("connections: [ shop ]", "shop"),
    ("destination: { type: duckdb }", "path"),
    ("destination: { type: bigquery, dataset: d, path: x }", "bigquery"),
    ("destination: { type: duckdb, path: x, bucket: b12 }", "duckdb"),
    ("destination: { type: bigquery, dataset: d, bucket: 'gs://b12' }", "gs://b12"),
    ("destination: { type: bigquery, dataset: d, location: US-, project: my-project }", "US-"),
    ("destination: { type: bigquery, dataset: d, project: My Project }", "My Project"),
    ("destination: { type: bigquery, dataset: d, labels: [a] }", "a"),
    ("destination: { type: bigquery, dataset: d, endpoints: { bigqery: x } }", "bigqery"),
    ("destination: { type: files, path: x, project: my-project }", "files"),
    ("destination: { type: files, path: x, threads: 2 }", "files"),
    ("destination: { type: duckdb, path: x, format: avro }", "duckdb"),
    ("destination: { type: files }", "path"),
    ("destination: { type: duckdb, path: x, memory_limit: lots }", "lots"),
    ("version: 2", "2"),
    ("version: one", "one"),
]


@pytest.fixture(scope="module")
def schema():
    found = subprocess.run([BINARY, "config", "schema"], capture_output=True, check=True, text=True)
    return json.loads(found.stdout)


@pytest.fixture(scope="module")
def errors_of(schema):
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)

    def errors_of(document):
        def flat(errors):
            for error in errors:
                yield error.message
                yield from flat(error.context)
        return list(flat(validator.iter_errors(document)))

    return errors_of


def with_part(text):
    """The least configuration with one of its parts replaced."""
    return {**yaml.safe_load(BASE), **(yaml.safe_load(text) or {})}


def program_says(tmp_path, document):
    """What the program itself finds in the same document."""
    path = tmp_path / "bqferry.yaml"
    path.write_text(yaml.safe_dump(document))
    (tmp_path / "jobs").mkdir(exist_ok=True)
    for name in ("jobs/a.yaml", "x.yaml"):
        (tmp_path / name).write_text("jobs: []\n")
    values = {"PARALLEL": "3", "LOAD": "append", "WORKERS": "4", "BUDGET": "5m", "NAME": "n", "PORT": "1",
              "TYPE": "postgresql", "MODE": "require", "THREADS": "2", "PATH_": "x"}
    if "destination" in document and document["destination"].get("type") == "${TYPE}":
        values["TYPE"] = "files"
    return subprocess.run([BINARY, "--config", str(path), "config", "validate"], text=True,
                          capture_output=True, env={**os.environ, **values})


@pytest.mark.parametrize("text", GOOD + [f"connections: {{ shop: {c} }}" for c in CONNECTIONS]
                         + [f"destination: {d}" for d in DESTINATIONS])
def test_allows_what_the_program_reads(errors_of, tmp_path, text):
    document = with_part(text)
    assert errors_of(document) == []
    found = program_says(tmp_path, document)
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("text, part", BAD + BAD_PARTS)
def test_refuses_what_the_program_refuses(errors_of, tmp_path, text, part):
    document = with_part(text)
    errors = errors_of(document)
    assert any(part in error for error in errors), errors
    found = program_says(tmp_path, document)
    assert found.returncode == 2, found.stderr


def test_every_part_is_described(schema):
    for section in [schema, *schema["$defs"].values()]:
        assert section["additionalProperties"] is False
        for name, value in section["properties"].items():
            assert len(value["description"]) > 10, name


def test_the_documented_example_is_valid(errors_of):
    found = subprocess.run([BINARY, "config", "docs"], capture_output=True, check=True, text=True)
    example = re.search(r"```yaml\n(.*?)```", found.stdout, re.S)[1]
    assert errors_of(yaml.safe_load(example)) == []


def test_the_written_reference_is_the_printed_one():
    found = subprocess.run([BINARY, "config", "docs"], capture_output=True, check=True, text=True)
    assert (ROOT / "docs/configuration.md").read_text() == found.stdout
