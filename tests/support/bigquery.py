# SPDX-License-Identifier: Apache-2.0
"""The stand-in for BigQuery and Cloud Storage as a process, and Google's own clients for it.

    with StandIn(folder) as google:                     # or auth="verify": tokens are asked for and checked
        google.client().create_dataset("raw_data")      # google-cloud-bigquery
        google.storage().create_bucket("staging")       # google-cloud-storage
        google.environment()                            # what a program needs to find it
        google.fault("bigquery.jobs.insert", "error", reason="backendError", nth=2)
        google.job_fault(running_polls=3)
        google.counts()                                 # {"bigquery.jobs.insert": 1, …} in the order of the first calls
        google.reset()                                  # between tests: faults, calls, permissions; data=True: tables, objects

tests/standin/README.md tells what it knows; standin/faults.py what faults there are."""

import ctypes
import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote, urlencode

ROOT = Path(__file__).resolve().parents[2]
SERVE = ROOT / "tests/standin/serve"
PROJECT = "test-project"
PR_SET_PDEATHSIG = 1
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


def _end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _credentials(info, scopes):
    from google.auth import identity_pool, impersonated_credentials
    from google.oauth2 import credentials, service_account
    if info["type"] == "service_account":
        return service_account.Credentials.from_service_account_info(info, scopes=scopes)
    if info["type"] == "external_account":
        return identity_pool.Credentials.from_info(info, scopes=scopes)
    if info["type"] == "authorized_user":
        return credentials.Credentials(
            None, refresh_token=info["refresh_token"], client_id=info["client_id"],
            client_secret=info["client_secret"], token_uri=info["token_uri"], scopes=scopes)
    url = info["service_account_impersonation_url"]
    return impersonated_credentials.Credentials(
        _credentials(info["source_credentials"], list(SCOPES)), url.rsplit("/", 1)[1].split(":")[0], scopes,
        delegates=info["delegates"], iam_endpoint_override=url)


class ControlError(AssertionError):
    """The control API refused; its text says why."""


class Fault:
    """A fault that is set; `fired` tells how often it has hit."""

    def __init__(self, standin, number):
        self.standin = standin
        self.number = number

    @property
    def fired(self):
        for fault in self.standin.control("GET", "faults")["faults"]:
            if fault["id"] == self.number:
                return fault["fired"]
        raise ControlError(f"fault {self.number} is cleared")

    def clear(self):
        self.standin.control("DELETE", f"faults/{self.number}")


