"""Pawelczyk, Broelemann and Kasneci (2020), C-CHVAE: search the latent space of a conditional VAE."""

from __future__ import annotations

from ..options import Count, NonNegative, Positive, Sizes
from ._latent import LatentSearch


class CCHVAE(LatentSearch):
    """A VAE over the mutable features whose decoder also sees the immutables, then the latent search.

    The immutables that the decoder sees are the individual's own (CARLA perturbs them as well).
    """

    def __init__(
        self,
        *,
        hidden: Sizes,
        latent: Count,
        kl_weight: NonNegative,
        epochs: Count,
        batch: Count,
        learning_rate: Positive,
        weight_decay: NonNegative,
        width: Positive,
        samples: Count,
        shells: Count,
        map_thinning: NonNegative,
    ):
        self.training = {
            "hidden": hidden,
            "latent": latent,
            "kl_weight": kl_weight,
            "epochs": epochs,
            "batch": batch,
            "learning_rate": learning_rate,
            "weight_decay": weight_decay,
        }
        self.width, self.samples, self.shells, self.map_thinning = width, samples, shells, map_thinning
        self.sensitive_in_decoder = True
