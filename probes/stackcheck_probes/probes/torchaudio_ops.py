"""Run torchaudio on a sine and on an impulse, whose results are known without torchaudio."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

from stackcheck_probes.probes.torchvision_ops import required
from stackcheck_probes.watching import importing, measure

if TYPE_CHECKING:
    from stackcheck_probes.facts.measured import Check
    from stackcheck_probes.facts.packages import Extension, TorchaudioOps

NAME = "torchaudio_ops"
GRADE = "import"
PRELOAD = "torch"

RATE, TONE, BINS = 16000, 440.0, 400


def run(params: dict[str, Any]) -> TorchaudioOps:
    """Return version, whether the compiled extension is in use, and the results of three transforms."""
    del params
    torch, audio, beside = importing.load_beside_torch("torchaudio")
    facts = cast("TorchaudioOps", beside)
    facts["requires_torch"] = required("torchaudio", "torch")
    if torch is None or audio is None:
        return facts
    facts["extension"] = _extension()
    checks = {"spectrogram_peak": _peak, "resample": _resample, "lfilter": _lfilter, "melspectrogram": _mel}
    facts["checks"] = {name: measure.attempt(check, torch) for name, check in checks.items()}
    return facts


def _extension() -> Extension:
    """Return whether torchaudio loaded its compiled operators (its own flag), None where it has none."""
    try:
        import torchaudio._extension as extension
    except Exception as error:
        return {"loaded": None, "error": importing.error_fact(error)}
    return {"loaded": getattr(extension, "_IS_TORCHAUDIO_EXT_AVAILABLE", None), "error": None}


def _sine(torch: Any, rate: int, seconds: float = 1.0) -> Any:
    return torch.sin(
        2 * math.pi * TONE * torch.arange(int(rate * seconds), dtype=torch.float64) / rate
    ).float()


def _peak(torch: Any) -> Check:
    """Find a 440 Hz tone at 16 kHz: it lies in bin 11 of a 400-point spectrogram (440 * 400 / 16000)."""
    import torchaudio

    power = torchaudio.transforms.Spectrogram(n_fft=BINS)(_sine(torch, RATE)).mean(dim=-1)
    peak = power.argmax().reshape(1).double()
    return measure.error_facts(peak, torch.tensor([TONE * BINS / RATE]), 0.0)


def _resample(torch: Any) -> Check:
    """Halve the rate of a tone far below both Nyquist limits; the filter's edges are left out."""
    import torchaudio

    found = torchaudio.transforms.Resample(RATE, RATE // 2)(_sine(torch, RATE))
    wanted = _sine(torch, RATE // 2)
    return measure.error_facts(found[200:-200], wanted[200:-200], 1e-2)


def _lfilter(torch: Any) -> Check:
    """y[n] = x[n] + 0.5 y[n-1] answers an impulse with 0.5 ** n (a compiled loop in torchaudio)."""
    import torchaudio

    impulse = torch.zeros(16)
    impulse[0] = 1.0
    found = torchaudio.functional.lfilter(
        impulse, torch.tensor([1.0, -0.5]), torch.tensor([1.0, 0.0]), clamp=False
    )
    return measure.error_facts(found, 0.5 ** torch.arange(16.0), 1e-6)


def _mel(torch: Any) -> Check:
    """Doubling a signal quadruples its power in every mel band (the transform is linear in power)."""
    import torchaudio

    mel = torchaudio.transforms.MelSpectrogram(RATE, n_fft=BINS, n_mels=40)
    tone = _sine(torch, RATE)
    return measure.error_facts(mel(2 * tone), 4 * mel(tone), 1e-5)
