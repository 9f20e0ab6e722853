// Functions of sixteen floats at once, for loops that must vectorize.
#ifndef EVENKEEL_VECTOR_MATH_H
#define EVENKEEL_VECTOR_MATH_H

#include "kernels.h"

#include <math.h>
#include <string.h>

#define EK_INLINE static inline __attribute__((always_inline))
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang diagnostic error "-Wswitch"  // no activation is left out in silence

typedef float ek_f16 __attribute__((vector_size(64), aligned(4)));
typedef int32_t ek_i16 __attribute__((vector_size(64), aligned(4)));

typedef double ek_d8 __attribute__((vector_size(64), aligned(8)));
typedef float ek_f8 __attribute__((vector_size(32), aligned(4)));

EK_INLINE ek_d8 ek_low_half(ek_f16 v) {
  return __builtin_convertvector(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7), ek_d8);
}

EK_INLINE ek_d8 ek_high_half(ek_f16 v) {
  return __builtin_convertvector(__builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15), ek_d8);
}

// The first n < 16 floats at p; the other lanes are 0.
EK_INLINE ek_f16 ek_load_part(const float *p, size_t n) {
  ek_f16 v = {0};
  memcpy(&v, p, n * sizeof(float));
  return v;
}

EK_INLINE void ek_store_part(float *p, ek_f16 v, size_t n) { memcpy(p, &v, n * sizeof(float)); }

EK_INLINE ek_f16 ek_splat(float value) { return (ek_f16){0} + value; }

// Lanes of a where the mask is all ones, of b where it is 0.
EK_INLINE ek_f16 ek_choose(ek_i16 mask, ek_f16 a, ek_f16 b) {
  return (ek_f16)((mask & (ek_i16)a) | (~mask & (ek_i16)b));
}

EK_INLINE ek_f16 ek_absolute(ek_f16 x) { return (ek_f16)((ek_i16)x & 0x7fffffff); }

// e^x = 2^n (1 + p) with |x - n log 2| <= log(2)/2: gives p, and 2^n as two factors so that it may be subnormal or huge.
// A NaN stays one.
EK_INLINE ek_f16 ek_exp_parts(ek_f16 x, ek_f16 *first, ek_f16 *second) {
  x = ek_choose(x < -104.0f, ek_splat(-104.0f), x);
  x = ek_choose(x > 89.0f, ek_splat(89.0f), x);
  ek_f16 shifted = x * 1.44269504f + 12582912.0f;
  ek_f16 n = shifted - 12582912.0f;
  ek_f16 r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  ek_f16 p = ek_splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  ek_i16 power = (ek_i16)shifted - 0x4b400000, half = power >> 1;
  *first = (ek_f16)((half + 127) << 23);
  *second = (ek_f16)((power - half + 127) << 23);
  return p * r * r + r;
}

EK_INLINE ek_f16 ek_exp(ek_f16 x) {
  ek_f16 first, second, p = ek_exp_parts(x, &first, &second);
  return (1 + p) * first * second;
}

// e^x - 1 without cancellation near 0.
EK_INLINE ek_f16 ek_expm1(ek_f16 x) {
  ek_f16 first, second, p = ek_exp_parts(x, &first, &second);
  return p * first * second + (first * second - 1);
}

// log(1 + u) for u in [0, 1]: 2 artanh(u / (2 + u)) by its series.
EK_INLINE ek_f16 ek_log1p(ek_f16 u) {
  ek_f16 s = u / (2 + u), q = s * s;
  ek_f16 p = ek_splat(2.0f / 17);
  p = p * q + 2.0f / 15;
  p = p * q + 2.0f / 13;
  p = p * q + 2.0f / 11;
  p = p * q + 2.0f / 9;
  p = p * q + 2.0f / 7;
  p = p * q + 2.0f / 5;
  p = p * q + 2.0f / 3;
  return p * q * s + 2 * s;
}

