/* SPDX-License-Identifier: Apache-2.0 */
/* net/http_slot.h: one exchange at a time over connections that stay open. A slot belongs to one
 * thread while it works. */
#pragma once

#include "net/http.h"
#include "net/url.h"

typedef struct HttpSlot HttpSlot;

typedef struct HttpLimits {
    int64_t connect_ms;
    int64_t silence_ms;
} HttpLimits;

HttpSlot *http_slot_new(void);
void http_slot_free(HttpSlot *slot);

/* As http_send; `url` is request->url, parsed. */
bool http_slot_send(HttpSlot *slot, const HttpRequest *request, const Url *url,
                    const HttpLimits *limits, HttpResponse *response, Error *error);

/* Bytes of bodies that the last exchange moved. */
void http_slot_bytes(const HttpSlot *slot, uint64_t *ret_sent, uint64_t *ret_received);

/* Seconds since 1970 of an HTTP date; 0 when it is none. */
int64_t http_parse_date(const char *text);
