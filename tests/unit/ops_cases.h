/*
** ops_cases.h - one line a case; every op of ops.def needs at least one.
**
**   CASE(op, operands, options)      operand k is T(sizes), P(sizes) (positive numbers) or NONE
**
** For each case ops_test.c checks: gradients against central differences in f64; the cpu kernels of
** every instruction set against ref in f32; the same bits for 1 and 3 threads; sample independence;
** each failing allocation. Odd sizes first: 7, 9, 33 find what 8 and 32 hide.
*/
CASE(add, (T(3, 5), T(3, 5)), )
CASE(add, (T(2, 3, 5), T(5)), )
CASE(sub, (T(2, 1, 5), T(3, 1)), )
CASE(mul, (T(2, 3, 4, 5), T(2, 1, 1, 1)), )
CASE(mul, (T(7, 33), T(7, 33)), )
CASE(mul, (T(2, 7, 9, 33), T(2, 1, 1, 33)), )
CASE(div, (T(4, 3), P(3)), )
CASE(div, (T(4, 1), P(4, 7)), )
CASE(maximum, (T(4, 9), T(9)), )
CASE(minimum, (T(4, 9), T(4, 1)), )
CASE(affine, (T(3, 7)), .scale = -2.5, .shift = 0.75)
CASE(exp, (T(3, 33)), )
CASE(log, (P(3, 7)), )
CASE(sqrt, (P(3, 7)), )
CASE(square, (T(3, 7)), )
CASE(abs, (T(3, 7)), )
CASE(sin, (T(3, 7)), )
CASE(cos, (T(3, 7)), )
CASE(tanh, (T(3, 33)), )
CASE(sigmoid, (T(3, 33)), )
CASE(silu, (T(3, 33)), )
CASE(gelu, (T(3, 33)), )
CASE(relu, (T(3, 33)), )
CASE(pow, (P(3, 7)), .exponent = 1.7)
CASE(clamp, (T(3, 33)), .low = -0.5, .high = 0.8)
CASE(sum, (T(2, 3, 5)), .axes = { 0 })
CASE(sum, (T(2, 7, 9, 3)), .axes = { 2, { 1, 2 } })
CASE(mean, (T(3, 9)), .axes = { 1, { -1 } })
CASE(mean, (T(5, 33)), .axes = { 1, { 0 } })
CASE(max, (T(4, 9)), .axes = { 1, { 1 } })
CASE(max, (T(4, 9)), .axes = { 0 })
CASE(matmul, (T(7, 9), T(9, 5)), )
CASE(matmul, (T(2, 3, 7, 5), T(2, 3, 5, 9)), )
CASE(matmul, (T(3, 7, 5), T(5, 6)), )
CASE(linear, (T(3, 9), T(5, 9), T(5)), )
CASE(linear, (T(2, 7, 33), T(9, 33), NONE), )
CASE(linear, (T(2, 17, 32), T(64, 32), T(64)), )
CASE(fused_linear, (T(3, 9), NONE, NONE, NONE, T(5, 9), T(5)), )
CASE(fused_linear, (T(2, 7, 9), NONE, T(9), T(9), T(17, 9), T(17), T(2, 7, 17)), .eps = 1e-6)
CASE(fused_linear, (T(2, 7, 33), NONE, NONE, NONE, T(5, 33), NONE, T(2, 7, 5)), .activation = 1)
CASE(fused_linear, (T(2, 3, 8), T(2, 3, 5), NONE, NONE, T(33, 13), T(33)), )
CASE(fused_linear, (T(2, 3, 4, 7), T(2, 3, 4, 9), T(16), NONE, T(7, 16), T(7), T(2, 3, 4, 7)),
     .eps = 1e-5, .activation = 1, .p = 0.3, .key = { 5, 6, 7, 8, 9 })
