"""What a recourse method is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import progress
from ..classifiers import Classifier, tensor
from ..population import Encoding, Population


class Method:
    """A recourse method. A subclass takes its options as required keyword arguments and defines `search`.

    `fit` is called once per cell (population, seed, classifier), then `counterfactuals` with everyone who is
    rejected. The same generator gives the same result. `fit_all` does the same as `fit` for several seeds at once.
    """

    encoding: Encoding
    classifier: Classifier
    generator: torch.Generator
    mutable: Tensor  # bool [d]
    #: the training people (n of them), and who of them is rejected, bool [n]: row i of the x that `search` gets is the
    #: i-th who is; the others stay where they are
    people: Population
    rejected: np.ndarray
    #: how segregation is measured (`measure` in config.yaml); empty unless the class needs it
    measure: Mapping[str, Any]
    #: what `fit` has to report, for example final training losses
    diagnostics: dict[str, float]
    #: does it call `classifier.margin_and_gradient`, or look at `measure`? Read from the source of the subclass
    needs_gradients = False
    needs_measures = False

    def fit(self, population: Population, classifier: Classifier, generator: torch.Generator) -> Method:
        """Take what the search needs from all rows used (train and test); density models are fitted here."""
        return self.fit_all([self], [population], [classifier], [generator])[0]

    @classmethod
    def fit_all(
        cls,
        methods: Sequence[Method],
        populations: Sequence[Population],
        classifiers: Sequence[Classifier],
        generators: Sequence[torch.Generator],
        measure: Mapping[str, Any] = {},
    ) -> Sequence[Method]:
        """Fit one method of this class to each seed's population; what a seed gets does not depend on the others."""
        everyone = []
        for method, people, classifier, generator in zip(methods, populations, classifiers, generators, strict=True):
            method.encoding, method.classifier, method.generator = people.encoding, classifier, generator
            method.mutable = torch.tensor(people.encoding.mutable, device=classifier.device)
            method.people = people.training_part()
            accepted = classifier.accepts(tensor(method.people.features, classifier.device))
            method.rejected = ~accepted.cpu().numpy()
            method.measure = measure if cls.needs_measures else {}
            method.diagnostics = {}
            everyone.append(tensor(people.features, classifier.device))
        cls.prepare_all(methods, populations, everyone)
        return methods

    @classmethod
    def prepare_all(cls, methods: Sequence[Method], populations: Sequence[Population], x: Sequence[Tensor]) -> None:
        """`prepare` each; a method whose training is faster for all seeds at once does that here instead."""
        for method, population, individuals in progress.steps(list(zip(methods, populations, x, strict=True)), "seeds"):
            with progress.working_on(seed=population.seed):
                method.prepare(population, individuals)

    def prepare(self, population: Population, x: Tensor) -> None:
        """Fit whatever the method fits to the individuals x [n, d]; by default nothing."""

    @torch.inference_mode()
    def counterfactuals(self, x: Tensor) -> Tensor:
        """Recourse for all rejected individuals at once: [n, d] -> [n, d], NaN rows where none was found."""
        return self.search(x) if len(x) else x.clone()

    def search(self, x: Tensor) -> Tensor:
        """What `counterfactuals` does for at least one individual."""
        raise NotImplementedError

    # -- helpers that methods share

    def project(self, x: Tensor) -> Tensor:
        """The nearest valid individual: continuous columns in [0, 1], binaries 0 or 1, one level per one-hot.

        Acts on mutable columns of x [n, d] only.
        """
        x = torch.where(self.mutable, x.clamp(0, 1), x)
        binary = torch.zeros_like(self.mutable)
        binary[[column for (column,) in self.encoding.indices("binary")]] = True
        x = torch.where(binary, x.round(), x)
        for columns in self.encoding.indices("categorical"):
            x[:, columns] = torch.nn.functional.one_hot(x[:, columns].argmax(1), len(columns)).to(x.dtype)
        return x

    def combine(self, x: Tensor, mutable: Tensor) -> Tensor:
        """The individuals x [..., d] with their mutable columns replaced by `mutable` [..., m], projected."""
        shape = *mutable.shape[:-1], x.shape[-1]
        out = x.expand(shape).clone(memory_format=torch.contiguous_format).flatten(0, -2)
        out.index_copy_(1, self.mutable.nonzero().squeeze(1), mutable.flatten(0, -2).to(x.dtype))
        return self.project(out).view(shape)

    def profiles(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Distinct profiles of immutables [p, d - m] and each individual's profile number [n]."""
        return torch.unique(x[:, ~self.mutable], dim=0, return_inverse=True)


def not_found(x: Tensor) -> Tensor:
    """All-NaN rows shaped like x: nothing found."""
    return torch.full_like(x, float("nan"))
