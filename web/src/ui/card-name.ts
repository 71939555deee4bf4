interface Card {
  brand?: string | null;
  last4?: string | null;
}

/** A card as its holder knows it, such as `Visa •••• 4242`; undefined where nothing is known of it. */
export function cardName({ brand, last4 }: Card): string | undefined {
  const parts = [
    ...(brand ? [brand.charAt(0).toUpperCase() + brand.slice(1)] : []),
    ...(last4 ? [`•••• ${last4}`] : []),
  ];
  return parts.length > 0 ? parts.join(" ") : undefined;
}