CASE(fused_linear, (T(2, 5, 8), NONE, NONE, NONE, T(16, 8)), .p = 0.5, .key = { 1, 6, 2, 3, 4 })
CASE(fused_linear, (T(1, 2, 390), T(1, 2, 5), NONE, NONE, T(3, 395), T(3), T(1, 2, 3)), )
CASE(fused_linear, (T(2, 200, 3), NONE, T(3), NONE, T(2, 3), T(2), T(2, 200, 2)), .eps = 1e-6)
CASE(fused_linear, (T(2, 200, 2), T(2, 200, 1), NONE, NONE, T(18, 3), T(18)), )
CASE(fused_linear, (T(3, 67, 33), NONE, T(33), T(33), T(40, 33), T(40), T(3, 67, 40)), .eps = 1e-6)
CASE(conv2d, (T(2, 9, 7, 3), T(4, 3, 3, 3), T(4)), .stride = 1, .pad = -1)
CASE(conv2d, (T(1, 9, 7, 1), T(5, 3, 3, 1), NONE), .stride = 1, .pad = -1)
CASE(conv2d, (T(2, 8, 6, 5), T(1, 3, 3, 5), T(1)), .stride = 1, .pad = -1)
CASE(conv2d, (T(2, 7, 9, 4), T(3, 3, 3, 4), T(3)), .stride = 1, .pad = -1, .padding = 1)
CASE(conv2d, (T(2, 7, 9, 4), T(3, 3, 3, 4), T(3)), .stride = 2, .pad = 1)
CASE(conv2d, (T(1, 8, 8, 3), T(3, 3, 3, 3), T(3)), .stride = 2, .pad = 1, .padding = 1)
CASE(conv2d, (T(2, 5, 4, 7), T(3, 1, 1, 7), T(3)), .stride = 1, .pad = 0)
CASE(conv2d, (T(1, 6, 7, 2), T(3, 5, 5, 2), T(3)), .stride = 1, .pad = -1)
CASE(conv2d, (T(1, 6, 7, 2), T(3, 2, 2, 2), T(3)), .stride = 2, .pad = 0)
CASE(conv2d, (T(1, 11, 13, 33), T(32, 3, 3, 33), T(32)), .stride = 1, .pad = -1)
CASE(conv2d, (T(2, 9, 7, 17), T(19, 3, 3, 17), T(19)), .stride = 1, .pad = -1)
CASE(conv2d, (T(3, 8, 13, 16), T(33, 3, 3, 16), NONE), .stride = 1, .pad = -1, .padding = 1)
CASE(conv2d, (T(1, 37, 33, 16), T(16, 3, 3, 16), T(16)), .stride = 1, .pad = -1)
CASE(conv2d, (T(1, 31, 37, 17), T(16, 3, 3, 17), NONE), .stride = 1, .pad = -1)
CASE(fused_conv,
     (T(2, 6, 4, 8), NONE, NONE, T(8), T(8), T(2, 16), T(5, 3, 3, 8), T(5), T(2, 6, 4, 5), NONE),
     .groups = 4, .eps = 1e-5)
CASE(fused_conv,
     (T(2, 4, 6, 3), T(2, 4, 6, 5), NONE, T(8), T(8), NONE, T(7, 3, 3, 8), T(7), NONE, NONE),
     .groups = 2, .eps = 1e-5, .resample = 2, .padding = 1)
CASE(fused_conv, (T(1, 5, 3, 4), T(1, 5, 3, 2), T(1, 5, 3, 2), NONE, NONE, NONE, T(3, 3, 3, 6)),
     .groups = 1)
CASE(fused_conv,
     (T(2, 3, 5, 16), NONE, NONE, T(16), NONE, T(2, 32), T(17, 3, 3, 16), T(17), T(2, 3, 5, 17),
      T(2, 6, 10, 17)),
     .groups = 8, .eps = 1e-5, .resample = 2, .add_resample = 2)
CASE(fused_conv,
     (T(1, 10, 6, 17), T(1, 10, 6, 19), T(1, 10, 6, 19), T(36), T(36), NONE, T(33, 3, 3, 36), T(33),
      T(1, 10, 6, 33), T(1, 5, 3, 33)),
     .groups = 6, .eps = 1e-5, .resample = 1, .add_resample = 1)
CASE(fused_conv,
     (T(2, 9, 7, 32), T(2, 9, 7, 16), T(2, 9, 7, 16), T(48), T(48), NONE, T(16, 3, 3, 48), T(16)),
     .groups = 16, .eps = 1e-5, .padding = 1)
