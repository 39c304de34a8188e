/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/ask.h"

#include "base/cleanup.h"

#include <string.h>

bool ask_possible(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool ask_text(const char *question, const char *otherwise, Arena *arena, const char **ret_answer,
              Error *error)
{
    CLEANUP(free_ptr) char *line = NULL;
    size_t capacity = 0;
    if (otherwise && *otherwise)
        fprintf(stderr, "%s [%s]: ", question, otherwise);
    else
        fprintf(stderr, "%s: ", question);
    fflush(stderr);
    ssize_t length = getline(&line, &capacity, stdin);
    if (length < 0) {
        fputc('\n', stderr);
        return error_set(error, ERROR_CANCELLED, "no answer; nothing was written");
    }
    size_t from = strspn(line, " \t");
    size_t to = (size_t)length;
    while (to > from && strchr(" \t\r\n", line[to - 1]))
        to--;
    *ret_answer = to > from ? arena_strndup(arena, line + from, to - from) : otherwise;
    return true;
}

bool ask_yes(const char *question, Arena *arena, bool *ret_yes, Error *error)
{
    const char *answer;
    if (!ask_text(question, "n", arena, &answer, error))
        return false;
    *ret_yes = answer && (answer[0] == 'y' || answer[0] == 'Y');
    return true;
}
