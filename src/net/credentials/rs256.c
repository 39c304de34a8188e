/* SPDX-License-Identifier: Apache-2.0 */
#include "net/credentials/rs256.h"

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/memory.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

enum { KEY_BITS_MIN = 2048 };

struct Rs256Key {
    EVP_PKEY *key;
};

static void free_bio(BIO **bio)
{
    BIO_free(*bio);
}

static void free_digest(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

/* A key with a passphrase has no one to ask. */
static int no_passphrase(char *buffer, int size, int for_writing, void *context)
{
    (void)buffer, (void)size, (void)for_writing, (void)context;
    return -1;
}

bool rs256_key_new(const char *pem, Rs256Key **ret_key, Error *error)
{
    *ret_key = NULL;
    CLEANUP(free_bio) BIO *bio = BIO_new_mem_buf(pem, -1);
    if (!bio)
        memory_exhausted(0);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    ERR_clear_error();
    if (!key)
        return error_set(error, ERROR_CONFIG,
                         "it is no private key in PEM form "
                         "(-----BEGIN PRIVATE KEY-----)");
    bool is_rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
    int bits = EVP_PKEY_get_bits(key);
    if (!is_rsa || bits < KEY_BITS_MIN) {
        EVP_PKEY_free(key);
        return is_rsa ? error_set(error, ERROR_CONFIG,
                                  "its RSA key has %d bits: at least %d are "
                                  "needed",
                                  bits, KEY_BITS_MIN)
                      : error_set(error, ERROR_CONFIG, "it holds no RSA key");
    }
    *ret_key = memory_zalloc(1, sizeof **ret_key);
    (*ret_key)->key = key;
    return true;
}

void rs256_key_free(Rs256Key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->key); /* clears the key's numbers */
    free(key);
}

bool rs256_sign_jwt(const Rs256Key *key, const char *header, const char *claims, Arena *arena,
                    char **ret_jwt, Error *error)
{
    unsigned char signature[2048]; /* of keys up to 16384 bits */
    size_t size = sizeof signature;
    size_t text_max = BASE64_LENGTH(strlen(header)) + BASE64_LENGTH(strlen(claims)) + 2;
    char *jwt = arena_alloc(arena, text_max + BASE64_LENGTH(sizeof signature) + 1);
    char *end = base64url_write(jwt, header, strlen(header));
    *end++ = '.';
    end = base64url_write(end, claims, strlen(claims));

    CLEANUP(free_digest) EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context)
        memory_exhausted(0);
    bool done = EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->key) == 1 &&
                EVP_DigestSign(context, signature, &size, (const unsigned char *)jwt,
                               (size_t)(end - jwt)) == 1;
    ERR_clear_error();
    if (!done)
        return error_set(error, ERROR_CONFIG, "its key cannot sign (RSA, SHA-256)");
    *end++ = '.';
    end = base64url_write(end, signature, size);
    *end = '\0';
    *ret_jwt = jwt;
    return true;
}
