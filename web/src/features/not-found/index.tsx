import { Link } from "wouter";
import { useText } from "../../i18n/text";
import { Empty } from "../../ui/notes";
import { Shell } from "../../ui/shell";

/** For an address that no page has. */
export default function NotFoundPage() {
  const { t } = useText();
  return (
    <Shell title={t("nav.notFound")}>
      <Empty title={t("nav.notFoundHint")}>
        <Link href="/" className="button button--primary">
          {t("nav.home")}
        </Link>
      </Empty>
    </Shell>
  );
}
