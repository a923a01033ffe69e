/*
** pickle_call.c - the names a pickle may mention and what calling them means. See pickle.h.
**
** Nothing here is a lookup in a running system: a name is a row of the table below, and its role
** says how its arguments become a node. Tensors are described, not read; pt.c reads them.
*/
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "io/pickle_tree.h"

typedef enum {
  ROLE_DICT,
  ROLE_SET,
  ROLE_TENSOR_V2,
  ROLE_TENSOR_V3,
  ROLE_PARAMETER,
  ROLE_SIZE,
  ROLE_DEVICE,
  ROLE_ENCODE,
  ROLE_NUMPY_DTYPE,
  ROLE_NUMPY_SCALAR,
  ROLE_STORAGE,
  ROLE_UNTYPED,
  ROLE_DTYPE
} role;

struct fx_pickle_name {
  const char *module, *name;
  role role;
  fx_element element;
};

static const struct fx_pickle_name names[] = {
  { "collections", "OrderedDict", ROLE_DICT, 0 },
  { "collections", "Counter", ROLE_DICT, 0 }, /* milestones of MultiStepLR */
  { "__builtin__", "set", ROLE_SET, 0 },
  { "builtins", "set", ROLE_SET, 0 },
  { "torch._utils", "_rebuild_tensor_v2", ROLE_TENSOR_V2, 0 },
  { "torch._utils", "_rebuild_tensor_v3", ROLE_TENSOR_V3, 0 },
  { "torch._utils", "_rebuild_parameter", ROLE_PARAMETER, 0 },
  { "torch.nn.parameter", "Parameter", ROLE_PARAMETER, 0 },
  { "torch", "Size", ROLE_SIZE, 0 },
  { "torch", "device", ROLE_DEVICE, 0 },
  { "_codecs", "encode", ROLE_ENCODE, 0 },
  { "numpy", "dtype", ROLE_NUMPY_DTYPE, 0 },
  { "numpy._core.multiarray", "scalar", ROLE_NUMPY_SCALAR, 0 },
  { "numpy.core.multiarray", "scalar", ROLE_NUMPY_SCALAR, 0 },
  { "torch.storage", "UntypedStorage", ROLE_UNTYPED, 0 },
  { "torch", "UntypedStorage", ROLE_UNTYPED, 0 },
  { "torch", "FloatStorage", ROLE_STORAGE, FX_ELEMENT_F32 },
  { "torch", "DoubleStorage", ROLE_STORAGE, FX_ELEMENT_F64 },
  { "torch", "HalfStorage", ROLE_STORAGE, FX_ELEMENT_F16 },
  { "torch", "BFloat16Storage", ROLE_STORAGE, FX_ELEMENT_BF16 },
  { "torch", "LongStorage", ROLE_STORAGE, FX_ELEMENT_I64 },
  { "torch", "IntStorage", ROLE_STORAGE, FX_ELEMENT_I32 },
  { "torch", "ShortStorage", ROLE_STORAGE, FX_ELEMENT_I16 },
  { "torch", "CharStorage", ROLE_STORAGE, FX_ELEMENT_I8 },
  { "torch", "ByteStorage", ROLE_STORAGE, FX_ELEMENT_U8 },
  { "torch", "BoolStorage", ROLE_STORAGE, FX_ELEMENT_BOOL },
  { "torch", "float32", ROLE_DTYPE, FX_ELEMENT_F32 },
  { "torch", "float64", ROLE_DTYPE, FX_ELEMENT_F64 },
  { "torch", "float16", ROLE_DTYPE, FX_ELEMENT_F16 },
  { "torch", "bfloat16", ROLE_DTYPE, FX_ELEMENT_BF16 },
  { "torch", "int64", ROLE_DTYPE, FX_ELEMENT_I64 },
  { "torch", "int32", ROLE_DTYPE, FX_ELEMENT_I32 },
  { "torch", "int16", ROLE_DTYPE, FX_ELEMENT_I16 },
  { "torch", "int8", ROLE_DTYPE, FX_ELEMENT_I8 },
  { "torch", "uint64", ROLE_DTYPE, FX_ELEMENT_U64 },
  { "torch", "uint32", ROLE_DTYPE, FX_ELEMENT_U32 },
  { "torch", "uint16", ROLE_DTYPE, FX_ELEMENT_U16 },
  { "torch", "uint8", ROLE_DTYPE, FX_ELEMENT_U8 },
  { "torch", "bool", ROLE_DTYPE, FX_ELEMENT_BOOL },
};

