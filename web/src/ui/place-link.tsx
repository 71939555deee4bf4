import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";

// The one page that may connect anywhere: the server says so with the document, so it has one of its own.
const APART = "/test-socket";

interface PlaceLinkProps {
  href: string;
  children: ReactNode;
}

/** A link to one of the pages; it says which of them is open. */
export function PlaceLink({ href, children }: PlaceLinkProps) {
  const [location] = useLocation();
  const current = location === href ? "page" : undefined;
  if (href !== location && (href === APART || location === APART)) {
    return (
      <a href={href} aria-current={current}>
        {children}
      </a>
    );
  }
  return (
    <Link href={href} aria-current={current}>
      {children}
    </Link>
  );
}
