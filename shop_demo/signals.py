"""What happens in the shop. It knows nothing of who listens."""

from django.dispatch import Signal

# kwargs: request, product
product_viewed = Signal()

# kwargs: request, query, n_found
searched = Signal()

# kwargs: request, product, before, after (quantities in the cart)
cart_changed = Signal()

# kwargs: request, lines
cart_viewed = Signal()

# kwargs: request, lines
checkout_begun = Signal()

# kwargs: request, order, lines
order_placed = Signal()

# kwargs: request, order, lines
order_cancelled = Signal()
