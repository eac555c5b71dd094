"""``python -m benchmarks``: single models (quality, fit, latency), then serving over HTTP."""

from benchmarks import learning, serving

if __name__ == "__main__":
    learning.main()
    print()
    serving.main()
