import type { ComponentPropsWithRef, MouseEvent } from "react";

interface ButtonProps extends ComponentPropsWithRef<"button"> {
  /** What it was pressed for is under way. */
  busy: boolean;
}

/**
 * A button that refuses further presses while what it was pressed for is under way, and keeps the focus meanwhile:
 * a disabled one would lose it, or swallow the keys, Escape too.
 */
export function Button({ busy, disabled, onClick, children, ...rest }: ButtonProps) {
  const locked = disabled === true && !busy;
  return (
    <button
      {...rest}
      disabled={locked}
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      onClick={busy ? refuse : onClick}
    >
      {children}
    </button>
  );
}

/** Enter in a field of a form presses its button, so that this keeps it from being sent again, too. */
const refuse = (event: MouseEvent) => event.preventDefault();
