"""Gao and Lakkaraju (2023), implicit balanced recourse (IBR): a latent space that forgets the group."""

from __future__ import annotations

from ..generative import vae
from ..options import Count, Flag, NonNegative, Positive, Sizes
from ._latent import LatentSearch


class IBR(LatentSearch):
    """C-CHVAE's search over a VAE that is trained against an adversary.

    The adversary predicts the sensitive attribute from the latent; the VAE is paid γ (`adversary_weight`) for
    the entropy of its prediction, and the decoder sees the immutables other than the sensitive attribute only.

    Ablations: `cross_entropy` pays for the adversary's cross-entropy in place of its entropy;
    `sensitive_in_decoder` shows the decoder the sensitive attribute too.
    """

    def __init__(
        self,
        *,
        hidden: Sizes,
        latent: Count,
        kl_weight: NonNegative,
        adversary_weight: NonNegative,
        adversary_hidden: Sizes,
        adversary_learning_rate: Positive,
        epochs: Count,
        batch: Count,
        learning_rate: Positive,
        weight_decay: NonNegative,
        width: Positive,
        samples: Count,
        shells: Count,
        map_thinning: NonNegative,
        cross_entropy: Flag,
        sensitive_in_decoder: Flag,
    ):
        self.training = {
            "hidden": hidden,
            "latent": latent,
            "kl_weight": kl_weight,
            "epochs": epochs,
            "batch": batch,
            "learning_rate": learning_rate,
            "weight_decay": weight_decay,
            "adversary": vae.Adversary(adversary_weight, adversary_hidden, adversary_learning_rate, cross_entropy),
        }
        self.width, self.samples, self.shells, self.map_thinning = width, samples, shells, map_thinning
        self.sensitive_in_decoder = sensitive_in_decoder
