"""
The algorithms: arrays in, arrays out.

Nothing here knows Django, Celery, a clock or a global random state. Moments are seconds since
1970 (int64), rows and columns are positions (int32), weights and scores are float32.
"""
