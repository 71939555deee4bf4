import type { ReactNode } from "react";

/** Icons say nothing to a screen reader: the words beside them do. */
function Icon({ children }: { children: ReactNode }) {
  return (
    <svg
      className="icon"
      viewBox="0 0 24 24"
      aria-hidden="true"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
    >
      <g strokeLinecap="round" strokeLinejoin="round">
        {children}
      </g>
    </svg>
  );
}

export const Logo = () => (
  <svg className="icon icon--logo" viewBox="0 0 32 32" aria-hidden="true">
    <rect width="32" height="32" rx="9" fill="var(--accent)" />
    <g fill="none" stroke="var(--on-accent)" strokeWidth="2.6" strokeLinecap="round">
      <path d="M10 21.5a8.5 8.5 0 0 1 0-11" />
      <path d="M22 10.5a8.5 8.5 0 0 1 0 11" />
    </g>
    <circle cx="16" cy="16" r="3.4" fill="var(--on-accent)" />
  </svg>
);

export const Sun = () => (
  <Icon>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4" />
  </Icon>
);

export const Moon = () => (
  <Icon>
    <path d="M20 14.2A8 8 0 1 1 9.8 4a6.4 6.4 0 0 0 10.2 10.2Z" />
  </Icon>
);

export const Bell = () => (
  <Icon>
    <path d="M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15L6 16ZM10 20.5h4" />
  </Icon>
);

export const BellOff = () => (
  <Icon>
    <path d="M6 16V11a6 6 0 0 1 9.5-4.9M18 11v5l1.5 2h-12M10 20.5h4M4 4l16 16" />
  </Icon>
);

export const Dots = () => (
  <Icon>
    <path d="M5 12h.01M12 12h.01M19 12h.01" strokeWidth="3" />
  </Icon>
);

export const Inbox = () => (
  <Icon>
    <path d="M4 13l3-8h10l3 8v6H4v-6ZM4 13h5a3 3 0 0 0 6 0h5" />
  </Icon>
);

export const Lines = () => (
  <Icon>
    <path d="M4 7h16M4 12h16M4 17h16" />
  </Icon>
);

export const Check = () => (
  <Icon>
    <path d="m5 12.5 4.5 4.5L19 7.5" />
  </Icon>
);

export const Cross = () => (
  <Icon>
    <path d="M7 7l10 10M17 7 7 17" />
  </Icon>
);

export const Basket = () => (
  <Icon>
    <path d="M4 10h16l-1.6 9.2H5.6L4 10ZM8 10l3-6M16 10l-3-6" />
  </Icon>
);