EK_INLINE ek_f16 ek_sigmoid(ek_f16 x) {
  ek_f16 e = ek_exp(-ek_absolute(x));
  return ek_choose(x < 0.0f, e, ek_splat(1)) / (1 + e);
}

EK_INLINE ek_f16 ek_tanh(ek_f16 x) {
  ek_f16 e = ek_expm1(-2 * ek_absolute(x));
  ek_f16 magnitude = -e / (2 + e);
  return (ek_f16)((ek_i16)magnitude | ((ek_i16)x & (int32_t)0x80000000));
}

EK_INLINE ek_f16 ek_softplus(ek_f16 x) {
  ek_f16 positive = ek_choose(x < 0.0f, ek_splat(0), x);
  return positive + ek_log1p(ek_exp(-ek_absolute(x)));
}

// tanh(softplus(x)), and in *rest what it lacks to 1, each with all its digits: of (e^2x + 2 e^x) / (e^2x + 2 e^x + 2) above and
// below are divided by e^2x where x is not below 0.
EK_INLINE ek_f16 ek_tanh_of_softplus(ek_f16 x, ek_f16 *rest) {
  ek_f16 e = ek_exp(-ek_absolute(x));
  ek_f16 above = ek_choose(x < 0.0f, e * (e + 2), 1 + 2 * e), lacking = ek_choose(x < 0.0f, ek_splat(2), 2 * e * e);
  *rest = lacking / (above + lacking);
  return above / (above + lacking);
}

// cos(2 pi t), and sin(2 pi t) in *sine: whole and quarter turns are taken off exactly, the rest of at most an eighth goes
// through the polynomials of Cephes' sinf and cosf.
EK_INLINE ek_f16 ek_turn(ek_f16 t, ek_f16 *sine) {
  ek_f16 r = t - __builtin_elementwise_rint(t);
  ek_f16 shifted = 4 * r + 12582912.0f;
  ek_i16 quarter = (ek_i16)shifted;
  ek_f16 x = (r - 0.25f * (shifted - 12582912.0f)) * 6.28318531f, q = x * x;
  ek_f16 s = ((-1.9515295891e-4f * q + 8.3321608736e-3f) * q - 1.6666654611e-1f) * q * x + x;
  ek_f16 c = ((2.443315711809948e-5f * q - 1.388731625493765e-3f) * q + 4.166664568298827e-2f) * q * q - 0.5f * q + 1;
  ek_i16 odd = -(quarter & 1);
  *sine = (ek_f16)((ek_i16)ek_choose(odd, c, s) ^ (quarter & 2) << 30);
  return (ek_f16)((ek_i16)ek_choose(odd, s, c) ^ ((quarter + 1) & 2) << 30);
}

// The normal distribution function. With z = |x|/sqrt(2): erfc(z)/2 = e^(-z^2) t P(t), t = 1/(1 + 0.3 z), P fitted to
// e^(z^2) erfc(z) for z up to 9.8, relative error below 3e-7; so both tails keep their digits.
EK_INLINE ek_f16 ek_normal_distribution(ek_f16 x) {
  static const float c[] = {
0.324979922f, 0.276523556f, 0.19878109f, 0.118718699f, 0.0569613512f, 0.0204012026f, 0.00435863779f, 
-0.000181686301f, -0.000491128311f, -0.000100974756f, 4.61424219e-05f, 3.18749364e-06f};
  ek_f16 z = ek_absolute(x) * 0.70710678f;
  z = ek_choose(z > 9.8f, ek_splat(9.8f), z);
  ek_f16 t = 1 / (1 + 0.3f * z), u = 2 * t - 1;
  enum { terms = sizeof c / sizeof c[0] };
  ek_f16 p = ek_splat(c[terms - 1]);
  for (int i = terms - 2; i >= 0; i--) p = p * u + c[i];
  // x^2/2 with its rounding error, which the exponential would enlarge.
  ek_f16 limited = ek_choose(ek_absolute(x) > 13.8f, ek_splat(13.8f), ek_absolute(x));
  ek_f16 coarse = (ek_f16)((ek_i16)limited & (int32_t)0xfffff000);
  ek_f16 tail = 0.5f * t * p * ek_exp(-0.5f * coarse * coarse) * ek_exp(-0.5f * (limited - coarse) * (limited + coarse));
  // Beyond, the tail is below every normal float, but x times the rest of it would not be.
  tail = ek_choose(ek_absolute(x) > 13.8f, ek_splat(0), tail);
  ek_f16 value = ek_choose(x < 0.0f, tail, 1 - tail);
  return ek_choose(x != x, x, value);
}

