"""
Words to begin a reply with, in the language of whoever is answered: content, not translations of
each other. A shop stores them once and makes them its own.
"""

from __future__ import annotations

from engagement.models import ReplyTemplate

# (name, aspect, text); the aspect "" is what fits any complaint.
STOCK: dict[str, tuple[tuple[str, str, str], ...]] = {
    "en": (
        (
            "Complaint",
            "",
            "Hello {author}, thank you for telling us frankly what you think of {item}. I am sorry "
            "that it did not meet your expectations. Please write to our customer service with "
            "your order number: we will find a solution for you.",
        ),
        (
            "Delivery",
            "delivery",
            "Hello {author}, I am sorry that your order did not reach you as it should have. We "
            "are taking this up with the carrier. If anything is still missing, send us your order "
            "number and we will see to it today.",
        ),
        (
            "Packaging",
            "packaging",
            "Hello {author}, thank you for letting us know how {item} arrived. That is not how we "
            "want things to reach you, and our warehouse has heard of it. We will gladly replace "
            "what was damaged: your order number is enough.",
        ),
        (
            "Quality",
            "quality",
            "Hello {author}, I am sorry: {item} should have lasted and worked as described. We "
            "have passed your words on to the people who choose our products. You can send it "
            "back, and we will replace it or return your money.",
        ),
        (
            "Size and fit",
            "size",
            "Hello {author}, it is a pity that {item} did not fit. You can exchange it for another "
            "size. Thank you for saying how it turned out: it helps others to choose.",
        ),
        (
            "Taste",
            "taste",
            "Hello {author}, I am sorry that {item} was not to your taste. We have told our buyers "
            "what you wrote. If anything was wrong with it, please send us the number on the pack "
            "so that we can look into it.",
        ),
        (
            "Freshness",
            "freshness",
            "Hello {author}, that must not happen: {item} should have reached you fresh. We are "
            "checking how it was stored. Please send us your order number and we will refund it.",
        ),
        (
            "Price",
            "price",
            "Hello {author}, thank you for your frank words about the price of {item}. We check "
            "our prices regularly and have passed on what you wrote.",
        ),
        (
            "Service",
            "service",
            "Hello {author}, I am sorry about the experience you had with our customer service. "
            "I would like to find out what went wrong: please write to us with your order number.",
        ),
    ),
    "zh": (
        (
            "一般投诉",
            "",
            "{author}您好，感谢您坦率地告诉我们您对“{item}”的看法。没能让您满意，我们深感抱歉。"
            "请将订单号发给我们的客服，我们会尽快为您解决。",
        ),
        (
            "配送",
            "delivery",
            "{author}您好，这次配送没有做好，非常抱歉。我们正在与物流公司核实。"
            "如果还有商品没有收到，请把订单号发给客服，我们今天就为您处理。",
        ),
        (
            "包装",
            "packaging",
            "{author}您好，感谢您反馈“{item}”到货时的情况。这不是我们希望您收到的样子，我们已转告仓库改进。"
            "破损的商品我们可以为您补发，只需提供订单号。",
        ),
        (
            "质量",
            "quality",
            "{author}您好，很抱歉“{item}”的质量没有达到应有的水平。您的意见已转给选品的同事。"
            "您可以退回商品，我们为您换货或退款。",
        ),
        (
            "尺码",
            "size",
            "{author}您好，很遗憾“{item}”的大小不合适，您可以换成其他尺码。感谢您写下实际感受，这对其他顾客很有帮助。",
        ),
        (
            "口味",
            "taste",
            "{author}您好，很抱歉“{item}”不合您的口味，我们已把您的意见转告采购。"
            "如果您觉得商品有问题，请把包装上的批号发给我们，我们会查明原因。",
        ),
        (
            "新鲜度",
            "freshness",
            "{author}您好，这种情况不应该发生，“{item}”送到时本该是新鲜的。"
            "我们正在核查储存环节，请提供订单号，我们为您退款。",
        ),
        (
            "价格",
            "price",
            "{author}您好，感谢您对“{item}”价格的坦率意见。我们会定期核对价格，您的反馈已转告负责的同事。",
        ),
        (
            "客服",
            "service",
            "{author}您好，很抱歉客服没有给您好的体验。我们想了解问题出在哪里，请带上订单号与我们联系。",
        ),
    ),
}


def missing(channel: str) -> int:
    """Return how many stock templates a shop does not have."""
    return len(_wanted(channel))


def create_defaults(channel: str) -> int:
    """Store the stock templates that a shop does not have; return how many were."""
    wanted = _wanted(channel)
    ReplyTemplate.objects.bulk_create(wanted, ignore_conflicts=True)
    return len(wanted)


def _wanted(channel: str) -> list[ReplyTemplate]:
    rows = ReplyTemplate.objects.filter(channel=channel)
    known = set(rows.values_list("language", "name"))
    return [
        ReplyTemplate(channel=channel, language=language, name=name, aspect=aspect, text=text)
        for language, those in STOCK.items()
        for name, aspect, text in those
        if (language, name) not in known
    ]