static bool equal (const char *text, const char *bytes, size_t n) {
  return strlen(text) == n && memcmp(text, bytes, n) == 0;
}

const struct fx_pickle_name *fx_pickle_lookup (const char *module, size_t module_size,
                                               const char *name, size_t name_size) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (equal(names[i].name, name, name_size) && equal(names[i].module, module, module_size))
      return &names[i];
  return NULL;
}

void fx_pickle_name_text (const fx_pickle_node *name, char *buffer, size_t size) {
  snprintf(buffer, size, "%s.%s", name->as.name.entry->module, name->as.name.entry->name);
}

/* --- arguments ------------------------------------------------------------------------------- */

static const fx_pickle_node *argument (const fx_pickle_node *args, int64_t i) {
  return i < args->as.list.count ? args->as.list.items[i] : NULL;
}

static bool is_kind (const fx_pickle_node *n, fx_pickle_kind kind) { return n && n->kind == kind; }

static bool is_role (const fx_pickle_node *n, role r) {
  return is_kind(n, FX_PICKLE_NAME) && n->as.name.entry->role == r;
}

static fx_status bad_arguments (const struct fx_pickle_name *f) {
  return fx_fail(FX_EFORMAT, "the pickle calls '%s %s' with arguments that make no sense",
                 f->module, f->name);
}

/* A tuple (or list) of at most FX_MAX_DIMS integers >= 0. */
static bool read_sizes (const fx_pickle_node *from, int64_t *count, int64_t *sizes) {
  if (!is_kind(from, FX_PICKLE_TUPLE) && !is_kind(from, FX_PICKLE_LIST))
    return false;
  *count = from->as.list.count;
  for (int64_t i = 0; i < *count && i < FX_MAX_DIMS; i++) {
    const fx_pickle_node *n = from->as.list.items[i];
    if (n->kind != FX_PICKLE_INT || n->as.integer < 0)
      return false;
    sizes[i] = n->as.integer;
  }
  return true;
}

/* --- what calls make ------------------------------------------------------------------------- */

/* (storage, offset, size, stride, requires_grad, hooks[, dtype in v3][, metadata]) */
static fx_status make_tensor (fx_pickle *p, const struct fx_pickle_name *f,
                              const fx_pickle_node *args, fx_pickle_node **out) {
  const fx_pickle_node *storage = argument(args, 0), *offset = argument(args, 1);
  const fx_pickle_node *dtype = f->role == ROLE_TENSOR_V3 ? argument(args, 6) : NULL;
  fx_pickle_tensor t = { .storage = storage };
  int64_t ndim, strides;
  if (!is_kind(storage, FX_PICKLE_STORAGE) || !is_kind(offset, FX_PICKLE_INT) ||
      offset->as.integer < 0 || !read_sizes(argument(args, 2), &ndim, t.shape) ||
      !read_sizes(argument(args, 3), &strides, t.stride) || strides != ndim)
    return bad_arguments(f);
  if (f->role == ROLE_TENSOR_V3 ? !is_role(dtype, ROLE_DTYPE) : storage->as.storage.untyped)
    return bad_arguments(f);
  if (ndim > FX_MAX_DIMS)
    return fx_fail(FX_EFORMAT, "the file holds a tensor with %" PRId64 " axes; at most %d are read",
                   ndim, FX_MAX_DIMS);
  t.element = dtype ? dtype->as.name.entry->element : storage->as.storage.element;
  t.offset = offset->as.integer;
  t.ndim = (int)ndim;
  fx_pickle_node *n = fx_pickle_new(p, FX_PICKLE_TENSOR);
  if (!n || !(n->as.tensor = fx_pickle_memory(p, sizeof t)))
    return FX_ENOMEM;
  *n->as.tensor = t;
  *out = n;
  return FX_OK;
}

