/* SPDX-License-Identifier: Apache-2.0 */
/* net/credentials/rs256.h: RSA signatures of JWTs (RFC 7518 §3.3: RSASSA-PKCS1-v1_5 with SHA-256).
 * The library behind it is seen only by rs256.c. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/view.h"

typedef struct Rs256Key Rs256Key;

/* A private RSA key of at least 2048 bits, PEM (PKCS #8 or #1). ERROR_CONFIG says what is wrong
 * with it, never what is in it. */
bool rs256_key_new(const char *pem, Rs256Key **ret_key, Error *error);
void rs256_key_free(Rs256Key *key); /* wipes; accepts NULL */

/* "claims" and its header, signed: HEADER.CLAIMS.SIGNATURE, each base64url. The arena's text is for
 * the caller to wipe. */
bool rs256_sign_jwt(const Rs256Key *key, const char *header, const char *claims, Arena *arena,
                    char **ret_jwt, Error *error);
