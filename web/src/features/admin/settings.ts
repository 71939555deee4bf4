import { create } from "zustand";
import { persist } from "zustand/middleware";
import type { Stage } from "./stages";

/** Minutes in a stage after which a card is amber, and red. */
export interface Thresholds {
  amber: number;
  red: number;
}

export interface BoardSettings {
  /** To accept an order, and to do any other next step. */
  accept: Thresholds;
  work: Thresholds;
  /** How long a press can be taken back; 0 sends it at once. */
  undo_s: number;
  /** 0 to 1. */
  volume: number;
  compact: boolean;
}

interface SettingsState extends BoardSettings {
  change: (settings: Partial<BoardSettings>) => void;
}

/** How this person's board is set, on this device. */
export const useBoardSettings = create<SettingsState>()(
  persist(
    (set) => ({
      accept: { amber: 2, red: 5 },
      work: { amber: 15, red: 30 },
      undo_s: 8,
      volume: 0.5,
      compact: false,
      change: (settings) => set(settings),
    }),
    { name: "ordercast.board" },
  ),
);

export type Lateness = "fine" | "late" | "very-late";

/** How late an order is that has been in that stage for so long. */
export function lateness(stage: Stage, waited_ms: number, { accept, work }: BoardSettings): Lateness {
  if (stage === "done") return "fine";
  const { amber, red } = stage === "new" ? accept : work;
  const minutes = waited_ms / 60_000;
  return minutes >= red ? "very-late" : minutes >= amber ? "late" : "fine";
}
