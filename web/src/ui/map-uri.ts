interface Place {
  lat: number;
  lng: number;
}

/**
 * Where a place, or an address as it is written, is shown on a map. Android opens the person's own application (RFC 5870,
 * with the question that its maps add to it); other systems know no such address, and get a page that shows it.
 */
export function mapUri(where: Place | string, userAgent = navigator.userAgent): string {
  const question = typeof where === "string" ? encodeURIComponent(where) : `${where.lat},${where.lng}`;
  if (/Android/.test(userAgent)) return `geo:${typeof where === "string" ? "0,0" : question}?q=${question}`;
  if (/iPhone|iPad|Macintosh/.test(userAgent)) return `https://maps.apple.com/?q=${question}`;
  if (typeof where === "string") return `https://www.openstreetmap.org/search?query=${question}`;
  return `https://www.openstreetmap.org/?mlat=${where.lat}&mlon=${where.lng}#map=17/${where.lat}/${where.lng}`;
}
