// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which areas the set consists of, and where they are.  The newest list that a
 * superblock of the set has is true.
 */
#include "dm-remap.h"

/* A set is blank when its first spare is, which is finished last. */
static const char *check_blank(struct remap *rm)
{
	const struct rm_spare *first = &rm->spare[0];
	unsigned int i;

	if (!first->blank)
		return NULL;
	for (i = 1; i < rm->n_devs; i++) {
		struct rm_spare *s = &rm->spare[i];

		if ((first->super.flags & RM_SB_FORMATTING) &&
		    !memcmp(s->super.set_uuid, first->super.set_uuid, RM_UUID_SIZE))
			s->blank = true;
		if (!s->blank)
			return "Some spares are blank and others are not";
	}
	return NULL;
}

/* The list of a set whose superblocks have none: its spares, as they are in the table. */
static const char *make_list(struct remap *rm, u32 n)
{
	unsigned int i;

	rm->set = (struct rm_set) { .gen = 1, .n = n };
	for (i = 0; i < n; i++) {
		const struct rm_super *sb = &rm->spare[i].super;

		if (i == rm->n_devs || rm->spare[i].blank || sb->index != i || sb->set.n != n)
			return "The spare has another place in its set, or the set another size";
		rm->set.area[i] = (struct rm_area) {
			.id = rm_uuid_id(sb->spare_uuid),
			.sectors = sb->sectors,
			.spare = i,
		};
	}
	return NULL;
}

/* Blank spares are new in the set, if there is one. */
static const char *choose_list(struct remap *rm)
{
	const struct rm_super *best = NULL;
	unsigned int i;

	for (i = 0; i < rm->n_devs; i++) {
		const struct rm_super *sb = &rm->spare[i].super;

		if (rm->spare[i].blank)
			continue;
		if (best && memcmp(sb->set_uuid, best->set_uuid, RM_UUID_SIZE))
			return "The spares belong to different sets";
		if (!best || sb->set.gen > best->set.gen)
			best = sb;
	}
	rm->set = best ? best->set : (struct rm_set) {};
	return best && !best->set.gen ? make_list(rm, best->set.n) : NULL;
}

/* What stands in the list before @end and has not come yet must hold nothing. */
static const char *skip(struct remap *rm, u32 from, u32 end)
{
	for (; from < end; from++)
		if (rm->set.area[from].spare == from &&
		    !(rm->set.area[from].flags & RM_AREA_RETIRED))
			return "A spare of the set is missing, or stands in another place";
	return NULL;
}

/* Finds each spare of the table in the list; those that are new come behind. */
static const char *match(struct remap *rm)
{
	const char *wrong;
	unsigned int i;
	u32 next = 0;

	for (i = 0; i < rm->n_devs; i++) {
		struct rm_spare *s = &rm->spare[i];
		u32 at;

		if (s->blank) {
			if (i + 1 < rm->n_devs && !rm->spare[i + 1].blank)
				return "A blank spare must stand behind those of the set";
			continue;
		}
		at = rm_set_find(&rm->set, rm_uuid_id(s->super.spare_uuid));
		if (at == rm->set.n)
			return "The spare is none of the set's: wipe both its ends to add it";
		s->area = rm->set.area[at].spare;
		if (s->area < next)
			return "The spare has another place in its set";
		wrong = skip(rm, next, s->area);
		if (wrong)
			return wrong;
		next = s->area + 1;
	}
	return skip(rm, next, rm->set.n);
}

/* Takes in what the spare grew by, one piece behind the other. */
static const char *append(struct remap *rm, struct rm_spare *first)
{
	sector_t end = rm->set.area[first->area].sectors;
	u32 i;

	first->len = end;
	first->retired = rm->set.area[first->area].flags & RM_AREA_RETIRED;
	for (i = first->area + 1; i < rm->set.n && end <= first->table_len; i++) {
		struct rm_spare *s = &rm->spare[rm->n_spares];

		if (rm->set.area[i].spare != first->area)
			continue;
		/* those of the table that are new in the set have places, too */
		if (rm->n_spares == RM_AREAS_MAX)
			return "The set has no room for all spares of the table";
		memset(s, 0, sizeof(*s));
		s->dev = first->dev;
		s->index = first->index;
		s->area = i;
		s->offset = first->offset + rm_set_offset(&rm->set, i);
		s->len = rm->set.area[i].sectors;
		s->retired = first->retired;
		end = s->offset + s->len - first->offset;
		rm->n_spares++;
	}
	return end > first->table_len ? "The table makes the spare shorter than it is" : NULL;
}

