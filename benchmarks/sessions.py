"""
Retailrocket sessions (COTREC's files): python -m benchmarks.sessions [--validation] [--sample N]

Each test pair is a prefix of a session and the item that came next; all items are ranked. P@20 is
the hit rate, MRR@20 the mean of 1 / rank, 0 beyond 20. With --validation the last tenth of the
training sessions is asked instead. The files hold no times; sessions are in the order of their
day, which stands in for the clock.
"""

from benchmarks.quality import by_hand

if __name__ == "__main__":
    by_hand.main(["sessions"], __doc__)
