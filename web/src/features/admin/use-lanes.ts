import { type RefObject, useLayoutEffect, useState } from "react";

/** A card is hardly narrower than this. */
const LANE_PX = 290;

/** How many cards stand beside each other in a box: one, or where it is alone as many as fit. */
export function useLanes(box: RefObject<HTMLElement | null>, alone: boolean): number {
  const [lanes, setLanes] = useState(1);
  useLayoutEffect(() => {
    const element = box.current;
    if (!alone || element === null) return;
    const measure = () => setLanes(Math.max(1, Math.floor(element.clientWidth / LANE_PX)));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [box, alone]);
  return alone ? lanes : 1;
}