CASE(fused_conv, (T(2, 5, 7, 16), T(2, 5, 7, 5), NONE, T(21), T(21), NONE, T(17, 3, 3, 21), T(17)),
     .groups = 7, .eps = 1e-5, .resample = 2, .p = 0.3, .key = { 5, 6, 7, 8, 9 })
CASE(fused_conv, (T(2, 6, 4, 32), NONE, NONE, T(32), T(32), T(2, 64), T(16, 3, 3, 32), T(16)),
     .groups = 8, .eps = 1e-5, .p = 0.1, .key = { 1, 6, 2, 3, 4 })
CASE(fused_conv, (T(2, 4, 6, 6), NONE, NONE, T(6), T(6), NONE, T(2, 1, 1, 6), T(2)), .groups = 3,
     .eps = 1e-5, .resample = 1)
CASE(fused_conv,
     (T(1, 4, 4, 6), T(1, 4, 4, 3), NONE, NONE, NONE, NONE, T(20, 3, 3, 9), T(20), NONE,
      T(1, 2, 2, 20)),
     .groups = 1, .resample = 1)
CASE(fused_conv,
     (T(1, 17, 20, 16), T(1, 17, 20, 4), NONE, T(20), T(20), NONE, T(18, 3, 3, 20), T(18),
      T(1, 17, 20, 18), T(1, 34, 40, 18)),
     .groups = 5, .eps = 1e-5, .resample = 2, .padding = 1, .add_resample = 2)
CASE(group_norm, (T(2, 5, 3, 8), T(8), T(8)), .groups = 4, .eps = 1e-5)
CASE(group_norm, (T(2, 7, 6), T(6), NONE), .groups = 2, .eps = 1e-3)
CASE(group_norm, (T(1, 9, 7, 64), T(64), T(64)), .groups = 32, .eps = 1e-5)
CASE(layer_norm, (T(2, 5, 9), T(9), T(9)), .eps = 1e-6)
CASE(layer_norm, (T(7, 33), T(33), NONE), .eps = 1e-5)
CASE(modulate, (T(2, 3, 5, 7), T(2, 14)), )
CASE(softmax, (T(4, 9)), )
CASE(attention, (T(2, 7, 8), T(2, 5, 8), T(2, 5, 8)), .heads = 2)
CASE(attention, (T(1, 17, 12), T(1, 17, 12), T(1, 17, 12)), .heads = 3)
CASE(upsample, (T(2, 3, 5, 3)), .factor = 2)
CASE(mean_pool, (T(2, 6, 4, 3)), .factor = 2)
CASE(resize, (T(2, 4, 5, 2)), .size = { 2, { 12, 15 } }, .method = 0)
CASE(resize, (T(1, 4, 5, 2)), .size = { 2, { 8, 10 } }, .method = 1)
CASE(resize, (T(1, 4, 5, 1)), .size = { 2, { 16, 20 } }, .method = 1, .registered = 1,
     .circular = 1)
CASE(resize, (T(1, 4, 6, 1)), .size = { 2, { 8, 3 } }, .method = 2)
CASE(resize, (T(1, 4, 5, 2)), .size = { 2, { 12, 10 } }, .method = 3, .registered = 1)
CASE(reshape, (T(3, 4)), .shape = { 2, { 2, -1 } })
CASE(permute, (T(2, 3, 4, 5)), .axes = { 4, { 0, 3, 1, 2 } })
CASE(concat, (T(2, 3, 4), T(2, 3, 7)), .axis = -1)
CASE(concat, (T(2, 3, 4), T(2, 1, 4)), .axis = 1)
CASE(narrow, (T(3, 7, 4)), .axis = 1, .start = 2, .length = 3)
CASE(narrow, (T(5, 7)), .axis = 0, .start = 1, .length = 3)
CASE(flip, (T(3, 7, 4)), .axis = 1)
CASE(flip, (T(5, 9)), .axis = -1)
CASE(fourier, (T(3), T(8), T(8)), )
CASE(dropout, (T(3, 5, 7)), .p = 0.4, .key = { 5, 6, 7, 8, 9 })
CASE(l1_loss, (T(3, 7), T(3, 7)), )
CASE(mse_loss, (T(3, 7), T(3, 7)), )
CASE(huber_loss, (T(3, 7), T(3, 7)), .delta = 0.7)
