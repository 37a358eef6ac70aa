// What the generated files are compiled against: the C++ types that saved variables are spelled
// in, from PyTorch 2.1 to 2.15, and the Node that the generated classes derive from.
//
// The types are stand-ins. They have the names of PyTorch's, and can be held and copied.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace c10 {

// The spelling until PyTorch 2.4; since then it is ::std::optional.
template <typename T>
using optional = ::std::optional<T>;

using string_view = ::std::string_view;

class SymInt {
  std::int64_t value_ = 0;
};

class SymBool {
  bool value_ = false;
};

template <typename T>
class ArrayRef {
 public:
  ArrayRef() = default;
  template <std::size_t N>
  ArrayRef(const T (&items)[N]) : data_(items), size_(N) {}

  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }

 private:
  const T* data_ = nullptr;
  std::size_t size_ = 0;
};

template <typename T>
class OptionalArrayRef {
  optional<ArrayRef<T>> value_;
};

template <typename T>
class List {
  std::vector<T> items_;
};

using SymIntArrayRef = ArrayRef<SymInt>;
using OptionalSymIntArrayRef = OptionalArrayRef<SymInt>;

}  // namespace c10

namespace at {

class Tensor {
  const void* impl_ = nullptr;
};

class Scalar {
  double value_ = 0;
};

class Storage {
  const void* data_ = nullptr;
};

class Generator {
  std::uint64_t seed_ = 0;
};

class TensorGeometry {
  std::vector<std::int64_t> sizes_;
};

class TensorOptions {
  int bits_ = 0;
};

class Dimname {
  std::string name_;
};

class Device {
  std::int8_t index_ = 0;
};

class Stream {
  std::int64_t id_ = 0;
};

using DeviceIndex = std::int8_t;
using DimVector = std::vector<std::int64_t>;

enum class ScalarType : std::int8_t { Undefined };
enum class Layout : std::int8_t { Strided };
enum class MemoryFormat : std::int8_t { Contiguous };
enum class QScheme : std::uint8_t { PerTensorAffine };

using c10::ArrayRef;
using c10::OptionalSymIntArrayRef;
using IntArrayRef = ArrayRef<std::int64_t>;
using OptionalIntArrayRef = c10::OptionalArrayRef<std::int64_t>;
using TensorList = ArrayRef<Tensor>;
using DimnameList = ArrayRef<Dimname>;

}  // namespace at

namespace torch::autograd::generated {

struct TypeAndSize {
  std::vector<c10::SymInt> sym_sizes;
  at::TensorOptions options;
};

}  // namespace torch::autograd::generated

#include "saved.h"

namespace example {

// One row of a node's table: the gradients of which inputs a formula computes.
struct Formula {
  std::string_view inputs;
  std::string_view formula;
};

using Formulas = c10::ArrayRef<Formula>;

struct Node {
  virtual ~Node() = default;
  virtual std::string_view name() const = 0;
  // The saved variables, as "type name, type name".
  virtual std::string_view saved() const = 0;
  virtual Formulas formulas() const = 0;
};

using Create = const Node& (*)();

// Adds a node to those of the program, when it starts.
struct Registration {
  explicit Registration(Create create);
};

}  // namespace example
