// SPDX-License-Identifier: GPL-2.0-only
/*
 * Superblocks, pages and records, from and to little endian.
 */
#include "format.h"

struct rm_area_disk {
	__le64 id;
	__le64 sectors;		/* 48 bits sectors, 8 spare, 8 flags */
};

struct rm_super_disk {
	u8 magic[8];
	__le32 crc;
	__le32 version;
	__le32 compat;
	__le32 ro;
	__le32 incompat;
	__le32 flags;
	u8 set_uuid[RM_UUID_SIZE];
	u8 spare_uuid[RM_UUID_SIZE];
	__le64 gen;
	__le32 index;
	__le32 n_areas;
	__le64 main_sectors;
	__le64 target_sectors;
	__le64 data_offset;
	__le32 main_lbs;
	__le32 main_pbs;
	__le32 block_size;
	__le32 copies;
	__le32 mirror_mask;
	__le32 pending_pages;
	__le64 slots;
	__le64 sectors;
	__le64 set_gen;
	struct rm_area_disk area[RM_AREAS_MAX];
	u8 reserved[40];
	__le64 scrub_pos;
	__le64 scrub_found;
	__le32 scrub_rate;
	__le32 scrub_state;
	__le32 writing;
	u8 reserved2[36];
};

struct rm_main_disk {
	u8 magic[8];
	__le32 crc;
	__le32 version;
	u8 set_uuid[RM_UUID_SIZE];
	u8 reserved[480];
};

struct rm_page_disk {
	__le32 magic;
	__le32 crc;
	u8 uuid[RM_UUID_SIZE];
	__le64 number;
	__le64 gen;
	__le32 type;
	u8 reserved[20];
};

struct rm_slot_disk {
	__le64 block;		/* 48 bits block, 8 state, 8 reason */
	__le64 mask;
	__le64 seq;		/* 48 bits sequence, 16 errors */
	__le32 time;
	__le32 wear;
};

struct rm_pending_disk {
	__le64 block;		/* 48 bits block, 8 used, 8 reason */
	__le32 time;
	__le16 errors;
	__le16 reserved;
};

static_assert(sizeof(struct rm_super_disk) == RM_SB_BYTES, "superblock");
static_assert(sizeof(struct rm_main_disk) == RM_SB_BYTES, "main signature");
static_assert(sizeof(struct rm_page_disk) == RM_PAGE_HEADER, "page header");
static_assert(sizeof(struct rm_slot_disk) == 32, "slot record");
static_assert(sizeof(struct rm_pending_disk) == 16, "pending record");

#define SB_MAGIC	"RMAPSB01"
#define MAIN_MAGIC	"RMAPMN01"
#define PAGE_MAGIC	0x47504d52U	/* "RMPG" */
#define CRC_SEED	0xffffffffU
#define LOW48		0xffffffffffffULL

bool rm_is_zero(const void *buf, size_t len)
{
	const u8 *p = buf;

	while (len--)
		if (*p++)
			return false;
	return true;
}

/* crc32c over a buffer whose 4 bytes at @at are taken for zero. */
static u32 crc_without(const void *buf, size_t len, size_t at)
{
	static const u8 zero[4];
	const u8 *p = buf;
	u32 crc = rm_crc32c(CRC_SEED, p, at);

	crc = rm_crc32c(crc, zero, sizeof(zero));
	return ~rm_crc32c(crc, p + at + 4, len - at - 4);
}

u64 rm_uuid_id(const u8 *uuid)
{
	u64 id = 0;
	unsigned int i;

	for (i = 8; i--; )
		id = id << 8 | uuid[i];
	return id;
}

u32 rm_set_find(const struct rm_set *set, u64 id)
{
	u32 i;

	for (i = 0; i < set->n; i++)
		if (set->area[i].id == id)
			break;
	return i;
}

static void set_encode(const struct rm_set *set, struct rm_super_disk *d)
{
	u32 i;

	d->n_areas = cpu_to_le32(set->n);
	d->set_gen = cpu_to_le64(set->gen);
	for (i = 0; set->gen && i < set->n; i++) {
		const struct rm_area *a = &set->area[i];

		d->area[i].id = cpu_to_le64(a->id);
		d->area[i].sectors = cpu_to_le64((a->sectors & LOW48) | (u64)a->spare << 48 |
						 (u64)a->flags << 56);
	}
}

/* False if it cannot be one. */
static bool set_decode(const struct rm_super_disk *d, struct rm_set *set)
{
	u32 i;

	memset(set, 0, sizeof(*set));
	set->gen = le64_to_cpu(d->set_gen);
	set->n = le32_to_cpu(d->n_areas);
	if (!set->n || set->n > RM_AREAS_MAX)
		return false;
	for (i = 0; set->gen && i < set->n; i++) {
		struct rm_area *a = &set->area[i];
		u64 sectors = le64_to_cpu(d->area[i].sectors);

		a->id = le64_to_cpu(d->area[i].id);
		a->sectors = sectors & LOW48;
		a->spare = (u8)(sectors >> 48);
		a->flags = (u8)(sectors >> 56);
		if (!a->sectors || a->spare > i || set->area[a->spare].spare != a->spare ||
		    rm_set_find(set, a->id) != i)
			return false;
	}
	return true;
}

