# SPDX-License-Identifier: Apache-2.0
"""Errors as the BigQuery API words and codes them.

https://docs.cloud.google.com/bigquery/docs/error-messages (the table of reasons and HTTP codes)."""

from __future__ import annotations

import traceback
from typing import Any

# reason -> HTTP status. A job keeps the reason in errorResult; the API answers with the status.
STATUS_OF_REASON = {
    "accessDenied": 403,
    "authError": 401,
    "backendError": 503,
    "badRequest": 400,
    "billingNotEnabled": 403,
    "billingTierLimitExceeded": 400,
    "blocked": 403,
    "conditionNotMet": 412,
    "duplicate": 409,
    "internalError": 500,
    "invalid": 400,
    "invalidParameter": 400,
    "invalidQuery": 400,
    "invalidUser": 400,
    "jobBackendError": 400,
    "jobInternalError": 400,
    "jobRateLimitExceeded": 400,
    "notFound": 404,
    "notImplemented": 501,
    "quotaExceeded": 403,
    "rateLimitExceeded": 403,
    "required": 400,
    "resourceInUse": 400,
    "resourcesExceeded": 400,
    "responseTooLarge": 403,
    "standinFailed": 501,
    "stopped": 200,
    "tableUnavailable": 400,
    "timeout": 400,
    "unauthorized": 401,
}

# HTTP status -> the canonical code that Google's JSON bodies carry (google/rpc/code.proto).
CODE_OF_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class ApiError(Exception):
    """One refusal, with everything that an HTTP body or a job's errorResult says about it.

    reason: one of STATUS_OF_REASON (another one wants `status`). location: what the error is about,
    e.g. a query position or a field. more: further ErrorProto entries of a job (`status.errors`)."""

    def __init__(self, reason: str, message: str, *, location: str | None = None, status: int | None = None,
                 debug_info: str | None = None, location_type: str | None = None,
                 more: list[dict[str, str]] | None = None):
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.location = location
        self.location_type = location_type
        self.status = status if status is not None else STATUS_OF_REASON[reason]
        self.debug_info = debug_info
        self.more = more or []

    def proto(self) -> dict[str, str]:
        """The ErrorProto of a job's status."""
        proto = {"reason": self.reason}
        if self.location is not None:
            proto["location"] = self.location
        if self.debug_info is not None:
            proto["debugInfo"] = self.debug_info
        proto["message"] = self.message
        return proto

    def body(self) -> dict[str, Any]:
        """The JSON body of the HTTP answer."""
        entry: dict[str, Any] = {"message": self.message, "domain": "global", "reason": self.reason}
        if self.location is not None:
            entry["location"] = self.location
            entry["locationType"] = self.location_type or "other"
        if self.debug_info is not None:
            entry["debugInfo"] = self.debug_info
        status = 400 if self.status == 200 else self.status
        return {"error": {"code": status, "message": self.message, "errors": [entry],
                          "status": CODE_OF_STATUS.get(status, "UNKNOWN")}}


def not_implemented(what: str) -> ApiError:
    """What the stand-in does not know is named and answered with 501, never with success."""
    return ApiError("notImplemented", f"The stand-in does not know {what}")


def standin_failed(error: BaseException) -> ApiError:
    """A bug of the stand-in. Not internalError: clients would try again for minutes."""
    return ApiError("standinFailed", f"The stand-in failed: {type(error).__name__}: {error}",
                    debug_info="".join(traceback.format_exception(error)))


def invalid(message: str, location: str | None = None) -> ApiError:
    return ApiError("invalid", message, location=location)
