// Products with one-hot and multi-hot rows.
#include "device.h"

// gather_columns adds x·wᵀ to c for rows x of a sparse matrix: w is [out][in]. A thread has one element of c. val is null
// where all values are 1.
KERNEL void gather_columns(const int *ptr, const int *col, const real *val, const real *w, unsigned sw, real *c, unsigned sc,
                           unsigned rows, unsigned outs) {
  unsigned index = element();
  if (index >= rows * outs) return;
  unsigned i = index / outs, o = index - i * outs;
  real sum = c[(long)i * sc + o];
  for (int k = ptr[i]; k < ptr[i + 1]; k++) {
    real x = w[(long)o * sw + col[k]];
    sum += val ? val[k] * x : x;
  }
  c[(long)i * sc + o] = sum;
}

// scatter_columns adds dᵀ·x to dw. Entries are sorted by column, those of one column in the order of rows: column[g]
// has entries ptr[g] to ptr[g+1] of row and val. A thread has one element of dw, so that none is added to by two.
KERNEL void scatter_columns(const int *column, const int *ptr, const int *row, const real *val, const real *d, unsigned sd, real *dw,
                            unsigned sdw, unsigned columns, unsigned outs) {
  unsigned index = element();
  if (index >= columns * outs) return;
  unsigned g = index / outs, o = index - g * outs;
  real *to = dw + (long)o * sdw + column[g];
  real sum = *to;
  for (int k = ptr[g]; k < ptr[g + 1]; k++) {
    real x = d[(long)row[k] * sd + o];
    sum += val ? val[k] * x : x;
  }
  *to = sum;
}