void rm_super_encode(const struct rm_super *sb, void *buf)
{
	struct rm_super_disk *d = buf;

	memset(d, 0, sizeof(*d));
	memcpy(d->magic, SB_MAGIC, sizeof(d->magic));
	d->version = cpu_to_le32(RM_SB_VERSION);
	d->compat = cpu_to_le32(sb->compat);
	d->ro = cpu_to_le32(sb->ro);
	d->incompat = cpu_to_le32(sb->incompat);
	d->flags = cpu_to_le32(sb->flags);
	memcpy(d->set_uuid, sb->set_uuid, RM_UUID_SIZE);
	memcpy(d->spare_uuid, sb->spare_uuid, RM_UUID_SIZE);
	d->gen = cpu_to_le64(sb->gen);
	d->index = cpu_to_le32(sb->index);
	set_encode(&sb->set, d);
	d->main_sectors = cpu_to_le64(sb->main_sectors);
	d->target_sectors = cpu_to_le64(sb->target_sectors);
	d->data_offset = cpu_to_le64(sb->data_offset);
	d->main_lbs = cpu_to_le32(sb->main_lbs);
	d->main_pbs = cpu_to_le32(sb->main_pbs);
	d->block_size = cpu_to_le32(sb->block_size);
	d->copies = cpu_to_le32(sb->copies);
	d->mirror_mask = cpu_to_le32(sb->mirror_mask);
	d->pending_pages = cpu_to_le32(sb->pending_pages);
	d->slots = cpu_to_le64(sb->slots);
	d->sectors = cpu_to_le64(sb->sectors);
	d->scrub_pos = cpu_to_le64(sb->scrub_pos);
	d->scrub_found = cpu_to_le64(sb->scrub_found);
	d->scrub_rate = cpu_to_le32(sb->scrub_rate);
	d->scrub_state = cpu_to_le32(sb->scrub_state);
	d->writing = cpu_to_le32(sb->writing);
	d->crc = cpu_to_le32(crc_without(d, sizeof(*d), offsetof(struct rm_super_disk, crc)));
}

enum rm_super_check rm_super_decode(const void *buf, struct rm_super *sb)
{
	const struct rm_super_disk *d = buf;

	if (rm_is_zero(buf, RM_SB_BYTES))
		return RM_SUPER_BLANK;
	if (memcmp(d->magic, SB_MAGIC, sizeof(d->magic)) ||
	    le32_to_cpu(d->crc) !=
	    crc_without(d, sizeof(*d), offsetof(struct rm_super_disk, crc)))
		return RM_SUPER_BAD;

	sb->compat = le32_to_cpu(d->compat);
	sb->ro = le32_to_cpu(d->ro);
	sb->incompat = le32_to_cpu(d->incompat);
	sb->gen = le64_to_cpu(d->gen);
	if (le32_to_cpu(d->version) != RM_SB_VERSION ||
	    (sb->incompat & ~RM_FEATURES_INCOMPAT))
		return RM_SUPER_NEWER;

	sb->flags = le32_to_cpu(d->flags);
	memcpy(sb->set_uuid, d->set_uuid, RM_UUID_SIZE);
	memcpy(sb->spare_uuid, d->spare_uuid, RM_UUID_SIZE);
	sb->index = le32_to_cpu(d->index);
	sb->main_sectors = le64_to_cpu(d->main_sectors);
	sb->target_sectors = le64_to_cpu(d->target_sectors);
	sb->data_offset = le64_to_cpu(d->data_offset);
	sb->main_lbs = le32_to_cpu(d->main_lbs);
	sb->main_pbs = le32_to_cpu(d->main_pbs);
	sb->block_size = le32_to_cpu(d->block_size);
	sb->copies = le32_to_cpu(d->copies);
	sb->mirror_mask = le32_to_cpu(d->mirror_mask);
	sb->pending_pages = le32_to_cpu(d->pending_pages);
	sb->slots = le64_to_cpu(d->slots);
	sb->sectors = le64_to_cpu(d->sectors);
	sb->scrub_pos = le64_to_cpu(d->scrub_pos);
	sb->scrub_found = le64_to_cpu(d->scrub_found);
	sb->scrub_rate = le32_to_cpu(d->scrub_rate);
	sb->scrub_state = le32_to_cpu(d->scrub_state);
	sb->writing = le32_to_cpu(d->writing);
	if (sb->copies < 2 || sb->copies > 5 || !sb->mirror_mask ||
	    (sb->mirror_mask >> sb->copies) || !sb->slots ||
	    !sb->block_size || sb->block_size > 64 ||
	    (sb->block_size & (sb->block_size - 1)) ||
	    sb->pending_pages > RM_PENDING_PAGES_MAX ||
	    !set_decode(d, &sb->set) || sb->index >= sb->set.n)
		return RM_SUPER_BAD;
	return RM_SUPER_OK;
}

