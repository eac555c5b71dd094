"""
Online Retail (UCI 352), 28-day time split: python -m benchmarks.online_retail [--validation]

Lines with a customer, positive quantity and price, no cancellation, a stock code that starts with
five digits. What was bought until 28 days before the end teaches; what each known customer buys
after, among known items, is the answer; the whole catalogue is ranked. «all»: any purchase counts.
«new»: only what the customer never bought before, and the history is masked. With --validation the
last 28 days are left out and those before them are asked.
"""

from benchmarks.quality import by_hand

if __name__ == "__main__":
    by_hand.main(["online_retail"], __doc__)
