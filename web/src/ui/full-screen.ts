/** Fills the screen with the page, or no longer; where that is not possible, nothing happens. */
export const fullScreen = (): void =>
  void (
    document.fullscreenElement === null
      ? document.documentElement.requestFullscreen()
      : document.exitFullscreen()
  ).catch(() => undefined);
