/*
** h5_header.c - see h5_header.h.                  [HDF5 File Format Specification 3.0, Data Object Headers]
**
** A header is a block of messages; a continuation message leads to a further block. Version 1 has no signature and
** pads messages to 8 bytes, version 2 signs each block and ends it with a checksum (HDF5 has compared it by now).
*/
#include "io/h5_header.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "io/file.h"

enum {
  DATATYPE = 3,
  LAYOUT = 8,
  ATTRIBUTE = 12,
  CONTINUATION = 16,
  SHARED = 2, /* flag of a message: it is elsewhere */
  MOST_BLOCKS = 4096,
  MOST_BLOCK = 64 << 20
};

typedef struct {
  const char *path;
  int fd;
  int64_t size, base; /* of the file; what its addresses count from */
  size_t offset_bytes, length_bytes;
} source;

typedef struct {
  const unsigned char *at;
  size_t left;
} bytes;

/* Of the message that is looked at: its type, flags and content. */
typedef struct {
  unsigned type, flags;
  bytes content;
} message;

typedef fx_status (*message_visit)(const source *s, const message *m, void *context);

static uint64_t little (const unsigned char *p, size_t n) {
  uint64_t v = 0;
  for (size_t i = 0; i < n && i < 8; i++)
    v |= (uint64_t)p[i] << (8 * i);
  return v;
}

/* n bytes off the front, or NULL. */
static const unsigned char *take (bytes *b, size_t n) {
  if (n > b->left)
    return NULL;
  const unsigned char *p = b->at;
  b->at += n;
  b->left -= n;
  return p;
}

static fx_status damaged (const source *s, const char *what) {
  return fx_fail(FX_EFORMAT, "%s is damaged: %s; get the file again", s->path, what);
}

/* --- blocks ------------------------------------------------------------------------------------ */

typedef struct {
  uint64_t address, length;
} block;

typedef struct {
  int version;  /* of the header */
  bool ordered; /* version 2: messages carry their order of creation */
  block waiting[64];
  int count, seen;
} walk;

static fx_status later (const source *s, walk *w, const message *m) {
  bytes b = m->content;
  const unsigned char *address = take(&b, s->offset_bytes), *length = take(&b, s->length_bytes);
  if (!address || !length || w->count == 64 || ++w->seen > MOST_BLOCKS)
    return damaged(s, "an object's header goes on nowhere, or without end");
  w->waiting[w->count++] =
      (block){ little(address, s->offset_bytes), little(length, s->length_bytes) };
  return FX_OK;
}

/* What ends a block: less than a message's head. */
static bool next_message (const walk *w, bytes *b, message *m) {
  const unsigned char *head = take(b, w->version == 1 ? 8 : w->ordered ? 6 : 4);
  if (!head)
    return false;
  m->type = (unsigned)(w->version == 1 ? little(head, 2) : head[0]);
  m->flags = w->version == 1 ? head[4] : head[3];
  m->content.left = (size_t)little(head + (w->version == 1 ? 2 : 1), 2);
  m->content.at = take(b, m->content.left);
  return true;
}

static fx_status messages_of (const source *s, walk *w, bytes b, message_visit visit,
                              void *context) {
  message m;
  while (next_message(w, &b, &m)) {
    if (!m.content.at)
      return damaged(s, "a message of an object's header is longer than the header");
    FX_TRY(m.type == CONTINUATION ? later(s, w, &m) : visit(s, &m, context));
  }
  return FX_OK;
}

/* The block's bytes, new: to be freed with fx_free. */
static fx_status read_block (const source *s, const block *b, unsigned char **out) {
  if (b->length > MOST_BLOCK || b->length > (uint64_t)s->size ||
      b->address > (uint64_t)s->size - b->length || (int64_t)b->address > s->size - s->base)
    return damaged(s, "an object's header lies outside of it");
  if (!(*out = fx_alloc((size_t)b->length + 1)))
    return FX_ENOMEM;
  const fx_status st =
      fx_file_read_at(s->fd, s->path, s->base + (int64_t)b->address, (size_t)b->length, *out);
  if (st != FX_OK)
    fx_free(*out);
  return st;
}

