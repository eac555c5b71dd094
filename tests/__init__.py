import os

# One thread a process: the suite runs in several, and small matrices gain nothing from more.
# Read when NumPy is imported, so it has to be said before anything else.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
