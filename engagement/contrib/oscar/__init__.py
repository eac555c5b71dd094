"""For shops made with django-oscar 4.2; see docs/install-oscar.md."""
