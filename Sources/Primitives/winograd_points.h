// The transforms of Winograd's algorithm F(4, 3) along one axis, on 16 channels at a time.
//
// Polynomials are evaluated at six points: 0, 5/8, -5/8, 3/2, -3/2 and infinity. Their powers are exact, and they round less than
// 1, -1, 2 and -2 do (Barabasz et al. 2018).
#ifndef EVENKEEL_WINOGRAD_POINTS_H
#define EVENKEEL_WINOGRAD_POINTS_H

#include "winograd_products.h"

#define POINT_A 0.625f
#define POINT_B 1.5f
#define POINT_A2 (POINT_A * POINT_A)
#define POINT_B2 (POINT_B * POINT_B)

// B': 6 values to 6 points.
INLINED void to_points(const vec d[6], vec t[6]) {
  vec even_a = d[4] - POINT_B2 * d[2], odd_a = POINT_A * (d[3] - POINT_B2 * d[1]);
  vec even_b = d[4] - POINT_A2 * d[2], odd_b = POINT_B * (d[3] - POINT_A2 * d[1]);
  t[0] = POINT_A2 * POINT_B2 * d[0] + (d[4] - (POINT_A2 + POINT_B2) * d[2]);
  t[1] = even_a + odd_a, t[2] = even_a - odd_a;
  t[3] = even_b + odd_b, t[4] = even_b - odd_b;
  t[5] = POINT_A2 * POINT_B2 * d[1] + (d[5] - (POINT_A2 + POINT_B2) * d[3]);
}

// A': 6 points to 4 outputs.
INLINED void to_outputs(const vec m[6], vec y[4]) {
  vec sum_a = m[1] + m[2], difference_a = m[1] - m[2], sum_b = m[3] + m[4], difference_b = m[3] - m[4];
  y[0] = m[0] + sum_a + sum_b;
  y[1] = POINT_A * difference_a + POINT_B * difference_b;
  y[2] = POINT_A2 * sum_a + POINT_B2 * sum_b;
  y[3] = POINT_A * POINT_A2 * difference_a + (POINT_B * POINT_B2 * difference_b + m[5]);
}

// A: the gradients of 4 outputs to 6 points.
INLINED void from_outputs(const vec y[4], vec m[6]) {
  vec even_a = y[0] + POINT_A2 * y[2], odd_a = POINT_A * y[1] + POINT_A * POINT_A2 * y[3];
  vec even_b = y[0] + POINT_B2 * y[2], odd_b = POINT_B * y[1] + POINT_B * POINT_B2 * y[3];
  m[0] = y[0], m[5] = y[3];
  m[1] = even_a + odd_a, m[2] = even_a - odd_a, m[3] = even_b + odd_b, m[4] = even_b - odd_b;
}

#define POINT_OF_0 (1 / (POINT_A2 * POINT_B2))
#define POINT_OF_A (1 / (2 * POINT_A2 * (POINT_A2 - POINT_B2)))
#define POINT_OF_B (1 / (2 * POINT_B2 * (POINT_B2 - POINT_A2)))

// G: 3 weights to 6 points.
INLINED void from_weights(const vec g[3], vec u[6]) {
  vec even_a = POINT_OF_A * (g[0] + POINT_A2 * g[2]), odd_a = POINT_OF_A * POINT_A * g[1];
  vec even_b = POINT_OF_B * (g[0] + POINT_B2 * g[2]), odd_b = POINT_OF_B * POINT_B * g[1];
  u[0] = POINT_OF_0 * g[0], u[5] = g[2];
  u[1] = even_a + odd_a, u[2] = even_a - odd_a, u[3] = even_b + odd_b, u[4] = even_b - odd_b;
}

// G': 6 points to the gradients of 3 weights.
INLINED void to_weights(const vec u[6], vec g[3]) {
  vec sum_a = POINT_OF_A * (u[1] + u[2]), sum_b = POINT_OF_B * (u[3] + u[4]);
  g[0] = POINT_OF_0 * u[0] + (sum_a + sum_b);
  g[1] = POINT_OF_A * POINT_A * (u[1] - u[2]) + POINT_OF_B * POINT_B * (u[3] - u[4]);
  g[2] = POINT_A2 * sum_a + (POINT_B2 * sum_b + u[5]);
}

#endif
