/**
 * Runs what it is given at once, and what follows closely together with what follows that: of a rush each change is not
 * drawn by itself, and nobody waits longer than `every_ms` for one.
 */
export class Together {
  readonly #every_ms: number;
  #due: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ranAt_ms = -Infinity;

  constructor(every_ms: number) {
    this.#every_ms = every_ms;
  }

  run(job: () => void): void {
    const wait_ms = this.#ranAt_ms + this.#every_ms - performance.now();
    // A page in the background draws nothing, and its timers are late.
    if (this.#timer === undefined && (wait_ms <= 0 || isHidden())) {
      this.#ranAt_ms = performance.now();
      job();
      return;
    }
    this.#due.push(job);
    this.#timer ??= setTimeout(() => this.flush(), wait_ms);
  }

  /** Runs now what is due. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#ranAt_ms = performance.now();
    const due = this.#due;
    this.#due = [];
    for (const job of due) job();
  }

  /** Forgets what is due. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = [];
  }
}

const isHidden = () => typeof document !== "undefined" && document.hidden;
