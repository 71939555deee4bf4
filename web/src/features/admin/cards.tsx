import { defaultRangeExtractor, type Range, useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import { type FocusEvent, useCallback, useRef, useState } from "react";
import { CardHeights } from "./card-heights";
import { OrderCard } from "./order-card";
import { useLanes } from "./use-lanes";
import type { Place } from "./use-still";

/** As many are simply there; of more, only those in sight and near it: a thousand nodes less for each twenty cards. */
const FEW = 8;
const GAP_PX = 10;
const NEARBY = 2;

/** As the browser tells it after its own layout: to ask at once would force one for each card that comes. */
function measured(
  element: HTMLElement,
  entry: ResizeObserverEntry | undefined,
  { indexFromElement, options, itemSizeCache }: Virtualizer<HTMLDivElement, HTMLElement>,
): number {
  const [box] = entry?.borderBoxSize ?? [];
  if (box !== undefined) return Math.round(box.blockSize);
  const index = indexFromElement(element);
  return itemSizeCache.get(options.getItemKey(index)) ?? options.estimateSize(index);
}

interface CardsProps {
  places: readonly Place[];
  fresh: ReadonlySet<string>;
  /** The only column of the board: as many cards beside each other as fit. */
  alone: boolean;
}

/** The cards of a column, in a box that scrolls. */
export function Cards({ places, fresh, alone }: CardsProps) {
  const box = useRef<HTMLDivElement>(null);
  const [focused, setFocused] = useState<string>();
  const lanes = useLanes(box, alone);
  const [heights] = useState(() => new CardHeights());
  const firstSeen = useRef(0);
  const few = places.length <= FEW;
  const rangeExtractor = useCallback(
    (range: Range) => {
      firstSeen.current = range.startIndex;
      // The card with the focus stays: else the focus would be nowhere. So do those that an arrow leads to, wherever the
      // column has been scrolled to meanwhile: a key that comes before the next drawing goes to the very next card.
      const kept = places.findIndex(({ order }) => order.id === focused);
      const near = defaultRangeExtractor(range);
      if (kept === -1) return near;
      const around = [kept - 1, kept, kept + 1].filter((index) => index >= 0 && index < range.count);
      return [...new Set([...near, ...around])].sort((a, b) => a - b);
    },
    [places, focused],
  );
  // eslint-disable-next-line react-hooks/incompatible-library -- it is not memoized, and nothing of it is passed on
  const virtual = useVirtualizer<HTMLDivElement, HTMLElement>({
    count: places.length,
    enabled: !few,
    getScrollElement: () => box.current,
    getItemKey: (index) => places[index]?.order.id ?? index,
    estimateSize: (index) => {
      const order = places[index]?.order;
      return order === undefined ? 0 : heights.expected(order, index < firstSeen.current);
    },
    overscan: NEARBY,
    gap: GAP_PX,
    lanes,
    rangeExtractor,
    measureElement: (element, entry, virtualizer) => {
      const height_px = measured(element, entry, virtualizer);
      const order = places[virtualizer.indexFromElement(element)]?.order;
      if (entry !== undefined && order !== undefined) heights.measured(order, height_px);
      return height_px;
    },
  });
  const items = few ? places.map((_, index) => ({ index, start: 0, lane: 0 })) : virtual.getVirtualItems();
  return (
    <div
      ref={box}
      className="column-scroll"
      onFocus={({ target }: FocusEvent<HTMLElement>) => {
        setFocused(target.closest<HTMLElement>("[data-order-id]")?.dataset["orderId"]);
      }}
    >
      <ul
        className={few ? "column-cards" : "column-cards column-cards--many"}
        style={few ? undefined : { height: virtual.getTotalSize() }}
      >
        {items.map(({ index, start, lane }) => {
          const place = places[index];
          if (place === undefined) return null;
          return (
            <li
              key={place.order.id}
              ref={few ? undefined : virtual.measureElement}
              data-index={index}
              style={
                few
                  ? undefined
                  : {
                      transform: `translateY(${start}px)`,
                      width: `calc((100% - ${(lanes - 1) * GAP_PX}px) / ${lanes})`,
                      insetInlineStart: `calc((100% + ${GAP_PX}px) / ${lanes} * ${lane})`,
                    }
              }
            >
              <OrderCard order={place.order} fresh={fresh.has(place.order.id)} gone={place.gone} />
            </li>
          );
        })}
      </ul>
    </div>
  );
}
