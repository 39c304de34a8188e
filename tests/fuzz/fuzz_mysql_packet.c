/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as a stream of packets, taken to its end; what is no error has a kind, and errors are read.
 */
#include "source/mysql/packet.h"

#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(free_ptr) char *bytes = malloc(size + (size == 0));
    size_t start = 0, used, wanted;
    StrView packet;
    memcpy(bytes, data, size);
    while (packet_take(bytes + start, size - start, &packet, &used, &wanted) == PACKET_WHOLE) {
        if (used < PACKET_HEADER || used > size - start || packet.length > used)
            __builtin_trap();
        PacketKind kind = packet_kind(packet);
        PacketError error = {0};
        if (kind == PACKET_ERROR)
            error = packet_error_of(packet);
        if (error.text.length > packet.length)
            __builtin_trap();
        start += used;
    }
    if (wanted <= size - start)
        __builtin_trap();
    return 0;
}
