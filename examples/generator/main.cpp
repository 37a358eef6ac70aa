// Lists the nodes that were linked into this program: by name, or with what they save and how
// they compute.
//
//     nodes            the names, and how many there are
//     nodes NAME...    everything about these

#include <algorithm>
#include <iostream>

#include "node.h"

namespace example {

static std::vector<Create>& nodes() {
  static std::vector<Create> all;
  return all;
}

Registration::Registration(Create create) { nodes().push_back(create); }

}  // namespace example

namespace {

void describe(const example::Node& node) {
  std::cout << node.name() << '\n';
  std::cout << "  saves " << (node.saved().empty() ? "nothing" : node.saved()) << '\n';
  for (const auto& row : node.formulas()) {
    std::cout << "  " << row.inputs << ": " << row.formula << '\n';
  }
}

}  // namespace

int main(int count, char** words) {
  std::vector<const example::Node*> all;
  for (auto create : example::nodes()) {
    all.push_back(&create());
  }
  std::sort(all.begin(), all.end(),
            [](const auto* one, const auto* other) { return one->name() < other->name(); });
  if (count == 1) {
    for (const auto* node : all) {
      std::cout << node->name() << '\n';
    }
    std::cout << all.size() << " nodes\n";
    return 0;
  }
  for (int i = 1; i < count; ++i) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const auto* node) { return node->name() == words[i]; });
    if (found == all.end()) {
      std::cerr << words[i] << ": no such node\n";
      return 1;
    }
    describe(**found);
  }
}
