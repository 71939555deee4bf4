import { type ReactNode, useState } from "react";
import { PaymentBadge, StatusBadge } from "../../ui/badges";
import { Button } from "../../ui/button";
import { Connection } from "../../ui/connection";
import { Dialog } from "../../ui/dialog";
import { Field, SelectField } from "../../ui/field";
import * as Icons from "../../ui/icons";
import { Empty, Loading, ProblemNote } from "../../ui/notes";
import { Shell } from "../../ui/shell";
import { Sums } from "../../ui/sums";
import { SUMS, STATUSES_SHOWN, TOKENS } from "./samples";
import "./design.css";

/** Every token and part that the pages are made of, beside each other. In development only, and in English. */
export default function DesignPage() {
  const [open, setOpen] = useState(false);
  return (
    <Shell title="Design" lead="What the pages are made of." wide>
      <Part name="Colours">
        <ul className="grid">
          {TOKENS.map((name) => (
            <li key={name} className="card swatch">
              <span style={{ background: `var(${name})` }} />
              <code>{name}</code>
            </li>
          ))}
        </ul>
      </Part>
      <Part name="Buttons">
        {["", "primary", "soft", "danger", "quiet", "small"].map((kind) => (
          <button key={kind} type="button" className={kind === "" ? "button" : `button button--${kind}`}>
            {kind === "" ? "button" : kind}
          </button>
        ))}
        <button type="button" className="button button--primary" disabled>
          disabled
        </button>
        <Button type="button" className="button button--primary" busy>
          busy
        </Button>
      </Part>
      <Part name="Fields">
        <Field label="A field" name="plain" hint="Its hint." />
        <Field label="One at fault" name="wrong" error="What is wrong with it." defaultValue="x" />
        <SelectField label="A choice" name="choice">
          <option>One</option>
          <option>Another</option>
        </SelectField>
      </Part>
      <Part name="States of orders">
        {STATUSES_SHOWN.map((status) => (
          <StatusBadge key={status} order={{ status, fulfilment: "delivery" }} />
        ))}
        <PaymentBadge order={{ paymentStatus: "paid", paymentInfo: { method: "card" } }} />
        <PaymentBadge order={{ paymentStatus: "failed", paymentInfo: { method: "card" } }} />
      </Part>
      <Part name="Connection">
        {(["connected", "connecting", "disconnected"] as const).map((state) => (
          <Connection key={state} snapshot={{ ...OFFLINE, state }} />
        ))}
      </Part>
      <Part name="Notes">
        <ProblemNote error={new Error("What went wrong, in a sentence.")} onRetry={() => undefined} />
        <Empty title="Nothing here">
          <p className="muted">And what to do about it.</p>
        </Empty>
        <Loading cards={2} />
      </Part>
      <Part name="Sums">
        <Sums of={SUMS} totalId="design-total" />
      </Part>
      <Part name="Icons">
        {Object.entries(Icons).map(([name, Icon]) => (
          <span key={name} className="design-icon">
            <Icon /> {name}
          </span>
        ))}
      </Part>
      <Part name="Dialog">
        <button type="button" className="button" onClick={() => setOpen(true)}>
          Ask
        </button>
        {open && (
          <Dialog title="A question" onClose={() => setOpen(false)}>
            <div className="dialog-actions">
              <button type="button" className="button" onClick={() => setOpen(false)}>
                Go back
              </button>
            </div>
          </Dialog>
        )}
      </Part>
    </Shell>
  );
}

const OFFLINE = {
  socketId: undefined,
  transport: undefined,
  recovered: false,
  readyAt: undefined,
  identity: undefined,
  problem: undefined,
};

function Part({ name, children }: { name: string; children: ReactNode }) {
  return (
    <section className="design-part" aria-label={name}>
      <h2>{name}</h2>
      <div className="design-shown">{children}</div>
    </section>
  );
}