/* (), or ([(key, value), ...]), or ({...}) */
static fx_status make_dict (fx_pickle *p, const struct fx_pickle_name *f,
                            const fx_pickle_node *args, fx_pickle_node **out) {
  const fx_pickle_node *from = argument(args, 0);
  fx_pickle_node *dict = fx_pickle_new(p, FX_PICKLE_DICT);
  if (!dict)
    return FX_ENOMEM;
  const int64_t n = from ? from->as.list.count : 0;
  if (from && from->kind != FX_PICKLE_LIST && from->kind != FX_PICKLE_DICT)
    return bad_arguments(f);
  for (int64_t i = 0; i < n; i++) {
    fx_pickle_node *item = from->as.list.items[i];
    if (from->kind == FX_PICKLE_DICT) {
      FX_TRY(fx_pickle_append(p, dict, item));
      continue;
    }
    if (item->kind != FX_PICKLE_TUPLE || item->as.list.count != 2)
      return bad_arguments(f);
    FX_TRY(fx_pickle_append(p, dict, item->as.list.items[0]));
    FX_TRY(fx_pickle_append(p, dict, item->as.list.items[1]));
  }
  *out = dict;
  return FX_OK;
}

/* torch.device('cuda', 0) -> the text "cuda": where a tensor lived does not matter here. */
static fx_status make_copy (fx_pickle *p, const struct fx_pickle_name *f,
                            const fx_pickle_node *args, fx_pickle_kind kind, fx_pickle_node **out) {
  const fx_pickle_node *from = argument(args, 0);
  if (!is_kind(from, kind))
    return bad_arguments(f);
  fx_pickle_node *n = fx_pickle_new(p, kind);
  if (!n)
    return FX_ENOMEM;
  *n = *from;
  n->as.list.capacity = kind == FX_PICKLE_LIST ? n->as.list.count : n->as.list.capacity;
  *out = n;
  return FX_OK;
}

/* Bytes travel as text whose characters 0..255 are the bytes (latin-1), here still UTF-8. */
static bool latin1_bytes (const fx_pickle_node *text, unsigned char out[8], size_t wanted) {
  const unsigned char *s = (const unsigned char *)text->as.text.bytes;
  size_t n = 0;
  for (size_t i = 0; i < text->as.text.size; i++) {
    if (n == wanted)
      return false;
    if (s[i] < 0x80)
      out[n++] = s[i];
    else if ((s[i] & 0xfe) == 0xc2 && i + 1 < text->as.text.size && (s[i + 1] & 0xc0) == 0x80) {
      out[n++] = (unsigned char)(s[i] << 6 | (s[i + 1] & 0x3f));
      i++;
    } else
      return false;
  }
  return n == wanted;
}

