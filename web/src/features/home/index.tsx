import { useText } from "../../i18n/text";
import { useLive } from "../../live/use-live";
import { Connection } from "../../ui/connection";
import { PlaceLink } from "../../ui/place-link";
import { Shell } from "../../ui/shell";
import { homeOf } from "../session/home-of";
import { useSession } from "../session/session";
import "./home.css";

const PLACES = [
  { href: "/shop", key: "shop", image: "/images/fruit-box.svg" },
  { href: "/admin", key: "admin", image: "/images/masala-chai.svg" },
  { href: "/bookings", key: "bookings", image: "/images/green-tea.svg" },
  { href: "/driver", key: "driver", image: "/images/hilsa-curry.svg" },
  { href: "/test-socket", key: "test", image: "/images/lemon-sherbet.svg" },
] as const;

/** For people of the shop only: a stranger is shown one door of theirs, where all of them sign in. */
const OF_THE_SHOP: readonly string[] = ["/admin", "/bookings", "/driver"];
const FOR_STRANGERS: readonly string[] = ["/shop", "/admin", "/test-socket"];

/** What whoever looks may do here, their own first. */
function placesFor(role: string | undefined) {
  if (role === undefined) return PLACES.filter(({ href }) => FOR_STRANGERS.includes(href));
  const home = homeOf(role);
  const isStaff = home === "/admin";
  const isTheirs = (href: string) => href === home || (isStaff && href === "/bookings");
  return PLACES.filter(({ href }) => isTheirs(href) || !OF_THE_SHOP.includes(href)).toSorted(
    (a, b) => Number(b.href === home) - Number(a.href === home),
  );
}

export default function HomePage() {
  const { t } = useText();
  const session = useSession();
  const { snapshot } = useLive();
  return (
    <Shell
      title={t("home.title")}
      tabTitle={t("home.tab")}
      lead={session ? t("home.yours", { name: session.user.name }) : t("home.lead")}
      tools={<Connection snapshot={snapshot} />}
    >
      <ul className="places">
        {placesFor(session?.user.role).map(({ href, key, image }) => (
          <li key={href} className="card place">
            <img src={image} alt="" width="240" height="180" />
            <h2>
              <PlaceLink href={href}>{t(`home.${key}`)}</PlaceLink>
            </h2>
            <p className="muted">{t(`home.${key}Text`)}</p>
          </li>
        ))}
      </ul>
      <p className="muted home-foot">
        {t("home.track")} <PlaceLink href="/orders">{t("home.findOrder")}</PlaceLink>{" "}
        <a href="/docs">{t("home.docs")}</a>
      </p>
    </Shell>
  );
}