static fx_status visit_block (const source *s, walk *w, const block *b, size_t front, size_t back,
                              message_visit visit, void *context) {
  unsigned char *raw;
  if (b->length < front + back)
    return damaged(s, "an object's header is cut short");
  FX_TRY(read_block(s, b, &raw));
  const bytes inside = { raw + front, (size_t)b->length - front - back };
  const fx_status st = messages_of(s, w, inside, visit, context);
  fx_free(raw);
  return st;
}

/* From the header's first bytes: its version, and where its first block of messages lies. */
static fx_status first_block (const source *s, uint64_t address, walk *w, block *first) {
  enum { HEAD = 16 };
  unsigned char *head;
  const block at = { address, HEAD };
  FX_TRY(read_block(s, &at, &head));
  if (memcmp(head, "OHDR", 4) == 0) {
    const unsigned flags = head[5];
    const size_t skip = 6u + (flags & 0x20 ? 16u : 0u) + (flags & 0x10 ? 4u : 0u);
    const size_t width = (size_t)1 << (flags & 3);
    unsigned char *size = NULL;
    const block field = { address + skip, width };
    *w = (walk){ .version = 2, .ordered = flags & 4 };
    const fx_status st = read_block(s, &field, &size);
    if (st == FX_OK)
      *first = (block){ address + skip + width, little(size, width) };
    if (st == FX_OK)
      fx_free(size);
    fx_free(head);
    return st;
  }
  *w = (walk){ .version = 1 };
  *first = (block){ address + HEAD, little(head + 8, 4) };
  const bool known = head[0] == 1;
  fx_free(head);
  return known ? FX_OK : damaged(s, "an object's header has a version that is not known");
}

static fx_status each_message (const source *s, uint64_t address, message_visit visit,
                               void *context) {
  walk w;
  block b;
  FX_TRY(first_block(s, address, &w, &b));
  FX_TRY(visit_block(s, &w, &b, 0, 0, visit, context));
  while (w.count > 0) {
    b = w.waiting[--w.count];
    FX_TRY(visit_block(s, &w, &b, w.version == 2 ? 4 : 0, w.version == 2 ? 4 : 0, visit, context));
  }
  return FX_OK;
}

/* --- types and spaces -------------------------------------------------------------------------- */

static fx_status find_type (const source *s, const message *m, void *context) {
  uint64_t *size = context;
  (void)s;
  if (m->type == DATATYPE && !(m->flags & SHARED) && m->content.left >= 8)
    *size = little(m->content.at + 4, 4);
  return FX_OK;
}

/* Bytes of one element, of a type that stands here, or (`shared`) is another object of the file; 0: not known. */
static fx_status element_size (const source *s, bytes type, bool shared, uint64_t *size) {
  *size = 0;
  if (!shared) {
    if (type.left < 8)
      return damaged(s, "the type of an attribute is cut short");
    *size = little(type.at + 4, 4);
    return FX_OK;
  }
  const size_t skip = type.left > 0 && type.at[0] == 1 ? 8 : 2;
  if (type.left < skip + s->offset_bytes)
    return damaged(s, "the type of an attribute is cut short");
  return each_message(s, little(type.at + skip, s->offset_bytes), find_type, size);
}

/* How many elements the space has; UINT64_MAX if they are more than any file has bytes. */
static fx_status space_count (const source *s, bytes space, uint64_t *count) {
  const unsigned char *head = take(&space, 4);
  *count = 1;
  if (!head || (head[0] == 1 && !take(&space, 4)) || head[0] < 1 || head[0] > 2)
    return damaged(s, "the shape of an attribute is cut short");
  const size_t rank = head[1], lists = head[2] & 1 ? 2 : 1;
  if (rank > H5S_MAX_RANK || space.left < rank * lists * s->length_bytes)
    return damaged(s, "the shape of an attribute is cut short");
  for (size_t i = 0; i < rank; i++) {
    const uint64_t n = little(space.at + i * s->length_bytes, s->length_bytes);
    *count = n && *count > (uint64_t)s->size / n ? UINT64_MAX : *count * n;
    if (*count == UINT64_MAX)
      return FX_OK;
  }
  if (head[0] == 2 && head[3] == 2) /* a null space */
    *count = 0;
  return FX_OK;
}

