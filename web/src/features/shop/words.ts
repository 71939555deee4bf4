import type { Product } from "../../api/shop";
import type { Locale } from "../../i18n/locale";

export const nameOf = (product: Product, locale: Locale): string =>
  locale === "bn" ? product.nameBn || product.name : product.name;

export const describe = (product: Product, locale: Locale): string =>
  locale === "bn" ? product.descriptionBn || product.description : product.description;
