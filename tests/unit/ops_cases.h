/*
** ops_cases.h - one line a case; every op of ops.def needs at least one.
**
**   CASE(op, operands, result, options)   operand k is T(sizes), P(sizes) (positive numbers) or NONE;
**                                         result is the shape of what comes out; options as in FX_ARGS
**
** For each case ops_test.c checks: the result's shape; gradients against central differences in f64;
** the cpu kernels of every instruction set against ref in f32; the same bits for 1 and 3 threads; each
** failing allocation. tests/lua/core_ops_test.lua reads this file and runs each case from Lua, so a value
** is a number, true, false, a constant of ops.def, FX_DIMS(...) or RNG(...).
** Odd sizes first: 7, 9, 33 find what 8 and 32 hide.
*/
CASE(add, (T(3, 5), T(3, 5)), (3, 5))
CASE(add, (T(2, 3, 5), T(5)), (2, 3, 5))
CASE(sub, (T(2, 1, 5), T(3, 1)), (2, 3, 5))
CASE(mul, (T(2, 3, 4, 5), T(2, 1, 1, 1)), (2, 3, 4, 5))
CASE(mul, (T(7, 33), T(7, 33)), (7, 33))
CASE(mul, (T(2, 7, 9, 33), T(2, 1, 1, 33)), (2, 7, 9, 33))
CASE(div, (T(4, 3), P(3)), (4, 3))
CASE(div, (T(4, 1), P(4, 7)), (4, 7))
CASE(maximum, (T(4, 9), T(9)), (4, 9))
CASE(minimum, (T(4, 9), T(4, 1)), (4, 9))
CASE(affine, (T(3, 7)), (3, 7), .scale = -2.5, .shift = 0.75)
CASE(exp, (T(3, 33)), (3, 33))
CASE(log, (P(3, 7)), (3, 7))
CASE(sqrt, (P(3, 7)), (3, 7))
CASE(square, (T(3, 7)), (3, 7))
CASE(abs, (T(3, 7)), (3, 7))
CASE(sin, (T(3, 7)), (3, 7))
CASE(cos, (T(3, 7)), (3, 7))
CASE(tanh, (T(3, 33)), (3, 33))
CASE(sigmoid, (T(3, 33)), (3, 33))
CASE(silu, (T(3, 33)), (3, 33))
CASE(gelu, (T(3, 33)), (3, 33))
CASE(relu, (T(3, 33)), (3, 33))
CASE(pow, (P(3, 7)), (3, 7), .exponent = 1.7)
CASE(clamp, (T(3, 33)), (3, 33), .low = -0.5, .high = 0.8)
CASE(sum, (T(2, 3, 5)), (1, 1, 1))
CASE(sum, (T(2, 7, 9, 3)), (2, 1, 1, 3), .axes = FX_DIMS(1, 2))
CASE(mean, (T(3, 9)), (3, 1), .axes = FX_DIMS(-1))
CASE(mean, (T(5, 33)), (1, 33), .axes = FX_DIMS(0))
CASE(max, (T(4, 9)), (4, 1), .axes = FX_DIMS(1))
CASE(max, (T(4, 9)), (1, 1))
CASE(matmul, (T(7, 9), T(9, 5)), (7, 5))
CASE(matmul, (T(2, 3, 7, 5), T(2, 3, 5, 9)), (2, 3, 7, 9))
CASE(matmul, (T(3, 7, 5), T(5, 6)), (3, 7, 6))
CASE(linear, (T(3, 9), T(5, 9), T(5)), (3, 5))
CASE(linear, (T(2, 7, 33), T(9, 33), NONE), (2, 7, 9))
CASE(linear, (T(2, 17, 32), T(64, 32), T(64)), (2, 17, 64))
CASE(fused_linear, (T(3, 9), NONE, NONE, NONE, T(5, 9), T(5)), (3, 5))
CASE(fused_linear, (T(2, 7, 9), NONE, T(9), T(9), T(17, 9), T(17), T(2, 7, 17)), (2, 7, 17))
CASE(fused_linear, (T(2, 7, 33), NONE, NONE, NONE, T(5, 33), NONE, T(2, 7, 5)), (2, 7, 5),
     .activation = FX_ACTIVATION_GELU)
CASE(fused_linear, (T(2, 3, 8), T(2, 3, 5), NONE, NONE, T(33, 13), T(33)), (2, 3, 33))
CASE(fused_linear, (T(2, 3, 4, 7), T(2, 3, 4, 9), T(16), NONE, T(7, 16), T(7), T(2, 3, 4, 7)),
     (2, 3, 4, 7), .eps = 1e-5, .activation = FX_ACTIVATION_GELU, .p = 0.3,
     .key = RNG(5, 6, 7, 8, 9))
CASE(fused_linear, (T(2, 5, 8), NONE, NONE, NONE, T(16, 8)), (2, 5, 16), .p = 0.5,
     .key = RNG(1, 6, 2, 3, 4))
