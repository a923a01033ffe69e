/* lnn.h - what modules and the network share: parameter lists, the mode of a pass. */
#ifndef LNN_H
#define LNN_H

#include "lua/lfx.h"
#include "nn/layers.h"

/* Pushes { {name=, tensor=, trained=}, ... } in the list's order; the handles are persistent. */
void lnn_push_parameters(lua_State *L, const fx_params *ps);

/* Ends a pass: closes s and hands out its result y as a new tensor. The mode that the pass used
** becomes the kept one only if it succeeded, so that a second attempt draws the same masks. */
fx_status lnn_result(fx_scope *s, fx_tensor *y, const fx_mode *mode, fx_mode *kept,
                     fx_tensor **out);

/* m:init(seed, prefix): argument 2 and 3; leaves m. */
int lnn_init(lua_State *L, fx_params *ps);

/* m:train(key) or m:train(nil): argument 2; leaves m. */
int lnn_train(lua_State *L, fx_mode *mode);

#endif
