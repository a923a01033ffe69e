/* symbol.h - names for the linker, of sources that are compiled several times: a function written
** `name` is seen as something longer, which its prototype says:   void f(void) FX_SYMBOL("f_avx2"); */
#ifndef FX_SYMBOL_H
#define FX_SYMBOL_H

#define FX_TEXT_(word) #word
#define FX_TEXT(word) FX_TEXT_(word)
#define FX_SYMBOL(text) __asm__(FX_TEXT(__USER_LABEL_PREFIX__) text)

#endif
