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

// prelu is self where it is positive, and slope * self elsewhere.
inline std::tuple<at::Tensor, at::Tensor> prelu_backward(const at::Tensor& grad,
                                                         const at::Tensor& self,
                                                         const at::Tensor& slope) {
  return {at::where(self > 0, grad, grad * slope), grad * self.clamp_max(0)};
}

inline at::Tensor prelu_tangent(const at::Tensor& self, const at::Tensor& slope,
                                const at::Tensor& self_t, const at::Tensor& slope_t) {
  return at::where(self > 0, self_t, self_t * slope) + slope_t * self.clamp_max(0);
}

}  // namespace anvil
