// The functions that formulas in derivatives.yaml call. They call operators in their turn, so that
// what they compute has a gradient too.

#pragma once

#include "torch.h"

namespace anvil {

// burnish is self * sigmoid(grit * self).
inline at::Tensor burnish_slope(const at::Tensor& self, double grit) {
  const auto sigmoid = at::sigmoid(self * grit);
  return sigmoid + self * sigmoid * (1 - sigmoid) * grit;
}

// quench_ is tanh(rate * self), and so its slope follows from what it gave.
inline at::Tensor quench_slope(const at::Tensor& result, double rate) {
  return (1 - result * result) * rate;
}

// alloy gives self * other and self + other. The gradient of an output that nobody used is undefined.
inline at::Tensor alloy_backward(const at::Tensor& blend, const at::Tensor& sum,
                                 const at::Tensor& factor) {
  if (!blend.defined()) {
    return sum;
  }
  return sum.defined() ? blend * factor + sum : blend * factor;
}

}  // namespace anvil
