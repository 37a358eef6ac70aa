// How a node holds a saved variable. To be included behind the types that it is of, which may be
// PyTorch's or the stand-ins of a header such as node.h.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace example {

// How a node holds a saved variable of type T. What only refers to memory of the caller's is
// copied: the caller's is gone when the gradient is computed.
template <typename T>
struct Holds {
  using type = T;
};

template <typename T>
struct Holds<c10::ArrayRef<T>> {
  using type = std::vector<T>;
};

template <typename T>
struct Holds<c10::OptionalArrayRef<T>> {
  using type = std::optional<std::vector<T>>;
};

template <>
struct Holds<std::string_view> {
  using type = std::string;
};

template <typename T>
struct Holds<std::optional<T>> {
  using type = std::optional<typename Holds<T>::type>;
};

template <typename T>
using Saved = typename Holds<T>::type;

}  // namespace example
