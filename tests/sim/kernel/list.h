// Linked lists as the kernel has them.
#pragma once
#include "base.h"

struct list_head {
  struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name) \
  { &(name), &(name) }
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *l) { l->next = l->prev = l; }
static inline bool list_empty(const struct list_head *l) { return l->next == l; }
static inline void sim_list_insert(struct list_head *e, struct list_head *prev,
                                   struct list_head *next) {
  e->prev = prev;
  e->next = next;
  prev->next = e;
  next->prev = e;
}
static inline void list_add(struct list_head *e, struct list_head *l) {
  sim_list_insert(e, l, l->next);
}
static inline void list_add_tail(struct list_head *e, struct list_head *l) {
  sim_list_insert(e, l->prev, l);
}
static inline void list_del(struct list_head *e) {
  e->next->prev = e->prev;
  e->prev->next = e->next;
  e->next = e->prev = NULL;
}
static inline void list_del_init(struct list_head *e) {
  list_del(e);
  INIT_LIST_HEAD(e);
}
static inline void list_move(struct list_head *e, struct list_head *l) {
  list_del(e);
  list_add(e, l);
}
static inline void list_move_tail(struct list_head *e, struct list_head *l) {
  list_del(e);
  list_add_tail(e, l);
}
static inline void list_splice_tail_init(struct list_head *from, struct list_head *to) {
  if (list_empty(from)) return;
  from->next->prev = to->prev;
  to->prev->next = from->next;
  from->prev->next = to;
  to->prev = from->prev;
  INIT_LIST_HEAD(from);
}
static inline void list_splice_init(struct list_head *from, struct list_head *to) {
  if (list_empty(from)) return;
  from->prev->next = to->next;
  to->next->prev = from->prev;
  from->next->prev = to;
  to->next = from->next;
  INIT_LIST_HEAD(from);
}
#define list_entry(p, type, member) container_of(p, type, member)
#define list_first_entry(l, type, member) list_entry((l)->next, type, member)
#define list_last_entry(l, type, member) list_entry((l)->prev, type, member)
#define list_first_entry_or_null(l, type, member) \
  (list_empty(l) ? NULL : list_first_entry(l, type, member))
#define list_next_entry(e, member) list_entry((e)->member.next, __typeof__(*(e)), member)
#define list_is_head(p, l) ((p) == (l))
#define list_for_each_entry(e, l, member)                                  \
  for (e = list_first_entry(l, __typeof__(*e), member); &e->member != (l); \
       e = list_next_entry(e, member))
#define list_for_each_entry_safe(e, n, l, member)                                       \
  for (e = list_first_entry(l, __typeof__(*e), member), n = list_next_entry(e, member); \
       &e->member != (l); e = n, n = list_next_entry(n, member))
#define list_for_each_entry_reverse(e, l, member)                         \
  for (e = list_last_entry(l, __typeof__(*e), member); &e->member != (l); \
       e = list_entry((e)->member.prev, __typeof__(*(e)), member))
