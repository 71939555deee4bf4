import { Component, type ReactNode } from "react";
import { useText } from "../i18n/text";

interface BoundaryState {
  broken: boolean;
}

/** Catches what no page expected, such as a part of the program that a newer version has replaced on the server. */
export class Boundary extends Component<{ children: ReactNode }, BoundaryState> {
  override state: BoundaryState = { broken: false };

  static getDerivedStateFromError(): BoundaryState {
    return { broken: true };
  }

  override render(): ReactNode {
    return this.state.broken ? <Broken /> : this.props.children;
  }
}

function Broken() {
  const { t } = useText();
  return (
    <main className="page">
      <div className="note note--bad" role="alert">
        <p>{t("problem.broken")}</p>
        <button type="button" className="button" onClick={() => location.reload()}>
          {t("problem.reload")}
        </button>
      </div>
    </main>
  );
}
