"""Records what independent implementations say about metrics: tests/fixtures/metrics.safetensors.

Needed only to renew the fixture; the tests read the file (tests/lua/metrics_test.lua).
  python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install -r tests/oracle/requirements.txt
  /tmp/oracle/bin/python tests/oracle/metrics.py

Inputs are single precision, everything computed from them double. Names in the file: in/<input> and
out/<metric>. Sources: scikit-image (SSIM, PSNR), scipy (Pearson, moments, Gaussian fit, energy
distance), properscoring (CRPS); the rest is written here in the most direct form: double sums over
pairs, numpy.fft of the full plane, loops over wave vectors, shifts by numpy.roll.
"""
import os

import numpy as np
import properscoring
from safetensors.numpy import save_file
from scipy import ndimage, stats
from skimage import metrics as skimage_metrics

FIXTURE = os.path.join(os.path.dirname(__file__), "..", "fixtures", "metrics.safetensors")
rng = np.random.default_rng(20251)


def rough(n, h, w, c, slope):
    """Periodic random fields with a falling spectrum."""
    ky, kx = np.fft.fftfreq(h) * h, np.fft.fftfreq(w) * w
    k = np.hypot(*np.meshgrid(ky, kx, indexing="ij"))
    k[0, 0] = 1.0
    white = rng.standard_normal((n, h, w, c))
    shaped = np.fft.fft2(white, axes=(1, 2)) * (k ** -slope)[None, :, :, None]
    field = np.fft.ifft2(shaped, axes=(1, 2)).real
    return (field / field.std()).astype(np.float32)


def wave_vectors(h, w):
    ky = np.array([y if 2 * y <= h else y - h for y in range(h)], dtype=float)
    kx = np.array([x if 2 * x <= w else x - w for x in range(w)], dtype=float)
    return np.meshgrid(ky, kx, indexing="ij")


def ring_sum(values, h, w):
    """By wavelength in pixels, whatever the shape; what is longer than twice the shorter side is in ring 1."""
    ky, kx = wave_vectors(h, w)
    ring = (min(h, w) * np.hypot(ky / h, kx / w) + 0.5 + 1e-9).astype(int)
    ring = np.where((ky == 0) & (kx == 0), 0, np.maximum(ring, 1))
    return np.bincount(ring.ravel(), weights=values.ravel())


def hann(h, w):
    def one(n):
        return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)

    return np.outer(one(h), one(w))


def transform(field, window=None):
    """(H,W) -> Fourier coefficients of the field less its mean, whose squares add up to its variance."""
    h, w = field.shape
    field = field.astype(float) - field.astype(float).mean()
    window = np.ones((h, w)) if window is None else window
    return np.fft.fft2(field * window) / (h * w) / np.sqrt(np.mean(window ** 2))


def channels_of(field):
    return [field[:, :, c] for c in range(field.shape[2])]


def rings(a, b, window=None):
    """Sums of Re(A B*) by ring over the channels of two fields (H,W,C); the means' product is in ring 0."""
    h, w = a.shape[:2]
    pairs = list(zip(channels_of(a), channels_of(b)))
    result = ring_sum(sum((transform(u, window) * transform(v, window).conj()).real for u, v in pairs), h, w)
    result[0] += sum(u.astype(float).mean() * v.astype(float).mean() for u, v in pairs)
    return result


def pair_metrics(p32, y32, out):
    p, y = p32.astype(float), y32.astype(float)
    n, axes = len(y), (1, 2, 3)
    span = y.max(axis=axes) - y.min(axis=axes)
    out["rfne"] = [np.linalg.norm(p[i] - y[i]) / np.linalg.norm(y[i]) for i in range(n)]
    out["rmse"] = [np.sqrt(skimage_metrics.mean_squared_error(y[i], p[i])) for i in range(n)]
    out["mae"] = np.abs(p - y).mean(axis=axes)
    out["psnr"] = [skimage_metrics.peak_signal_noise_ratio(y[i], p[i], data_range=span[i]) for i in range(n)]
    out["ssim"] = [skimage_metrics.structural_similarity(
        y[i], p[i], gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        data_range=span[i], channel_axis=-1) for i in range(n)]
    out["pearson"] = [stats.pearsonr(p[i].ravel(), y[i].ravel())[0] for i in range(n)]
    out["kurtosis_error"] = [abs(stats.kurtosis(p[i].ravel(), fisher=False)
                                 / stats.kurtosis(y[i].ravel(), fisher=False) - 1) for i in range(n)]
    out["moments"] = [[v.mean(), v.std(), stats.skew(v), stats.kurtosis(v, fisher=False)]
                      for v in y.reshape(n, -1)]


