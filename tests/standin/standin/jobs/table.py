# SPDX-License-Identifier: Apache-2.0
"""The jobs of the server: their ids, states and threads.

https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/Job, …/docs/managing-jobs, …/docs/jobs-overview
Ids: …/docs/running-jobs#generate-jobid; locations: …/docs/locations#specify_locations"""

from __future__ import annotations

import os
import re
import threading
import time
import traceback
import uuid
from typing import Any

from standin.catalog import DatasetRef, make_etag
from standin.errors import ApiError, invalid, not_implemented, standin_failed
from standin.http import Request
from standin.jobs import copy, extract, load
from standin.resources import check_labels, location_of, same_location, strip_nulls

KINDS = ("load", "query", "copy", "extract")
MULTI_REGIONS = ("US", "EU")
RETENTION_MS = 180 * 24 * 3600 * 1000
MAX_ERRORS = 5


class Job:
    """One job. state: PENDING, RUNNING, DONE. error: why it failed (then `errors` holds it too, and more)."""

    def __init__(self, app: Any, project: str, job_id: str, location: str, kind: str, identity: Any,
                 configuration: dict[str, Any], *, media: str | None = None, parent: "Job | None" = None):
        self.app = app
        self.project = project
        self.id = job_id
        self.location = location
        self.kind = kind
        self.identity = identity
        self.configuration = configuration
        self.media = media          # path of an uploaded file; the job removes it
        self.parent = parent
        self.children: list[Job] = []
        self.created_ms = app.clock.tick_ms()
        self.started_ms: int | None = None
        self.ended_ms: int | None = None
        self.state = "PENDING"
        self.error: ApiError | None = None
        self.errors: list[dict[str, str]] = []
        self.statistics: dict[str, Any] = {}
        self.results: Any = None
        self.deleted = False
        self.cancelled = threading.Event()
        self.cancel_reason = "Job execution was cancelled: User requested cancellation"
        self.done = threading.Event()
        self.plan: Any = None
        self._cpu_started = 0.0

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.project, self.location.lower(), self.id)

    def check_cancelled(self) -> None:
        """Work calls this between its steps, and right before it becomes visible."""
        if self.cancelled.is_set():
            raise ApiError("stopped", self.cancel_reason)

    # Life -----------------------------------------------------------------------------------------

    def start(self) -> None:
        threading.Thread(target=self._run, name=f"job-{self.id}", daemon=True).start()
        timeout = int(self.configuration.get("jobTimeoutMs") or 0)
        if timeout > 0:
            timer = threading.Timer(timeout / 1000, self._time_out, (timeout,))
            timer.daemon = True
            timer.start()

    def _time_out(self, timeout: int) -> None:
        if not self.done.is_set():
            self.cancel_reason = f"Job timed out after {timeout // 1000} sec"
            self.cancelled.set()

    def _run(self) -> None:
        error: ApiError | None = None
        try:
            self.plan.wait(self.cancelled)
            self.begin()
            # "You can't stop a table copy operation after you start it": managing-tables#limitations_on_copying_tables
            if self.kind != "copy":
                self.check_cancelled()
            if self.plan.error is None or self.plan.apply:
                self._work()
            if self.plan.error is not None:
                planned = self.plan.error
                error = ApiError(planned["reason"], planned["message"], location=planned.get("location"), status=400)
        except ApiError as raised:
            error = raised
        except Exception as raised:
            traceback.print_exc()
            error = standin_failed(raised)
        self.finish(error)

    def begin(self) -> None:
        self.started_ms = self.app.clock.now_ms()
        self._cpu_started = time.monotonic()
        self.state = "RUNNING"

    def _work(self) -> None:
        if self.kind == "query":
            from standin.jobs import query
            query.run(self.app, self)
        else:
            {"load": load, "copy": copy, "extract": extract}[self.kind].run(self.app, self)

    def finish(self, error: ApiError | None) -> None:
        if error is not None:
            self.error = error
            self.errors = [error.proto(), *error.more][:MAX_ERRORS + 1]
        if self.media is not None:
            try:
                os.unlink(self.media)
            except OSError:
                pass
        self.ended_ms = max(self.app.clock.now_ms(), self.started_ms or 0)
        if self.started_ms is None:
            self.started_ms = self.ended_ms
        self.state = "DONE"
        self.done.set()

    # JSON -----------------------------------------------------------------------------------------

    @property
    def shown_state(self) -> str:
        """PENDING lasts as long as the job's plan says."""
        if self.state == "PENDING" and self.plan is not None and not self.done.is_set():
            return self.plan.state
        return self.state

    def status_json(self) -> dict[str, Any]:
        status: dict[str, Any] = {"state": self.shown_state}
        if self.state == "DONE":
            if self.error is not None:
                status["errorResult"] = self.error.proto()
            if self.errors:
                status["errors"] = self.errors
        return status

    def statistics_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"creationTime": str(self.created_ms)}
        started = self.started_ms
        if started is None and self.shown_state == "RUNNING":
            started = self.created_ms
        if started is not None:
            found["startTime"] = str(started)
        if self.state == "DONE" and self.ended_ms is not None:
            spent = self.ended_ms - (self.started_ms or self.ended_ms)
            found.update(endTime=str(self.ended_ms), totalSlotMs=str(spent), finalExecutionDurationMs=str(spent))
            if self.kind in ("load", "extract") and self.error is None:
                found["completionRatio"] = 1.0
        if self.parent is not None:
            found["parentJobId"] = self.parent.id
        if self.children:
            found["numChildJobs"] = str(len(self.children))
        found.update(self.statistics)
        return found

    def reference_json(self) -> dict[str, str]:
        return {"projectId": self.project, "jobId": self.id, "location": self.location}

    def to_json(self, base_url: str = "") -> dict[str, Any]:
        status, statistics = self.status_json(), self.statistics_json()
        return {
            "kind": "bigquery#job", "etag": make_etag(self.key, status, statistics),
            "id": f"{self.project}:{self.location}.{self.id}",
            "selfLink": f"{base_url}/bigquery/v2/projects/{self.project}/jobs/{self.id}?location={self.location}",
            "user_email": self.identity.email, "configuration": {**self.configuration, "jobType": self.kind.upper()},
            "jobReference": self.reference_json(), "statistics": statistics, "status": status,
            "principal_subject": f"{'serviceAccount' if self.identity.email.endswith('gserviceaccount.com') else 'user'}:"
                                 f"{self.identity.email}",
            "jobCreationReason": {"code": "REQUESTED"}}


