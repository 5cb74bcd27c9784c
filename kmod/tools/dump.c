// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a spare says, as JSON.
 */
#include "spare.h"

typedef unsigned long long ull;

static void put_uuid(FILE *out, const char *key, const u8 *uuid)
{
	unsigned int i;

	fprintf(out, "\"%s\": \"", key);
	for (i = 0; i < RM_UUID_SIZE; i++)
		fprintf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
	fprintf(out, "\"");
}

static void put_set(const struct rm_set *set, FILE *out)
{
	u32 i;

	fprintf(out, "    \"set_generation\": %llu, \"areas\": [", (ull)set->gen);
	for (i = 0; set->gen && i < set->n; i++)
		fprintf(out, "%s{\"id\": \"%016llx\", \"sectors\": %llu, \"spare\": %u, \"retired\": %s}",
			i ? ", " : "", (ull)set->area[i].id, (ull)set->area[i].sectors,
			set->area[i].spare, set->area[i].flags & RM_AREA_RETIRED ? "true" : "false");
	fprintf(out, "]},\n");
}

static void put_super(const struct spare *s, FILE *out)
{
	const struct rm_super *sb = &s->super;

	fprintf(out, "  \"superblock\": {");
	put_uuid(out, "set", sb->set_uuid);
	fprintf(out, ", ");
	put_uuid(out, "spare", sb->spare_uuid);
	fprintf(out, ", \"generation\": %llu, \"flags\": %u, \"index\": %u, \"n_areas\": %u,\n",
		(ull)sb->gen, sb->flags, sb->index, sb->set.n);
	fprintf(out, "    \"main_sectors\": %llu, \"target_sectors\": %llu, \"data_offset\": %llu, \"main_logical\": %u, \"main_physical\": %u,\n",
		(ull)sb->main_sectors, (ull)sb->target_sectors, (ull)sb->data_offset,
		sb->main_lbs, sb->main_pbs);
	fprintf(out, "    \"block_size\": %u, \"copies\": %u, \"mirror_mask\": %u, \"writing\": %u, \"pending_pages\": %u, \"slots\": %llu, \"sectors\": %llu,\n",
		sb->block_size, sb->copies, sb->mirror_mask, sb->writing, sb->pending_pages, (ull)sb->slots,
		(ull)sb->sectors);
	put_set(&sb->set, out);
}

static void put_slots(const struct spare *s, FILE *out)
{
	static const char *const names[] = { "free", "used", "bad", "lost" };
	const char *comma = "";
	u64 slot;

	fprintf(out, "  \"slots\": [");
	for (slot = 0; slot < s->layout.slots; slot++) {
		const struct page *page = &s->page[slot / RM_SLOTS_PER_PAGE];
		struct rm_slot_record rec;

		if (page->newest < 0)
			continue;
		rm_slot_get(page->image, (unsigned int)(slot % RM_SLOTS_PER_PAGE), &rec);
		if (rec.state == RM_SLOT_FREE && !rec.wear)
			continue;
		fprintf(out, "%s\n    {\"slot\": %llu, \"state\": \"%s\", \"block\": %llu, \"valid\": \"0x%llx\", \"sequence\": %llu, \"reason\": %u, \"errors\": %u, \"time\": %u, \"wear\": %u}",
			comma, (ull)slot, rec.state < 4 ? names[rec.state] : "unknown", (ull)rec.block,
			(ull)rec.mask, (ull)rec.seq, rec.reason, rec.errors, rec.time, rec.wear);
		comma = ",";
	}
	fprintf(out, "],\n");
}

static void put_pending(const struct spare *s, FILE *out)
{
	const char *comma = "";
	u32 at;

	fprintf(out, "  \"pending\": [");
	for (at = 0; at < s->layout.pending_pages * RM_PENDING_PER_PAGE; at++) {
		const struct page *page = &s->page[s->layout.slot_pages + at / RM_PENDING_PER_PAGE];
		struct rm_pending_record rec;

		if (page->newest < 0)
			continue;
		rm_pending_get(page->image, at % RM_PENDING_PER_PAGE, &rec);
		if (!rec.used)
			continue;
		fprintf(out, "%s\n    {\"block\": %llu, \"reason\": %u, \"errors\": %u, \"time\": %u}", comma,
			(ull)rec.block, rec.reason, rec.errors, rec.time);
		comma = ",";
	}
	fprintf(out, "],\n");
}

static void put_area(const struct spare *s, FILE *out)
{
	fprintf(out, "{\n");
	put_super(s, out);
	if (s->page) {
		put_slots(s, out);
		put_pending(s, out);
	}
	fprintf(out, "  \"damage\": %llu, \"fatal\": %llu, \"repaired\": %llu", (ull)s->damage,
		(ull)s->fatal, (ull)s->repaired);
}

void spare_dump(const struct spare *s, FILE *out)
{
	const struct spare *more;

	put_area(s, out);
	fprintf(out, "%s", s->next ? ",\n  \"grown\": [" : "");
	for (more = s->next; more; more = more->next) {
		put_area(more, out);
		fprintf(out, "\n}%s", more->next ? ", " : "]");
	}
	fprintf(out, "\n}\n");
}
