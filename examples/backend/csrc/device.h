// What kernels need of the device.

#pragma once

#include <ATen/core/Tensor.h>

namespace anvil {

// The same memory, as a tensor of the CPU's.
at::Tensor host(const at::Tensor& tensor);

}  // namespace anvil
