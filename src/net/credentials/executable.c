/* SPDX-License-Identifier: Apache-2.0 */
#include "net/credentials/executable.h"

#include "base/clock.h"
#include "base/memory.h"
#include "format/file.h"
#include "net/credentials/token.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { WORDS_MAX = 64, ANSWER_MAX = 64 * 1024, TIMEOUT_MS = 30000, LOOK_MS = 100 };

bool executable_allowed(const char *place, Error *error)
{
    const char *value = getenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES");
    if (value && strcmp(value, "1") == 0)
        return true;
    error_set(error, ERROR_CONFIG, "%s: \"credential_source\" wants to run a program", place);
    return error_hint(error,
                      "set GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1 if you trust the file");
}

/* One word without its quotes and backslashes; NULL at the end. */
static char *next_word(const char **at, Arena *arena)
{
    const char *in = *at + strspn(*at, " \t");
    if (*in == '\0')
        return NULL;
    char *word = arena_alloc(arena, strlen(in) + 1), *end = word, quote = '\0';
    for (; *in && (quote || !strchr(" \t", *in)); in++) {
        if (quote ? *in == quote : (*in == '"' || *in == '\''))
            quote = quote ? '\0' : *in;
        else if (*in == '\\' && quote != '\'' && in[1])
            *end++ = *++in;
        else
            *end++ = *in;
    }
    *end = '\0';
    *at = in;
    return word;
}

static char **environment_of(const ExecutableOptions *options, Arena *arena)
{
    size_t count = 0;
    const char *output = json_get_text(options->settings, "output_file");
    while (environ[count])
        count++;
    char **list = ARENA_ARRAY(arena, char *, count + 6);
    memcpy(list, environ, count * sizeof *list);
    list[count++] = arena_printf(arena, "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE=%s", options->audience);
    list[count++] =
        arena_printf(arena, "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE=%s", options->subject_type);
    list[count++] = arena_strdup(arena, "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE=0");
    if (options->email)
        list[count++] =
            arena_printf(arena, "GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL=%s", options->email);
    if (output)
        list[count++] = arena_printf(arena, "GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE=%s", output);
    return list;
}

static bool start(const ExecutableOptions *options, Arena *arena, pid_t *ret_child, int *ret_output,
                  Error *error)
{
    char *words[WORDS_MAX + 1] = {0};
    const char *command = json_get_text(options->settings, "command");
    size_t count = 0;
    for (char *word = command ? next_word(&command, arena) : NULL; word && count < WORDS_MAX;
         word = next_word(&command, arena))
        words[count++] = word;
    if (count == 0)
        return error_set(error, ERROR_CONFIG, "%s: \"credential_source\" names no command",
                         options->place);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(error, ERROR_INTERNAL, errno, "cannot make a pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    int status =
        posix_spawnp(ret_child, words[0], &actions, NULL, words, environment_of(options, arena));
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *ret_output = ends[0];
    if (status == 0)
        return true;
    close(ends[0]);
    return error_set_errno(error, ERROR_CONFIG, status, "%s: cannot run %s", options->place,
                           words[0]);
}

/* Reads until the program closes its output; false when it took too long or a stop came. */
static bool read_all(int output, int64_t timeout_ms, const StopFlag *stop, Buffer *answer)
{
    int64_t end_ns = clock_monotonic_ns() + timeout_ms * 1000000;
    while (clock_monotonic_ns() < end_ns && !stop_requested(stop)) {
        struct pollfd waiting = {.fd = output, .events = POLLIN};
        if (poll(&waiting, 1, LOOK_MS) <= 0)
            continue;
        if (!buffer_reserve(answer, 4096, NULL))
            return false;
        ssize_t got = read(output, buffer_end(answer), 4096);
        if (got == 0)
            return true;
        if (got > 0)
            answer->length += (size_t)got;
        else if (errno != EINTR)
            return false;
    }
    return false;
}

static bool run(const ExecutableOptions *options, Buffer *answer, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(close_fd) int output = -1;
    pid_t child;
    int status = 0;
    int64_t timeout_ms = json_get_int(options->settings, "timeout_millis", TIMEOUT_MS);
    if (!start(options, &arena, &child, &output, error))
        return false;
    bool whole = read_all(output, timeout_ms, options->stop, answer);
    if (!whole)
        kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (stop_requested(options->stop))
        return error_set(error, ERROR_CANCELLED, "stopped while a program was asked for a token");
    if (!whole)
        return error_set(error, ERROR_TARGET,
                         "%s: the program of \"credential_source\" gave no answer within %lld ms",
                         options->place, (long long)timeout_ms);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return error_set(error, ERROR_TARGET,
                         "%s: the program of \"credential_source\" failed (exit %d)",
                         options->place, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    return true;
}

/* {"version":1, "success":true, "token_type", "id_token" or "saml_response", "expiration_time"}.
 * *ret_subject stays NULL for an answer whose time is over. */
static bool take_answer(const char *text, size_t size, const char *place, char **ret_subject,
                        Error *error)
{
    CLEANUP(json_free_ptr) Json *json = NULL;
    if (!json_parse(text, size, "answer", &json, NULL) || json_get_int(json, "version", 0) != 1)
        return error_set(error, ERROR_TARGET,
                         "%s: the answer of the program of \"credential_source\" is no JSON of "
                         "version 1",
                         place);
    if (!json_get_bool(json, "success")) {
        const char *message = json_get_text(json, "message"), *code = json_get_text(json, "code");
        return error_set(error, ERROR_TARGET,
                         "%s: the program of \"credential_source\" has no token: %s (%s)", place,
                         message ? message : "no reason given", code ? code : "no code");
    }
    const char *type = json_get_text(json, "token_type");
    const char *field = type && strstr(type, "saml2") ? "saml_response" : "id_token";
    const char *token = json_get_text(json, field);
    int64_t end_s = json_get_int(json, "expiration_time", INT64_MAX);
    if (token && *token && end_s > clock_wall_us() / 1000000)
        *ret_subject = secret_copy(token);
    secret_wipe_member(json, field);
    return true;
}

bool executable_subject(const ExecutableOptions *options, char **ret_subject, Error *error)
{
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(token_form_done) Buffer answer;
    const char *file = json_get_text(options->settings, "output_file");
    StrView text = {NULL, 0};
    buffer_init(&answer, ANSWER_MAX);
    *ret_subject = NULL;
    if (!executable_allowed(options->place, error))
        return false;
    if (file && file_read(file, ANSWER_MAX, &arena, &text, NULL) && text.data)
        (void)take_answer(text.data, text.length, options->place, ret_subject, NULL);
    if (*ret_subject)
        return true;
    if (!run(options, &answer, error) || !take_answer(answer.data ? answer.data : "", answer.length,
                                                      options->place, ret_subject, error))
        return false;
    return *ret_subject ||
           error_set(error, ERROR_TARGET,
                     "%s: the program of \"credential_source\" gave no token, or one whose time is "
                     "over",
                     options->place);
}
