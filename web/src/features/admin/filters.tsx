import { useStore } from "zustand";
import { useText } from "../../i18n/text";
import type { Board } from "./board";
import { type Shown, type Stages, STAGES } from "./stages";

interface FiltersProps {
  board: Board;
  shown: Shown;
  onChange: (shown: Shown) => void;
}

/** Which stage, and what is looked for. */
export function Filters({ board, shown, onChange }: FiltersProps) {
  const { t, number } = useText();
  // Numbers alone: a change that moves nothing from stage to stage is nothing here.
  const counts = useStore(board.store, ({ stages }) => countsOf(stages)).split(",");
  const count = (stage: Shown["stage"]) =>
    stage === "all"
      ? counts.reduce((sum, each) => sum + Number(each), 0)
      : Number(counts[STAGES.indexOf(stage)]);
  return (
    <div className="filters">
      <div className="chips" role="group" aria-label={t("admin.filter")}>
        {(["all", ...STAGES] as const).map((stage) => (
          <button
            key={stage}
            type="button"
            className="chip"
            aria-pressed={shown.stage === stage}
            onClick={() => onChange({ ...shown, stage })}
          >
            {t(`stage.${stage}`)} <span className="chip-count">{number(count(stage))}</span>
          </button>
        ))}
      </div>
      <input
        type="search"
        className="search"
        aria-label={t("admin.search")}
        aria-keyshortcuts="/"
        placeholder={t("admin.search")}
        value={shown.words}
        onChange={({ target }) => onChange({ ...shown, words: target.value })}
      />
    </div>
  );
}

const countsOf = (stages: Stages): string => STAGES.map((stage) => stages[stage].length).join(",");
