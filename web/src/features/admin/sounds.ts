import { create } from "zustand";
import { persist } from "zustand/middleware";
import { useBoardSettings } from "./settings";

/** Ten orders in a second are one sound, not a siren. */
const PAUSE_MS = 1_200;
const TONE_S = 0.18;

/** Each thing that is heard has tones of its own, and how loud and how often they are played. */
const SOUNDS = {
  order: { tones_hz: [880, 1174.7], gain: 0.5, times: 1 },
  /** Of an order that nobody has opened. */
  unseen: { tones_hz: [880, 1174.7], gain: 1, times: 2 },
  cancelled: { tones_hz: [392, 311.1, 261.6], gain: 0.8, times: 2 },
  lost: { tones_hz: [523.3, 349.2], gain: 0.6, times: 1 },
  back: { tones_hz: [349.2, 523.3], gain: 0.4, times: 1 },
} as const;
export type Sound = keyof typeof SOUNDS;

interface SoundState {
  wanted: boolean;
  setWanted: (wanted: boolean) => void;
}

/** Whether this person wants to hear what happens. Kept; whether the browser lets them is another question. */
export const useSoundWanted = create<SoundState>()(
  persist((set) => ({ wanted: true, setWanted: (wanted) => set({ wanted }) }), { name: "ordercast.ring" }),
);

/** What the browser makes of it: `blocked` until the person has pressed something on this page. */
export const useAudioState = create<{ state: "none" | "blocked" | "running" }>()(() => ({ state: "none" }));

let audio: AudioContext | undefined;
const lastPlayed_ms: Partial<Record<Sound, number>> = {};

/** Makes ready to be heard; whether the browser allows it, `useAudioState` says. */
export function prepareSound(): void {
  if (typeof AudioContext === "undefined" || audio !== undefined) return;
  const context = new AudioContext();
  audio = context;
  const note = () => useAudioState.setState({ state: context.state === "running" ? "running" : "blocked" });
  context.addEventListener("statechange", note);
  note();
}

/** Makes sound possible. Browsers allow it only from within a gesture of the user. */
export async function allowSound(): Promise<void> {
  prepareSound();
  await audio?.resume();
}

/** Plays it, if sound is wanted and allowed. */
export function playSound(sound: Sound, now_ms = Date.now()): void {
  const isRecent = now_ms - (lastPlayed_ms[sound] ?? -Infinity) < PAUSE_MS;
  if (!useSoundWanted.getState().wanted || audio?.state !== "running" || isRecent) return;
  lastPlayed_ms[sound] = now_ms;
  const context = audio;
  const { tones_hz, gain, times } = SOUNDS[sound];
  const loudness = gain * useBoardSettings.getState().volume;
  const tones = Array.from({ length: times }, () => tones_hz).flat();
  tones.forEach((tone_hz, index) =>
    playTone(context, tone_hz, loudness, context.currentTime + index * TONE_S),
  );
}

const SILENT = 0.0001;

function playTone(context: AudioContext, tone_hz: number, loudness: number, start_s: number): void {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.frequency.value = tone_hz;
  // Fading in and out: a tone cut off at full loudness clicks.
  gain.gain.setValueAtTime(SILENT, start_s);
  gain.gain.exponentialRampToValueAtTime(Math.max(SILENT, loudness), start_s + 0.02);
  gain.gain.exponentialRampToValueAtTime(SILENT, start_s + TONE_S);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(start_s);
  oscillator.stop(start_s + TONE_S);
}
