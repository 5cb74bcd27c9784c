// SPDX-License-Identifier: GPL-2.0-only
/*
 * remapck: checks a spare of the device-mapper target "remap".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "spare.h"

/* As fsck's. */
enum { CLEAN = 0, REPAIRED = 1, DAMAGED = 4, FAILED = 8, USAGE = 16 };

static const char help[] =
"usage: remapck [--repair] [--dump --json] [--offset SECTORS] [--length SECTORS] SPARE\n"
"\n"
"Checks a spare of the device-mapper target remap, a device or an image of one:\n"
"superblocks, every copy of every metadata page in every mirror, and the records\n"
"in them. Nothing is written unless --repair is given. A device that is in use is\n"
"refused: remove or replace the target first.\n"
"\n"
"  --repair           copy what is newest and whole over damaged or older mirrors and\n"
"                     superblocks, as loading the target does; nothing else is changed\n"
"  --dump --json      print superblock, slots and pending blocks as JSON\n"
"  --offset SECTORS   where the spare's area starts (512-byte sectors, default 0)\n"
"  --length SECTORS   how long it is (default: what its superblock says, or all);\n"
"                     what it has grown by is checked too\n"
"  -h, --help         this text\n"
"\n"
"exit status: 0 all in order, 1 damage was found and repaired, 4 damage is left,\n"
"8 the spare cannot be worked with (not a spare, in use, I/O errors), 16 bad usage\n"
"\n"
"examples:\n"
"  remapck /dev/vg0/spare                      is it in order?\n"
"  remapck --dump --json /dev/vg0/spare | jq '.slots[] | select(.state == \"used\")'\n"
"  remapck --repair --offset 2048 --length 204800 /dev/sdc\n";

static int number(const char *text, u64 *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno || end == text || *end || *text == '-' ? -EINVAL : 0;
}

static int open_spare(struct spare *s, const char *path, bool write)
{
	off_t end;

	/* for a block device O_EXCL means: not while the kernel or anybody uses it */
	s->fd = open(path, (write ? O_RDWR : O_RDONLY) | O_EXCL | O_CLOEXEC);
	if (s->fd < 0 || flock(s->fd, LOCK_EX | LOCK_NB)) {
		fprintf(stderr, "remapck: %s: %s\n", path, strerror(errno));
		return -errno;
	}
	end = lseek(s->fd, 0, SEEK_END);
	if (end < 0 || s->offset > (u64)end >> 9 || s->sectors > ((u64)end >> 9) - s->offset) {
		fprintf(stderr, "remapck: %s: shorter than offset and length say\n", path);
		return -EINVAL;
	}
	if (!s->sectors)
		s->sectors = ((u64)end >> 9) - s->offset;
	return 0;
}

static int run(struct spare *s, const char *path, bool repair, bool dump)
{
	unsigned long long damage = 0, fatal = 0, slots = 0;
	struct spare *a;

	if (open_spare(s, path, repair) || spare_check(s) || spare_check_next(s))
		return FAILED;
	for (a = s; a; a = a->next) {
		damage += a->damage;
		fatal += a->fatal;
		slots += a->super.slots;
	}
	for (a = s; repair && damage && !fatal && a; a = a->next) {
		if (!a->damage || !spare_repair(a))
			continue;
		fprintf(stderr, "remapck: %s: the repair failed\n", path);
		return DAMAGED;
	}
	if (dump)
		spare_dump(s, stdout);
	if (fatal || (damage && !repair))
		return DAMAGED;
	if (!damage && !dump)
		printf("%s: in order, generation %llu, %llu slots\n", path,
		       (unsigned long long)s->super.gen, slots);
	return damage ? REPAIRED : CLEAN;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "repair", no_argument, NULL, 'r' }, { "dump", no_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' }, { "offset", required_argument, NULL, 'o' },
		{ "length", required_argument, NULL, 'l' }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct spare s = { .fd = -1, .log = stderr };
	bool repair = false, dump = false, json = false, bad = false;
	int c, r;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'r':
			repair = true;
			break;
		case 'd':
			dump = true;
			break;
		case 'j':
			json = true;
			break;
		case 'o':
			bad |= number(optarg, &s.offset) != 0;
			break;
		case 'l':
			bad |= number(optarg, &s.sectors) != 0 || !s.sectors;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			bad = true;
		}
	}
	if (bad || optind != argc - 1 || dump != json) {
		fputs(help, stderr);
		return USAGE;
	}
	r = run(&s, argv[optind], repair, dump);
	spare_free(&s);
	if (s.fd >= 0)
		close(s.fd);
	return r;
}
