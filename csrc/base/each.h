/*
** each.h - FX_EACH(f, c, x, y, z) is f(c, x) f(c, y) f(c, z), for 1 to 24 items.
**
** The preprocessor has no loop, so there is a line for each length. More items do not compile
** ("FX_EACH_..." is not declared). An item is any text without a comma outside of parentheses: the
** commas of a list in braces would divide it.
*/
#ifndef FX_EACH_H
#define FX_EACH_H

#define FX_JOIN_AS_IS(a, b) a##b
#define FX_JOIN(a, b) FX_JOIN_AS_IS(a, b)

/* The number of the items, where it is known: what stands behind all of them. */
#define FX_EACH_COUNT(...) \
  FX_EACH_PICK(__VA_ARGS__, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, \
               6, 5, 4, 3, 2, 1, none)
#define FX_EACH_PICK(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, _17, \
                     _18, _19, _20, _21, _22, _23, _24, count, ...) \
  count
#define FX_EACH(f, c, ...) FX_JOIN(FX_EACH_, FX_EACH_COUNT(__VA_ARGS__))(f, c, __VA_ARGS__)

#define FX_EACH_1(f, c, x) f(c, x)
#define FX_EACH_2(f, c, x, ...) f(c, x) FX_EACH_1(f, c, __VA_ARGS__)
#define FX_EACH_3(f, c, x, ...) f(c, x) FX_EACH_2(f, c, __VA_ARGS__)
#define FX_EACH_4(f, c, x, ...) f(c, x) FX_EACH_3(f, c, __VA_ARGS__)
#define FX_EACH_5(f, c, x, ...) f(c, x) FX_EACH_4(f, c, __VA_ARGS__)
#define FX_EACH_6(f, c, x, ...) f(c, x) FX_EACH_5(f, c, __VA_ARGS__)
#define FX_EACH_7(f, c, x, ...) f(c, x) FX_EACH_6(f, c, __VA_ARGS__)
#define FX_EACH_8(f, c, x, ...) f(c, x) FX_EACH_7(f, c, __VA_ARGS__)
#define FX_EACH_9(f, c, x, ...) f(c, x) FX_EACH_8(f, c, __VA_ARGS__)
#define FX_EACH_10(f, c, x, ...) f(c, x) FX_EACH_9(f, c, __VA_ARGS__)
#define FX_EACH_11(f, c, x, ...) f(c, x) FX_EACH_10(f, c, __VA_ARGS__)
#define FX_EACH_12(f, c, x, ...) f(c, x) FX_EACH_11(f, c, __VA_ARGS__)
#define FX_EACH_13(f, c, x, ...) f(c, x) FX_EACH_12(f, c, __VA_ARGS__)
#define FX_EACH_14(f, c, x, ...) f(c, x) FX_EACH_13(f, c, __VA_ARGS__)
#define FX_EACH_15(f, c, x, ...) f(c, x) FX_EACH_14(f, c, __VA_ARGS__)
#define FX_EACH_16(f, c, x, ...) f(c, x) FX_EACH_15(f, c, __VA_ARGS__)
#define FX_EACH_17(f, c, x, ...) f(c, x) FX_EACH_16(f, c, __VA_ARGS__)
#define FX_EACH_18(f, c, x, ...) f(c, x) FX_EACH_17(f, c, __VA_ARGS__)
#define FX_EACH_19(f, c, x, ...) f(c, x) FX_EACH_18(f, c, __VA_ARGS__)
#define FX_EACH_20(f, c, x, ...) f(c, x) FX_EACH_19(f, c, __VA_ARGS__)
#define FX_EACH_21(f, c, x, ...) f(c, x) FX_EACH_20(f, c, __VA_ARGS__)
#define FX_EACH_22(f, c, x, ...) f(c, x) FX_EACH_21(f, c, __VA_ARGS__)
#define FX_EACH_23(f, c, x, ...) f(c, x) FX_EACH_22(f, c, __VA_ARGS__)
#define FX_EACH_24(f, c, x, ...) f(c, x) FX_EACH_23(f, c, __VA_ARGS__)

#endif
