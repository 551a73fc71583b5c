/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SHADOWMON_LIB_SIPHASH_H
#define SHADOWMON_LIB_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * SipHash-2-4 (Aumasson and Bernstein, INDOCRYPT 2012): who does not know the key cannot make other bytes
 * of the same hash.
 */
uint64_t sm_siphash(const void *data, size_t len, const uint64_t key[2]);

#endif