void rm_main_encode(const u8 *set_uuid, void *buf)
{
	struct rm_main_disk *d = buf;

	memset(d, 0, sizeof(*d));
	memcpy(d->magic, MAIN_MAGIC, sizeof(d->magic));
	d->version = cpu_to_le32(RM_SB_VERSION);
	memcpy(d->set_uuid, set_uuid, RM_UUID_SIZE);
	d->crc = cpu_to_le32(crc_without(d, sizeof(*d), offsetof(struct rm_main_disk, crc)));
}

bool rm_main_decode(const void *buf, u8 *set_uuid)
{
	const struct rm_main_disk *d = buf;

	if (memcmp(d->magic, MAIN_MAGIC, sizeof(d->magic)) ||
	    le32_to_cpu(d->crc) !=
	    crc_without(d, sizeof(*d), offsetof(struct rm_main_disk, crc)))
		return false;
	memcpy(set_uuid, d->set_uuid, RM_UUID_SIZE);
	return true;
}

void rm_page_seal(void *page, const struct rm_page_header *h)
{
	struct rm_page_disk *d = page;

	memset(d, 0, sizeof(*d));
	d->magic = cpu_to_le32(PAGE_MAGIC);
	memcpy(d->uuid, h->uuid, RM_UUID_SIZE);
	d->number = cpu_to_le64(h->number);
	d->gen = cpu_to_le64(h->gen);
	d->type = cpu_to_le32(h->type);
	d->crc = cpu_to_le32(crc_without(page, RM_PAGE_BYTES, offsetof(struct rm_page_disk, crc)));
}

u64 rm_page_check(const void *page, const struct rm_page_header *h)
{
	const struct rm_page_disk *d = page;

	if (le32_to_cpu(d->magic) != PAGE_MAGIC ||
	    memcmp(d->uuid, h->uuid, RM_UUID_SIZE) ||
	    le64_to_cpu(d->number) != h->number ||
	    le32_to_cpu(d->type) != (u32)h->type ||
	    le32_to_cpu(d->crc) !=
	    crc_without(page, RM_PAGE_BYTES, offsetof(struct rm_page_disk, crc)))
		return 0;
	return le64_to_cpu(d->gen);
}

void rm_slot_get(const void *page, unsigned int i, struct rm_slot_record *rec)
{
	const struct rm_slot_disk *d = (const void *)((const u8 *)page + RM_PAGE_HEADER);
	u64 block, seq;

	d += i;
	block = le64_to_cpu(d->block);
	seq = le64_to_cpu(d->seq);
	rec->block = block & LOW48;
	rec->state = (u8)(block >> 48);
	rec->reason = (u8)(block >> 56);
	rec->mask = le64_to_cpu(d->mask);
	rec->seq = seq & LOW48;
	rec->errors = (u16)(seq >> 48);
	rec->time = le32_to_cpu(d->time);
	rec->wear = le32_to_cpu(d->wear);
}

void rm_slot_set(void *page, unsigned int i, const struct rm_slot_record *rec)
{
	struct rm_slot_disk *d = (void *)((u8 *)page + RM_PAGE_HEADER);

	d += i;
	d->block = cpu_to_le64((rec->block & LOW48) | (u64)rec->state << 48 |
			       (u64)rec->reason << 56);
	d->mask = cpu_to_le64(rec->mask);
	d->seq = cpu_to_le64((rec->seq & LOW48) | (u64)rec->errors << 48);
	d->time = cpu_to_le32(rec->time);
	d->wear = cpu_to_le32(rec->wear);
}

void rm_pending_get(const void *page, unsigned int i, struct rm_pending_record *rec)
{
	const struct rm_pending_disk *d = (const void *)((const u8 *)page + RM_PAGE_HEADER);
	u64 block;

	d += i;
	block = le64_to_cpu(d->block);
	rec->block = block & LOW48;
	rec->used = (u8)(block >> 48) == 1;
	rec->reason = (u8)(block >> 56);
	rec->time = le32_to_cpu(d->time);
	rec->errors = le16_to_cpu(d->errors);
}

void rm_pending_set(void *page, unsigned int i, const struct rm_pending_record *rec)
{
	struct rm_pending_disk *d = (void *)((u8 *)page + RM_PAGE_HEADER);

	d += i;
	d->block = cpu_to_le64((rec->block & LOW48) | (u64)rec->used << 48 |
			       (u64)rec->reason << 56);
	d->time = cpu_to_le32(rec->time);
	d->errors = cpu_to_le16(rec->errors);
	d->reserved = 0;
}
