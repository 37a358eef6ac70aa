// What the generated files are compiled against: PyTorch's headers, or the stand-in for them.

#pragma once

#ifdef ANVIL_STAND_IN
#include "stand_in.h"
#else
#include <ATen/ATen.h>
#include <torch/csrc/autograd/VariableTypeUtils.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/saved_variable.h>
#include <torch/library.h>
#endif
