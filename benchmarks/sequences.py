"""
Amazon Beauty and Toys (S3-Rec's files), leave-one-out.

    python -m benchmarks.sequences [--data beauty toys] [--validation] [--sample N]

Each user's last item is the answer, everything before is the history; items of the history are
masked; all items are ranked. HR@10 and nDCG@10 as in S3-Rec's full-rank table. As there, models
learn without the item before the answer, which is for validation (--validation asks for it). The
files hold an order and no times: one step stands for a day.
"""

from benchmarks.quality import by_hand

if __name__ == "__main__":
    by_hand.main(["beauty", "toys"], __doc__)
