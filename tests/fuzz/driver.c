/* SPDX-License-Identifier: Apache-2.0 */
/* The main of a fuzz target without libFuzzer: runs every file of the folders named as arguments.
 * A folder without files is a failure, or a lost corpus would look like a passed test. */
#include "base/cleanup.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void close_folder(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

static bool run_file(const char *path)
{
    CLEANUP(close_file) FILE *file = fopen(path, "rb");
    struct stat status;
    if (!file || fstat(fileno(file), &status) < 0) {
        perror(path);
        return false;
    }
    /* exactly as large as the input, so that the sanitizer sees a read past its end */
    size_t size = (size_t)status.st_size;
    CLEANUP(free_ptr) uint8_t *data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, file) != size) {
        perror(path);
        return false;
    }
    LLVMFuzzerTestOneInput(data, size);
    return true;
}

static bool run_folder(const char *path)
{
    CLEANUP(close_folder) DIR *folder = opendir(path);
    if (!folder) {
        perror(path);
        return false;
    }
    int files = 0;
    const struct dirent *entry;
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (!run_file(name))
            return false;
        files++;
    }
    printf("%s: %d inputs\n", path, files);
    return files > 0;
}

int main(int count, char **folders)
{
    bool good = count > 1;
    for (int i = 1; i < count; i++)
        good = run_folder(folders[i]) && good;
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
