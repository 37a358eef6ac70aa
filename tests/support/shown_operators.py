"""A few operators that have between them most of what `derivload show` tells."""

NATIVES = """\
- func: wave(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
  variants: function, method
  dispatch:
    CPU, CUDA: wave
  tags: core
- func: wave_(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)
  variants: method
  dispatch:
    CompositeExplicitAutograd: wave_
- func: split(Tensor self, Tensor weight) -> (Tensor low, Tensor high)
  dispatch:
    CPU: split
- func: part(Tensor self) -> (Tensor low, Tensor high)
  dispatch:
    CPU: part
- func: still(Tensor self) -> Tensor
  dispatch:
    CPU: still
- func: many(int n) -> Tensor
  dispatch:
    CPU: many
    CompositeExplicitAutograd: many_of_all
- func: through(Tensor self) -> Tensor
  python_module: nn
- func: lone(Tensor self) -> Tensor
  dispatch:
    CPU: lone
  autogen: lone.out
- func: bend(Tensor self, Tensor other) -> Tensor
  dispatch:
    CPU: bend
- func: bend_(Tensor(a!) self, Tensor other) -> Tensor(a!)
  dispatch:
    CPU: bend_
"""
DEFINITIONS = """\
- name: wave(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
  dispatch:
    Default:
      self: grad * other.conj()
      other: mul(grad, result) * alpha
      result: auto_linear
    AutogradNestedTensor:
      self, other: wave_backward(grad, self)
- name: split(Tensor self, Tensor weight) -> (Tensor low, Tensor high)
  self: split_backward(grad, weight)
  weight: non_differentiable
  output_differentiability: [True, False]
- name: part(Tensor self) -> (Tensor low, Tensor high)
  self: grad
  output_differentiability: [True, False]
- name: still(Tensor self) -> Tensor
  output_differentiability: [False]
- name: bend(Tensor self, Tensor other) -> Tensor
  self: grad * self
  other: grad
  result: self_t * self_p + other_t
"""
