import * as Dropdown from "@radix-ui/react-dropdown-menu";
import { type ComponentProps, type ReactNode, useState } from "react";

export interface MenuEntry {
  key: string;
  label: ReactNode;
  onSelect: () => void;
  danger?: boolean;
  testId?: string;
  /** More for tests and styles to know it by. */
  data?: Record<`data-${string}`, string>;
}

interface MenuProps {
  /** What the button is called; its picture is `children`. */
  label: string;
  testId?: string;
  entries: readonly MenuEntry[];
  children: ReactNode;
  className?: string;
}

/**
 * A button that opens a menu, worked by arrows, letters, Enter and Escape.
 *
 * Of the many on a board hardly one is opened: until it is, it is nothing but its button.
 */
export function Menu({ entries, ...button }: MenuProps) {
  const [used, setUsed] = useState(false);
  if (used) return <OpenedMenu entries={entries} {...button} />;
  return <MenuButton {...button} aria-haspopup="menu" aria-expanded={false} onClick={() => setUsed(true)} />;
}

function OpenedMenu({ entries, ...button }: MenuProps) {
  return (
    <Dropdown.Root defaultOpen modal={false}>
      <Dropdown.Trigger asChild>
        <MenuButton {...button} />
      </Dropdown.Trigger>
      {/* Within the page's main part, where a screen reader looks for what a page is about. */}
      <Dropdown.Portal container={document.getElementById("main")}>
        <Dropdown.Content className="card menu" align="end" sideOffset={4} collisionPadding={8}>
          {entries.map(({ key, label, onSelect, danger, testId, data }) => (
            <Dropdown.Item
              key={key}
              className={danger ? "menu-item menu-item--danger" : "menu-item"}
              data-testid={testId}
              {...data}
              onSelect={onSelect}
            >
              {label}
            </Dropdown.Item>
          ))}
        </Dropdown.Content>
      </Dropdown.Portal>
    </Dropdown.Root>
  );
}

type MenuButtonProps = Omit<MenuProps, "entries"> & ComponentProps<"button">;

function MenuButton({ label, testId, children, className, ...button }: MenuButtonProps) {
  return (
    <button
      type="button"
      className={className ?? "button button--icon"}
      aria-label={label}
      title={label}
      data-testid={testId}
      {...button}
    >
      {children}
    </button>
  );
}
