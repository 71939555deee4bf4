import { useId } from "react";
import type { Product } from "../../api/shop";
import { useText } from "../../i18n/text";
import { QUANTITY_MAX, type Remembered, useCart } from "../../stores/cart";
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
  /** What the server finds wrong with the quantity of a line, by its place in the cart. */
  faultAt: (index: number) => string | undefined;
}

export function CartLines({ lines, faultAt }: CartLinesProps) {
  return (
    <ul className="cart-lines">
      {lines.map((line, index) =>
        isSold(line) ? (
          <CartLine
            key={line.product.id}
            {...line}
            name={`cartItems.${index}.quantity`}
            fault={faultAt(index)}
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
  name: string;
  fault: string | undefined;
}

function CartLine({ product, quantity, name: field, fault }: CartLineProps) {
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
        name={field}
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
    </li>
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
