import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import TestSocketPage from "../../../src/features/test-socket";
import { argumentsIn } from "../../../src/features/test-socket/echo";
import { NodeServer } from "../../support/node-server";
import { expectAccessible, show } from "../../support/page";

let server: NodeServer;
const user = userEvent.setup();

beforeEach(async () => {
  server = await new NodeServer().start();
  server.io.on("connection", (socket) => {
    socket.on("echo", (...args: unknown[]) => (args.pop() as (...answer: unknown[]) => void)(...args));
  });
});

afterEach(() => server.stop());

const state = () => screen.getByTestId("socket-state").dataset["state"];
const reaches = (wanted: string) => waitFor(() => expect(state()).toBe(wanted));
const fact = (name: string) => screen.getByTestId(name).textContent;

describe("the connection test", () => {
  it("connects without a token and shows id, transport and upgrade", async () => {
    show(<TestSocketPage />, server);
    await reaches("connected");
    const [socket] = server.io.sockets.sockets.values();
    expect(socket?.handshake.auth).toEqual({});
    expect(fact("socket-id")).toBe(socket?.id);
    await waitFor(() => expect(fact("socket-transport")).toBe("websocket"));
    expect(fact("event-log")).toContain("polling → websocket");
    await expectAccessible();
  });

  it("disconnects and connects again by its buttons", async () => {
    show(<TestSocketPage />, server);
    await reaches("connected");
    await user.click(screen.getByTestId("socket-disconnect"));
    await reaches("disconnected");
    expect(fact("socket-id")).toBe("—");
    await user.click(screen.getByTestId("socket-connect"));
    await reaches("connected");
  });

  it.each(["polling", "websocket"])("keeps to %s when told to", async (only) => {
    show(<TestSocketPage />, server);
    await reaches("connected");
    await user.selectOptions(screen.getByRole("combobox", { name: "Transports" }), only);
    await waitFor(() => expect([state(), fact("socket-transport")]).toEqual(["connected", only]));
    const socket = server.io.sockets.sockets.get(fact("socket-id"));
    expect(socket?.conn.transport.name).toBe(only);
  });

  it("logs whatever arrives", async () => {
    show(<TestSocketPage />, server);
    await reaches("connected");
    server.io.emit("anything", 1, { two: [3] }, "four");
    await waitFor(() => expect(fact("event-log")).toContain(`anything 1, {"two":[3]}, "four"`));
    await user.click(screen.getByRole("button", { name: "Clear" }));
    expect(fact("event-log")).toBe("");
  });

  it("sends several arguments and shows what comes back with the ack", async () => {
    show(<TestSocketPage />, server);
    await reaches("connected");
    await user.clear(screen.getByTestId("echo-input"));
    await user.type(screen.getByTestId("echo-input"), `1, [[true, null], {{"a": "b"}`);
    await user.click(screen.getByTestId("echo-send"));
    await waitFor(() => expect(fact("echo-result")).toBe(`1, [true,null], {"a":"b"}`));
  });

  it("says at the field when the arguments are not JSON", async () => {
    show(<TestSocketPage />, server);
    await user.clear(screen.getByTestId("echo-input"));
    await user.type(screen.getByTestId("echo-input"), `1, `);
    await user.click(screen.getByTestId("echo-send"));
    expect(await screen.findByText("These are not JSON values with commas between them.")).toBeTruthy();
    expect(screen.getByTestId("echo-input").getAttribute("aria-invalid")).toBe("true");
  });
});

describe("the arguments", () => {
  it.each([
    [`1, "a", null`, [1, "a", null]],
    ["", []],
    ["hello there", ["hello there"]],
    ["হ্যালো", ["হ্যালো"]],
  ])("of %j are read", (text, values) => {
    expect(argumentsIn(text)).toEqual(values);
  });

  it.each(["{", "1,", "[1", `"a`])("%j are refused", (text) => {
    expect(() => argumentsIn(text)).toThrow(SyntaxError);
  });
});
