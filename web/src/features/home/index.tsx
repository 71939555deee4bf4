import { useText } from "../../i18n/text";
import { useLive } from "../../live/use-live";
import { Connection } from "../../ui/connection";
import { PlaceLink } from "../../ui/place-link";
import { Shell } from "../../ui/shell";
import "./home.css";

const PLACES = [
  { href: "/shop", key: "shop", image: "/images/fruit-box.svg" },
  { href: "/admin", key: "admin", image: "/images/masala-chai.svg" },
  { href: "/test-socket", key: "test", image: "/images/lemon-sherbet.svg" },
] as const;

export default function HomePage() {
  const { t } = useText();
  const { snapshot } = useLive();
  return (
    <Shell
      title={t("home.title")}
      tabTitle={t("home.tab")}
      lead={t("home.lead")}
      tools={<Connection snapshot={snapshot} />}
    >
      <ul className="places">
        {PLACES.map(({ href, key, image }) => (
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
        {t("home.track")} <a href="/docs">{t("home.docs")}</a>
      </p>
    </Shell>
  );
}
