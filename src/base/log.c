/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "base/visible.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { LOG_LINE_MAX = 16 * 1024 };

static struct {
    pthread_mutex_t lock;
    LogLevel level;
    LogFormat format;
    LogHook *hook;
    void *hook_context;
} settings = {.lock = PTHREAD_MUTEX_INITIALIZER, .level = LOG_INFO};

void log_configure(LogLevel level, LogFormat format)
{
    settings.level = level;
    settings.format = format;
}

bool log_enabled(LogLevel level)
{
    return level >= settings.level;
}

void log_set_hook(LogHook *hook, void *context)
{
    pthread_mutex_lock(&settings.lock);
    settings.hook = hook;
    settings.hook_context = context;
    pthread_mutex_unlock(&settings.lock);
}

static void print_json(LogLevel level, const char *job, const char *hint, const char *message)
{
    static const char *const severities[] = {"DEBUG", "INFO", "WARNING", "ERROR", "ERROR"};
    char time[CLOCK_TEXT_SIZE];
    clock_format_utc(clock_wall_us(), time);
    fprintf(stderr, "{\"severity\":\"%s\",\"time\":\"%s\",\"message\":", severities[level], time);
    json_text_print(stderr, view_of(message));
    if (hint) {
        fputs(",\"hint\":", stderr);
        json_text_print(stderr, view_of(hint));
    }
    if (job) {
        fputs(",\"logging.googleapis.com/labels\":{\"job\":", stderr);
        json_text_print(stderr, view_of(job));
        fputc('}', stderr);
    }
    fputs("}\n", stderr);
}

/* No name or message may look like a line of its own: what follows a line feed is indented. */
static void put_visible(const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        visible_print(stderr, (StrView){text, length});
        text += length;
        if (*text) {
            fputs("\n  ", stderr);
            text++;
        }
    }
}

static void print_text(LogLevel level, const char *job, const char *hint, const char *message)
{
    static const char *const prefixes[] = {"debug: ", "", "warning: ", "error: ", "error: "};
    fputs(prefixes[level], stderr);
    if (job) {
        put_visible(job);
        fputs(": ", stderr);
    }
    put_visible(message);
    fputc('\n', stderr);
    if (hint) {
        fputs("  hint: ", stderr);
        put_visible(hint);
        fputc('\n', stderr);
    }
}

static void print_line(LogLevel level, const char *job, const char *hint, const char *message)
{
    pthread_mutex_lock(&settings.lock);
    if (settings.hook)
        settings.hook(settings.hook_context, true);
    if (settings.format == LOG_JSON)
        print_json(level, job, hint, message);
    else
        print_text(level, job, hint, message);
    fflush(stderr);
    if (settings.hook)
        settings.hook(settings.hook_context, false);
    pthread_mutex_unlock(&settings.lock);
}

void log_event(LogLevel level, const char *job, const char *format, ...)
{
    if (!log_enabled(level))
        return;
    char message[LOG_LINE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    print_line(level, job, NULL, message);
}

void log_error(const char *job, const Error *error)
{
    if (log_enabled(LOG_ERROR))
        print_line(LOG_ERROR, job, error->hint[0] ? error->hint : NULL, error->message);
}