/* All areas as the list has them, each with its superblock. */
static int find_areas(struct remap *rm, char **error)
{
	const char *wrong;
	unsigned int i;
	int r;

	rm->n_spares = rm->n_devs;
	for (i = 0; i < rm->n_devs; i++)
		rm->spare[i].area = RM_AREAS_MAX;
	wrong = match(rm);
	for (i = 0; i < rm->n_devs && !wrong; i++)
		if (rm->spare[i].area < RM_AREAS_MAX)
			wrong = append(rm, &rm->spare[i]);
	if (wrong) {
		*error = (char *)wrong;
		return -EINVAL;
	}
	for (i = 0; i < rm->n_spares; i++) {
		struct rm_spare *s = &rm->spare[i];

		if (s->area == RM_AREAS_MAX)
			continue;
		r = rm_super_load(rm, s, error);
		if (r)
			return r;
		if (s->blank || rm_uuid_id(s->super.spare_uuid) != rm->set.area[s->area].id) {
			*error = "A part of the spare is not where it was";
			return -EINVAL;
		}
	}
	return 0;
}

/* The list was that of the spares' starts; their ends may know a newer one. */
static bool newer_list(struct remap *rm)
{
	unsigned int i;
	u64 before = rm->set.gen;

	for (i = 0; i < rm->n_spares; i++) {
		const struct rm_spare *s = &rm->spare[i];

		if (s->area < RM_AREAS_MAX && s->super.set.gen > rm->set.gen)
			rm->set = s->super.set;
	}
	return rm->set.gen > before;
}

/**
 * rm_areas_find() - find the areas of the set in the spares of the table.
 * @rm: the target, locked; with the spares of the table alone
 * @error: set to what is wrong
 *
 * A set that is blank as a whole is not an error, and has no areas yet.
 */
int rm_areas_find(struct remap *rm, char **error)
{
	const char *wrong;
	unsigned int i;
	int r;

	for (i = 0; i < rm->n_devs; i++) {
		rm->spare[i].len = rm->spare[i].table_len;
		rm->spare[i].retired = false;
		r = rm_super_peek(rm, &rm->spare[i], error);
		if (r)
			return r;
	}
	wrong = check_blank(rm) ?: choose_list(rm);
	if (wrong) {
		*error = (char *)wrong;
		return -EINVAL;
	}
	do {
		r = find_areas(rm, error);
	} while (!r && newer_list(rm));
	return r;
}

/* Retired spares that the table has not are none of the set's any more. */
bool rm_areas_leave(struct remap *rm)
{
	u32 number[RM_AREAS_MAX], i, n = 0;
	unsigned int k;

	for (i = 0; i < rm->set.n; i++) {
		number[i] = RM_AREAS_MAX;
		for (k = 0; k < rm->n_spares; k++)
			if (rm->spare[k].area == i)
				number[i] = n;
		if (number[i] == RM_AREAS_MAX)
			continue;
		rm->set.area[n] = rm->set.area[i];
		rm->set.area[n].spare = number[rm->set.area[i].spare];
		n++;
	}
	if (n == rm->set.n)
		return false;
	for (k = 0; k < rm->n_spares; k++)
		if (rm->spare[k].area < RM_AREAS_MAX)
			rm->spare[k].area = number[rm->spare[k].area];
	DMINFO("%s: %u areas that hold nothing have left the set",
	       dm_table_device_name(rm->ti->table), rm->set.n - n);
	rm->set.n = n;
	rm->set.gen++;
	return true;
}
