# SPDX-License-Identifier: Apache-2.0
"""Faults on request, and a record of every call.

A fault names a method id (a pattern: `bigquery.jobs.insert`, `storage.objects.*`, `*`), which of the matching calls it
hits (`nth`, counted from when the fault was set; `count` calls from there, 0 = all) and what happens:

    error           an answer with `status`, `reason`, `message`, `headers`, or a raw `body`; `when`: "before" the work
                    (default) or "after" it was done; `early`: before the request's body was read, then the connection ends
    latency         the call waits `seconds` first
    hang            no answer until the fault is cleared, the server is reset, or `seconds` have passed; then a reset
    reset_request   the connection is reset when `bytes` bytes of the request's body were read (0: none)
    reset_response  the work is done; the connection is reset when `bytes` bytes of the answer were sent (status line
                    and headers count)
    lost_response   the work is done; the connection is reset before the first byte of the answer
    job             a job that the call starts stays PENDING for `pending_polls` and RUNNING for `running_polls` answers, or
                    for `seconds`, or `forever` (until it is cancelled or released); then it fails with `error`
                    ({reason, message, location}), its work not done unless `apply`; a load job claims `output_rows`
    quota           as `error`, with the status and text of a quota reason: quotaExceeded, rateLimitExceeded,
                    userRateLimitExceeded, jobRateLimitExceeded, tableUnavailable (`reason`)

Reasons and their HTTP status: https://docs.cloud.google.com/bigquery/docs/error-messages#errortable
"""

from __future__ import annotations

import fnmatch
import itertools
import json
import threading
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from standin.errors import CODE_OF_STATUS, STATUS_OF_REASON
from standin.http import Headers, Request, Reset, Response

# What other services than BigQuery say: Cloud Storage
# (https://docs.cloud.google.com/storage/docs/json_api/v1/status-codes) and OAuth 2.0 (RFC 6749, section 5.2).
STATUS = {
    **STATUS_OF_REASON,
    "forbidden": 403, "insufficientPermissions": 403, "required": 401, "badGateway": 502, "conflict": 409,
    "userRateLimitExceeded": 403, "backendNotConnected": 503,
    "internal_failure": 500, "temporarily_unavailable": 503, "server_error": 500, "invalid_grant": 400,
    "invalid_client": 401, "invalid_request": 400, "invalid_scope": 400, "unauthorized_client": 401,
}

MESSAGES = {
    "quotaExceeded": "Quota exceeded: Your table exceeded quota for imports or query appends per table. For more "
                     "information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas",
    "rateLimitExceeded": "Exceeded rate limits: too many table update operations for this table. For more "
                         "information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas",
    "userRateLimitExceeded": "User Rate Limit Exceeded",
    "jobRateLimitExceeded": "Job exceeded rate limits: Your project exceeded quota for concurrent queries.",
    "tableUnavailable": "Table is temporarily unavailable, try again later.",
    "backendError": "Error encountered during execution. Retrying may solve the problem.",
    "internalError": "An internal error occurred and the request could not be completed. This is usually caused by a "
                     "transient issue. Retrying the job with back-off as described in the BigQuery SLA should solve "
                     "the problem.",
}

KINDS = ("error", "latency", "hang", "reset_request", "reset_response", "lost_response", "job", "quota")
RECORDED_BODY = 1 << 20
SECRET_HEADERS = ("authorization", "cookie", "x-goog-api-key", "proxy-authorization")
SECRET_FIELDS = ("assertion", "refresh_token", "client_secret", "subject_token", "access_token", "accessToken",
                 "actor_token", "private_key")
SECRET_PARAMETERS = (*SECRET_FIELDS, "token", "key")  # of a query or a form; in JSON, `key` is the half of a pair


class FaultError(ValueError):
    """A fault that makes no sense; its text goes back to whoever set it."""