CASE(fused_linear, (T(1, 2, 390), T(1, 2, 5), NONE, NONE, T(3, 395), T(3), T(1, 2, 3)), (1, 2, 3))
CASE(fused_linear, (T(2, 200, 3), NONE, T(3), NONE, T(2, 3), T(2), T(2, 200, 2)), (2, 200, 2))
CASE(fused_linear, (T(2, 200, 2), T(2, 200, 1), NONE, NONE, T(18, 3), T(18)), (2, 200, 18))
CASE(fused_linear, (T(3, 67, 33), NONE, T(33), T(33), T(40, 33), T(40), T(3, 67, 40)), (3, 67, 40))
CASE(conv2d, (T(2, 9, 7, 3), T(4, 3, 3, 3), T(4)), (2, 9, 7, 4))
CASE(conv2d, (T(1, 9, 7, 1), T(5, 3, 3, 1), NONE), (1, 9, 7, 5))
CASE(conv2d, (T(2, 8, 6, 5), T(1, 3, 3, 5), T(1)), (2, 8, 6, 1))
CASE(conv2d, (T(2, 7, 9, 4), T(3, 3, 3, 4), T(3)), (2, 7, 9, 3), .padding = FX_PADDING_CIRCULAR)
CASE(conv2d, (T(2, 7, 9, 4), T(3, 3, 3, 4), T(3)), (2, 4, 5, 3), .stride = 2, .pad = 1)
CASE(conv2d, (T(1, 8, 8, 3), T(3, 3, 3, 3), T(3)), (1, 4, 4, 3), .stride = 2, .pad = 1,
     .padding = FX_PADDING_CIRCULAR)
CASE(conv2d, (T(2, 5, 4, 7), T(3, 1, 1, 7), T(3)), (2, 5, 4, 3), .stride = 1, .pad = 0)
CASE(conv2d, (T(1, 6, 7, 2), T(3, 5, 5, 2), T(3)), (1, 6, 7, 3))
CASE(conv2d, (T(1, 6, 7, 2), T(3, 2, 2, 2), T(3)), (1, 3, 3, 3), .stride = 2, .pad = 0)
CASE(conv2d, (T(1, 11, 13, 33), T(32, 3, 3, 33), T(32)), (1, 11, 13, 32))
CASE(conv2d, (T(2, 9, 7, 17), T(19, 3, 3, 17), T(19)), (2, 9, 7, 19))
CASE(conv2d, (T(3, 8, 13, 16), T(33, 3, 3, 16), NONE), (3, 8, 13, 33),
     .padding = FX_PADDING_CIRCULAR)
CASE(conv2d, (T(1, 37, 33, 16), T(16, 3, 3, 16), T(16)), (1, 37, 33, 16))
CASE(conv2d, (T(1, 31, 37, 17), T(16, 3, 3, 17), NONE), (1, 31, 37, 16))
CASE(fused_conv,
     (T(2, 6, 4, 8), NONE, NONE, T(8), T(8), T(2, 16), T(5, 3, 3, 8), T(5), T(2, 6, 4, 5), NONE),
     (2, 6, 4, 5), .groups = 4)
CASE(fused_conv,
     (T(2, 4, 6, 3), T(2, 4, 6, 5), NONE, T(8), T(8), NONE, T(7, 3, 3, 8), T(7), NONE, NONE),
     (2, 8, 12, 7), .groups = 2, .resample = FX_RESAMPLE_UP, .padding = FX_PADDING_CIRCULAR)
CASE(fused_conv, (T(1, 5, 3, 4), T(1, 5, 3, 2), T(1, 5, 3, 2), NONE, NONE, NONE, T(3, 3, 3, 6)),
     (1, 5, 3, 3), .groups = 1)
CASE(fused_conv,
     (T(2, 3, 5, 16), NONE, NONE, T(16), NONE, T(2, 32), T(17, 3, 3, 16), T(17), T(2, 3, 5, 17),
      T(2, 6, 10, 17)),
     (2, 6, 10, 17), .groups = 8, .resample = FX_RESAMPLE_UP, .add_resample = FX_RESAMPLE_UP)
CASE(fused_conv,
     (T(1, 10, 6, 17), T(1, 10, 6, 19), T(1, 10, 6, 19), T(36), T(36), NONE, T(33, 3, 3, 36), T(33),
      T(1, 10, 6, 33), T(1, 5, 3, 33)),
     (1, 5, 3, 33), .groups = 6, .resample = FX_RESAMPLE_DOWN, .add_resample = FX_RESAMPLE_DOWN)
CASE(fused_conv,
     (T(2, 9, 7, 32), T(2, 9, 7, 16), T(2, 9, 7, 16), T(48), T(48), NONE, T(16, 3, 3, 48), T(16)),
     (2, 9, 7, 16), .groups = 16, .padding = FX_PADDING_CIRCULAR)
CASE(fused_conv, (T(2, 5, 7, 16), T(2, 5, 7, 5), NONE, T(21), T(21), NONE, T(17, 3, 3, 21), T(17)),
     (2, 10, 14, 17), .groups = 7, .resample = FX_RESAMPLE_UP, .p = 0.3, .key = RNG(5, 6, 7, 8, 9))
