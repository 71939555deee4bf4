/**
 * Words that change, in an element that goes with them. A browser that translates the page puts nodes of its own in
 * the place of ours, and would go on showing what stood there.
 */
export function KeyedText({ children }: { children: string }) {
  return <span key={children}>{children}</span>;
}
