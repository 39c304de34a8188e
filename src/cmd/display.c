/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/display.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "cmd/display_line.h"
#include "cmd/text_width.h"
#include "format/json.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>

enum { TICK_MS = 200, NAME_WIDTH_MOST = 40, LINES_OTHERWISE = 24, COLUMNS_OTHERWISE = 80 };

static const int64_t SECOND_NS = 1000000000;

const char *const display_choices[] = {"auto", "plain", "json", "none", NULL};

typedef struct JobView {
    const char *name; /* fit for a terminal */
    Meter meter;
    MeterReading reading;
    JobPhase shown_phase; /* of the last line about it */
    int64_t shown_ns;
    bool finished; /* its last line is out */
} JobView;

typedef struct DisplayStyle {
    /* Shows what is new; the lock is held. `last`: no tick comes after this one. */
    void (*tick)(Display *display, int64_t now_ns, bool last);
    bool shares_output; /* log lines must wait for it, and it for them */
} DisplayStyle;

struct Display {
    ProgressDisplay progress;
    const DisplayStyle *style;
    FILE *out;
    Arena arena; /* of the names */
    Arena frame; /* of one tick */
    JobProgress *jobs;
    JobView *views;
    size_t count;
    size_t lines; /* of the live region, on the screen */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;
};

static bool is_over(JobPhase phase)
{
    return phase == PHASE_DONE || phase == PHASE_FAILED;
}

static bool is_due(const JobView *view, int64_t now_ns, int64_t interval_ns)
{
    JobPhase phase = view->reading.phase;
    if (phase != view->shown_phase)
        return true;
    return phase != PHASE_WAITING && !is_over(phase) && now_ns - view->shown_ns >= interval_ns;
}

static void mark_shown(JobView *view, int64_t now_ns)
{
    view->shown_phase = view->reading.phase;
    view->shown_ns = now_ns;
}

static void tick_plain(Display *display, int64_t now_ns, bool last)
{
    (void)last;
    char line[DISPLAY_LINE_MAX];
    for (size_t i = 0; i < display->count; i++) {
        JobView *view = &display->views[i];
        if (!is_due(view, now_ns, 10 * SECOND_NS))
            continue;
        /* A failure has been logged, with its reason. */
        if (view->reading.phase != PHASE_FAILED)
            log_info(display->jobs[i].name, "%s", display_line(&view->reading, line));
        mark_shown(view, now_ns);
    }
}

static void print_json(FILE *out, const char *name, const MeterReading *reading)
{
    CLEANUP(json_free_ptr) Json *line = json_object_new();
    json_set_text(line, "job", name);
    json_set_text(line, "phase", job_phase_name(reading->phase));
    json_set_int(line, "rows", (int64_t)reading->rows);
    json_set_int(line, "bytes", (int64_t)reading->bytes);
    json_set_int(line, "rows_per_second", (int64_t)(reading->rows_per_second + 0.5));
    if (reading->percent >= 0)
        json_set_int(line, "percent", reading->percent);
    else
        json_set(line, "percent", NULL);
    if (reading->seconds_left >= 0)
        json_set_int(line, "seconds_left", reading->seconds_left);
    else
        json_set(line, "seconds_left", NULL);
    json_print(out, line, false);
    fflush(out);
}

static void tick_json(Display *display, int64_t now_ns, bool last)
{
    (void)last;
    for (size_t i = 0; i < display->count; i++) {
        JobView *view = &display->views[i];
        if (!is_due(view, now_ns, SECOND_NS))
            continue;
        print_json(display->out, display->jobs[i].name, &view->reading);
        mark_shown(view, now_ns);
    }
}

static struct winsize screen_size(FILE *out)
{
    struct winsize size = {0};
    ioctl(fileno(out), TIOCGWINSZ, &size);
    if (size.ws_row < 2)
        size.ws_row = LINES_OTHERWISE;
    if (size.ws_col < 2)
        size.ws_col = COLUMNS_OTHERWISE;
    return size;
}

static void erase_live(Display *display, FILE *out)
{
    if (display->lines)
        fprintf(out, "\033[%zuA\r\033[J", display->lines);
    display->lines = 0;
}

static size_t name_width(const Display *display)
{
    size_t widest = 0;
    for (size_t i = 0; i < display->count; i++) {
        size_t width = text_width(view_of(display->views[i].name));
        widest = width > widest ? width : widest;
    }
    return widest < NAME_WIDTH_MOST ? widest : NAME_WIDTH_MOST;
}

static void print_live_line(Display *display, size_t job, FILE *out, size_t width)
{
    Arena *arena = &display->frame;
    const JobView *view = &display->views[job];
    size_t names = name_width(display);
    const char *name = text_cut(view->name, names, arena);
    int pad = (int)(names - text_width(view_of(name)));
    char line[DISPLAY_LINE_MAX];
    snprintf(line, sizeof line, "%s", display->stopping ? "not run" : "waiting");
    if (view->reading.phase != PHASE_WAITING)
        display_line(&view->reading, line);
    const char *text = arena_printf(arena, "%s%*s  %s", name, pad, "", line);
    fprintf(out, "%s\n", text_cut(text, width, arena));
}

static void print_finished(Display *display, FILE *out, size_t width, bool last)
{
    for (size_t i = 0; i < display->count; i++) {
        JobView *view = &display->views[i];
        if (view->finished || (!last && !is_over(view->reading.phase)))
            continue;
        print_live_line(display, i, out, width);
        view->finished = true;
    }
}

