/* SPDX-License-Identifier: Apache-2.0 */
/* base/log.h: one line an event on standard error, as text or as JSON with Cloud Logging's fields
 * (severity, message, time, and labels: docs.cloud.google.com/logging/docs/structured-logging). */
#pragma once

#include "base/error.h"

#include <stdbool.h>

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_OFF } LogLevel;
typedef enum LogFormat { LOG_TEXT, LOG_JSON } LogFormat;

/* Settings are process-wide; set them before threads start. Default: LOG_INFO, LOG_TEXT. */
void log_configure(LogLevel level, LogFormat format);

bool log_enabled(LogLevel level);

/* `job` may be NULL; it becomes a label in JSON and a prefix in text. Lines of threads never mix.
 */
void log_event(LogLevel level, const char *job, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The error's message and, on a line of its own, its hint. */
void log_error(const char *job, const Error *error);

/* Called (when set) before and after a line is written, so that a progress display can step aside.
 */
typedef void LogHook(void *context, bool before);
void log_set_hook(LogHook *hook, void *context);

#define log_debug(job, ...) log_event(LOG_DEBUG, job, __VA_ARGS__)
#define log_info(job, ...) log_event(LOG_INFO, job, __VA_ARGS__)
#define log_warning(job, ...) log_event(LOG_WARNING, job, __VA_ARGS__)
