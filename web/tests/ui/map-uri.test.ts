import { expect, it } from "vitest";
import { mapUri } from "../../src/ui/map-uri";

const PLACE = { lat: 23.7901, lng: 90.4 };

it.each([
  ["Mozilla/5.0 (Linux; Android 16)", "geo:23.7901,90.4?q=23.7901,90.4", "geo:0,0?q=12%20Lake%20Road"],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X)",
    "https://maps.apple.com/?q=23.7901,90.4",
    "https://maps.apple.com/?q=12%20Lake%20Road",
  ],
  [
    "Mozilla/5.0 (X11; Linux x86_64)",
    "https://www.openstreetmap.org/?mlat=23.7901&mlon=90.4#map=17/23.7901/90.4",
    "https://www.openstreetmap.org/search?query=12%20Lake%20Road",
  ],
])("leads to a map that %s can open", (agent, place, address) => {
  expect(mapUri(PLACE, agent)).toBe(place);
  expect(mapUri("12 Lake Road", agent)).toBe(address);
});
