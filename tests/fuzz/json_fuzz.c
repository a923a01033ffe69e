/* json_fuzz.c - what is JSON to the letter must be JSON to cJSON too. */
#include "fuzz.h"

#include <cjson/cJSON.h>

#include "io/json_check.h"

int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t n) {
  const char *wrong, *text = (const char *)bytes;
  const size_t at = fx_json_check(text, n, &wrong);
  fuzz_check(at <= n && (wrong || at == n));
  if (!wrong) {
    cJSON *json = cJSON_ParseWithLength(text, n);
    fuzz_check(json != NULL);
    cJSON_Delete(json);
  }
  return 0;
}
