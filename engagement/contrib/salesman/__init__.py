"""For shops made with django-salesman 1.3; see docs/install-salesman.md."""
