import { createServer, type IncomingMessage, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type ServerOptions } from "socket.io";

export interface Asked {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: unknown;
}

interface Answered {
  status?: number;
  body: unknown;
}
type Answer = (asked: Asked) => Answered | Promise<Answered>;

/** A real Socket.IO server of the reference implementation, with a few HTTP answers beside it. */
export class NodeServer {
  readonly io: Server;
  readonly asked: Asked[] = [];
  readonly #http: HttpServer;
  readonly #answers = new Map<string, Answer>();

  constructor(options: Partial<ServerOptions> = {}) {
    this.#http = createServer((request, response) => {
      if (request.url?.startsWith("/socket.io/")) return;
      void this.#answer(request).then(({ status, body }) => {
        const type = status < 400 ? "application/json" : "application/problem+json";
        response.writeHead(status, { "Content-Type": type }).end(JSON.stringify(body));
      });
    });
    this.io = new Server(this.#http, { cors: { origin: "*" }, ...options });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#http.listen(0, "127.0.0.1", resolve));
    return this;
  }

  async stop(): Promise<void> {
    await this.io.close();
  }

  /** Answers `GET /path` and the like; a query is left out of the comparison. */
  on(route: string, answer: Answer): this {
    this.#answers.set(route, answer);
    return this;
  }

  /** Those of the requests so far that went to `route`. */
  askedFor(route: string): Asked[] {
    return this.asked.filter(({ method, path }) => `${method} ${path.split("?")[0] ?? ""}` === route);
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const { method = "", url = "", headers } = request;
    const asked: Asked = { method, path: url, headers, body: text === "" ? undefined : JSON.parse(text) };
    this.asked.push(asked);
    const answer = this.#answers.get(`${method} ${url.split("?")[0] ?? ""}`);
    if (answer === undefined) return { status: 404, body: { title: "Not found", status: 404 } };
    return { status: 200, ...(await answer(asked)) };
  }
}
