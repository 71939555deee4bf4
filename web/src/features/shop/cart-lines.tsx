import { useId, useState } from "react";
import { flushSync } from "react-dom";
import type { Product } from "../../api/shop";
import { useText } from "../../i18n/text";
import { NOTE_MAX, QUANTITY_MAX, type Remembered, useCart } from "../../stores/cart";
import { Field } from "../../ui/field";
import { Cross } from "../../ui/icons";
import { nameOf } from "./words";

export interface SoldLine {
  product: Product;
  quantity: number;
}
/** Of a product that the catalogue has no more. */
export interface GoneLine {
  gone: Remembered & { id: string };
  quantity: number;
}
export type Line = SoldLine | GoneLine;

export const isSold = (line: Line): line is SoldLine => "product" in line;

interface CartLinesProps {
  lines: Line[];
  /** What the server finds wrong with a line, by its place in the cart. */
  faultAt: (index: number, field: "quantity" | "note") => string | undefined;
}

export function CartLines({ lines, faultAt }: CartLinesProps) {
  return (
    <ul className="cart-lines">
      {lines.map((line, index) =>
        isSold(line) ? (
          <CartLine
            key={line.product.id}
            {...line}
            name={`cartItems.${index}`}
            fault={faultAt(index, "quantity")}
            noteFault={faultAt(index, "note")}
          />
        ) : (
          <WithdrawnLine key={line.gone.id} {...line.gone} />
        ),
      )}
    </ul>
  );
}

function WithdrawnLine({ id, image, ...names }: GoneLine["gone"]) {
  const { t, locale } = useText();
  const setQuantity = useCart((state) => state.setQuantity);
  const name = (locale === "bn" && names.nameBn) || names.name || t("cart.something");
  return (
    <li className="cart-line cart-line--gone" data-testid="withdrawn-line">
      {image !== "" && <img src={image} alt="" width="56" height="42" />}
      <span className="cart-line-name">{name}</span>
      <button
        type="button"
        className="button button--quiet button--icon"
        aria-label={t("cart.remove", { name })}
        onClick={() => setQuantity(id, 0)}
      >
        <Cross />
      </button>
      <p className="field-error">{t("cart.gone")}</p>
    </li>
  );
}

interface CartLineProps extends SoldLine {
  /** Of its fields, before their own. */
  name: string;
  fault: string | undefined;
  noteFault: string | undefined;
}

function CartLine({ product, quantity, name: field, fault, noteFault }: CartLineProps) {
  const { t, money, locale } = useText();
  const setQuantity = useCart((state) => state.setQuantity);
  const id = useId();
  const name = nameOf(product, locale);
  const most = Math.max(Math.min(product.stock, QUANTITY_MAX), 1);
  return (
    <li className="cart-line">
      <img src={product.image} alt="" width="56" height="42" />
      <span className="cart-line-name">{name}</span>
      <span className="cart-line-total">{money(product.price * quantity, product.currency)}</span>
      <label className="visually-hidden" htmlFor={id}>
        {t("cart.quantity", { name })}
      </label>
      <input
        id={id}
        name={`${field}.quantity`}
        className="cart-line-quantity"
        type="number"
        inputMode="numeric"
        min={1}
        max={most}
        value={quantity}
        aria-invalid={fault !== undefined || undefined}
        aria-describedby={fault === undefined ? undefined : `${id}-note`}
        onChange={({ target }) => {
          if (target.valueAsNumber >= 1) setQuantity(product.id, target.valueAsNumber);
        }}
      />
      <button
        type="button"
        className="button button--quiet button--icon"
        aria-label={t("cart.remove", { name })}
        onClick={() => setQuantity(product.id, 0)}
      >
        <Cross />
      </button>
      {fault !== undefined && (
        <p className="field-error" id={`${id}-note`}>
          {fault}
        </p>
      )}
      <LineNote id={product.id} product={name} field={`${field}.note`} fault={noteFault} />
    </li>
  );
}

interface LineNoteProps {
  id: string;
  /** How it is called. */
  product: string;
  field: string;
  fault: string | undefined;
}

/** What the kitchen is to know of it: a field for whoever asks for one. */
function LineNote({ id, product, field, fault }: LineNoteProps) {
  const { t } = useText();
  const note = useCart((state) => state.notes[id] ?? "");
  const setNote = useCart((state) => state.setNote);
  const [isOpen, setOpen] = useState(note !== "");
  // Whoever has asked for the field types into it.
  const open = () => flushSync(() => setOpen(true));
  if (!isOpen && note === "")
    return (
      <button
        type="button"
        className="button button--quiet button--small cart-line-note"
        data-testid="note-add"
        aria-label={t("cart.addNoteTo", { name: product })}
        onClick={({ currentTarget }) => {
          const line = currentTarget.closest("li");
          open();
          line?.querySelector<HTMLElement>(".cart-line-note input")?.focus();
        }}
      >
        {t("cart.addNote")}
      </button>
    );
  return (
    <div className="cart-line-note">
      <Field
        label={t("cart.noteFor", { name: product })}
        name={field}
        autoComplete="off"
        maxLength={NOTE_MAX}
        value={note}
        error={fault}
        onChange={({ target }) => setNote(id, target.value)}
      />
    </div>
  );
}

/** What the catalogue says, while the server has not said more: tax and delivery are its to reckon. */
export function Estimate({ lines }: { lines: SoldLine[] }) {
  const { t, money } = useText();
  const sum = lines.reduce((total, { product, quantity }) => total + product.price * quantity, 0);
  return (
    <div className="estimate">
      <p>
        <span>{t("cart.estimate")}</span>
        <strong>{money(sum, lines[0]?.product.currency ?? "BDT")}</strong>
      </p>
      <p className="muted">{t("cart.estimateNote")}</p>
    </div>
  );
}
