/* SPDX-License-Identifier: Apache-2.0 */
/* source/postgres/copy_format.h: the frame around the tuples of COPY … (FORMAT binary). Pure.
 * PostgreSQL manual, COPY, "Binary Format". */
#pragma once

#include "base/error.h"
#include "base/view.h"

/* Takes the header off the first message of a stream; what follows it in the same message stays.
 * ERROR_SOURCE when it is none, or asks for something unknown. */
bool copy_take_header(StrView *message, Error *error);

/* True for the two bytes that stand where a tuple's field count would: nothing follows. */
static inline bool copy_is_trailer(StrView message)
{
    return message.length == 2 && (unsigned char)message.data[0] == 0xff &&
           (unsigned char)message.data[1] == 0xff;
}
