/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/app.h: from the words of a command line to an exit code. */
#pragma once

#include "cmd/command.h"

/* Passwords in argv are overwritten in place, so that no process list shows them. */
int app_main(const App *app, int argc, char **argv);
