/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What changing and filling the lookup map have in common.
 */
#ifndef REMAP_MAP_PRIVATE_H
#define REMAP_MAP_PRIVATE_H

#include "map.h"

/* Where each group starts, its blocks being in order. */
void rm_seg_index(const struct rm_map *map, struct rm_seg *seg);
void rm_map_set_region(struct rm_map *map, u64 block, bool on);

#endif /* REMAP_MAP_PRIVATE_H */
