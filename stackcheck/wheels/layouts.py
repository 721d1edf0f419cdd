"""Types of torch whose layout changed under the same symbols, and on which side a library was compiled.

A library that passes such a type to a torch of the other side binds, and crashes in its initialisers. Which
headers compiled it shows in the inline functions that it carries: they are exported, weak.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from stackcheck.wheels.facts import LibraryFacts


class Layout(NamedTuple):
    """A type that has another layout since a release of torch.

    passes: a symbol that who passes it wants. visible: one that such a library exports when its inline
    functions can be seen at all. newer: what it exports when it was compiled since. Without optimization
    (`plain` is exported) every inline function is, and `newer_plain` decides.
    """

    type: str
    since: tuple[int, int]
    passes: str
    visible: str
    newer: str
    plain: str
    newer_plain: str

    def compiled_since(self, library: LibraryFacts) -> bool | None:
        """Tell whether a library was compiled with the newer layout; None where nothing shows it."""
        if self.passes not in library.undefined or not library.gives(self.visible):
            return None
        return library.gives(self.newer_plain if library.gives(self.plain) else self.newer)


LAYOUTS = (
    Layout(
        type="c10::KernelFunction",
        since=(2, 9),
        passes="_ZN5torch11CppFunctionD1Ev",
        visible="_ZN5torch7LibraryD2Ev",
        newer="_ZN3c1014KernelFunctionD2Ev",
        plain="_ZSt4moveIRN2at6TensorEEONSt16remove_referenceIT_E4typeEOS4_",
        newer_plain="_ZNKSt8weak_ptrIN3c1011KernelTokenEE4lockEv",
    ),
)
"""torch 2.9 gave c10::KernelFunction a list of weak pointers to c10::KernelToken, and with it a destructor.

Source: aten/src/ATen/core/boxing/KernelFunction.h in the wheels of torch 2.8.0 and 2.9.0; the crash:
github.com/pytorch/ao/pull/2908, and reports/fits/real-loads.md. The symbols: 13 libraries of torchvision
0.23 and 0.24, torchaudio 2.8 and 2.9, torchao 0.13 and 0.14, torchcodec 0.4 to 0.9 and xformers 0.0.32 and
0.0.33, all of them told apart, 2026-11-30.
"""


def refusal(library: LibraryFacts, torch: str) -> str:
    """Return why a library crashes beside a torch that it binds to, "" where nothing is known."""
    release = tuple(int(part) for part in torch.split(".")[:2])
    for layout in LAYOUTS:
        newer = layout.compiled_since(library)
        if newer is not None and newer != (release >= layout.since):
            number = ".".join(map(str, layout.since))
            when = "since" if newer else "before"
            return f"was compiled {when} torch {number} changed the layout of {layout.type}: it would crash"
    return ""