/* numpy scalar(dtype, bytes): the dtype node is its text, "f8". */
static fx_status make_scalar (fx_pickle *p, const struct fx_pickle_name *f,
                              const fx_pickle_node *args, fx_pickle_node **out) {
  static const struct {
    const char *name;
    fx_element element;
  } kinds[] = {
    { "f8", FX_ELEMENT_F64 }, { "f4", FX_ELEMENT_F32 },  { "i8", FX_ELEMENT_I64 },
    { "i4", FX_ELEMENT_I32 }, { "b1", FX_ELEMENT_BOOL },
  };
  const fx_pickle_node *dtype = argument(args, 0), *text = argument(args, 1);
  if (!is_kind(dtype, FX_PICKLE_TEXT) || !is_kind(text, FX_PICKLE_TEXT))
    return bad_arguments(f);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    unsigned char b[8];
    if (!equal(kinds[i].name, dtype->as.text.bytes, dtype->as.text.size) ||
        !latin1_bytes(text, b, fx_element_size(kinds[i].element)))
      continue;
    double d;
    float s;
    int64_t l;
    int32_t w;
    fx_pickle_node *n = fx_pickle_new(p, i < 2   ? FX_PICKLE_FLOAT
                                         : i < 4 ? FX_PICKLE_INT
                                                 : FX_PICKLE_BOOL);
    if (!n)
      return FX_ENOMEM;
    switch (kinds[i].element) {
    case FX_ELEMENT_F64: memcpy(&d, b, sizeof d), n->as.number = d; break;
    case FX_ELEMENT_F32: memcpy(&s, b, sizeof s), n->as.number = (double)s; break;
    case FX_ELEMENT_I64: memcpy(&l, b, sizeof l), n->as.integer = l; break;
    case FX_ELEMENT_I32: memcpy(&w, b, sizeof w), n->as.integer = w; break;
    default: n->as.integer = b[0] != 0;
    }
    *out = n;
    return FX_OK;
  }
  return bad_arguments(f);
}

fx_status fx_pickle_call (fx_pickle *p, const fx_pickle_node *function, const fx_pickle_node *args,
                          fx_pickle_node **out) {
  const struct fx_pickle_name *f = function->as.name.entry;
  switch (f->role) {
  case ROLE_DICT: return make_dict(p, f, args, out);
  case ROLE_TENSOR_V2:
  case ROLE_TENSOR_V3: return make_tensor(p, f, args, out);
  case ROLE_PARAMETER: return make_copy(p, f, args, FX_PICKLE_TENSOR, out);
  case ROLE_SIZE: return make_copy(p, f, args, FX_PICKLE_TUPLE, out);
  case ROLE_SET: return make_copy(p, f, args, FX_PICKLE_LIST, out);
  case ROLE_DEVICE:
  case ROLE_ENCODE:
  case ROLE_NUMPY_DTYPE: return make_copy(p, f, args, FX_PICKLE_TEXT, out);
  case ROLE_NUMPY_SCALAR: return make_scalar(p, f, args, out);
  case ROLE_STORAGE:
  case ROLE_UNTYPED:
  case ROLE_DTYPE: break; /* named, never called */
  }
  return bad_arguments(f);
}

fx_status fx_pickle_storage (fx_pickle *p, const fx_pickle_node *id, fx_pickle_node **out) {
  if (id->kind != FX_PICKLE_TUPLE)
    return fx_fail(FX_EFORMAT, "the pickle refers to data by something that is not a tuple");
  const fx_pickle_node *tag = argument(id, 0), *class = argument(id, 1), *key = argument(id, 2);
  const fx_pickle_node *count = argument(id, 4); /* 3 is the device: of no interest */
  const bool untyped = is_role(class, ROLE_UNTYPED);
  if (!is_kind(tag, FX_PICKLE_TEXT) || !equal("storage", tag->as.text.bytes, tag->as.text.size) ||
      !(untyped || is_role(class, ROLE_STORAGE)) || !is_kind(key, FX_PICKLE_TEXT) ||
      key->as.text.size > 256 || !is_kind(count, FX_PICKLE_INT) || count->as.integer < 0)
    return fx_fail(FX_EFORMAT, "the pickle refers to data in a way that torch.save never does");
  fx_pickle_node *n = fx_pickle_new(p, FX_PICKLE_STORAGE);
  if (!n)
    return FX_ENOMEM;
  n->as.storage.key = key->as.text.bytes;
  n->as.storage.key_size = (uint32_t)key->as.text.size;
  n->as.storage.untyped = untyped;
  n->as.storage.element = class->as.name.entry->element;
  n->as.storage.count = count->as.integer;
  *out = n;
  return FX_OK;
}
