// Memory: every allocation is counted, so that what a destructor leaves behind is found.
#pragma once
#include "base.h"

#define __GFP_DIRECT_RECLAIM 1U
#define __GFP_IO 2U
#define __GFP_FS 4U
#define __GFP_NOFAIL 8U
#define __GFP_NOWARN 16U
#define __GFP_ZERO 32U
#define __GFP_NORETRY 64U
#define __GFP_RETRY_MAYFAIL 128U
#define __GFP_NOMEMALLOC 256U
#define GFP_NOWAIT 0U
#define GFP_ATOMIC 0U
#define GFP_NOIO __GFP_DIRECT_RECLAIM
#define GFP_NOFS (GFP_NOIO | __GFP_IO)
#define GFP_KERNEL (GFP_NOFS | __GFP_FS)

#ifdef __cplusplus
extern "C" {
#endif
// virt: memory that has no struct page that virt_to_page() finds
void *sim_alloc(size_t size, gfp_t gfp, bool virt);
void sim_free(const void *p, bool virt);
unsigned int memalloc_noio_save(void);
void memalloc_noio_restore(unsigned int flags);

static inline void *kmalloc(size_t n, gfp_t gfp) { return sim_alloc(n, gfp, false); }
static inline void *kzalloc(size_t n, gfp_t gfp) { return sim_alloc(n, gfp | __GFP_ZERO, false); }
static inline void *kmalloc_array(size_t n, size_t size, gfp_t gfp) {
  return kmalloc(n * size, gfp);
}
static inline void *kcalloc(size_t n, size_t size, gfp_t gfp) { return kzalloc(n * size, gfp); }
static inline void kfree(const void *p) { sim_free(p, false); }
static inline void *kmemdup(const void *from, size_t n, gfp_t gfp) {
  void *p = kmalloc(n, gfp);

  if (p) memcpy(p, from, n);
  return p;
}
static inline char *kstrdup(const char *s, gfp_t gfp) {
  return (char *)kmemdup(s, strlen(s) + 1, gfp);
}
static inline void *kvmalloc(size_t n, gfp_t gfp) { return sim_alloc(n, gfp, true); }
static inline void *kvzalloc(size_t n, gfp_t gfp) { return kvmalloc(n, gfp | __GFP_ZERO); }
static inline void *kvmalloc_array(size_t n, size_t size, gfp_t gfp) {
  return kvmalloc(n * size, gfp);
}
static inline void *kvcalloc(size_t n, size_t size, gfp_t gfp) { return kvzalloc(n * size, gfp); }
static inline void kvfree(const void *p) { sim_free(p, true); }
static inline void *__vmalloc(size_t n, gfp_t gfp) { return sim_alloc(n, gfp, true); }
static inline void *alloc_pages_exact(size_t n, gfp_t gfp) { return sim_alloc(n, gfp, true); }
static inline void free_pages_exact(void *p, size_t n) {
  (void)n;
  kvfree(p);
}
static inline bool is_vmalloc_addr(const void *p) {
  (void)p;
  return false;
}
static inline void *vmalloc(size_t n) { return sim_alloc(n, GFP_KERNEL, true); }
static inline void *vzalloc(size_t n) { return sim_alloc(n, GFP_KERNEL | __GFP_ZERO, true); }
static inline void vfree(const void *p) { sim_free(p, true); }
static inline unsigned long __get_free_page(gfp_t gfp) {
  return (unsigned long)sim_alloc(PAGE_SIZE, gfp, false);
}
static inline unsigned long get_zeroed_page(gfp_t gfp) { return __get_free_page(gfp | __GFP_ZERO); }
static inline void free_page(unsigned long p) { sim_free((void *)p, false); }
static inline unsigned long *bitmap_zalloc(unsigned int bits, gfp_t gfp) {
  return (unsigned long *)kzalloc(BITS_TO_LONGS(bits) * sizeof(long), gfp);
}
static inline void bitmap_free(const unsigned long *p) { kfree(p); }
static inline void bitmap_zero(unsigned long *p, unsigned int bits) {
  memset(p, 0, BITS_TO_LONGS(bits) * sizeof(long));
}

struct page {
  char bytes[PAGE_SIZE];
};
struct page *virt_to_page(const void *p);
static inline void *page_address(const struct page *p) { return (void *)p; }
static inline unsigned int sim_offset_in_page(const void *p) {
  return (unsigned long)p & (PAGE_SIZE - 1);
}
#define offset_in_page(p) sim_offset_in_page((const void *)(p))
static inline struct page *alloc_page(gfp_t gfp) { return (struct page *)__get_free_page(gfp); }
static inline void __free_page(struct page *p) { free_page((unsigned long)p); }

struct kmem_cache {
  size_t size;
};
struct kmem_cache *kmem_cache_create(const char *name, unsigned int size, unsigned int align,
                                     unsigned int flags, void (*ctor)(void *));
void kmem_cache_destroy(struct kmem_cache *c);
static inline void *kmem_cache_alloc(struct kmem_cache *c, gfp_t gfp) {
  return kmalloc(c->size, gfp);
}
static inline void *kmem_cache_zalloc(struct kmem_cache *c, gfp_t gfp) {
  return kzalloc(c->size, gfp);
}
static inline void kmem_cache_free(struct kmem_cache *c, void *p) {
  (void)c;
  kfree(p);
}
#define KMEM_CACHE(type, flags) \
  kmem_cache_create(#type, sizeof(struct type), __alignof__(struct type), flags, NULL)
#ifdef __cplusplus
}
#endif
