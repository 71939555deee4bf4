import type { ReactNode } from "react";
import { problemWords } from "../i18n/problem-words";
import { useText } from "../i18n/text";

/** Something went wrong: what, and how to try again where that can help. */
export function ProblemNote({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  const { t } = useText();
  return (
    <div className="note note--bad" role="alert">
      <ProblemText error={error} />
      {onRetry && (
        <button type="button" className="button" onClick={onRetry}>
          {t("problem.retry")}
        </button>
      )}
    </div>
  );
}

export function ProblemText({ error }: { error: Error }) {
  const text = useText();
  return <p>{problemWords(text, error)}</p>;
}

/** Nothing to show, and why. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** Grey shapes where cards will be; told once to those who cannot see them. */
export function Loading({ cards }: { cards: number }) {
  const { t } = useText();
  return (
    <div className="grid" role="status" aria-label={t("loading")}>
      {Array.from({ length: cards }, (_, index) => (
        <div key={index} className="skeleton" />
      ))}
    </div>
  );
}