@dataclass
class Fault:
    """One fault as it was set. See the module for the meaning of each kind's fields."""

    method: str
    kind: str
    nth: int = 1
    count: int = 1
    match: str = ""            # a text that the request's target (path and query) has to hold
    status: int = 0
    reason: str = ""
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    when: str = "before"
    early: bool = False
    seconds: float = 0.0
    bytes: int = 0
    pending_polls: int = 0
    running_polls: int = 0
    forever: bool = False
    error: dict[str, str] | None = None
    apply: bool = False
    output_rows: int | None = None
    job_type: str = "*"
    id: int = 0
    seen: int = 0
    fired: int = 0
    cleared: threading.Event = field(default_factory=threading.Event, repr=False)

    @classmethod
    def of(cls, text: dict[str, Any]) -> "Fault":
        """Checks what was asked for; FaultError names what is wrong."""
        known = {name for name in cls.__dataclass_fields__ if name not in ("id", "seen", "fired", "cleared")}
        unknown = sorted(set(text) - known)
        if unknown:
            raise FaultError(f"a fault has no {', '.join(unknown)}; it knows {', '.join(sorted(known))}")
        if text.get("kind") == "job":
            text = {"method": "bigquery.jobs.*", **text}
        for name in ("method", "kind"):
            if not isinstance(text.get(name), str):
                raise FaultError(f"a fault needs a {name}")
        fault = cls(**text)
        if fault.kind not in KINDS:
            raise FaultError(f"no kind of fault: {fault.kind}; there are {', '.join(KINDS)}")
        if fault.nth < 1 or fault.count < 0 or fault.bytes < 0 or fault.seconds < 0:
            raise FaultError("nth counts from 1; count (0: always), bytes and seconds are not negative")
        if fault.when not in ("before", "after"):
            raise FaultError("when is before or after")
        if fault.early and fault.when == "after":
            raise FaultError("an answer that comes early comes before the work")
        fault.check_answer()
        return fault

    def check_answer(self) -> None:
        if self.kind == "quota":
            self.reason = self.reason or "quotaExceeded"
        if self.kind not in ("error", "quota"):
            return
        if not self.status:
            if self.reason not in STATUS:
                raise FaultError(f"an error needs a status, or a known reason; {self.reason!r} is none")
            self.status = STATUS[self.reason]
        if not 200 <= self.status <= 599:
            raise FaultError(f"no HTTP status: {self.status}")

    def takes(self, method_id: str, target: str) -> bool:
        """Whether the fault hits this call; counts it."""
        if not fnmatch.fnmatchcase(method_id, self.method) or self.match not in target:
            return False
        self.seen += 1
        hit = self.seen >= self.nth and (self.count == 0 or self.seen < self.nth + self.count)
        self.fired += hit
        return hit

    def shown(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__
                if name != "cleared" and getattr(self, name) not in (None, "", {})}

    def answer(self, service: str) -> Response:
        """In the form of the service that is asked."""
        headers = {**self.headers, **({"Connection": "close"} if self.early else {})}
        if self.body is not None:
            return Response(self.status, {"Content-Type": "text/html; charset=UTF-8", **headers}, self.body.encode())
        message = self.message or MESSAGES.get(self.reason) or f"{self.reason or self.status} (asked for by the test)"
        if service == "auth":
            text = {"error": self.reason or "internal_failure", "error_description": message}
        else:
            text = error_body(self.status, self.reason or "backendError", message)
        return Response.json(text, self.status, headers)


def error_body(status: int, reason: str, message: str) -> dict[str, Any]:
    """https://docs.cloud.google.com/bigquery/docs/error-messages"""
    error: dict[str, Any] = {"code": status, "message": message,
                             "errors": [{"message": message, "domain": "global", "reason": reason}]}
    if status in CODE_OF_STATUS:
        error["status"] = CODE_OF_STATUS[status]
    return {"error": error}


# Jobs ---------------------------------------------------------------------------------------------

class JobPlan:
    """How long a job takes and how it ends, as its fault says; without one it neither waits nor fails."""

    def __init__(self, fault: Fault | None = None):
        self.pending = fault.pending_polls if fault else 0
        self.running = fault.running_polls if fault else 0
        self.forever = bool(fault and fault.forever)
        self.error = dict(fault.error) if fault and fault.error else None
        self.apply = bool(fault and fault.apply)
        self.output_rows = fault.output_rows if fault else None
        self.ready_at = time.monotonic() + (fault.seconds if fault else 0)
        self.polls = 0
        self.changed = threading.Condition()
        if self.error is not None:
            self.error.setdefault("reason", "backendError")
            self.error.setdefault("message", MESSAGES.get(self.error["reason"], "asked for by the test"))

    @property
    def state(self) -> str:
        return "PENDING" if self.polls <= self.pending and self.pending else "RUNNING"

    def poll(self) -> None:
        """Somebody asks for the job's state."""
        with self.changed:
            self.polls += 1
            self.changed.notify_all()

    def release(self) -> None:
        """Ends the wait."""
        with self.changed:
            self.forever, self.pending, self.running, self.ready_at = False, 0, 0, 0.0
            self.changed.notify_all()

    @property
    def holding(self) -> bool:
        """The job has to wait still. The poll after the last that is to see it RUNNING lets it go."""
        held = self.pending + self.running
        return self.forever or (held > 0 and self.polls <= held) or time.monotonic() < self.ready_at

    def wait(self, cancelled: threading.Event) -> None:
        """Returns when the job may do its work, or was cancelled."""
        with self.changed:
            while self.holding and not cancelled.is_set():
                left = self.ready_at - time.monotonic()
                self.changed.wait(min(max(left, 0.005), 0.1) if left > 0 else 0.1)


# The record ---------------------------------------------------------------------------------------

