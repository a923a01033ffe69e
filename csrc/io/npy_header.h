/*
** npy_header.h - the dictionary at the beginning of an .npy.      [numpy.lib.format, versions 1.0 to 3.0]
*/
#ifndef FX_NPY_HEADER_H
#define FX_NPY_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "io/container.h"

typedef struct {
  char descr[16]; /* "<f4"; "" if it is longer, or no text but a list of fields */
  bool compound;  /* a list of fields */
  bool fortran;
  int rank;
  int64_t shape[FX_CONTAINER_AXES];
} fx_npy_header;

/* Reads {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}, with these three keys in any order and nothing
** but white space behind it. NULL, or what is wrong with it. */
const char *fx_npy_parse(const char *text, fx_npy_header *out);

#endif
