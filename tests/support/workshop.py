"""A small set of inputs without mistakes, in which tests make those that people make."""

from __future__ import annotations

from typing import Final

from support.paths import DERIVATIVES, NATIVES, TAGS

OPTIONS = "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"

WORKSHOP: Final = {
    NATIVES: f"""\
- func: gild(Tensor self, float luster=0.5) -> Tensor
  variants: function, method
  tags: [core, pointwise]
  dispatch:
    CPU, CUDA: gild

- func: gild_(Tensor(a!) self, float luster=0.5) -> Tensor(a!)
  variants: method
  dispatch:
    CPU, CUDA: gild_
  autogen: gild.out

- func: blend(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
  variants: function, method
  structured_delegate: blend.out

- func: blend.out(Tensor self, Tensor other, *, Scalar alpha=1, Tensor(a!) out) -> Tensor(a!)
  structured: True
  structured_inherits: TensorIteratorBase
  dispatch:
    CPU, CUDA: blend_out

- func: cleave(Tensor self, int dim, Tensor? weight=None) -> (Tensor, Tensor)
  dispatch:
    CPU: cleave

- func: sever(Tensor self, SymInt[2] size) -> (Tensor upper, Tensor lower)
  device_check: NoCheck
  dispatch:
    CPU: sever

- func: shake(Tensor self, *, Generator? generator=None) -> Tensor
  tags: nondeterministic_seeded
  dispatch:
    CPU: shake

- func: tilt(Tensor(a) self, int angle) -> Tensor(a)
  dispatch:
    CompositeExplicitAutograd: tilt

- func: tilt_copy(Tensor self, int angle) -> Tensor
  tags: view_copy
  dispatch:
    CompositeExplicitAutogradNonFunctional: tilt_copy

- func: fresh_like(Tensor self, *, {OPTIONS}) -> Tensor
  dispatch:
    CompositeExplicitAutograd: fresh_like
""",
    DERIVATIVES: """\
- name: gild(Tensor self, float luster=0.5) -> Tensor
  self: gild_backward(grad, result, luster)
  result: auto_element_wise

- name: blend(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
  self: handle(grad, self.scalar_type())
  other: handle(grad * alpha, other.scalar_type())
  result: self_t + other_t * alpha

- name: cleave(Tensor self, int dim, Tensor? weight=None) -> (Tensor, Tensor)
  self: cleave_backward(grad, self.sym_sizes(), result1, dim)
  output_differentiability: [True, False]

- name: sever(Tensor self, SymInt[2] size) -> (Tensor upper, Tensor lower)
  self: join(grads[0], grads[1], size)
  upper: self_t.sever(size)
  lower: self_t.sever(size)

- name: shake(Tensor self, *, Generator? generator=None) -> Tensor
  self: not_implemented("shake")

- name: tilt(Tensor(a) self, int angle) -> Tensor(a)
  self: grad.tilt(-angle)
  result: auto_linear
""",
    TAGS: """\
- tag: core
  desc: It is one of the operators that others are made of.
- tag: pointwise
  desc: It works on each element by itself.
- tag: nondeterministic_seeded
  desc: It uses random numbers.
- tag: view_copy
  desc: It copies a view.
- tag: inplace_view
  desc: It changes what a tensor shows.
""",
}