class StandIn:
    """One stand-in. `folder` gets its log, its record of calls and the credential files that it hands out."""

    def __init__(self, folder, auth="none", options=(), gcs=True, project=PROJECT):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.auth_mode = auth
        self.project = project
        self.options = [*(() if gcs else ("--no-gcs",)), *map(str, options)]
        self.log = self.folder / "standin.log"
        self.record = self.folder / "calls.jsonl"
        self.process = None
        self.urls = {}

    # The process --------------------------------------------------------------------------------

    def start(self, seconds=60):
        command = [str(SERVE), "--port", "0", "--auth", self.auth_mode,
                   "--record", str(self.record), *self.options]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, cwd=ROOT,
                preexec_fn=_end_with_parent)
        line = self._first_line(seconds)
        if not line:
            self.stop()
            raise RuntimeError(f"the stand-in did not start:\n{self.log_tail()}")
        self.urls = json.loads(line)
        return self

    def _first_line(self, seconds):
        import select
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if select.select([self.process.stdout], [], [], 0.1)[0]:
                return self.process.stdout.readline()
            if self.process.poll() is not None:
                return b""
        return b""

    def log_tail(self, size=4000):
        return self.log.read_text(errors="replace")[-size:]

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        if self.process is None:
            return
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *ignored):
        self.stop()

    # Where it is --------------------------------------------------------------------------------

    @property
    def bigquery(self):
        """http://127.0.0.1:PORT, to which clients add /bigquery/v2."""
        return self.urls["bigquery"]

    @property
    def gcs(self):
        return self.urls["gcs"]

    @property
    def auth(self):
        """The port of the token endpoints and of the metadata server."""
        return self.urls["auth"]

    def environment(self, credentials=None, metadata=False):
        """Variables for a program under test. `credentials` is a file that one of the methods below made; `metadata`
        lets the program find the metadata server. Whoever wants neither gets none from the machine either."""
        environment = {"BIGQUERY_EMULATOR_HOST": self.bigquery,
                       "GOOGLE_CLOUD_PROJECT": self.project,
                       "CLOUDSDK_CONFIG": str(self.folder / "no-gcloud"),
                       "NO_GCE_CHECK": "false" if metadata else "true",
                       "GCE_METADATA_HOST": self.urls["metadata"] if metadata else "127.0.0.1:1",
                       "GCE_METADATA_IP": self.urls["metadata"] if metadata else "127.0.0.1:1"}
        if self.urls.get("gcs"):
            environment["STORAGE_EMULATOR_HOST"] = self.gcs
        if credentials:
            environment["GOOGLE_APPLICATION_CREDENTIALS"] = str(credentials)
        return environment

    # Google's clients ---------------------------------------------------------------------------

    def client(self, project=None, credentials=None, **options):
        """google.cloud.bigquery.Client; `credentials` as google.auth makes them, else anonymous."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery
        return bigquery.Client(project=project or self.project, credentials=credentials or AnonymousCredentials(),
                               client_options={"api_endpoint": self.bigquery}, **options)

    def storage(self, project=None, credentials=None, **options):
        """google.cloud.storage.Client."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import storage
        return storage.Client(project=project or self.project, credentials=credentials or AnonymousCredentials(),
                              client_options={"api_endpoint": self.gcs}, **options)

    def rows(self, table, columns="*", order=None):
        """The rows of a table as dicts, by a query: rows("raw_data.orders", order="id")."""
        sql = f"SELECT {columns} FROM `{table}`" + (f" ORDER BY {order}" if order else "")
        return [dict(row) for row in self.client().query_and_wait(sql)]

    # Faults and records -------------------------------------------------------------------------

    def control(self, method, path, body=None):
        """One call of the control API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.bigquery}/standin/{path}", data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise ControlError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from None
        return json.loads(text) if text else {}

    def fault(self, method, kind, **fields):
        """Sets one fault: fault("storage.objects.insert", "reset_request", bytes=1000)."""
        answer = self.control("POST", "faults", {"method": method, "kind": kind, **fields})
        return Fault(self, answer["faults"][0]["id"])

    def job_fault(self, **fields):
        """job_fault(job_type="load", running_polls=3) or forever=True, or error={"reason": …, "message": …}."""
        answer = self.control("POST", "faults", {"kind": "job", **fields})
        return Fault(self, answer["faults"][0]["id"])

    def release_jobs(self, job_id=None):
        """Lets jobs that a fault holds RUNNING go on."""
        self.control("POST", "release", {"job_id": job_id} if job_id else {})

    def clear_faults(self):
        self.control("DELETE", "faults")

    def calls(self, method="*", service="*"):
        """Calls in their order, as dicts: method_id, http, path, query, headers, body, status, reason, received, sent, …"""
        return self.control("GET", "calls?" + urlencode({"method": method, "service": service}))["calls"]

    def counts(self, method="*", service="*"):
        """{method id: number of calls}"""
        return self.control("GET", "calls?" + urlencode({"method": method, "service": service}))["counts"]

    def forget_calls(self):
        self.control("DELETE", "calls")

    def recorded(self):
        """Every call since the start, whatever was reset between; from the record's file."""
        with open(self.record, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def reset(self, data=False):
        """Faults, calls, permissions and tokens; with data, datasets, tables, jobs, buckets and objects too."""
        self.control("POST", "reset", {"data": data})

    # Identities ---------------------------------------------------------------------------------

    def _write(self, name, content):
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(content, indent=2))
        path.chmod(0o600)
        return path

    def service_account(self, name="loader", **fields):
        """Makes a service account and a key for it: the path of the key file."""
        made = self.control("POST", "identities", {"type": "service_account", "name": name, "project": self.project,
                                                   **fields})
        return self._write(name, made["credentials"])

    def authorized_user(self, email="person@example.com", **fields):
        """A person who has logged in with gcloud: the path of the file with the refresh token."""
        made = self.control("POST", "identities", {"type": "authorized_user", "email": email, **fields})
        return self._write(email.split("@")[0], made["credentials"])

    def external_account(self, subject="repo:acme/etl", source="file", impersonate=None, **fields):
        """A workload identity: source "file" (a subject token beside it) or "url" (the stand-in hands one out)."""
        made = self.control("POST", "identities", {
            "type": "external_account", "subject": subject, "source": source, "impersonate": impersonate,
            "token_file": str(self.folder / "subject-token"), **fields})
        if source == "file":
            (self.folder / "subject-token").write_text(made["subject_token"])
        return self._write("external", made["credentials"])

    def impersonated(self, target="loader", source=None, **fields):
        """Credentials of `source` (a credential file's path) that act as the service account `target`."""
        source = source or self.authorized_user()
        made = self.control("POST", "identities", {
            "type": "impersonated_service_account", "name": target, "project": self.project,
            "source_credentials": json.loads(Path(source).read_text()), **fields})
        return self._write(f"impersonated-{target}", made["credentials"])

    def load_credentials(self, path, scopes=SCOPES):
        """google.auth's credentials of a file that one of the methods above has made. google.auth.default() would ask
        Google itself for some types, whatever addresses the file names; these ask the stand-in only."""
        return _credentials(json.loads(Path(path).read_text()), list(scopes))

    def permissions(self, identity, allow=None, deny=(), grants=()):
        """What an identity may do: `allow` (permissions or roles/…; None: everything) on everything, `grants` as
        [{"role": "roles/bigquery.dataEditor", "resource": "projects/p/datasets/d"}], less what `deny` names."""
        self.control("PUT", f"permissions/{quote(identity, safe='')}",
                     {"allow": allow, "deny": list(deny), "grants": list(grants)})

    def tokens(self, **fields):
        """tokens(lifetime=2): new tokens live 2 s; tokens(expire="*") or (revoke="loader@…"): those handed out."""
        return self.control("POST", "tokens", fields)

    def metadata_account(self, name="vm", scopes=SCOPES, **fields):
        """The service account that the metadata server answers for; name=None: none is attached."""
        return self.control(
            "POST", "metadata", {"name": name, "project": self.project, "scopes": list(scopes), **fields}
        )
