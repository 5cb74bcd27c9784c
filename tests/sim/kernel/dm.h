// Device mapper, as targets see it.
#pragma once
#include "block.h"

#define DM_NAME "device-mapper"
#define DM_MAPIO_SUBMITTED 0
#define DM_MAPIO_REMAPPED 1
#define DM_MAPIO_REQUEUE 2
#define DM_MAPIO_DELAY_REQUEUE 3
#define DM_MAPIO_KILL 4
#define DM_ENDIO_DONE 0
#define DM_ENDIO_INCOMPLETE 1
#define DM_ENDIO_REQUEUE 2
#define FMODE_READ 1U
#define FMODE_WRITE 2U
#define DM_TARGET_NOWAIT 1ULL
#define DM_STATUS_NOFLUSH_FLAG 1U
#define DM_MAX_DEVICE_NAME 16

typedef enum { STATUSTYPE_INFO, STATUSTYPE_TABLE, STATUSTYPE_IMA } status_type_t;

struct dm_table;
struct queue_limits;
struct dm_dev {
  struct block_device *bdev;
  fmode_t mode;
  char name[DM_MAX_DEVICE_NAME];
};
struct dm_target {
  struct dm_table *table;
  struct target_type *type;
  sector_t begin;
  sector_t len;
  u32 max_io_len;
  unsigned int num_flush_bios;
  unsigned int num_discard_bios;
  unsigned int num_secure_erase_bios;
  unsigned int num_write_zeroes_bios;
  unsigned int per_io_data_size;
#ifdef __cplusplus
  void *private_;
#else
  void *private;
#endif
  char *error;
  bool flush_supported : 1;
  bool discards_supported : 1;
  bool limit_swap_bios : 1;
  bool emulate_zone_append : 1;
  bool accounts_remapped_io : 1;
  bool needs_bio_set_dev : 1;
};
typedef int (*iterate_devices_callout_fn)(struct dm_target *ti, struct dm_dev *dev, sector_t start,
                                          sector_t len, void *data);
struct target_type {
  u64 features;
  const char *name;
  struct module *module;
  unsigned int version[3];
  int (*ctr)(struct dm_target *ti, unsigned int argc, char **argv);
  void (*dtr)(struct dm_target *ti);
  int (*map)(struct dm_target *ti, struct bio *bio);
  int (*end_io)(struct dm_target *ti, struct bio *bio, blk_status_t *error);
  void (*presuspend)(struct dm_target *ti);
  void (*presuspend_undo)(struct dm_target *ti);
  void (*postsuspend)(struct dm_target *ti);
  int (*preresume)(struct dm_target *ti);
  void (*resume)(struct dm_target *ti);
  void (*status)(struct dm_target *ti, status_type_t type, unsigned int flags, char *result,
                 unsigned int maxlen);
  int (*message)(struct dm_target *ti, unsigned int argc, char **argv, char *result,
                 unsigned int maxlen);
  int (*prepare_ioctl)(struct dm_target *ti, struct block_device **bdev);
  int (*iterate_devices)(struct dm_target *ti, iterate_devices_callout_fn fn, void *data);
  void (*io_hints)(struct dm_target *ti, struct queue_limits *limits);
};
struct queue_limits {
  unsigned int logical_block_size, physical_block_size, io_min, io_opt, max_sectors,
      max_discard_sectors, discard_granularity;
};

#ifdef __cplusplus
extern "C" {
#endif
int dm_register_target(struct target_type *t);
void dm_unregister_target(struct target_type *t);
int dm_get_device(struct dm_target *ti, const char *path, fmode_t mode, struct dm_dev **result);
void dm_put_device(struct dm_target *ti, struct dm_dev *dev);
fmode_t dm_table_get_mode(struct dm_table *t);
const char *dm_table_device_name(struct dm_table *t);
void dm_table_event(struct dm_table *t);
void *dm_per_bio_data(struct bio *bio, size_t size);
unsigned int dm_bio_get_target_bio_nr(const struct bio *bio);
void dm_accept_partial_bio(struct bio *bio, unsigned int sectors);
int dm_noflush_suspending(struct dm_target *ti);
void dm_submit_bio_remap(struct bio *clone, struct bio *tgt_clone);
int dm_set_target_max_io_len(struct dm_target *ti, sector_t len);
#ifdef __cplusplus
}
#endif

#define dm_target_offset(ti, sector) ((sector) - (ti)->begin)
#define DMEMIT(...) \
  (sz += ((sz >= maxlen) ? 0U : (unsigned int)scnprintf(result + sz, maxlen - sz, __VA_ARGS__)))
#define DMEMIT_TARGET_NAME_VERSION(y)                                                           \
  DMEMIT("target_name=%s,target_version=%u.%u.%u", (y)->name, (y)->version[0], (y)->version[1], \
         (y)->version[2])
#define DMERR(...) sim_log('E', __VA_ARGS__)
#define DMERR_LIMIT(...) sim_log('E', __VA_ARGS__)
#define DMWARN(...) sim_log('W', __VA_ARGS__)
#define DMWARN_LIMIT(...) sim_log('W', __VA_ARGS__)
#define DMINFO(...) sim_log('I', __VA_ARGS__)
#define DMDEBUG(...) sim_log('D', __VA_ARGS__)
#define DMDEBUG_LIMIT(...) sim_log('D', __VA_ARGS__)
#define DMCRIT(...) sim_log('E', __VA_ARGS__)
#define pr_warn(...) sim_log('W', __VA_ARGS__)
#define pr_info(...) sim_log('I', __VA_ARGS__)