CASE(fused_conv, (T(2, 6, 4, 32), NONE, NONE, T(32), T(32), T(2, 64), T(16, 3, 3, 32), T(16)),
     (2, 6, 4, 16), .groups = 8, .p = 0.1, .key = RNG(1, 6, 2, 3, 4))
CASE(fused_conv, (T(2, 4, 6, 6), NONE, NONE, T(6), T(6), NONE, T(2, 1, 1, 6), T(2)), (2, 2, 3, 2),
     .groups = 3, .resample = FX_RESAMPLE_DOWN)
CASE(fused_conv,
     (T(1, 4, 4, 6), T(1, 4, 4, 3), NONE, NONE, NONE, NONE, T(20, 3, 3, 9), T(20), NONE,
      T(1, 2, 2, 20)),
     (1, 2, 2, 20), .groups = 1, .resample = FX_RESAMPLE_DOWN)
CASE(fused_conv,
     (T(1, 17, 20, 16), T(1, 17, 20, 4), NONE, T(20), T(20), NONE, T(18, 3, 3, 20), T(18),
      T(1, 17, 20, 18), T(1, 34, 40, 18)),
     (1, 34, 40, 18), .groups = 5, .resample = FX_RESAMPLE_UP, .padding = FX_PADDING_CIRCULAR,
     .add_resample = FX_RESAMPLE_UP)
CASE(group_norm, (T(2, 5, 3, 8), T(8), T(8)), (2, 5, 3, 8), .groups = 4)
CASE(group_norm, (T(2, 7, 6), T(6), NONE), (2, 7, 6), .groups = 2, .eps = 1e-3)
CASE(group_norm, (T(1, 9, 7, 64), T(64), T(64)), (1, 9, 7, 64), .groups = 32)
CASE(layer_norm, (T(2, 5, 9), T(9), T(9)), (2, 5, 9))
CASE(layer_norm, (T(7, 33), T(33), NONE), (7, 33), .eps = 1e-5)
CASE(modulate, (T(2, 3, 5, 7), T(2, 14)), (2, 3, 5, 7))
CASE(softmax, (T(4, 9)), (4, 9))
CASE(attention, (T(2, 7, 8), T(2, 5, 8), T(2, 5, 8)), (2, 7, 8), .heads = 2)
CASE(attention, (T(1, 17, 12), T(1, 17, 12), T(1, 17, 12)), (1, 17, 12), .heads = 3)
CASE(upsample, (T(2, 3, 5, 3)), (2, 6, 10, 3), .factor = 2)
CASE(mean_pool, (T(2, 6, 4, 3)), (2, 3, 2, 3), .factor = 2)
CASE(resize, (T(2, 4, 5, 2)), (2, 12, 15, 2), .size = FX_DIMS(12, 15), .method = FX_RESIZE_BILINEAR)
CASE(resize, (T(1, 4, 5, 2)), (1, 8, 10, 2), .size = FX_DIMS(8, 10), .method = FX_RESIZE_BICUBIC)
CASE(resize, (T(1, 4, 5, 1)), (1, 16, 20, 1), .size = FX_DIMS(16, 20), .method = FX_RESIZE_BICUBIC,
     .registered = true, .circular = true)
CASE(resize, (T(1, 4, 6, 1)), (1, 8, 3, 1), .size = FX_DIMS(8, 3), .method = FX_RESIZE_NEAREST)
CASE(resize, (T(1, 4, 5, 2)), (1, 12, 10, 2), .size = FX_DIMS(12, 10), .method = FX_RESIZE_KEYS,
     .registered = true)
CASE(reshape, (T(3, 4)), (2, 6), .shape = FX_DIMS(2, -1))
CASE(permute, (T(2, 3, 4, 5)), (2, 5, 3, 4), .axes = FX_DIMS(0, 3, 1, 2))
CASE(concat, (T(2, 3, 4), T(2, 3, 7)), (2, 3, 11), .axis = -1)
CASE(concat, (T(2, 3, 4), T(2, 1, 4)), (2, 4, 4), .axis = 1)
CASE(narrow, (T(3, 7, 4)), (3, 3, 4), .axis = 1, .start = 2, .length = 3)
CASE(narrow, (T(5, 7)), (3, 7), .axis = 0, .start = 1, .length = 3)
CASE(flip, (T(3, 7, 4)), (3, 7, 4), .axis = 1)
CASE(flip, (T(5, 9)), (5, 9), .axis = -1)
CASE(fourier, (T(3), T(8), T(8)), (3, 8))
CASE(dropout, (T(3, 5, 7)), (3, 5, 7), .p = 0.4, .key = RNG(5, 6, 7, 8, 9))
CASE(l1_loss, (T(3, 7), T(3, 7)), ())
CASE(mse_loss, (T(3, 7), T(3, 7)), ())
CASE(huber_loss, (T(3, 7), T(3, 7)), (), .delta = 0.7)
