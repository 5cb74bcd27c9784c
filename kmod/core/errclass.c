// SPDX-License-Identifier: GPL-2.0-only
/*
 * Error classes and the burst limit.
 */
#include "errclass.h"

enum rm_err_class rm_err_classify(int err)
{
	switch (err) {
	case 0:
		return RM_ERR_NONE;
	case -EIO:		/* BLK_STS_IOERR: says nothing more exact */
	case -ENODATA:		/* BLK_STS_MEDIUM */
	case -EILSEQ:		/* BLK_STS_PROTECTION */
		return RM_ERR_MEDIUM;
	case -ENODEV:		/* BLK_STS_OFFLINE */
	case -ENXIO:
	case -ENOLINK:		/* BLK_STS_TRANSPORT */
		return RM_ERR_GONE;
	default:
		return RM_ERR_OTHER;
	}
}

bool rm_burst_allow(struct rm_burst *b, u64 now, u64 limit)
{
	/* now is in seconds; its low 32 bits last beyond any uptime */
	unsigned int i, at = (u32)now % 61;
	u64 sum = 0;

	if (!limit)
		return true;
	if (b->second[at] != now) {
		b->second[at] = now;
		b->count[at] = 0;
	}
	for (i = 0; i < 61; i++)
		if (b->second[i] + 60 >= now)
			sum += b->count[i];
	if (sum >= limit)
		return false;
	b->count[at]++;
	return true;
}
