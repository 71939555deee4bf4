// @vitest-environment node
import { describe, expect, it } from "vitest";
import { covers, parsePosition } from "../../client/src/position";

const at = parsePosition;

describe("a position", () => {
  it("names an epoch, a change, and one event of it or all", () => {
    expect(at("e1:42")).toEqual({ epoch: "e1", seq: 42, event: Infinity });
    expect(at("e1:42.3")).toEqual({ epoch: "e1", seq: 42, event: 3 });
  });

  it.each(["", "42", "e1:", "e1:x", ":4", "e1:4.", "a:b:4", 42, null, undefined])(
    "is not read from %j",
    (text) => {
      expect(at(text)).toBeUndefined();
    },
  );

  it("covers what lies at or before it, in its own epoch alone", () => {
    expect(covers(at("e1:42"), at("e1:42.3"))).toBe(true);
    expect(covers(at("e1:42.3"), at("e1:42"))).toBe(false);
    expect(covers(at("e1:41"), at("e1:42.0"))).toBe(false);
    expect(covers(at("e2:99"), at("e1:1"))).toBe(false);
    expect(covers(undefined, at("e1:1"))).toBe(false);
    expect(covers(undefined, undefined)).toBe(true);
  });
});
