import { useText } from "../../i18n/text";
import { OrderCard } from "./order-card";
import type { StageOrders } from "./stages";

interface ColumnsProps {
  stages: StageOrders[];
  fresh: ReadonlySet<string>;
}

/** One column a stage; a stage alone takes the whole width. */
export function Columns({ stages, fresh }: ColumnsProps) {
  const { t, number } = useText();
  return (
    <div className={stages.length === 1 ? "board board--single" : "board"}>
      {stages.map(({ stage, orders }) => (
        <section
          key={stage}
          className="column"
          data-stage={stage}
          data-empty={orders.length === 0 || undefined}
          aria-labelledby={`stage-${stage}`}
        >
          <h2 id={`stage-${stage}`}>
            {t(`stage.${stage}`)} <span className="chip-count">{number(orders.length)}</span>
          </h2>
          {orders.length === 0 && <p className="column-empty">{t(`stageEmpty.${stage}`)}</p>}
          <ul className="column-cards">
            {orders.map((order) => (
              <OrderCard key={order.id} order={order} fresh={fresh.has(order.id)} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}
