"""A live model by the name that it has in code: `package.module:name`. The code is imported, and so is run."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec.diagnostics import did_you_mean
from archspec.extras import require
from archspec.imports.imported import Imported

if TYPE_CHECKING:
    from torch import nn

_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*\Z", re.ASCII)


def is_name(text: str) -> bool:
    """Whether a text names something in a module, as `package.module:name`."""
    return _NAME.match(text) is not None and not Path(text).exists()


def from_name(name: str, inputs: Mapping[str, tuple[int, ...]], *, numbers: bool = False) -> Imported:
    """Read a model by its name in code, `package.module:name`: a PyTorch module or a Keras model, or what makes one when it is called.

    `inputs` are shapes, channels last, by the parameters of a module's `forward`, or as a Keras model calls them; "" for the first. With
    `numbers` a module is made with its weights, else on the meta device where it can be. Raises ValueError where that code fails;
    SpecError as `from_torch` and `from_keras`; ImportError.
    """
    with _running():
        model = _model(name, numbers)
        if _is_keras(model):
            from archspec.imports.keras_model import from_keras

            return from_keras(model, inputs)
        require("torch")
        from archspec.imports.torch_export import from_torch

        called = name.rpartition(":")[2].rpartition(".")[2]
        found = from_torch(model, _example(model, inputs, name), name=called)
        if found.diagnostics and _lacks_constants(model):
            model = _model(name, numbers=True)
            found = min(found, from_torch(model, _example(model, inputs, name), name=called), key=lambda one: len(one.diagnostics))
        return found


def _lacks_constants(module: Any) -> bool:
    """Whether a module was made without the numbers of constants, by which a layer that it writes out may be recognised."""
    return any(one.is_meta for name, one in module.named_buffers() if name not in module.state_dict())


def _is_keras(model: Any) -> bool:
    """Whether a model is one of Keras, which on PyTorch is a module too."""
    return hasattr(model, "to_json") and hasattr(model, "get_config")


def _is_model(found: Any) -> bool:
    return not isinstance(found, type) and (hasattr(found, "state_dict") or _is_keras(found))


@contextmanager
def _running() -> Iterator[None]:
    """Run code of others: modules are also found in the current folder, and what it prints goes beside the result."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        with suppress(ValueError):  # that code may have edited the path
            sys.path.remove(here)


def _model(name: str, numbers: bool) -> Any:
    """What a name leads to, called where it is a class or a function. Raises ValueError."""
    place, _, path = name.partition(":")
    found = _imported(place)
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            help_ = did_you_mean(part, dir(found), "it was imported, and its code was run")
            raise ValueError(f"`{place}` has no `{path}`; {help_}") from None
        except (Exception, SystemExit) as error:  # a module may compute its attributes
            raise ValueError(f"reading `{name}` failed: {_told(error)}") from None
    if _is_model(found):
        return found
    if not callable(found):
        raise ValueError(
            f"`{name}` is {_a(found)}: expected a model of PyTorch or Keras, or what makes one when it is called without arguments"
        )
    made = _made(found, name, numbers)
    if not _is_model(made):
        raise ValueError(f"`{name}()` gives {_a(made)}, not a model of PyTorch or Keras")
    return made


def _imported(place: str) -> Any:
    try:
        return import_module(place)
    except ModuleNotFoundError as error:
        if error.name is not None and (place == error.name or place.startswith(f"{error.name}.")):
            raise ValueError(f"there is no module `{error.name}`, neither installed nor in this folder") from None
        raise ValueError(f"`{place}` needs the module `{error.name}`, which is not installed") from None
    except (Exception, SystemExit) as error:  # whatever the code of others raises
        raise ValueError(f"importing `{place}` failed: {_told(error)}") from None


def _made(make: Any, name: str, numbers: bool) -> Any:
    """Call what makes a model, on the meta device where no numbers are asked for and it can be."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and not numbers:
        try:
            with torch.device("meta"):
                return make()
        except (Exception, SystemExit):  # such as a constructor that reads its own weights: it works with numbers, or says why not
            pass
    try:
        return make()
    except (Exception, SystemExit) as error:
        help_ = "; where it takes arguments, name a function without any that calls it" if isinstance(error, TypeError) else ""
        raise ValueError(f"`{name}()` failed: {_told(error)}{help_}") from None


def _example(module: nn.Module, inputs: Mapping[str, tuple[int, ...]], name: str) -> Any:
    """What the module is traced with. Raises ValueError."""
    from archspec.imports.torch_export import images

    if not inputs:
        raise ValueError(f"`{name}` needs the shape of its input, channels last: `--input 224x224x3`")
    if inputs.keys() == {""}:
        return inputs[""]
    parameters = list(inspect.signature(module.forward).parameters)
    unknown = [given for given in inputs if given and given not in parameters]
    if unknown:
        raise ValueError(
            f"`forward` has no input `{unknown[0]}`; {did_you_mean(unknown[0], parameters, 'it has ' + ', '.join(parameters))}"
        )
    given = {each or parameters[0]: sizes for each, sizes in inputs.items()}
    taken = parameters[: max(map(parameters.index, given)) + 1]
    missing = [each for each in taken if each not in given]
    if missing:
        raise ValueError(f"the input `{missing[0]}` has no shape: `--input {missing[0]}=HxWxC`")
    device = next((each.device for each in module.parameters()), None)
    return tuple(images(given[each], device) for each in taken)


def _a(thing: Any) -> str:
    return f"an object of type {type(thing).__name__}"


def _told(error: BaseException) -> str:
    """The kind of an error, and the first line of its text."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}{f': {lines[0][:200]}' if lines else ''}"