class Tap:
    """Keeps the head of a request's body."""

    def __init__(self) -> None:
        self.head = bytearray()

    def __call__(self, data: bytes) -> None:
        if len(self.head) < RECORDED_BODY:
            self.head += data[:RECORDED_BODY - len(self.head)]


@dataclass
class Call:
    """One request: enough to hold it against the discovery document, and no secret."""

    service: str
    method_id: str
    http: str
    path: str
    query: list[list[str]]
    headers: dict[str, str]
    number: int = 0            # in the order of arrival, from 1
    body: Any = None           # JSON as it was sent; of a multipart upload, its first part; of a form, its fields
    status: int = 0            # 0: no answer was begun
    reason: str = ""           # errors[0].reason, or OAuth's `error`
    identity: str = ""
    received: int = 0          # bytes of the request's body that were read
    sent: int = 0              # bytes of the answer that were sent, status line and headers included
    started: float = 0.0       # seconds since the server's start
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    answered: bool = False     # the whole answer was sent
    done: bool = False         # false while the call goes on
    sending: bool = False      # its answer is on the way
    hit: list[Fault] = field(default_factory=list, repr=False)
    tap: Tap = field(default_factory=Tap, repr=False)

    def shown(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("hit", "tap", "sending")}


def _hide(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "(hidden)" if name in SECRET_FIELDS and isinstance(inner, str) else _hide(inner)
                for name, inner in value.items()}
    return [_hide(inner) for inner in value] if isinstance(value, list) else value


def _first_part(head: bytes) -> bytes:
    """The JSON of a multipart/related body."""
    if not head.startswith(b"--") or b"\n" not in head:
        return b""
    boundary = head[:head.index(b"\n")].rstrip()
    part = head[len(boundary):].split(boundary, 1)[0]
    for blank in (b"\r\n\r\n", b"\n\n"):
        if blank in part:
            return part.split(blank, 1)[1].strip()
    return b""


