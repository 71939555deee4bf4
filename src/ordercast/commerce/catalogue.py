"""Products, and the demo catalogue, priced in poisha (100 to a taka)."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256
from typing import Final

from msgspec import Struct

from .ids import RANDOM_BYTES, new_id
from .timestamps import Timestamp

DEMO_CURRENCY: Final = "BDT"
FEW_LEFT_MAX: Final = 10
"""From here on buyers are told that few are left."""


class Availability(StrEnum):
    """Whether a product can be had: what buyers are told of its stock."""

    IN_STOCK = "in_stock"
    FEW_LEFT = "few_left"
    SOLD_OUT = "sold_out"
    WITHDRAWN = "withdrawn"
    """It is not for sale any more."""


class Product(Struct, frozen=True, rename="camel"):
    """A product. `price` is in minor units of `currency`, before tax; `stock` is what is left."""

    id: str
    slug: str
    name: str
    name_bn: str
    description: str
    description_bn: str
    price: int
    currency: str
    stock: int
    tax_class: str
    image: str
    sold_out_until: str | None = None
    """Sold out until then, though there may be stock; null, or in the past, where it is not."""
    active: bool = True
    """Whether it can be ordered."""
    version: int = 1


def availability_of(*, active: bool, stock: int, sold_out_until: str | None, at: Timestamp) -> Availability:
    if not active:
        return Availability.WITHDRAWN
    if stock <= 0 or (sold_out_until is not None and sold_out_until > at):
        return Availability.SOLD_OUT
    return Availability.FEW_LEFT if stock <= FEW_LEFT_MAX else Availability.IN_STOCK


def _demo(slug: str, price: int, tax_class: str, stock: int, *, en: tuple[str, str], bn: tuple[str, str]) -> Product:
    # Derived from the slug, so that seeding twice is idempotent.
    product_id = new_id("prd", 1_760_000_000_000, sha256(slug.encode()).digest()[:RANDOM_BYTES])
    image = f"/images/{slug}.svg"
    return Product(product_id, slug, en[0], bn[0], en[1], bn[1], price, DEMO_CURRENCY, stock, tax_class, image)


# Enough for a day of generated traffic.
DEMO_CATALOGUE: Final[tuple[Product, ...]] = (
    _demo(
        "masala-chai", 4_000, "reduced", 500_000,
        en=("Masala chai", "Black tea boiled with milk, ginger and cardamom."),
        bn=("মসলা চা", "দুধ, আদা আর এলাচ দিয়ে জ্বাল দেওয়া চা।"),
    ),
    _demo(
        "green-tea", 5_000, "reduced", 300_000,
        en=("Green tea", "Leaves from the hills of Sylhet, steeped lightly."),
        bn=("সবুজ চা", "সিলেটের পাহাড়ি বাগানের হালকা চা।"),
    ),
    _demo(
        "filter-coffee", 9_000, "reduced", 200_000,
        en=("Filter coffee", "Dark roast, dripped slowly, topped with hot milk."),
        bn=("ফিল্টার কফি", "ধীরে ছাঁকা গাঢ় কফি, উপরে গরম দুধ।"),
    ),
    _demo(
        "mango-lassi", 12_000, "reduced", 200_000,
        en=("Mango lassi", "Ripe mango beaten with yoghurt and a little salt."),
        bn=("আমের লাচ্ছি", "পাকা আম, দই আর এক চিমটি লবণ।"),
    ),
    _demo(
        "samosa", 2_500, "reduced", 500_000,
        en=("Samosa", "Crisp pastry around potatoes, peas and cumin."),
        bn=("সমুচা", "আলু, মটর আর জিরার পুর ভরা মচমচে সমুচা।"),
    ),
    _demo(
        "paratha", 3_000, "reduced", 400_000,
        en=("Paratha", "Layered flatbread, fried on the iron plate."),
        bn=("পরোটা", "তাওয়ায় ভাজা পরতে পরতে রুটি।"),
    ),
    _demo(
        "chicken-biryani", 32_000, "reduced", 150_000,
        en=("Chicken biryani", "Fragrant rice and chicken, cooked in one sealed pot."),
        bn=("চিকেন বিরিয়ানি", "ঢাকা হাঁড়িতে রান্না সুগন্ধি চাল আর মুরগি।"),
    ),
    _demo(
        "dal-fry", 11_000, "exempt", 200_000,
        en=("Dal fry", "Red lentils finished with garlic and dried chilli."),
        bn=("ডাল ফ্রাই", "রসুন আর শুকনা মরিচের ফোড়ন দেওয়া মসুর ডাল।"),
    ),
    _demo(
        "hilsa-curry", 55_000, "reduced", 60_000,
        en=("Hilsa curry", "River hilsa in mustard sauce."),
        bn=("সর্ষে ইলিশ", "সর্ষে বাটায় রান্না নদীর ইলিশ।"),
    ),
    _demo(
        "roshogolla", 3_500, "standard", 400_000,
        en=("Roshogolla", "Soft cheese balls in light syrup."),
        bn=("রসগোল্লা", "পাতলা সিরায় নরম ছানার মিষ্টি।"),
    ),
    _demo(
        "mishti-doi", 8_000, "standard", 200_000,
        en=("Mishti doi", "Sweet yoghurt set in an earthen cup."),
        bn=("মিষ্টি দই", "মাটির ভাঁড়ে পাতা মিষ্টি দই।"),
    ),
    _demo(
        "jilapi", 2_995, "standard", 400_000,
        en=("Jilapi", "Crisp spirals soaked in syrup, served warm."),
        bn=("জিলাপি", "সিরায় ডোবানো গরম মচমচে জিলাপি।"),
    ),
    _demo(
        "lemon-sherbet", 6_050, "reduced", 300_000,
        en=("Lemon sherbet", "Lemon, rock sugar and crushed ice."),
        bn=("লেবুর শরবত", "লেবু, মিছরি আর কুচি বরফ।"),
    ),
    _demo(
        "fruit-box", 24_000, "exempt", 80_000,
        en=("Fruit box", "What is ripe today: guava, papaya, pineapple, banana."),
        bn=("ফলের বাক্স", "আজকের পাকা ফল: পেয়ারা, পেঁপে, আনারস, কলা।"),
    ),
)  # fmt: skip
