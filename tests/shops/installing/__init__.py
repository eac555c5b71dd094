"""
The page of the docs, followed word for word: ``python -m tests.shops.installing``.

Builds the wheel, installs it into a fresh environment beside Oscar, makes a project that is a
small shop, does what docs/install-oscar.md says, and walks through the shop over HTTP as a guest
and as a customer, and with a Chromium where there is one. Nothing of the repository is on the
project's path.
"""