def _unzipped(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(data)
    except zlib.error:
        return b""


def recorded_body(headers: Headers, head: bytes) -> Any:
    """What of a body goes into the record: JSON and forms, never the bytes of media."""
    kind = (headers.get("Content-Type") or "").split(";")[0].strip().lower()
    if (headers.get("Content-Encoding") or "").lower() == "gzip":
        head = _unzipped(head)
    if kind == "application/x-www-form-urlencoded":
        return {name: "(hidden)" if name in SECRET_PARAMETERS else value
                for name, value in parse_qsl(head.decode("utf-8", "replace"), keep_blank_values=True)}
    text = _first_part(head) if kind == "multipart/related" else head if kind == "application/json" else b""
    if not text:
        return None
    try:
        return _hide(json.loads(text))
    except ValueError:
        return {"(not JSON)": text[:200].decode("utf-8", "replace")}


def _recorded_headers(headers: Headers) -> dict[str, str]:
    shown = {}
    for name, value in headers.items:
        low = name.lower()
        shown[low] = f"{value.split(' ')[0]} (hidden)" if low in SECRET_HEADERS else value
    return shown


def _reason_of(body: Any) -> str:
    if not isinstance(body, (bytes, bytearray)) or len(body) > 65536:
        return ""
    try:
        error = json.loads(body).get("error", "")
        if isinstance(error, dict):
            return error["errors"][0]["reason"] if error.get("errors") else error.get("status", "")
        return str(error)
    except (ValueError, AttributeError, KeyError, IndexError, TypeError):
        return ""


# Faults -------------------------------------------------------------------------------------------

class Faults:
    """All faults that are set, and all calls that were made; one for all ports of a server.

    http.py calls `before` when a request's head was read and routed, `after` when there is an answer, and `finished`
    when the answer has gone, or could not."""

    def __init__(self, record: str | None = None):
        self.lock = threading.Lock()
        self.ended = threading.Condition(self.lock)
        self.faults: list[Fault] = []
        self.calls: list[Call] = []
        self.numbers = itertools.count(1)
        self.fault_ids = itertools.count(1)
        self.plans: dict[str, JobPlan] = {}
        self.begun = time.monotonic()
        self.record = open(record, "a", encoding="utf-8") if record else None

    # What a test asks for -----------------------------------------------------------------------

    def set(self, text: dict[str, Any]) -> Fault:
        fault = Fault.of(text)
        with self.lock:
            fault.id = next(self.fault_ids)
            self.faults.append(fault)
        return fault

    def clear(self, fault_id: int | None = None) -> int:
        """Forgets one fault, or all; calls that hang in it are let go. How many there were."""
        with self.lock:
            gone = [fault for fault in self.faults if fault_id in (None, fault.id)]
            self.faults = [fault for fault in self.faults if fault not in gone]
        for fault in gone:
            fault.cleared.set()
        return len(gone)

    def listed(self) -> list[dict[str, Any]]:
        with self.lock:
            return [fault.shown() for fault in self.faults]

    def release(self, job_id: str | None = None) -> int:
        """Lets jobs that stay RUNNING go on: the one with this id, or all."""
        with self.lock:
            plans = [plan for name, plan in self.plans.items() if job_id in (None, name)]
        for plan in plans:
            plan.release()
        return len(plans)

    def forget_calls(self) -> None:
        with self.lock:
            self.calls.clear()

    def report(self, method: str = "*", service: str = "*") -> dict[str, Any]:
        """The calls in the order of their arrival, with counts and bytes by method. Whoever has an answer and asks at once
        finds it counted: calls whose answer is on the way are waited for, a second at most."""
        with self.ended:
            self.ended.wait_for(lambda: not any(call.sending for call in self.calls), 1.0)
            calls = [call for call in self.calls if fnmatch.fnmatchcase(call.method_id, method)
                     and fnmatch.fnmatchcase(call.service, service)]
            shown = [call.shown() for call in calls]
        counts = Counter(call["method_id"] for call in shown)
        received, sent = Counter(), Counter()
        for call in shown:
            received[call["method_id"]] += call["received"]
            sent[call["method_id"]] += call["sent"]
        return {"calls": shown, "counts": dict(counts), "received": dict(received), "sent": dict(sent)}

    def reset(self) -> None:
        self.clear()
        self.release()
        self.forget_calls()
        with self.lock:
            self.plans.clear()

    # What http.py calls -------------------------------------------------------------------------

    def _hit(self, request: Request) -> list[Fault]:
        method = request.method_id or "unknown"
        with self.lock:
            return [fault for fault in self.faults if fault.kind != "job" and fault.takes(method, request.target)]

    def before(self, request: Request) -> Response | None:
        """Begins the record; waits, raises Reset, or returns an answer that is to be sent in place of the work."""
        call = Call(request.service, request.method_id or "unknown", request.method, request.path,
                    [[name, "(hidden)" if name in SECRET_PARAMETERS else value] for name, value in request.query],
                    _recorded_headers(request.headers),
                    started=round(time.monotonic() - self.begun, 6))
        call.hit = self._hit(request)
        call.faults = [fault.kind for fault in call.hit]
        request.call = call
        request.body.tap = call.tap
        with self.lock:
            call.number = next(self.numbers)
            self.calls.append(call)
        cuts = [fault.bytes for fault in call.hit if fault.kind == "reset_request"]
        if cuts:
            request.reset_after_received = min(cuts)
        for fault in call.hit:
            if fault.kind == "latency":
                fault.cleared.wait(fault.seconds)
            elif fault.kind == "hang":
                fault.cleared.wait(fault.seconds or None)
                raise Reset()
        if cuts and min(cuts) == 0:
            raise Reset()
        for fault in call.hit:
            if fault.kind in ("error", "quota") and fault.when == "before":
                call.sending = True
                return fault.answer(request.service)
        return None

    def after(self, request: Request, response: Response) -> Response | None:
        """The work was done. Says where the answer is cut, or returns another one."""
        other = None
        for fault in request.call.hit:
            if fault.kind == "lost_response":
                request.reset_after_sent = 0
            elif fault.kind == "reset_response":
                request.reset_after_sent = fault.bytes
            elif fault.kind in ("error", "quota") and fault.when == "after":
                other = fault.answer(request.service)
        request.call.sending = True
        return other

    def finished(self, request: Request, response: Response | None, bytes_in: int, bytes_out: int,
                 error: str | None) -> None:
        """The end of a call, whatever became of it. `response` is None when none was begun."""
        call = getattr(request, "call", None)
        if call is None:
            return
        call.received, call.sent, call.answered = bytes_in, bytes_out, error is None
        call.seconds = round(time.monotonic() - self.begun - call.started, 6)
        call.identity = request.identity.email if request.identity is not None else ""
        call.body = recorded_body(request.headers, bytes(call.tap.head))
        call.tap.head.clear()
        if response is not None:
            call.status = response.status
            if response.status >= 400:
                call.reason = _reason_of(response.body)
        with self.ended:
            call.done, call.sending = True, False
            self.ended.notify_all()
            if self.record is not None:
                self.record.write(json.dumps(call.shown()) + "\n")
                self.record.flush()

    # What jobs call -----------------------------------------------------------------------------

    def job_plan(self, job_type: str, project: str, job_id: str) -> JobPlan:
        """The plan of a job that is being inserted. job_type: load, copy, extract, query."""
        chosen = None
        with self.lock:
            for fault in self.faults:
                if fault.kind == "job" and fnmatch.fnmatchcase(job_type, fault.job_type) \
                        and fault.takes("bigquery.jobs.insert", f"{project}/{job_id}") and chosen is None:
                    chosen = fault
            plan = self.plans[job_id] = JobPlan(chosen)
        return plan
