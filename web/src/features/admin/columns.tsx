import { memo, useRef } from "react";
import { useText } from "../../i18n/text";
import { Cards } from "./cards";
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
  const alone = stages.length === 1;
  return (
    <div className={alone ? "board board--single" : "board"}>
      {stages.map(({ stage, orders }) => (
        <Column
          key={stage}
          stage={stage}
          orders={orders}
          fresh={stage === "new" ? fresh : NONE}
          searching={searching}
          alone={alone}
        />
      ))}
    </div>
  );
}

const NONE: ReadonlySet<string> = new Set();

interface ColumnProps extends StageOrders {
  fresh: ReadonlySet<string>;
  searching: boolean;
  alone: boolean;
}

const Column = memo(function Column({ stage, orders, fresh, searching, alone }: ColumnProps) {
  const { t, number } = useText();
  const column = useRef<HTMLElement>(null);
  const { places, waiting, letIn, pointing } = useStill(orders, searching);
  const focus = useKeptFocus(column, places);
  return (
    <section
      ref={column}
      tabIndex={-1}
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
      <Cards places={places} fresh={fresh} alone={alone} />
    </section>
  );
});
