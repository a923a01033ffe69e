/*
** fuzz.h - what the harnesses share. A harness hands any bytes at all to one reader; libFuzzer looks for those that
** crash it, hang it, leak or take too much memory, and both sanitizers watch. `make fuzz` builds and runs them.
*/
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* The path of a file in memory that holds these bytes, until the next call. */
const char *fuzz_file(const uint8_t *bytes, size_t n);

/* Opens it as a file of fields, and reads its attributes and numbers. */
void fuzz_container(const uint8_t *bytes, size_t n);

/* Ends the process if `holds` is false: a finding like a crash. */
void fuzz_check(int holds);

#endif
