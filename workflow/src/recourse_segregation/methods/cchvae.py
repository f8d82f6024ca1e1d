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
        hidden: Sizes = (256,),
        latent: Count = 2,
        kl_weight: NonNegative = 0.3,
        epochs: Count = 500,
        batch: Count = 32,
        learning_rate: Positive = 1e-3,
        weight_decay: NonNegative = 1e-6,
        width: Positive = 0.01,
        samples: Count = 100,
        shells: Count = 1000,
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
        self.width, self.samples, self.shells = width, samples, shells
