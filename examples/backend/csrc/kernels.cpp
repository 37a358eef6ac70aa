// The kernels. A device of its own would launch something here; the memory of this one is the
// host's, so each has the CPU compute, and copies the result.

#include "device.h"
#include "operators.h"

namespace anvil::kernels {

// A tensor of the device, with the values of one of the CPU's.
static at::Tensor to_device(const at::Tensor& like, const at::Tensor& values) {
  auto made = at::empty(values.sizes(), like.options());
  host(made).copy_(values);
  return made;
}

at::Tensor burnish(const at::Tensor& self, double grit) {
  const auto values = host(self);
  return to_device(self, values * at::sigmoid(values * grit));
}

at::Tensor& quench_(at::Tensor& self, double rate) {
  host(self).mul_(rate).tanh_();
  return self;
}

at::Tensor window(const at::Tensor& self, int64_t start, int64_t length) {
  return self.slice(0, start, start + length);
}

at::Tensor window_copy(const at::Tensor& self, int64_t start, int64_t length) {
  return window(self, start, length).clone();
}

std::vector<at::Tensor> foreach_burnish(at::TensorList self, double grit) {
  std::vector<at::Tensor> results;
  for (const auto& tensor : self) {
    results.push_back(burnish(tensor, grit));
  }
  return results;
}

std::tuple<at::Tensor, at::Tensor> alloy(const at::Tensor& self, const at::Tensor& other) {
  return {to_device(self, host(self) * host(other)), to_device(self, host(self) + host(other))};
}

at::Tensor prelu(const at::Tensor& self, const at::Tensor& slope) {
  const auto values = host(self);
  return to_device(self, at::where(values > 0, values, values * host(slope)));
}

}  // namespace anvil::kernels