def spectral_metrics(p, y, out):
    n, h, w, _ = y.shape
    top, window = min(h, w) // 2, hann(h, w)
    edges = [1, top // 4 + 1, top // 2 + 1, top + 1]
    power, windowed, coherence = [], [], []
    bands = {"spectral_low": [], "spectral_middle": [], "spectral_high": []}
    for i in range(n):
        pp, yy = rings(p[i], p[i]), rings(y[i], y[i])
        power.append(yy)
        coherence.append(rings(p[i], y[i]) / np.sqrt(pp * yy))
        hp, hy = rings(p[i], p[i], window), rings(y[i], y[i], window)
        windowed.append(hy)
        for b, name in enumerate(bands):
            s = slice(edges[b], edges[b + 1])
            bands[name].append(abs(hp[s].sum() / hy[s].sum() - 1))
    out.update(bands, spectrum=power, spectrum_window=windowed, coherence=coherence)


def flow_spectra(vorticity, velocity, spacing, out):
    n, h, w, _ = velocity.shape
    ky, kx = wave_vectors(h, w)
    qy, qx = 2 * np.pi * ky / (h * spacing), 2 * np.pi * kx / (w * spacing)
    q2 = qx ** 2 + qy ** 2
    dy, dx = np.where(2 * ky == h, 0, qy), np.where(2 * kx == w, 0, qx)
    names = ["energy_w", "enstrophy_w", "energy_u", "enstrophy_u", "divergence", "divergence_inside"]
    rows = {name: [] for name in names}
    for i in range(n):
        z = transform(vorticity[i, :, :, 0])
        u, v = (transform(velocity[i, :, :, c]) for c in range(2))
        rows["energy_w"].append(ring_sum(0.5 * np.abs(z) ** 2 / np.where(q2 > 0, q2, np.inf), h, w))
        rows["enstrophy_w"].append(0.5 * rings(vorticity[i], vorticity[i]))
        rows["energy_u"].append(0.5 * rings(velocity[i], velocity[i]))
        curl = np.fft.ifft2(1j * (dx * v - dy * u)).real * h * w
        rows["enstrophy_u"].append(ring_sum(0.5 * np.abs(transform(curl)) ** 2, h, w))
        g = [np.fft.ifft2(1j * d * f).real * h * w for f in (u, v) for d in (dx, dy)]
        rows["divergence"].append(np.sqrt(((g[0] + g[3]) ** 2).mean() / sum((x ** 2).mean() for x in g)))
        f = velocity[i].astype(float)
        g = [np.gradient(f[:, :, c], axis=a)[1:-1, 1:-1] for c in (0, 1) for a in (1, 0)]
        rows["divergence_inside"].append(np.sqrt(((g[0] + g[3]) ** 2).mean() / sum((x ** 2).mean() for x in g)))
    out.update(rows)


def structure_functions(vorticity, velocity, separations, out):
    def moment(f, order, r, axis, periodic):
        d = np.roll(f, -r, axis) - f
        if not periodic:
            d = d[:-r] if axis == 0 else d[:, :-r]
        return (d ** order).sum(), d.size

    for name, field in (("w", vorticity), ("u", velocity)):
        for order in (2, 3):
            for periodic in (True, False):
                rows = []
                for f in field.astype(float):
                    row = []
                    for r in range(1, separations + 1):
                        a, m = moment(f[:, :, 0], order, r, 1, periodic)
                        b, k = moment(f[:, :, -1], order, r, 0, periodic)
                        row.append((a + b) / (m + k))
                    rows.append(row)
                out[f"structure_{name}{order}{'' if periodic else '_inside'}"] = rows


def distributions(y, out):
    inner = np.linspace(-2.0, 2.0, 33)
    edges = np.concatenate([[-np.inf], inner, [np.inf]])
    out["histogram"] = [np.histogram(v.astype(float), edges)[0] for v in y.reshape(len(y), -1)]
    out["exceedances"] = [[(np.abs(v.astype(float)) > t).mean() for t in (0.5, 1.0, 2.0, 3.0)]
                          for v in y.reshape(len(y), -1)]


def ensemble_metrics(members, truth, out):
    """members (S,M,H,W,C), truth (S,H,W,C)."""
    x, y = members.astype(float), truth.astype(float)
    samples, m = x.shape[:2]
    plain = properscoring.crps_ensemble(y, np.moveaxis(x, 1, -1))
    pairs = np.abs(x[:, :, None] - x[:, None]).sum(axis=(1, 2))
    out["crps_plain"] = plain.mean()
    out["crps"] = (np.abs(x - y[:, None]).mean(axis=1) - pairs / (2 * m * (m - 1))).mean()
    energy = {1: [], 0: []}
    for s in range(samples):
        fields, outcome = x[s].reshape(m, -1), y[s].ravel()
        to_truth = np.linalg.norm(fields - outcome, axis=1).mean()
        between = sum(np.linalg.norm(a - b) for a in fields for b in fields)
        for fair in energy:
            energy[fair].append(to_truth - between / (2 * m * (m - fair)))
    out["energy_score"], out["energy_score_plain"] = np.mean(energy[1]), np.mean(energy[0])
    mean, std = x.mean(axis=1), x.std(axis=1, ddof=1)
    out["spread_skill"] = np.sqrt((m + 1) / m * (std ** 2).mean() / ((mean - y) ** 2).mean())
    pull = ((mean - y) / std).ravel()
    out["pull_mean"], out["pull_sd"] = stats.norm.fit(pull)
    pull_edges = np.concatenate([[-np.inf], np.linspace(-8, 8, 65), [np.inf]])
    out["pulls"] = np.histogram(pull, pull_edges)[0]
    ranks = (x < y[:, None]).sum(axis=1).ravel()
    counts = np.bincount(ranks, minlength=m + 1)
    out["ranks"] = counts
    out["reliability"] = np.abs(counts / counts.sum() - 1 / (m + 1)).sum()
    ordered = np.sort(x, axis=1)
    out["coverage"] = [((y >= ordered[:, k - 1]) & (y <= ordered[:, m - k])).mean()
                       for k in range(1, m // 2 + 1)]
    out["ideal_pull_sd"] = stats.t(m - 1).std() * np.sqrt(1 + 1 / m)


def main():
    n, h, w = 2, 30, 36
    truth = rough(n, h, w, 2, 1.5)
    prediction = (0.8 * ndimage.gaussian_filter(truth, (0, 1, 1, 0), mode="wrap")
                  + 0.15 * rough(n, h, w, 2, 0.5) + 0.05).astype(np.float32)
    vorticity, velocity = rough(n, h, w, 1, 1.5), rough(n, h, w, 2, 2.5)
    outcome = rough(3, 12, 10, 2, 1.0)
    members = (0.7 * outcome[:, None] + 0.1
               + 0.5 * rough(27, 12, 10, 2, 0.5).reshape(3, 9, 12, 10, 2)).astype(np.float32)
    kelvin = [(np.float32([300, 270]) + np.float32(0.1) * f).astype(np.float32) for f in (prediction, truth)]
    inputs = dict(prediction=prediction, truth=truth, vorticity=vorticity, velocity=velocity,
                  members=members, outcome=outcome, warm_prediction=kelvin[0], warm_truth=kelvin[1])
    out, warm = {}, {}
    pair_metrics(prediction, truth, out)
    spectral_metrics(prediction, truth, out)
    flow_spectra(vorticity, velocity, 0.25, out)
    structure_functions(vorticity, velocity, 14, out)
    distributions(truth, out)
    ensemble_metrics(members, outcome, out)
    pair_metrics(*kelvin, warm)
    spectral_metrics(*kelvin, warm)
    out.update({"warm_" + k: v for k, v in warm.items()})
    tensors = {"in/" + k: np.ascontiguousarray(v) for k, v in inputs.items()}
    tensors.update({"out/" + k: np.ascontiguousarray(np.atleast_1d(np.asarray(v, dtype=np.float64)))
                    for k, v in out.items()})
    save_file(tensors, FIXTURE, metadata={"made_by": "tests/oracle/metrics.py"})
    print(len(out), "metrics,", os.path.getsize(FIXTURE), "bytes")


if __name__ == "__main__":
    main()