/* Running jobs before waiting ones; what does not fit is counted. */
static void print_region(Display *display, FILE *out, struct winsize size)
{
    size_t room = size.ws_row - 2;
    size_t active = 0, running = 0;
    for (size_t i = 0; i < display->count; i++)
        active += !display->views[i].finished;
    for (int waiting = 0; waiting < 2; waiting++) {
        for (size_t i = 0; i < display->count && display->lines < room; i++) {
            const JobView *view = &display->views[i];
            if (view->finished || (view->reading.phase == PHASE_WAITING) != waiting)
                continue;
            print_live_line(display, i, out, size.ws_col - 1);
            display->lines++;
            running++;
        }
    }
    if (active > running) {
        fprintf(out, "… and %zu more\n", active - running);
        display->lines++;
    }
}

static void draw_live(Display *display, bool last)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *frame = open_memstream(&bytes, &size);
    if (!frame)
        memory_exhausted(0);
    struct winsize screen = screen_size(display->out);
    erase_live(display, frame);
    print_finished(display, frame, screen.ws_col - 1, last);
    if (!last)
        print_region(display, frame, screen);
    fclose(frame);
    /* One write a frame, so that the terminal never shows half of it. */
    fwrite(bytes, 1, size, display->out);
    fflush(display->out);
    free(bytes);
    arena_reset(&display->frame);
}

static void tick_live(Display *display, int64_t now_ns, bool last)
{
    (void)now_ns;
    draw_live(display, last);
}

static void on_log(void *context, bool before)
{
    Display *display = context;
    if (before) {
        pthread_mutex_lock(&display->lock);
        erase_live(display, display->out);
        return;
    }
    if (display->style->tick == tick_live)
        draw_live(display, false);
    pthread_mutex_unlock(&display->lock);
}

/* The caller holds the lock. */
static void tick(Display *display, bool last)
{
    int64_t now = clock_monotonic_ns();
    for (size_t i = 0; i < display->count; i++)
        display->views[i].reading = meter_read(&display->views[i].meter, &display->jobs[i], now);
    display->style->tick(display, now, last);
}

static void *run_thread(void *argument)
{
    Display *display = argument;
    pthread_mutex_lock(&display->lock);
    while (!display->stopping) {
        tick(display, false);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TICK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / SECOND_NS;
        until.tv_nsec %= SECOND_NS;
        while (!display->stopping &&
               pthread_cond_timedwait(&display->wake, &display->lock, &until) != ETIMEDOUT)
            ;
    }
    pthread_mutex_unlock(&display->lock);
    return NULL;
}

static bool start_display(void *context, JobProgress *jobs, size_t count, Error *error)
{
    Display *display = context;
    display->jobs = jobs;
    display->count = count;
    display->views = memory_zalloc(count ? count : 1, sizeof *display->views);
    for (size_t i = 0; i < count; i++)
        display->views[i].name = text_visible(jobs[i].name, &display->arena);
    display->stopping = false;
    int problem = pthread_create(&display->thread, NULL, run_thread, display);
    if (problem) {
        free(TAKE_PTR(display->views));
        return error_set_errno(error, ERROR_INTERNAL, problem, "cannot start the progress display");
    }
    if (display->style->shares_output)
        log_set_hook(on_log, display);
    return true;
}

static void stop_display(void *context)
{
    Display *display = context;
    if (!display->views)
        return;
    pthread_mutex_lock(&display->lock);
    display->stopping = true;
    pthread_cond_signal(&display->wake);
    pthread_mutex_unlock(&display->lock);
    pthread_join(display->thread, NULL);
    if (display->style->shares_output)
        log_set_hook(NULL, NULL);
    pthread_mutex_lock(&display->lock);
    tick(display, true);
    pthread_mutex_unlock(&display->lock);
    free(TAKE_PTR(display->views));
}

static bool can_redraw(int descriptor)
{
    const char *terminal = getenv("TERM");
    return isatty(descriptor) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
}

DisplayMode display_mode(const char *name, bool quiet)
{
    if (strcmp(name, "none") == 0)
        return DISPLAY_NONE;
    if (strcmp(name, "json") == 0)
        return DISPLAY_JSON;
    if (strcmp(name, "plain") == 0)
        return DISPLAY_PLAIN;
    if (quiet)
        return DISPLAY_NONE;
    return can_redraw(STDERR_FILENO) ? DISPLAY_LIVE : DISPLAY_PLAIN;
}

Display *display_new(DisplayMode mode, FILE *out)
{
    static const DisplayStyle styles[] = {
        [DISPLAY_LIVE] = {tick_live, true},
        [DISPLAY_PLAIN] = {tick_plain, false},
        [DISPLAY_JSON] = {tick_json, true},
    };
    if (mode == DISPLAY_NONE)
        return NULL;
    Display *display = memory_zalloc(1, sizeof *display);
    display->style = &styles[mode];
    display->out = out;
    display->progress = (ProgressDisplay){display, start_display, stop_display};
    pthread_mutex_init(&display->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&display->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    return display;
}

void display_free(Display *display)
{
    if (!display)
        return;
    pthread_cond_destroy(&display->wake);
    pthread_mutex_destroy(&display->lock);
    arena_done(&display->arena);
    arena_done(&display->frame);
    free(display->views);
    free(display);
}

const ProgressDisplay *display_progress(Display *display)
{
    return display ? &display->progress : NULL;
}
