import { type ReactNode, useEffect, useRef } from "react";
import { Link, useLocation } from "wouter";
import { useSession } from "../features/session/session";
import { useText } from "../i18n/text";
import { Logo } from "./icons";
import { PlaceLink } from "./place-link";
import { LanguageSwitch, ThemeToggle } from "./preferences";

interface ShellProps {
  title: string;
  /** What the browser's tab says, where it is more than the title. */
  tabTitle?: string;
  /** Beside the title: state and actions of the page. */
  tools?: ReactNode;
  /** A sentence under the title. */
  lead?: ReactNode;
  wide?: boolean;
  /** For a page that is a tool: the frame is one line, with the title and its tools in it, and no other places. */
  bar?: boolean;
  children: ReactNode;
}

const PLACES = [
  ["/shop", "nav.shop"],
  ["/book", "nav.book"],
  ["/orders", "nav.orders"],
  ["/admin", "nav.admin"],
  ["/bookings", "nav.bookings"],
  ["/driver", "nav.driver"],
  ["/chat", "nav.chat"],
  ["/test-socket", "nav.test"],
] as const;
type Place = (typeof PLACES)[number][0];

/** A stranger is shown what a customer is, and the door by which the shop's people come in. */
const OF_STRANGERS: readonly Place[] = ["/shop", "/book", "/orders", "/admin", "/chat", "/test-socket"];
const OF_STAFF: readonly Place[] = ["/admin", "/bookings", "/chat", "/shop", "/test-socket"];
const PLACES_OF: Readonly<Record<string, readonly Place[]>> = {
  admin: OF_STAFF,
  store: OF_STAFF,
  carer: ["/bookings", "/chat", "/test-socket"],
  driver: ["/driver", "/chat", "/test-socket"],
  customer: ["/shop", "/book", "/orders", "/chat", "/test-socket"],
};

/** The frame of every page. A change of route puts the focus on its heading, so that it is read out. */
export function Shell({
  title,
  tabTitle = title,
  tools,
  lead,
  wide = false,
  bar = false,
  children,
}: ShellProps) {
  const { t } = useText();
  useTabTitle(`${tabTitle} · Ordercast`);
  if (bar)
    return (
      <>
        <a className="skip" href="#main">
          {t("nav.skip")}
        </a>
        <header className="masthead masthead--bar">
          <Link href="/" className="brand" aria-label="Ordercast">
            <Logo />
          </Link>
          <Heading>{title}</Heading>
          <div className="page-tools">{tools}</div>
        </header>
        <main id="main" className="page page--tool">
          {children}
        </main>
      </>
    );
  return (
    <>
      <a className="skip" href="#main">
        {t("nav.skip")}
      </a>
      <header className="masthead">
        <Link href="/" className="brand">
          <Logo /> Ordercast
        </Link>
        <nav aria-label={t("nav.label")}>
          <Places />
        </nav>
        <div className="preferences">
          <LanguageSwitch />
          <ThemeToggle />
        </div>
      </header>
      <main id="main" className={wide ? "page page--wide" : "page"}>
        <div className="page-head">
          <div>
            <Heading>{title}</Heading>
            {lead !== undefined && <p className="lead">{lead}</p>}
          </div>
          {tools !== undefined && <div className="page-tools">{tools}</div>}
        </div>
        {children}
      </main>
    </>
  );
}

/** The browser's own part redraws its tabs for each title: of twenty in a second nobody reads more than one. */
const TITLE_EVERY_MS = 1_000;

function useTabTitle(title: string): void {
  const set_ms = useRef(-Infinity);
  useEffect(() => {
    const set = () => {
      document.title = title;
      set_ms.current = performance.now();
    };
    const left_ms = set_ms.current + TITLE_EVERY_MS - performance.now();
    if (left_ms <= 0) {
      set();
      return;
    }
    const timer = setTimeout(set, left_ms);
    return () => clearTimeout(timer);
  }, [title]);
}

function Places() {
  const { t } = useText();
  const role = useSession()?.user.role;
  const theirs = (role === undefined ? undefined : PLACES_OF[role]) ?? OF_STRANGERS;
  return PLACES.filter(([href]) => theirs.includes(href)).map(([href, key]) => (
    <PlaceLink key={href} href={href}>
      {t(key)}
    </PlaceLink>
  ));
}

// The first page is read from its top by the browser itself; only later ones need the focus moved.
let routeSeen: string | undefined;

function Heading({ children }: { children: ReactNode }) {
  const ref = useRef<HTMLHeadingElement>(null);
  const [location] = useLocation();
  useEffect(() => {
    if (routeSeen !== undefined && routeSeen !== location) {
      ref.current?.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    }
    routeSeen = location;
  }, [location]);
  return (
    <h1 ref={ref} tabIndex={-1}>
      {children}
    </h1>
  );
}
