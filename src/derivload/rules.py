"""The table of all rules for inputs: the title of each by its code, and what to write instead.

There is only one table, so that codes stay stable and each thing is said in one way. The first
digit of a code is the area: 0 files and YAML, 1 schemas and C++, 2 entries of native_functions.yaml
and tags.yaml, 3 rules between functions, 4 entries of derivatives.yaml, 5 matching, 7 files of
backends. Codes with 6 are warnings: a load accepts such an input, as upstream does. Codes with 8
are errors that a load accepts too, but that PyTorch's own code generators refuse.

`explanations/` says why each rule exists, with an example. No load reads it.
"""

from __future__ import annotations

from typing import Final

from derivload.tuples import NamedTuple


class Rule(NamedTuple):
    """A rule: its title, and one sentence on how to fix a mistake.

    `help` is "" if each mistake has a sentence of its own. `severity` is "error" or "warning".
    """

    title: str
    help: str = ""
    severity: str = "error"


RULES: Final[dict[str, Rule]] = {
    # Files and YAML.
    "DL001": Rule("file cannot be read", "check the path, and whether you may read the file"),
    "DL002": Rule("not UTF-8", "save the file as UTF-8"),
    "DL003": Rule("not YAML", "fix the YAML here; a value with `: ` or `#` in it needs quotes"),
    "DL004": Rule("not a list of entries", "the file must be a YAML list: each entry begins with `- `"),
    "DL005": Rule("entry is not a mapping", "an entry consists of `key: value` lines"),
    "DL006": Rule("unknown key", "check its spelling, or remove it"),
    "DL007": Rule("value of the wrong type", "write a value of that type; a text that YAML reads as another type needs quotes"),
    "DL008": Rule("missing key", "add the key"),
    "DL009": Rule("duplicate key", "keep one of them"),
    "DL010": Rule("too large to be read", "PyTorch's own file is far smaller; check what wrote this one"),
    "DL011": Rule("file of another kind", "give it with the option for such files"),
    # Schemas and C++.
    "DL101": Rule("not a schema", "write it as `name.overload(Type argument, …) -> Type`"),
    "DL102": Rule("bad operator name", "write it as `name`, `name.overload` or `namespace::name.overload`"),
    "DL103": Rule("bad argument", "write it as `Type name` or `Type name=default`, separated by `, `"),
    "DL104": Rule("unknown type", "types are those of native_functions.yaml, such as `Tensor`, `int[2]?`"),
    "DL105": Rule("bad alias annotation", "write it as `Tensor(a)`, `Tensor(a!)` or `Tensor(a -> *)`"),
    "DL106": Rule("bad return", "write one return without parentheses, several as `(Tensor a, Tensor b)`, none as `()`"),
    "DL107": Rule("TensorOptions twice", "keep one of them"),
    "DL110": Rule("in-place and out", "remove the underscore from the name, or remove the out arguments"),
    "DL111": Rule("argument before self is written to", "put the argument after `self`"),
    "DL112": Rule("out argument and return differ", "give both the same annotation, in the same order"),
    "DL113": Rule("returns a mutable positional argument", "do not return it"),
    "DL114": Rule("mixed returns", "return only what is written to, or only new values"),
    "DL115": Rule("return aliases nothing", "make the argument an out argument, after `*`"),
    "DL116": Rule("returns of an out variant", "return each out tensor once, in order; do not return lists"),
    "DL117": Rule("bad in-place schema", "write `name_(Tensor(a!) self, …) -> Tensor(a!)`"),
    "DL118": Rule("TensorOptions not allowed", "separate dtype, layout, device and pin_memory: side by side they are TensorOptions"),
    "DL119": Rule("functional only by name", "use another overload name"),
    "DL120": Rule("no C++ type", "use a type that PyTorch's C++ API has"),
    "DL121": Rule("bad default of a list", "write it as `[…]`"),
    # Entries of native_functions.yaml and tags.yaml.
    "DL201": Rule("nested namespace", "keep the innermost namespace"),
    "DL202": Rule("unknown variant", "write `function`, `method` or `function, method`"),
    "DL203": Rule("namespace not allowed", "remove the namespace"),
    "DL204": Rule("unknown device check", "write `NoCheck`, or remove the key"),
    "DL205": Rule("unknown tag", "declare it in tags.yaml, or check its spelling"),
    "DL206": Rule("out variant as a method", "write `variants: function`, or remove the key"),
    "DL207": Rule("module function as a method", "write `variants: function`"),
    "DL208": Rule("structured on the wrong variant", "mark the out variant `structured: True` and let the others delegate to it"),
    "DL209": Rule("structured without device guard", "remove `device_guard`"),
    "DL210": Rule("inherits without structured", "add `structured: True`, or put it on the entry that has that"),
    "DL211": Rule("precomputed without structured", "add `structured: True`, or put it on the entry that has that"),
    "DL212": Rule("argument has no default", "name arguments of this schema that have a default"),
    "DL213": Rule("const reference on an out variant", "remove the key"),
    "DL214": Rule("device check on a foreach function", "add `device_check: NoCheck`"),
    "DL215": Rule("untagged random function", "add `nondeterministic_seeded` to its tags"),
    "DL216": Rule("bad precomputed", "write lines of `argument -> Type name, …`; a line without an arrow comes last"),
    "DL217": Rule("bad ufunc", "write it as `name (Type, …)`, of scalar types and their classes"),
    "DL220": Rule("dispatch without effect", "remove one of the two"),
    "DL221": Rule("bad dispatch entry", "write `Key, Key: kernel`"),
    "DL222": Rule("unknown dispatch key", "check its spelling"),
    "DL223": Rule("redundant dispatch", "remove `dispatch`"),
    "DL224": Rule("kernel of a delegate", "move the kernel to the out variant"),
    "DL225": Rule("composite kernels that exclude each other", "keep one of them"),
    "DL226": Rule("factory function without a kernel", "add `dispatch` with `CompositeExplicitAutograd`"),
    "DL227": Rule("ufunc without structured", "add `structured: True` to the out variant"),
    "DL228": Rule("two kernels for a ufunc key", "remove the key from `dispatch`"),
    "DL230": Rule("tag without description", "add `desc`"),
    # Between functions.
    "DL301": Rule("two variants of one kind", "give the second another base name, or other arguments"),
    "DL302": Rule("lone out variant", "add the functional variant with the same arguments"),
    "DL303": Rule("no out variant possible", "return a tensor, or give the operator another name"),
    "DL304": Rule("operator declared twice", "give one of them another overload name"),
    "DL305": Rule("bad delegate", "name the out variant that has `structured: True`"),
    "DL306": Rule("argument named like a keyword", "rename the argument"),
    "DL307": Rule("in-place view only by tag", "end the name in an underscore, or remove the tag"),
    "DL308": Rule("in-place view without view", "add the view itself"),
    "DL310": Rule("two variants of one kind of a view", "give the second another name, or other arguments"),
    "DL311": Rule("untagged in-place view", "add `tags: inplace_view`"),
    "DL312": Rule("view without copy", "add it, tagged `view_copy`, with a CompositeExplicitAutogradNonFunctional kernel"),
    "DL313": Rule("variants of a view do not match", "give both the same arguments and returns"),
    "DL314": Rule("view is composite, its in-place variant is not", "give both the same composite kernel"),
    # Entries of derivatives.yaml.
    "DL401": Rule("unknown autograd key", "write `Default`, or a key such as `AutogradCUDA`"),
    "DL402": Rule("formula is not a text", "put the formula in quotes"),
    "DL403": Rule("bad output_differentiability", "write a list such as `[True, False]`"),
    "DL404": Rule("several conditions", "write one condition, or a list of true and false"),
    "DL405": Rule("unknown function", "write the whole schema of an entry of native_functions.yaml"),
    "DL406": Rule("derivative of an out variant", "name the functional or the in-place variant"),
    "DL407": Rule("reserved argument name", "rename the argument in native_functions.yaml"),
    "DL408": Rule("argument and output share a name", "rename the output in native_functions.yaml"),
    "DL409": Rule("differentiable and non-differentiable", "keep the formula or `non_differentiable`"),
    "DL410": Rule("gradient out of range", "outputs are counted from 0"),
    "DL411": Rule("grad and grads mixed", "write `grads[0]` for `grad` in all formulas of this function"),
    "DL412": Rule("only grads[0] used", "write `grad` if only the first output is differentiable"),
    "DL413": Rule("gradients named in two ways", "use `grad_NAME` in all formulas of this function, or in none"),
    "DL415": Rule("function of an earlier file", "remove one of them, or put the later one in its place with --override"),
    "DL420": Rule("concrete sizes"),
    "DL421": Rule("strides of another argument", "save the information on the strides in another way"),
    "DL430": Rule("formula for an unknown name", "the key of a formula must be an argument, or an output such as `result`"),
    "DL431": Rule("ambiguous input in a forward formula"),
    "DL432": Rule("auto_element_wise misused", "write out the forward formula"),
    "DL433": Rule("auto_linear misused", "write one forward formula for each output"),
    "DL434": Rule("auto_linear without an input", "give an argument a backward formula"),
    # Matching.
    "DL501": Rule("strides of an overwritten tensor", "give the in-place variant a definition of its own"),
    "DL502": Rule("self saved by a mutable function", "define derivatives for the functional variant itself"),
    "DL503": Rule("foreach reference without Default", "define derivatives for the foreach function itself"),
    "DL504": Rule("formula cannot be used for lists", "define derivatives for the foreach function itself"),
    "DL505": Rule("formula reads an overwritten value"),
    "DL506": Rule("several forward formulas in-place", "write one, for `result`"),
    # Input that upstream accepts, but that nobody wants.
    "DL601": Rule("two definitions of one function", "keep one of them", "warning"),
    "DL602": Rule("unknown name in a formula", "use an argument, an output or a gradient, or call a function", "warning"),
    "DL603": Rule("argument without a derivative", "give it a formula, or `non_differentiable`", "warning"),
    "DL604": Rule("derivative of a composite function", "remove the definition, or give the function a kernel of its own", "warning"),
    "DL605": Rule("operator declared again", "give the second another overload name", "warning"),
    "DL606": Rule("tensor saved for its sizes or type", "", "warning"),
    "DL607": Rule("brackets or quotes that do not match", "close each open bracket, and no other", "warning"),
    "DL608": Rule("comment that ignores nothing", "remove it, or write it beside what it is to ignore", "warning"),
    "DL609": Rule("word in the place of another formula", "", "warning"),
    "DL610": Rule("empty formula", "write a formula, or `non_differentiable`", "warning"),
    "DL611": Rule("`not_implemented` is not called", "write `not_implemented(\"NAME\")`, with the name of the operator", "warning"),
    "DL612": Rule("statement in a formula", "remove it, or put statements into a function or a lambda", "warning"),
    "DL613": Rule("formula that is not finished", "write an expression on each side of an operator", "warning"),
    "DL614": Rule("character that C++ does not know", "write it in ASCII", "warning"),
    "DL615": Rule("gradient of no output", "`grads` has the gradients of the differentiable outputs alone, from 0", "warning"),
    "DL616": Rule("unknown name in a key", "name arguments alone, or outputs alone", "warning"),
    "DL617": Rule("two formulas for one name", "keep one of them", "warning"),
    "DL618": Rule("argument named like a gradient", "rename the argument in native_functions.yaml", "warning"),
    "DL619": Rule("formula for what is no tensor", "remove the line", "warning"),
    "DL620": Rule("Python in a formula", "write C++", "warning"),
    "DL621": Rule("operator named twice", "name it once", "warning"),
    "DL622": Rule("`symint` without effect", "name an operator that gets a kernel in the same file", "warning"),
    "DL623": Rule("kernel of an operator that is not here", "check its spelling, or load the operator too", "warning"),
    "DL624": Rule("two arguments of one name", "rename one of them", "warning"),
    "DL625": Rule("autogen of other variants", "name the variants that torchgen generates", "warning"),
    "DL626": Rule("dispatch key named twice", "name it once", "warning"),
    # Files of backends.
    "DL701": Rule("not a backend's file", "write `backend:`, `cpp_namespace:` and lists of operator names"),
    "DL702": Rule("backend not named", "add the key"),
    "DL703": Rule("unknown key of a backend's file", "check its spelling, or remove it"),
    "DL704": Rule("value of the wrong type in a backend's file", "write a value of that type"),
    "DL705": Rule("unknown backend", "write a dispatch key such as `XLA` or `PrivateUse1`"),
    "DL706": Rule("backend that has kernels already"),
    "DL707": Rule("unknown operator", "write the name of an operator with its overload, such as `add.Tensor`"),
    "DL708": Rule("kernels of two kinds", "list all variants of an operator in `supported`, or all in `autograd`"),
    # What PyTorch's generators refuse: VariableType and backward nodes, views, Python, C++.
    "DL801": Rule("derivatives without a kernel", "add `dispatch` with the keys of its kernels, or with `CompositeExplicitAutograd`"),
    "DL802": Rule("no kernel by hand", "remove `manual_kernel_registration`"),
    "DL803": Rule("output_differentiability of another length", "list true or false for each output"),
    "DL804": Rule("in-place output that is not differentiable", "remove `output_differentiability`"),
    "DL805": Rule("derivative of what is no tensor", "remove the formula"),
    "DL806": Rule("derivatives without effect", "remove the formulas"),
    "DL807": Rule("forward formulas for some outputs", "write forward formulas for all differentiable outputs, or for none"),
    "DL808": Rule("forward formula without a tangent", "use the tangent of an input that has a formula"),
    "DL809": Rule("forward formula of an output that is no tensor", "remove the forward formulas"),
    "DL810": Rule("foreach function without derivatives", "define derivatives for the function that it applies to each tensor"),
    "DL811": Rule("foreach function unlike its reference", "give both the same arguments, each of which may be a list in the foreach function"),
    "DL812": Rule("value that cannot be saved", "use something that has a value of its own, such as a tensor or a number"),
    "DL813": Rule("named output saved in-place", "give the in-place variant a definition of its own, which uses `result`"),
    "DL814": Rule("forward formula of a foreach function", "leave the output without a name, and name it `result` in formulas"),
    "DL815": Rule("condition that cannot be read", "write it as `wrap_opt_if(argument, condition)`, on one line"),
    "DL820": Rule("outputs of a view", "return one tensor or one list of tensors, or give the function another name"),
    "DL821": Rule("argument of a view", "take numbers, lists of these and tensors, or give the function another name"),
    "DL822": Rule("view without derivatives for Default", "add formulas for `Default`"),
    "DL830": Rule("out variant that Python cannot find", "let its functional variant be found in the same place, with the same arguments"),
    "DL831": Rule("overloads that are the same to Python", "change the arguments of one, or give it another name"),
    "DL832": Rule("returns that Python cannot have", "return other types, or set `python_module` to one without bindings"),
    "DL833": Rule("argument that Python cannot read", "take another type, or set `python_module` to one without bindings"),
    "DL834": Rule("outputs of which some have names", "name all outputs, or none"),
    "DL835": Rule("argument named requires_grad", "rename the argument"),
    "DL836": Rule("TensorOptions in part", "take dtype, layout, device and pin_memory, all of them and in this order"),
    "DL839": Rule("old signature without a function", "give the function the arguments that deprecated.yaml has for it"),
    "DL840": Rule("type that C++ does not have", "use a type that PyTorch's C++ API has"),
    "DL841": Rule("default that C++ does not have", "write the default of a list as `[…]`"),
    "DL842": Rule("name of other characters", "use letters, digits and underscores of ASCII"),
}  # fmt: skip
