"""
Gowalla, LightGCN's fixed split: python -m benchmarks.gowalla [--validation] [--sample N]

Each user's test items are the answers, training items are masked, all items are ranked; recall
divides by all answers and nDCG's ideal is cut at 20, as in LightGCN's tables. The files hold no
order and no times. With --validation a fifth of the training items is asked for instead.
"""

from benchmarks.quality import by_hand

if __name__ == "__main__":
    by_hand.main(["gowalla"], __doc__)
