# SPDX-License-Identifier: Apache-2.0
"""The methods jobs.* (but for the answers of queries: query.py).

https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/jobs"""

from __future__ import annotations

from typing import Any

from standin.catalog import make_etag
from standin.errors import ApiError, invalid
from standin.http import Request
from standin.jobs.table import Job
from standin.resources import page

# A job that is about to end is waited for a moment, so that short jobs are seen as DONE at the first look.
SHORT_WAIT = 0.25


def insert(app: Any, request: Request, body: dict[str, Any]) -> Any:
    """The answer is the job as it starts: whoever wants its end has to ask again."""
    job = app.jobs.prepare(request.identity, request.parameters["projectId"], body)
    if job.kind == "load":
        raise_without_sources(job)
    return begin(app, request, job)


def begin(app: Any, request: Request, job: Job) -> Any:
    if job.kind == "query":
        from standin.jobs import query
        early = query.before_insert(app, job)
        if early is not None:
            return early
    app.jobs.register(job)
    answer = app.jobs.to_json(job, request)
    job.start()
    return answer


def raise_without_sources(job: Job) -> None:
    if not job.configuration["load"].get("sourceUris"):
        raise ApiError("required", "Load configuration must specify at least one source URI")


def of_request(app: Any, request: Request, permission: str) -> Job:
    project = request.parameters["projectId"]
    job = app.jobs.find(project, request.parameters["jobId"], request.parameters.get("location"))
    app.auth.require_job(request.identity, job.identity.email, permission, project)
    return job


def get(app: Any, request: Request, _: Any) -> Any:
    job = of_request(app, request, "bigquery.jobs.get")
    job.plan.poll()
    job.done.wait(0 if job.plan.holding else SHORT_WAIT)
    return app.jobs.to_json(job, request)


def cancel(app: Any, request: Request, _: Any) -> Any:
    """Returns at once; a job that is done stays as it is."""
    job = of_request(app, request, "bigquery.jobs.update")
    job.cancelled.set()
    for child in job.children:
        child.cancelled.set()
    return {"kind": "bigquery#jobCancelResponse", "job": app.jobs.to_json(job, request)}


def delete(app: Any, request: Request, _: Any) -> Any:
    """Needs the location; removes the job's metadata and those of its children."""
    if not request.parameters.get("location"):
        raise ApiError("required", "Required parameter is missing: location", location="location", location_type="parameter")
    job = of_request(app, request, "bigquery.jobs.delete")
    if job.parent is not None:
        raise invalid(f"Cannot delete the child job {job.id}: delete its parent {job.parent.id}")
    if not job.done.is_set():
        raise ApiError("resourceInUse", f"Job {job.project}:{job.location}.{job.id} is still running")
    for each in (job, *job.children):
        each.deleted = True
    return None


def list_jobs(app: Any, request: Request, _: Any) -> Any:
    parameters = request.parameters
    project = parameters["projectId"]
    app.catalog.check_project(project)
    jobs = app.jobs.all(project)
    for job in jobs:
        job.plan.poll()
    low, high = parameters.get("minCreationTime"), parameters.get("maxCreationTime")
    states = parameters.get("stateFilter")
    parent = parameters.get("parentJobId")
    found = [job for job in jobs
             if (parameters.get("allUsers") or job.identity.email == request.identity.email)
             and (low is None or job.created_ms >= low) and (high is None or job.created_ms <= high)
             and (states is None or job.shown_state.lower() in states)
             and (job.parent is None if parent is None else job.parent is not None and job.parent.id == parent)]
    chosen, token = page(request, found, lambda job: -job.created_ms, 50)
    full = parameters.get("projection") == "full"
    answer: dict[str, Any] = {"kind": "bigquery#jobList", "etag": make_etag([job.key for job in chosen])}
    if token:
        answer["nextPageToken"] = token
    answer["jobs"] = [entry(app, job, request, full) for job in chosen]
    return answer


def entry(app: Any, job: Job, request: Request, full: bool) -> dict[str, Any]:
    """minimal: without the configuration."""
    resource = app.jobs.to_json(job, request)
    names = ["kind", "id", "jobReference", "statistics", "status", "user_email"]
    names += ["configuration", "principal_subject"] if full else []
    found = {name: resource[name] for name in names}
    found["state"] = job.shown_state
    if job.error is not None:
        found["errorResult"] = job.error.proto()
    return found


def _query_handlers() -> dict[str, Any]:
    try:
        from standin.jobs import query
    except ImportError:
        return {}
    return query.HANDLERS


HANDLERS = {
    "bigquery.jobs.insert": insert,
    "bigquery.jobs.get": get,
    "bigquery.jobs.cancel": cancel,
    "bigquery.jobs.delete": delete,
    "bigquery.jobs.list": list_jobs,
    **_query_handlers(),
}
