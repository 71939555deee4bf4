import { create } from "zustand";
import { persist } from "zustand/middleware";

/** Ten orders in a second are one sound, not a siren. */
const PAUSE_MS = 1_200;
const TONES_HZ = [880, 1174.7];
const TONE_S = 0.18;
/** How loud, and how often the tones are played: of an order that nobody has opened, twice as both. */
const USUAL = { gain: 0.25, times: 1 };
const URGENT = { gain: 0.5, times: 2 };

interface SoundState {
  wanted: boolean;
  setWanted: (wanted: boolean) => void;
}

/** Whether this person wants to hear orders arrive. */
export const useNewOrderSound = create<SoundState>()(
  persist((set) => ({ wanted: false, setWanted: (wanted) => set({ wanted }) }), { name: "ordercast.ring" }),
);

let audio: AudioContext | undefined;
let lastPlayed_ms = 0;

/** Makes sound possible. Browsers allow it only from within a gesture of the user. */
export async function allowSound(): Promise<void> {
  if (typeof AudioContext === "undefined") return;
  audio ??= new AudioContext();
  await audio.resume();
}

/** Two short tones, if they are wanted and allowed; more and louder ones for what is urgent. */
export function playNewOrderSound(now_ms: number, { urgent = false } = {}): void {
  if (!useNewOrderSound.getState().wanted || audio?.state !== "running" || now_ms - lastPlayed_ms < PAUSE_MS)
    return;
  lastPlayed_ms = now_ms;
  const context = audio;
  const { gain, times } = urgent ? URGENT : USUAL;
  const tones = Array.from({ length: times }, () => TONES_HZ).flat();
  tones.forEach((tone_hz, index) => playTone(context, tone_hz, gain, context.currentTime + index * TONE_S));
}

function playTone(context: AudioContext, tone_hz: number, loudness: number, start_s: number): void {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.frequency.value = tone_hz;
  // Fading in and out: a tone cut off at full loudness clicks.
  gain.gain.setValueAtTime(0.0001, start_s);
  gain.gain.exponentialRampToValueAtTime(loudness, start_s + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.0001, start_s + TONE_S);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(start_s);
  oscillator.stop(start_s + TONE_S);
}
