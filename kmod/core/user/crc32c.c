// SPDX-License-Identifier: GPL-2.0-only
/*
 * crc32c for user space, seeded and finished as the kernel's is.
 */
#include "../compat.h"

u32 rm_crc32c(u32 crc, const void *data, size_t len)
{
	const u8 *p = data;

	while (len--) {
		unsigned int bit;

		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (0x82f63b78U & -(crc & 1));
	}
	return crc;
}