/* --- messages ---------------------------------------------------------------------------------- */

static fx_status check_attribute (const source *s, const message *m) {
  bytes b = m->content;
  const unsigned char *head = take(&b, 8);
  if (m->flags & SHARED)
    return damaged(s, "an attribute lies in a table of shared messages, which is not read here");
  if (!head || head[0] < 1 || head[0] > 3 || (head[0] == 3 && !take(&b, 1)))
    return damaged(s, "an attribute is cut short, or of a version that is not known");
  bytes part[3]; /* name, type, shape */
  for (int i = 0; i < 3; i++) {
    const size_t n = (size_t)little(head + 2 + 2 * i, 2),
                 padded = head[0] == 1 ? (n + 7) / 8 * 8 : n;
    part[i] = (bytes){ take(&b, padded), n };
    if (!part[i].at)
      return damaged(s, "an attribute is cut short");
  }
  const char *name = (const char *)part[0].at;
  uint64_t size, count;
  if (part[0].left == 0 || memchr(name, 0, part[0].left) == NULL)
    return damaged(s, "an attribute has a name without an end");
  FX_TRY(element_size(s, part[1], head[0] >= 2 && (head[1] & 1), &size));
  if (head[0] >= 2 && (head[1] & 2))
    return damaged(
        s, "the shape of an attribute lies in a table of shared messages, which is not read here");
  FX_TRY(space_count(s, part[2], &count));
  if (size && count > b.left / size)
    return fx_fail(FX_EFORMAT,
                   "%s is damaged: the attribute '%.100s' claims more bytes than the %zu that it "
                   "has; get the file again",
                   s->path, name, b.left);
  return FX_OK;
}

/* Data kept in the header itself (compact). */
static fx_status check_layout (const source *s, const message *m) {
  const unsigned char *p = m->content.at;
  const bool compact = m->content.left >= 4 && (p[0] == 3 || p[0] == 4) && p[1] == 0;
  return compact && little(p + 2, 2) > m->content.left - 4
             ? damaged(s, "numbers kept in an object's header are cut short")
             : FX_OK;
}

static fx_status check_message (const source *s, const message *m, void *context) {
  (void)context;
  return m->type == ATTRIBUTE ? check_attribute(s, m)
         : m->type == LAYOUT  ? check_layout(s, m)
                              : FX_OK;
}

fx_status fx_h5_check_header (hid_t object, const char *path, int64_t file_size) {
  source s = { .path = path, .size = file_size };
  H5O_info_t info;
  hsize_t user_block = 0;
  void *handle = NULL;
  const hid_t file = H5Iget_file_id(object), plist = file >= 0 ? H5Fget_create_plist(file) : -1;
  const bool good = plist >= 0 && H5Pget_sizes(plist, &s.offset_bytes, &s.length_bytes) >= 0 &&
                    H5Pget_userblock(plist, &user_block) >= 0 &&
                    H5Oget_info2(object, &info, H5O_INFO_BASIC) >= 0 &&
                    H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) >= 0 && handle &&
                    user_block <= (hsize_t)file_size && s.offset_bytes <= 8 && s.length_bytes <= 8;
  if (plist >= 0)
    H5Pclose(plist);
  fx_status st = FX_OK;
  if (!good) {
    st = damaged(&s, "an object's header cannot be found");
  } else {
    s.fd = *(const int *)handle;
    s.base = (int64_t)user_block;
    st = each_message(&s, info.addr, check_message, NULL);
  }
  if (file >= 0)
    H5Fclose(file);
  return st;
}
