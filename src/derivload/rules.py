"""The table of all rules for inputs: the title of each by its code, and what to write instead.

There is only one table, so that codes stay stable and each thing is said in one way. The first
digit of a code is the area: 0 files and YAML, 1 schemas and C++, 2 entries of native_functions.yaml
and tags.yaml, 3 rules between functions, 4 entries of derivatives.yaml, 5 matching. Codes with 6
are warnings: a load accepts such an input, as upstream does, and only `check` reports it.

`explanations/` says why each rule exists, with an example. No load reads it.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Rule(NamedTuple):
    """A rule: its title, and one sentence on how to fix a mistake.

    `help` is "" if each mistake has a sentence of its own. `severity` is "error" or "warning".
    """

    title: str
    help: str = ""
    severity: str = "error"


RULES: Final[dict[str, Rule]] = {
    # Files and YAML.
    "DL001": Rule("file cannot be read", "check the path, and that the file may be read"),
    "DL002": Rule("not UTF-8", "save the file as UTF-8"),
    "DL003": Rule("not YAML", "mend the YAML here; a value with `: ` or `#` in it needs quotes"),
    "DL004": Rule("no list of entries", "the file is a YAML list: each entry begins with `- `"),
    "DL005": Rule("entry is no mapping", "an entry holds `key: value` lines"),
    "DL006": Rule("unknown key", "check its spelling, or take it out"),
    "DL007": Rule("value of the wrong type", "write that; a text that YAML takes for something else needs quotes"),
    "DL008": Rule("missing key", "add the key"),
    "DL009": Rule("duplicate key", "keep one of them"),
    "DL010": Rule("too large to be read", "PyTorch's own is far smaller; see what wrote this"),
    # Schemas and C++.
    "DL101": Rule("not a schema", "write it as `name.overload(Type argument, …) -> Type`"),
    "DL102": Rule("bad operator name", "write it as `name`, `name.overload` or `namespace::name.overload`"),
    "DL103": Rule("bad argument", "write it as `Type name` or `Type name=default`, parted by `, `"),
    "DL104": Rule("unknown type", "types are those of native_functions.yaml, such as `Tensor`, `int[2]?`"),
    "DL105": Rule("bad alias annotation", "write it as `Tensor(a)`, `Tensor(a!)` or `Tensor(a -> *)`"),
    "DL106": Rule("bad return", "write one return plain, several as `(Tensor a, Tensor b)`, none as `()`"),
    "DL107": Rule("TensorOptions twice", "keep one of them"),
    "DL110": Rule("in-place and out", "take the underscore off the name, or the out arguments away"),
    "DL111": Rule("writes before self", "put the argument after `self`"),
    "DL112": Rule("out argument and return differ", "give both the same annotation, in the same order"),
    "DL113": Rule("returns a mutable positional argument", "return nothing for it"),
    "DL114": Rule("mixed returns", "return only what is written to, or only new values"),
    "DL115": Rule("return aliases nothing", "make the argument an out argument, behind `*`"),
    "DL116": Rule("returns of an out variant", "return each out tensor once, in order; lists not at all"),
    "DL117": Rule("in-place schema", "write `name_(Tensor(a!) self, …) -> Tensor(a!)`"),
    "DL118": Rule("TensorOptions where none may be", "part dtype, layout, device and pin_memory: in a row they are TensorOptions"),
    "DL119": Rule("functional by name alone", "use another overload name"),
    "DL120": Rule("no C++ type", "use a type that PyTorch's C++ API has"),
    "DL121": Rule("default of a list", "write it as `[…]`"),
    # Entries of native_functions.yaml and tags.yaml.
    "DL201": Rule("nested namespace", "keep the innermost namespace"),
    "DL202": Rule("unknown variant", "write `function`, `method` or `function, method`"),
    "DL203": Rule("namespace where none may be", "leave the namespace away"),
    "DL204": Rule("unknown device check", "write `NoCheck`, or leave the key away"),
    "DL205": Rule("unknown tag", "declare it in tags.yaml, or check its spelling"),
    "DL206": Rule("out variant as a method", "write `variants: function`, or leave the key away"),
    "DL207": Rule("module function as a method", "write `variants: function`"),
    "DL208": Rule("structured on the wrong variant", "mark the out variant `structured: True` and let the others delegate to it"),
    "DL209": Rule("structured without device guard", "leave `device_guard` away"),
    "DL210": Rule("inherits without structured", "put it on the entry that has `structured: True`"),
    "DL211": Rule("precomputed without structured", "put it on the entry that has `structured: True`"),
    "DL212": Rule("no such default", "name arguments of this schema that have a default"),
    "DL213": Rule("const reference on an out variant", "leave the key away"),
    "DL214": Rule("device check on a foreach function", "add `device_check: NoCheck`"),
    "DL215": Rule("untagged random function", "add `nondeterministic_seeded` to its tags"),
    "DL216": Rule("bad precomputed", "write lines of `argument -> Type name, …`; one without arrow comes last"),
    "DL217": Rule("bad ufunc", "write it as `name (Type, …)`, of scalar types and their classes"),
    "DL220": Rule("dispatch without effect", "leave one of the two away"),
    "DL221": Rule("bad dispatch entry", "write `Key, Key: kernel`"),
    "DL222": Rule("unknown dispatch key", "check its spelling"),
    "DL223": Rule("redundant dispatch", "leave `dispatch` away"),
    "DL224": Rule("kernel of a delegate", "move the kernel to the out variant"),
    "DL225": Rule("composites that rule each other out", "keep one of them"),
    "DL226": Rule("implicit factory", "add `dispatch` with `CompositeExplicitAutograd`"),
    "DL227": Rule("ufunc without structured", "add `structured: True` to the out variant"),
    "DL228": Rule("two kernels for a ufunc key", "take the key out of `dispatch`"),
    "DL230": Rule("tag without description", "add `desc`"),
    # Between functions.
    "DL301": Rule("two of a kind", "give the second another base name, or other arguments"),
    "DL302": Rule("lone out variant", "add the functional variant with the same arguments"),
    "DL303": Rule("no out variant possible", "return a tensor, or name the operator another way"),
    "DL304": Rule("operator declared twice", "give one of them another overload name"),
    "DL305": Rule("bad delegate", "name the out variant that has `structured: True`"),
    "DL306": Rule("argument named like a keyword", "rename the argument"),
    "DL307": Rule("in-place view by tag alone", "end the name in an underscore, or drop the tag"),
    "DL308": Rule("in-place view without view", "add the view itself"),
    "DL310": Rule("two of a kind among views", "give the second another name, or other arguments"),
    "DL311": Rule("untagged in-place view", "add `tags: inplace_view`"),
    "DL312": Rule("view without copy", "add it, tagged `view_copy`, with a CompositeExplicitAutogradNonFunctional kernel"),
    "DL313": Rule("variants of a view do not match", "give both the same arguments and returns"),
    "DL314": Rule("composite view, other in-place view", "give both the same composite kernel"),
    # Entries of derivatives.yaml.
    "DL401": Rule("unknown autograd key", "write `Default`, or a key such as `AutogradCUDA`"),
    "DL402": Rule("formula is no text", "put the formula in quotes"),
    "DL403": Rule("bad output_differentiability", "write a list such as `[True, False]`"),
    "DL404": Rule("several conditions", "write one condition, or a list of true and false"),
    "DL405": Rule("unknown function", "the name is the whole schema of an entry of native_functions.yaml"),
    "DL406": Rule("derivative of an out variant", "name the functional or the in-place variant"),
    "DL407": Rule("reserved argument name", "rename the argument in native_functions.yaml"),
    "DL408": Rule("argument and output share a name", "rename the output in native_functions.yaml"),
    "DL409": Rule("differentiable and not", "keep the formula or `non_differentiable`"),
    "DL410": Rule("gradient out of range", "outputs are counted from 0"),
    "DL411": Rule("grad and grads mixed", "write `grads[0]` for `grad` in all formulas of this function"),
    "DL412": Rule("grads[0] alone", "write `grad` if the first output alone is differentiable"),
    "DL413": Rule("gradients named in two ways", "use `grad_NAME` in all formulas of this function, or in none"),
    "DL420": Rule("concrete sizes"),
    "DL421": Rule("strides of another argument", "save what the formula needs of the strides another way"),
    "DL430": Rule("formula for nothing", "the key of a formula is an argument, or an output such as `result`"),
    "DL431": Rule("ambiguous input in a forward formula"),
    "DL432": Rule("auto_element_wise misused", "write the forward formula out"),
    "DL433": Rule("auto_linear misused", "write one forward formula for each output"),
    "DL434": Rule("auto_linear of nothing", "give an argument a backward formula"),
    # Matching.
    "DL501": Rule("strides of an overwritten tensor", "give the in-place variant a definition of its own"),
    "DL502": Rule("self saved by a mutable function", "define derivatives for the functional variant itself"),
    "DL503": Rule("foreach reference without Default", "define derivatives for the foreach function itself"),
    "DL504": Rule("foreach formula does not carry over", "define derivatives for the foreach function itself"),
    "DL505": Rule("overwritten value read"),
    "DL506": Rule("several forward formulas in-place", "write one, for `result`"),
    # Input that upstream accepts, but that nobody wants.
    "DL601": Rule("two definitions of one function", "keep one of them", "warning"),
    "DL602": Rule("unknown name in a formula", "use an argument, an output or a gradient, or call a function", "warning"),
    "DL603": Rule("argument without a derivative", "give it a formula, or `non_differentiable`", "warning"),
    "DL604": Rule("derivative of a composite function", "leave the definition away, or give the function a kernel of its own", "warning"),
    "DL605": Rule("operator declared again", "give the second another overload name", "warning"),
    "DL606": Rule("tensor saved for its sizes or type", "", "warning"),
    "DL607": Rule("brackets that do not match", "close each bracket that is opened, and no other", "warning"),
}  # fmt: skip