class Jobs:
    """All jobs, also ended and deleted ones: an id is used once."""

    def __init__(self, app: Any):
        self.app = app
        self._lock = threading.Lock()
        self._jobs: dict[tuple[str, str, str], Job] = {}

    def reset(self) -> None:
        """Jobs end (as cancelled) and are forgotten."""
        with self._lock:
            jobs = list(self._jobs.values())
            self._jobs.clear()
        for job in jobs:
            job.cancelled.set()
        for job in jobs:
            job.done.wait(10)

    # Insertion ------------------------------------------------------------------------------------

    def insert(self, request: Request | None, identity: Any, project: str, body: dict[str, Any],
               media: str | None = None) -> Job:
        """A new running job from a checked Job resource. Raises ApiError for what is refused at once; `duplicate` when
        the id was used before. media: the uploaded file of a load job."""
        job = self.prepare(identity, project, body, media)
        self.register(job)
        job.start()
        return job

    def prepare(self, identity: Any, project: str, body: dict[str, Any], media: str | None = None) -> Job:
        """The job, not yet known to anybody."""
        self.app.catalog.check_project(project)
        configuration = strip_nulls(body.get("configuration") or {})
        kinds = [kind for kind in KINDS if kind in configuration]
        if len(kinds) != 1:
            raise ApiError("required" if not kinds else "invalid", "Required parameter is missing: job configuration "
                           "(exactly one of load, query, copy, extract)" if not kinds else
                           f"Job configuration must contain exactly one job-specific configuration object, it has "
                           f"{', '.join(kinds)}")
        kind = kinds[0]
        configuration.pop("jobType", None)
        self._check_common(kind, configuration, media)
        reference = strip_nulls(body.get("jobReference") or {})
        if reference.get("projectId", project) != project:
            raise invalid(f"The project of the job reference, {reference['projectId']}, is not that of the request, {project}")
        job_id = reference.get("jobId") or f"job_{uuid.uuid4().hex[:28]}"
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,1024}", job_id):
            raise invalid(f'Invalid job ID "{job_id}". Job IDs must contain only letters, numbers, underscores and dashes '
                          "and be at most 1024 characters long.")
        location = self._location(kind, configuration, reference.get("location"))
        # A used id is said first: whoever retries an insert learns that his job is there, whatever has changed since.
        if self._known(project, job_id, location):
            raise duplicate(project, location, job_id)
        checker = {"load": load, "copy": copy, "extract": extract}.get(kind)
        if checker is not None:
            checker.check(self.app, configuration[kind], location, media is not None)
        return Job(self.app, project, job_id, location, kind, identity, configuration, media=media)

    @staticmethod
    def _check_common(kind: str, configuration: dict[str, Any], media: str | None) -> None:
        check_labels(configuration.get("labels"), "the job")
        if configuration.get("dryRun") and kind != "query":
            raise not_implemented(f"dryRun of a {kind} job")
        if int(configuration.get("jobTimeoutMs") or 0) < 0:
            raise invalid("jobTimeoutMs must not be negative")
        for name in ("reservation", "maxSlots"):
            if configuration.get(name):
                raise not_implemented(f"configuration.{name}")
        if media is not None and kind != "load":
            raise invalid(f"A {kind} job takes no uploaded data")

    def _location(self, kind: str, configuration: dict[str, Any], given: str | None) -> str:
        """The job's location: as given, else that of the dataset it writes (or reads), else US."""
        if given is not None:
            return location_of(given)
        part = configuration[kind]
        named = part.get("destinationTable") or part.get("sourceTable") or part.get("defaultDataset")
        if kind == "extract":
            named = part.get("sourceTable")
        if named and named.get("projectId") and named.get("datasetId"):
            dataset = self.app.catalog.find_dataset(DatasetRef(named["projectId"], named["datasetId"]))
            if dataset is not None:
                return dataset.location
        if kind == "query":
            from standin.jobs import query
            return query.location(self.app, configuration) or self.app.catalog.default_location
        return self.app.catalog.default_location

    def _known(self, project: str, job_id: str, location: str) -> bool:
        with self._lock:
            return (project, location.lower(), job_id) in self._jobs

    def register(self, job: Job) -> None:
        """Takes the id; `duplicate` when somebody has it."""
        with self._lock:
            if job.key in self._jobs:
                raise duplicate(job.project, job.location, job.id)
            self._jobs[job.key] = job
        job.plan = self.app.faults.job_plan(job.kind, job.project, job.id)

    def add_child(self, parent: Job, configuration: dict[str, Any], statistics: dict[str, Any],
                  error: ApiError | None = None, job_id: str | None = None) -> Job:
        """A statement of a script that has run, as a job of its own."""
        name = job_id or f"script_job_{uuid.uuid4().hex}_{len(parent.children)}"
        child = Job(self.app, parent.project, name, parent.location, "query", parent.identity, configuration, parent=parent)
        self.register(child)
        child.begin()
        child.statistics = statistics
        child.finish(error)
        parent.children.append(child)
        return child

    # Looking up -----------------------------------------------------------------------------------

    def find(self, project: str, job_id: str, location: str | None = None) -> Job:
        """Without a location only the US and EU multi-regions are looked at."""
        places = [location] if location else list(MULTI_REGIONS)
        oldest = self.app.clock.now_ms() - RETENTION_MS
        with self._lock:
            for place in places:
                found = self._jobs.get((project, place.lower(), job_id))
                if found is not None and not found.deleted and found.created_ms >= oldest:
                    return found
        raise ApiError("notFound", f"Not found: Job {project}:{location + '.' if location else ''}{job_id}")

    def all(self, project: str) -> list[Job]:
        """Newest first."""
        oldest = self.app.clock.now_ms() - RETENTION_MS
        with self._lock:
            found = [job for job in self._jobs.values()
                     if job.project == project and not job.deleted and job.created_ms >= oldest]
        return sorted(found, key=lambda job: job.created_ms, reverse=True)

    def to_json(self, job: Job, request: Request | None = None) -> dict[str, Any]:
        return job.to_json(request.base_url if request is not None else self.app.urls.get("bigquery", ""))


def duplicate(project: str, location: str, job_id: str) -> ApiError:
    return ApiError("duplicate", f"Already Exists: Job {project}:{location}.{job_id}")


def same_place(left: str, right: str) -> bool:
    return same_location(left, right)
