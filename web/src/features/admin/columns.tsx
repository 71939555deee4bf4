import { useRef } from "react";
import { useText } from "../../i18n/text";
import { OrderCard } from "./order-card";
import type { StageOrders } from "./stages";
import { useKeptFocus } from "./use-kept-focus";
import { useStill } from "./use-still";

interface ColumnsProps {
  stages: StageOrders[];
  fresh: ReadonlySet<string>;
  searching: boolean;
}

/** One column a stage; a stage alone takes the whole width. */
export function Columns({ stages, fresh, searching }: ColumnsProps) {
  return (
    <div className={stages.length === 1 ? "board board--single" : "board"}>
      {stages.map((each) => (
        // Another search is another list, in which nothing stands still from the one before.
        <Column key={`${each.stage} ${searching}`} {...each} fresh={fresh} searching={searching} />
      ))}
    </div>
  );
}

function Column({ stage, orders, fresh, searching }: StageOrders & Omit<ColumnsProps, "stages">) {
  const { t, number } = useText();
  const column = useRef<HTMLElement>(null);
  const { places, waiting, letIn, pointing } = useStill(orders);
  const focus = useKeptFocus(column, places);
  return (
    <section
      ref={column}
      className="column"
      data-stage={stage}
      data-empty={places.length === 0 || undefined}
      aria-labelledby={`stage-${stage}`}
      {...pointing}
      {...focus}
    >
      <div className="column-head">
        <h2 id={`stage-${stage}`}>
          {t(`stage.${stage}`)} <span className="chip-count">{number(orders.length)}</span>
        </h2>
        {waiting > 0 && (
          <button type="button" className="chip column-new" data-testid="column-new" onClick={letIn}>
            {t("column.new", { count: waiting })}
          </button>
        )}
      </div>
      {places.length === 0 && (
        <p className="column-empty">{t(searching ? "stageEmpty.noMatch" : `stageEmpty.${stage}`)}</p>
      )}
      <ul className="column-cards">
        {places.map(({ order, gone }) => (
          <OrderCard key={order.id} order={order} fresh={fresh.has(order.id)} gone={gone} />
        ))}
      </ul>
    </section>
  );
}
