"""Reviews and posts become data: what people feel, about what, and what must not be published."""