// g(x); kind is a constant where this is inlined. A NaN stays a NaN.
EK_INLINE ek_f16 ek_activate(ek_f16 x, ek_activation kind, float slope) {
  switch (kind) {
    case EK_IDENTITY: return x;
    case EK_RELU: return ek_choose(x < 0.0f, ek_splat(0), x);
    case EK_LEAKY_RELU: return ek_choose(x < 0.0f, slope * x, x);
    case EK_ELU: return ek_choose(x < 0.0f, slope * ek_expm1(x), x);
    case EK_GELU: return x * ek_normal_distribution(x);
    case EK_SILU: return x * ek_sigmoid(x);
    case EK_SIGMOID: return ek_sigmoid(x);
    case EK_TANH: return ek_tanh(x);
    case EK_SOFTPLUS: return ek_softplus(x);
    case EK_MISH: {
      ek_f16 rest;
      return x * ek_tanh_of_softplus(x, &rest);
    }
  }
  return x;
}

// g'(x), from x or from y = g(x) as EK_ACTIVATIONS says.
EK_INLINE ek_f16 ek_activation_derivative(ek_f16 x, ek_f16 y, ek_activation kind, float slope) {
  switch (kind) {
    case EK_IDENTITY: return ek_splat(1);
    case EK_RELU: return ek_choose(y > 0.0f, ek_splat(1), ek_choose(y != y, y, ek_splat(0)));
    case EK_LEAKY_RELU: return ek_choose(y > 0.0f, ek_splat(1), ek_choose(y != y, y, ek_splat(slope)));
    case EK_ELU: return ek_choose(y > 0.0f, ek_splat(1), y + slope);
    case EK_GELU: return ek_normal_distribution(x) + x * 0.39894228f * ek_exp(-0.5f * x * x);
    case EK_SILU: {
      ek_f16 s = ek_sigmoid(x);
      return s * (1 + x * (1 - s));
    }
    case EK_SIGMOID: return y * (1 - y);
    case EK_TANH: return 1 - y * y;
    case EK_SOFTPLUS: return -ek_expm1(-y);
    case EK_MISH: {  // t + x (1 - t^2) sigmoid(x)
      ek_f16 rest, t = ek_tanh_of_softplus(x, &rest);
      return t + x * (rest * (1 + t)) * ek_sigmoid(x);
    }
  }
  return x;
}

// Runs the body for i from begin to end in steps of 16, with n the number of lanes that count: a constant 16 in the loop,
// fewer once at the end.
#define EK_FOR_LANES(begin, end, ...)      \
  do {                                     \
    size_t i = (begin), last_ = (end);     \
    for (; i + 16 <= last_; i += 16) {     \
      const size_t n = 16;                 \
      __VA_ARGS__                          \
    }                                      \
    if (i < last_) {                       \
      const size_t n = last_ - i;          \
      __VA_ARGS__                          \
    }                                      \
  } while (0)

EK_INLINE ek_f16 ek_load(const float *p, size_t n) { return n == 16 ? *(const ek_f16 *)p : ek_load_part(p, n); }

EK_INLINE void ek_store(float *p, ek_f16 v, size_t n) {
  if (n == 16) *(ek_f16 *)p = v;
  else ek_store_part(p, v, n);
}

EK_INLINE float ek_lane_sum(ek_f16 v) {
  float sum = 0;
  for (int lane = 0; lane < 16; lane++) sum += v[lane];
  return sum;
}

#endif
