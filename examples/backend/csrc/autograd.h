// What autograd.cpp calls: short names for what PyTorch has, and the steps that every operator takes.

#pragma once

#include "torch.h"

#include "saved.h"

template <>
struct example::Holds<at::Tensor> {
  using type = torch::autograd::SavedVariable;
};

template <>
struct example::Holds<at::TensorList> {
  using type = std::vector<torch::autograd::SavedVariable>;
};

namespace anvil {

using example::Saved;
using torch::autograd::check_inplace;
using torch::autograd::compute_requires_grad;
using torch::autograd::increment_version;
using torch::autograd::Node;
using torch::autograd::rebase_history;
using torch::autograd::SavedVariable;
using torch::autograd::set_history;
using torch::autograd::variable_list;

template <typename Signature>
auto find_operator(const char* name, const char* overload) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload).typed<Signature>();
}

// The node of a call, with an edge to that of each input; none where no input wants a gradient.
template <typename T, typename... Inputs>
c10::intrusive_ptr<T> make_node(const Inputs&... inputs) {
  if (!compute_requires_grad(inputs...)) {
    return {};
  }
  auto node = c10::make_intrusive<T>();
  node->set_next_edges(torch::autograd::collect_next_edges(inputs...));
  return node;
}

inline bool is_any_defined(const variable_list& tensors) {
  for (const auto& tensor : tensors) {
    if (tensor.defined()) {
      return true;
    }
  }
  return false;
}

// Saved variables: in, out again, and let go.

template <typename T>
void save(T& member, const T& value) {
  member = value;
}

template <typename T>
void save(std::vector<T>& member, c10::ArrayRef<T> value) {
  member.assign(value.begin(), value.end());
}

inline void save(SavedVariable& member, const at::Tensor& tensor) {
  member = SavedVariable(tensor, false);
}

inline void save(std::vector<SavedVariable>& member, at::TensorList tensors) {
  for (const auto& tensor : tensors) {
    member.emplace_back(tensor, false);
  }
}

// An output of the node itself, which must not keep the node alive.
inline void save_output(SavedVariable& member, const at::Tensor& output, bool is_view = false) {
  member = SavedVariable(output, true, is_view);
}

inline at::Tensor unpack(const SavedVariable& member) { return member.unpack(); }

inline at::Tensor unpack(const SavedVariable& member, Node& node) {
  return member.unpack(node.getptr());
}

inline variable_list unpack(const std::vector<SavedVariable>& members) {
  variable_list tensors;
  for (const auto& member : members) {
    tensors.push_back(member.unpack());
  }
  return tensors;
}

inline void release(SavedVariable& member) { member.reset_data(); }

inline void release(std::vector<SavedVariable>& members) {
  for (auto& member : members) {
    member.reset_data();
  }
}

// Forward mode: a tensor may have a tangent. The level is always 0, the only one that PyTorch has.

inline bool has_tangent(const at::Tensor& tensor) {
  return tensor.defined() && tensor._fw_grad(0).defined();
}

inline at::Tensor tangent_of(const at::Tensor& tensor) {
  return has_tangent(tensor) ? tensor._fw_grad(0) : at::zeros_like(tensor);
}

inline at::Tensor primal_of(const at::Tensor& tensor) { return tensor._fw_primal(0); }

// Autograd's note that `view` shares the memory of `base`.
inline at::Tensor view_of(const at::Tensor& base, const at::Tensor& view) {
  const auto made = at::GradMode::is_enabled() ? torch::autograd::CreationMeta::DEFAULT
                                               : torch::autograd::CreationMeta::NO_GRAD_MODE;
  return torch::autograd::as_view(base, view, /*is_bw_differentiable=*/true,
                                  /*is_fw_differentiable=*/true, nullptr, nullptr, made);
}

}  // namespace anvil
