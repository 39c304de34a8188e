/* SPDX-License-Identifier: Apache-2.0 */
/* base/crc32c.h: CRC-32C (RFC 3720, appendix B.4), the checksum that Cloud Storage keeps of
 * objects. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The checksum of what `crc` stands for, followed by these bytes; begin with 0. */
uint32_t crc32c_extend(uint32_t crc, const void *bytes, size_t size);

/* The same without the processor's own instruction; for machines that lack it. */
uint32_t crc32c_extend_portable(uint32_t crc, const void *bytes, size_t size);
