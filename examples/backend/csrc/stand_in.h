// A stand-in for PyTorch's headers, for a machine without them: what generated files can be compiled
// against, and not be run with. It has what they name, by PyTorch's names, and no more.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace c10 {

struct SymInt {
  SymInt(std::int64_t value) : value(value) {}
  std::int64_t value;
};

template <typename T>
class ArrayRef {
 public:
  ArrayRef(const std::vector<T>& items) : data_(items.data()), size_(items.size()) {}
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  std::size_t size() const { return size_; }
  const T& operator[](std::size_t i) const { return data_[i]; }

 private:
  const T* data_;
  std::size_t size_;
};

template <typename T>
struct OptionalArrayRef : std::optional<ArrayRef<T>> {};

using SymIntArrayRef = ArrayRef<SymInt>;

template <typename T>
using intrusive_ptr = std::shared_ptr<T>;

template <typename T>
intrusive_ptr<T> make_intrusive() {
  return std::make_shared<T>();
}

struct DispatchKeySet {
  DispatchKeySet operator&(DispatchKeySet) const { return *this; }
};

inline const DispatchKeySet after_autograd_keyset, after_ADInplaceOrView_keyset;

template <typename Signature>
struct TypedOperatorHandle;

template <typename Result, typename... Arguments>
struct TypedOperatorHandle<Result(Arguments...)> {
  Result call(Arguments... arguments) const;
  Result redispatch(DispatchKeySet keys, Arguments... arguments) const;
};

struct OperatorHandle {
  template <typename Signature>
  TypedOperatorHandle<Signature> typed() const;
};

struct Dispatcher {
  static Dispatcher& singleton();
  OperatorHandle findSchemaOrThrow(const char* name, const char* overload);
};

}  // namespace c10

namespace at {

struct Scalar {
  Scalar(double value) : value(value) {}
  double value;
};

struct Tensor {
  bool defined() const;
  bool is_view() const;
  c10::SymIntArrayRef sym_sizes() const;
  Tensor clone() const;
  Tensor clamp_max(Scalar) const;
  Tensor mul_(const Tensor&) const;
  const Tensor& _fw_grad(std::uint64_t level) const;
  Tensor _fw_primal(std::int64_t level) const;
  void _set_fw_grad(const Tensor& tangent, std::uint64_t level, bool is_inplace) const;
};

using TensorList = c10::ArrayRef<Tensor>;

#define ANVIL_OPERATOR(sign)                          \
  Tensor operator sign(const Tensor&, const Tensor&); \
  Tensor operator sign(const Tensor&, Scalar);        \
  Tensor operator sign(Scalar, const Tensor&);
ANVIL_OPERATOR(+)
ANVIL_OPERATOR(-)
ANVIL_OPERATOR(*)
ANVIL_OPERATOR(/)
ANVIL_OPERATOR(<)
ANVIL_OPERATOR(>)
#undef ANVIL_OPERATOR

Tensor sigmoid(const Tensor&);
Tensor slice_backward_symint(const Tensor& grad, c10::SymIntArrayRef sizes, std::int64_t dim,
                             c10::SymInt start, c10::SymInt end, c10::SymInt step);
Tensor where(const Tensor& condition, const Tensor&, const Tensor&);
Tensor zeros_like(const Tensor&);

// Unlike these, PyTorch's have an effect while they live.
struct AutoDispatchBelowAutograd {
  AutoDispatchBelowAutograd();
};
struct AutoDispatchBelowADInplaceOrView {
  AutoDispatchBelowADInplaceOrView();
};

struct GradMode {
  static bool is_enabled();
};

}  // namespace at

namespace torch {

struct Library {
  void def(const char* schema);
  template <typename Kernel>
  void impl(const char* name, Kernel kernel);
};

namespace autograd {

using variable_list = std::vector<at::Tensor>;
using edge_list = std::vector<int>;

struct Node : std::enable_shared_from_this<Node> {
  virtual ~Node() = default;
  virtual std::string name() const = 0;
  virtual void release_variables() = 0;
  virtual variable_list apply(variable_list&& grads) = 0;
  bool task_should_compute_output(std::size_t) const;
  void set_next_edges(edge_list&&);
  c10::intrusive_ptr<Node> getptr() { return shared_from_this(); }

 protected:
  std::mutex mutex_;
};

struct SavedVariable {
  SavedVariable() = default;
  SavedVariable(const at::Tensor& tensor, bool is_output, bool is_inplace_on_view = false);
  at::Tensor unpack(c10::intrusive_ptr<Node> saved_for = nullptr) const;
  void reset_data();
};

template <typename... Inputs>
bool compute_requires_grad(const Inputs&...);
template <typename... Inputs>
edge_list collect_next_edges(const Inputs&...);

void check_inplace(const at::Tensor&, bool requires_grad);
void increment_version(const at::Tensor&);
void rebase_history(const at::Tensor&, c10::intrusive_ptr<Node>);
void set_history(const at::Tensor&, const c10::intrusive_ptr<Node>&);
void set_history(const std::vector<at::Tensor>&, const c10::intrusive_ptr<Node>&);

enum class CreationMeta { DEFAULT, NO_GRAD_MODE };

at::Tensor as_view(const at::Tensor& base, const at::Tensor& view, bool is_bw_differentiable,
                   bool is_fw_differentiable, std::nullptr_t, std::nullptr_t, CreationMeta);

}  // namespace autograd

}  // namespace torch

#define TORCH_LIBRARY(name, library) [[maybe_unused]] static void define_##name(torch::Library& library)
#define TORCH_LIBRARY_IMPL(name, key, library) \
  [[maybe_unused]] static void implement_##name##_for_##key(torch::Library& library)
