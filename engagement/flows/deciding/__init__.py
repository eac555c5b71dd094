"""Who gets which arm: drawn, written down, rewarded, learnt from, judged before it goes live."""
