/*
** pickle.h - a reader of the pickles torch.save writes. It runs nothing: it knows the opcodes
** and the few dozen names (OrderedDict, _rebuild_tensor_v2, storages, ...) that a checkpoint of
** tensors and plain containers needs, gives each a fixed meaning, and refuses every other by name.
*/
#ifndef FX_PICKLE_H
#define FX_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "io/element.h"

typedef enum {
  FX_PICKLE_NONE,
  FX_PICKLE_BOOL,
  FX_PICKLE_INT,
  FX_PICKLE_FLOAT,
  FX_PICKLE_TEXT, /* also what torch.device, torch.float32 become */
  FX_PICKLE_TUPLE,
  FX_PICKLE_LIST,
  FX_PICKLE_DICT,
  FX_PICKLE_STORAGE,
  FX_PICKLE_TENSOR,
  FX_PICKLE_NAME /* a class or function that nothing was made of */
} fx_pickle_kind;

typedef struct fx_pickle_node fx_pickle_node;

/* A window on the data of a storage, in elements. Not checked against the storage's size. */
typedef struct {
  const fx_pickle_node *storage;
  fx_element element;
  int64_t offset;
  int ndim;
  int64_t shape[FX_MAX_DIMS], stride[FX_MAX_DIMS]; /* shape >= 0, stride >= 0 */
} fx_pickle_tensor;

struct fx_pickle_node {
  fx_pickle_kind kind;
  union {
    int64_t integer; /* INT, BOOL */
    double number;   /* FLOAT */
    struct {
      const char *bytes;
      size_t size;
    } text;  /* TEXT: not 0-terminated */
    struct { /* TUPLE, LIST; DICT: key, value, key, ... */
      fx_pickle_node **items;
      int64_t count, capacity;
    } list;
    struct { /* STORAGE: entry data/KEY of the zip */
      const char *key;
      uint32_t key_size;
      bool untyped; /* element unknown, count in bytes */
      fx_element element;
      int64_t count;
    } storage;
    fx_pickle_tensor *tensor;
    struct {
      const struct fx_pickle_name *entry;
    } name;
  } as;
};

typedef struct fx_pickle fx_pickle;

/* New tree of nodes from n bytes, which must stay while the tree lives. The tree may contain one
** node in several places, and itself. Errors: FX_EFORMAT without a file name. */
fx_status fx_pickle_read(const unsigned char *bytes, size_t n, fx_pickle **out);
void fx_pickle_free(fx_pickle *p); /* NULL is ignored */

/* The object that was pickled; borrowed. */
const fx_pickle_node *fx_pickle_root(const fx_pickle *p);

/* A NAME as text: "torch.float32". Writes at most `size` bytes, the final 0 included. */
void fx_pickle_name_text(const fx_pickle_node *name, char *buffer, size_t size);

#endif
