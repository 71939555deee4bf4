// @vitest-environment node
import { describe, expect, it } from "vitest";
import { Once, positionOf } from "../../client/src/once";

const heard = (events: [string, string?][]) => {
  const once = new Once();
  return events
    .filter(([name, offset]) => once.admits(name, positionOf([{}, offset])))
    .map((event) => event.join(" "));
};

describe("each durable event passes once", () => {
  it("and a repeated or older one does not", () => {
    expect(
      heard([
        ["a", "e:1.0"],
        ["a", "e:1.0"],
        ["a", "e:3.0"],
        ["a", "e:2.0"],
      ]),
    ).toEqual(["a e:1.0", "a e:3.0"]);
  });

  it("while one change is told under each of its names", () => {
    expect(
      heard([
        ["a", "e:1.0"],
        ["b", "e:1.1"],
        ["a", "e:1.0"],
      ]),
    ).toEqual(["a e:1.0", "b e:1.1"]);
  });

  it("while what carries no position always passes", () => {
    expect(heard([["typing"], ["typing"]])).toHaveLength(2);
  });

  it("and a new epoch begins from nothing", () => {
    expect(
      heard([
        ["a", "e:9.0"],
        ["a", "f:1.0"],
        ["a", "f:1.0"],
      ]),
    ).toEqual(["a e:9.0", "a f:1.0"]);
  });

  it("and a lone string is a payload, not an offset", () => {
    expect(positionOf(["e:1"])).toBeUndefined();
  });
});
